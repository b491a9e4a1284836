//! How a worker ends, and what its commands know of the broker.

use std::fs;
use std::process::Command;

use kcode::sandbox::{Worker, WorkerError, WorkerPlan};
use kcode::settings::Sandbox;

use super::world::{World, until};

/// Names the folder of the world when this binary plays a broker that will be killed, or has secrets.
const ROLE: &str = "KCODE_TEST_BROKER";

#[tokio::test]
async fn stopping_kills_what_still_runs_and_says_so() {
    let world = World::new();
    let worker = world.worker(&format!("{}; echo > ready; exec sleep 1000", world.daemon())).await;
    tokio::select! {
        run = worker.run_tests(&[]) => panic!("the command ended by itself: {run:?}"),
        () = world.has("ready") => {}
    }
    let residue = worker.stop().await;
    assert!(residue.killed >= 2, "{residue:?}");
    assert_eq!(residue.survivors, 0);
    assert_eq!(world.daemons(), 0);
}

#[tokio::test]
async fn dropping_a_worker_leaves_no_process() {
    let world = World::new();
    let worker = world.worker(&format!("{}; echo > ready; exec sleep 1000", world.daemon())).await;
    tokio::select! {
        run = worker.run_tests(&[]) => panic!("the command ended by itself: {run:?}"),
        () = world.has("ready") => {}
    }
    drop(worker);
    until("host and daemon to be gone", || world.living().is_empty()).await;
}

#[tokio::test]
async fn a_worker_that_dies_is_an_error_with_a_hint_and_takes_its_commands_along() {
    let world = World::new();
    let line = format!("{}; kill -9 $PPID; sleep 1000", world.daemon());
    let (worker, _) = Worker::start(WorkerPlan { sandbox: Sandbox::Off, ..world.plan(&line) }).await.unwrap();
    let error = worker.run_tests(&[]).await.unwrap_err();
    assert!(matches!(error, WorkerError::Died { .. }), "{error}");
    assert!(error.to_string().contains("137") && !error.hint().is_empty(), "{error}");
    assert_eq!(world.daemons(), 0);
    assert!(matches!(worker.run_tests(&[]).await, Err(WorkerError::Died { .. })));
    assert_eq!(worker.stop().await.survivors, 0);
}

/// Not a test of its own: the broker of those below, in a process that they may kill.
#[tokio::test]
async fn broker() {
    let Ok(folder) = std::env::var(ROLE) else { return };
    let world = World::of_another_process(&folder);
    let line = fs::read_to_string(world.folder.join("line")).unwrap();
    let plan =
        WorkerPlan { child_env: vec!["KCODE_TEST_NAMED".into(), "MOONSHOT_API_KEY".into()], ..world.plan(&line) };
    let (worker, _) = Worker::start(plan).await.unwrap();
    worker.run_tests(&[]).await.unwrap();
}

fn broker_process(world: &World, line: &str) -> Command {
    fs::write(world.folder.join("line"), line).unwrap();
    let mut broker = Command::new(std::env::current_exe().unwrap());
    broker.args(["--exact", "sandbox::endings::broker"]).env(ROLE, &world.folder);
    broker
}

#[tokio::test]
async fn killing_the_broker_ends_everything() {
    let world = World::new();
    let line = format!("{}; echo > ready; exec sleep 1000", world.daemon());
    let mut broker = broker_process(&world, &line).spawn().unwrap();
    world.has("ready").await;
    broker.kill().unwrap();
    broker.wait().unwrap();
    until("host and daemon to be gone", || world.living().is_empty()).await;
}

#[tokio::test]
async fn commands_see_an_environment_without_secrets() {
    let world = World::new();
    let mut broker = broker_process(&world, "env > seen; echo home: \"$HOME\" >> seen");
    let secrets = ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "SOME_VARIABLE", "MOONSHOT_API_KEY"];
    broker.envs(secrets.map(|name| (name, "hunter2"))).env("KCODE_TEST_NAMED", "let in");
    assert!(broker.status().unwrap().success());
    let seen = fs::read_to_string(world.view().join("seen")).unwrap();
    assert!(!seen.contains("hunter2"), "{seen}");
    assert!(seen.contains("KCODE_TEST_NAMED=let in") && seen.contains("CI=1"), "{seen}");
    assert!(seen.contains(&format!("home: {}", world.folder.join("run/scratch/home").display())), "{seen}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_and_no_worker() {
    let world = World::new();
    let error =
        Worker::start(WorkerPlan { view: world.folder.join("nowhere"), ..world.plan("true") }).await.unwrap_err();
    assert!(matches!(error, WorkerError::Spawn(_)), "{error}");
}
