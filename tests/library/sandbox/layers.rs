//! What the kernel refuses to commands: attacks that must fail, with namespaces and without.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;

use kcode::journal::SandboxBuilt;
use kcode::sandbox::{Worker, WorkerError, WorkerPlan};
use kcode::settings::Sandbox;
use landlock::{AccessFs, Ruleset, RulesetAttr};
use tempfile::TempDir;

use super::world::World;
use crate::support::skipped::{Need, given, has_program, skipped};

/// Whether the sandbox should protect files and processes on this kernel.
fn expected(wall: &SandboxBuilt) -> (bool, bool) {
    let layer = |name: &str| wall.layers.iter().find(|layer| layer.name == name).unwrap();
    let abi: u32 = layer("landlock").detail.strip_prefix("ABI ").and_then(|abi| abi.parse().ok()).unwrap_or_default();
    // Landlock leaves the modes of the user's files to whoever owns them.
    (abi >= 3 && layer("namespaces").holds, abi >= 6)
}

/// What commands must not be able to do, with or without namespaces. `host` is the worker's.
fn attacks(world: &World, host: u32) -> Vec<String> {
    let outside = world.outside().display().to_string();
    let logs = world.folder.join("run/logs").display().to_string();
    let broker = std::process::id();
    // In a PID namespace these PIDs name no process, or another one.
    let is_broker = format!("tr '\\0' ' ' < /proc/{broker}/cmdline | grep -q deps/worker-");
    let is_host = format!("tr '\\0' ' ' < /proc/{host}/cmdline | grep -q '__worker host'");
    vec![
        format!("echo x > {outside}/new"),
        format!("echo x >> {outside}/secret"),
        format!("cat {outside}/secret"),
        format!("ls {outside}"),
        format!("ln -s {outside}/secret link && cat link"),
        format!("ln -s {outside} folder && echo x > folder/new"),
        format!("ln {outside}/secret hard"),
        format!("mv {outside}/secret moved"),
        format!("touch inside && mv inside {outside}/inside"),
        format!("cat /proc/self/root{outside}/secret"),
        format!("cat /proc/{broker}/root{outside}/secret"),
        format!("{is_broker} && cat /proc/{broker}/environ"),
        format!("{is_host} && cat /proc/{host}/environ"),
        "cat /proc/1/environ".to_owned(),
        format!("{is_broker} && kill -0 {broker}"),
        format!("{is_host} && kill -0 {host}"),
        format!("rm -f {logs}/tests-1.log; test ! -e {logs}/tests-1.log"),
        format!("echo forged > {logs}/forged.log"),
        "cat /etc/shadow".to_owned(),
        "mount -t tmpfs tmpfs .".to_owned(),
    ]
}

/// Those of [`attacks`] that succeed in a sandbox that `judge` accepts.
async fn open(world: &World, judge: impl Fn(&SandboxBuilt)) -> Vec<String> {
    let (worker, wall) = Worker::start(world.plan("sh attacks.sh")).await.unwrap();
    let attacks = attacks(world, world.host());
    let lines: Vec<String> = attacks
        .iter()
        .enumerate()
        .map(|(n, attack)| format!("if ({attack}) > /dev/null 2>&1; then echo open: {n}; fi"))
        .collect();
    fs::write(world.view().join("attacks.sh"), lines.join("\n")).unwrap();
    judge(&wall);
    assert_eq!((wall.tree, wall.process), expected(&wall), "{wall:?}");
    if !wall.process {
        return Vec::new(); // An old kernel; what it leaves open was reported.
    }
    let run = worker.run_tests(&[]).await.unwrap();
    assert!(run.passed());
    world.log(&run).lines().map(|line| attacks[line["open: ".len()..].parse::<usize>().unwrap()].clone()).collect()
}

#[tokio::test]
async fn the_kernel_keeps_commands_inside() {
    let world = World::new();
    assert_eq!(open(&world, |_| {}).await, Vec::<String>::new());
    assert_eq!(fs::read_to_string(world.outside().join("secret")).unwrap(), "hunter2");
}

/// Refuses namespaces to workers that this thread starts: who is in a Landlock domain can't mount.
pub(crate) fn refuse_namespaces() {
    let rules = Ruleset::default().handle_access(AccessFs::MakeBlock).unwrap().create().unwrap();
    rules.restrict_self().unwrap();
}

#[tokio::test]
async fn without_namespaces_the_other_layers_hold_and_the_gap_is_named() {
    refuse_namespaces();
    let world = World::new();
    let judge = |wall: &SandboxBuilt| {
        let spaces = wall.layers.iter().find(|layer| layer.name == "namespaces").unwrap();
        assert!(!spaces.holds && wall.network, "{wall:?}");
    };
    assert_eq!(open(&world, judge).await, Vec::<String>::new());

    let strict = WorkerPlan { sandbox: Sandbox::Strict, ..world.plan("true") };
    let error = Worker::start(strict).await.unwrap_err();
    let WorkerError::SandboxIncomplete { guards, .. } = &error else { panic!("{error}") };
    assert!(guards.contains(&"files"), "{guards:?}");
    assert!(error.to_string().contains("nothing guards files (namespaces: root: "), "{error}");
}

