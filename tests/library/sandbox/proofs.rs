//! The proof: what is tried before the first call, and that each attempt could succeed.

use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Command, Stdio};

use kcode::journal::{Guard, Proof};
use kcode::sandbox::Worker;

use super::layers::refuse_namespaces;
use super::world::World;

fn open(proofs: &[Proof]) -> Vec<&str> {
    proofs.iter().filter(|proof| !proof.held).map(|proof| proof.attempt.as_str()).collect()
}

#[tokio::test]
async fn everything_is_tried_before_the_first_call_and_nothing_is_left_of_it() {
    let world = World::new();
    let (worker, wall) =
        Worker::start(world.plan("ls -A; ls -A \"$TMPDIR\" /tmp /dev/shm | grep kcode")).await.unwrap();
    for (guard, least) in [(Guard::Files, 10), (Guard::Processes, 8), (Guard::Network, 5)] {
        assert!(wall.proof.iter().filter(|proof| proof.guards == guard).count() >= least, "{:?}", wall.proof);
    }
    if wall.layers.iter().all(|layer| layer.holds || layer.only_bounds()) {
        assert_eq!(open(&wall.proof), Vec::<&str>::new());
    }
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(world.log(&run), "", "the proof left something in the view");
    for place in [std::env::home_dir().unwrap(), world.folder.join("run")] {
        let own = format!(".kcode-bait-{}", std::process::id());
        let left = fs::read_dir(place).unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy() == own);
        assert_eq!(left.count(), 0);
    }
}

#[tokio::test]
async fn without_namespaces_modes_are_what_is_open() {
    refuse_namespaces();
    let world = World::new();
    let (_worker, wall) = Worker::start(world.plan("true")).await.unwrap();
    assert!(!wall.tree);
    if wall.process {
        assert_eq!(open(&wall.proof), ["change a file's mode outside the view"], "{:?}", wall.proof);
    }
}

/// The attempts, made by a process that nothing confines.
fn unconfined(world: &World) -> Vec<Proof> {
    let bait = world.folder.join("bait");
    fs::create_dir(&bait).unwrap();
    fs::write(bait.join("secret"), "hunter2").unwrap();
    let mut broker = Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", broker.id())).unwrap();
    let began: u64 = stat.rsplit(") ").next().unwrap().split(' ').nth(19).unwrap().parse().unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    // The folder's name would be too long for an address from some build folders.
    let short = tempfile::tempdir().unwrap();
    let _path = UnixListener::bind(short.path().join("s")).unwrap();
    let name = format!("kcode-test-{}", std::process::id());
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let targets = serde_json::json!({
        "broker": [broker.id(), began],
        "secret": bait.join("secret"),
        "tcp": tcp.local_addr().unwrap().port(),
        "udp": null,
        "path_socket": short.path().join("s"),
        "abstract_socket": name,
        "own": world.folder.join("run/scratch"),
    });
    let proofs = fs::File::create(world.folder.join("proofs")).unwrap();
    let mut prover = Command::new(env!("CARGO_BIN_EXE_kcode"));
    prover.args(["__worker", "prove", &targets.to_string()]).env("MARK", &world.folder).stdout(proofs);
    assert!(prover.status().unwrap().success());
    broker.kill().unwrap();
    broker.wait().unwrap();
    end_lingering(world);
    serde_json::from_slice(&fs::read(world.folder.join("proofs")).unwrap()).unwrap()
}

/// Nobody watched the prover here, so what it left is still there.
fn end_lingering(world: &World) {
    let mark = format!("MARK={}\0", world.folder.display());
    let pids: Vec<String> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| fs::read_to_string(entry.path().join("environ")).is_ok_and(|text| text.contains(&mark)))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(pids.len(), 1, "what a prover leaves is alive until somebody ends it");
    assert!(Command::new("kill").arg("-9").args(pids).status().unwrap().success());
}

#[test]
fn without_a_wall_the_attempts_succeed() {
    let world = World::new();
    let proofs = unconfined(&world);
    let open = open(&proofs);
    for attempt in [
        "write a file outside the view",
        "write a file beside kcode's own",
        "make a folder outside the view",
        "change a file outside the view",
        "change a file's mode outside the view",
        "read a secret in the home folder",
        "read it through a link",
        "connect to a TCP port of this machine",
        "connect to a socket file of this machine",
        "connect to an abstract socket of this machine",
        "read kcode's environment",
        "signal kcode",
    ] {
        assert!(open.contains(&attempt), "{attempt}: {proofs:?}");
    }
}