/// Starts a worker with namespaces; `None` where the kernel doesn't give them to us.
async fn enclosed(plan: WorkerPlan) -> Option<Worker> {
    let (worker, wall) = Worker::start(plan).await.unwrap();
    let holds = wall.layers.iter().any(|layer| layer.name == "namespaces" && layer.holds);
    given(Need::PidNamespaces, holds).then_some(worker)
}

#[tokio::test]
async fn a_namespace_leaves_no_network_no_sockets_and_no_modes() {
    let world = World::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = world.outside().join("socket");
    let _unix = UnixListener::bind(&socket).unwrap();
    let script = format!(
        "import os, socket as s\n\
         def attack(name, what):\n    \
             try: what(); print('open:', name)\n    \
             except OSError: pass\n\
         attack('tcp', lambda: s.create_connection(('127.0.0.1', {}), 5))\n\
         attack('unix', lambda: s.socket(s.AF_UNIX).connect('{}'))\n\
         attack('chmod', lambda: os.chmod('/usr/bin/env', os.stat('/usr/bin/env').st_mode))\n\
         attack('utime', lambda: os.utime('{}'))\n\
         s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {}))\n",
        tcp.local_addr().unwrap().port(),
        socket.display(),
        world.outside().join("secret").display(),
        udp.local_addr().unwrap().port(),
    );
    fs::write(world.view().join("attacks.py"), script).unwrap();
    if !has_program("python3") {
        return;
    }
    let line = "python3 attacks.py";
    let Some(worker) = enclosed(world.plan(line)).await else { return };
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!((run.exit_code, world.log(&run)), (Some(0), String::new()));
    udp.set_nonblocking(true).unwrap();
    assert!(udp.recv(&mut [0; 1]).is_err(), "a datagram got out");
}

#[tokio::test]
async fn the_temporary_folder_is_private_and_links_lead_where_they_did() {
    let world = World::new();
    if world.folder.starts_with("/tmp") {
        // The run's own folders have to be shown there, so that only `$TMPDIR` is for commands to write.
        skipped(Need::Other("a target folder outside of /tmp"));
        return;
    }
    let mark = world.folder.file_name().unwrap().to_str().unwrap().to_owned();
    let line = format!("echo x > /tmp/{mark}.private && cat /tmp/{mark}.private && ls / /bin/sh && pwd");
    let Some(worker) = enclosed(world.plan(&line)).await else { return };
    let run = worker.run_tests(&[]).await.unwrap();
    assert!(run.passed(), "{}", world.log(&run));
    assert!(world.log(&run).ends_with(&format!("{}\n", world.view().display())));
    assert!(!Path::new(&format!("/tmp/{mark}.private")).exists());
}

#[tokio::test]
async fn strict_accepts_a_whole_wall() {
    let world = World::new();
    if enclosed(world.plan("true")).await.is_none() {
        return;
    }
    let (worker, wall) = Worker::start(WorkerPlan { sandbox: Sandbox::Strict, ..world.plan("true") }).await.unwrap();
    assert!(wall.tree && wall.process && wall.network);
    assert!(worker.run_tests(&[]).await.unwrap().passed());
}

#[tokio::test]
async fn folders_that_the_view_links_to_can_be_read_and_not_written() {
    // The second world lies in a folder of which commands have a private one.
    for world in [World::new(), World::within(TempDir::new_in("/tmp").unwrap())] {
        std::os::unix::fs::symlink(world.outside(), world.view().join("node_modules")).unwrap();
        let line = "cat node_modules/secret; echo x > node_modules/new; echo x > ../logs/forged";
        let plan = WorkerPlan { readable: vec![world.outside()], ..world.plan(line) };
        let (worker, wall) = Worker::start(plan).await.unwrap();
        let run = worker.run_tests(&[]).await.unwrap();
        assert!(world.log(&run).starts_with("hunter2"), "{}", world.log(&run));
        assert_eq!(world.outside().join("new").exists(), !wall.tree);
        assert_eq!(world.folder.join("run/logs/forged").exists(), !wall.tree);
    }
}

#[tokio::test]
async fn off_confines_nothing_and_says_so() {
    let world = World::new();
    let (outside, broker) = (world.outside().display().to_string(), std::process::id());
    let line =
        format!("cat {outside}/secret && echo x > {outside}/new && kill -0 {broker} $PPID && cat /proc/$PPID/environ");
    let (worker, wall) = Worker::start(WorkerPlan { sandbox: Sandbox::Off, ..world.plan(&line) }).await.unwrap();
    assert!(!wall.tree && !wall.process && !wall.network);
    // What the sandbox refuses elsewhere in this file is possible without one: those tests can fail.
    assert!(worker.run_tests(&[]).await.unwrap().passed());
}
