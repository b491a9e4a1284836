//! Running the test command: how it ends, what is kept, what is gone.

use std::fs;
use std::time::Duration;

use kcode::journal::RelPath;
use kcode::sandbox::{Worker, WorkerPlan};
use kcode::settings::TestCommand;

use super::world::World;

#[tokio::test]
async fn a_run_says_how_it_ended_and_what_was_written() {
    let world = World::new();
    let run = world.run("echo out; echo err >&2; exit 3").await;
    assert_eq!((run.exit_code, run.signal, run.stopped.as_deref()), (Some(3), None, None));
    assert_eq!(world.log(&run), "out\nerr\n");
    assert!(run.excerpt.starts_with("exit status: 3"), "{}", run.excerpt);
    assert!(run.excerpt.contains("out\nerr\n"));
    assert!(!run.passed());
    let killed = world.run("echo last words; kill -SEGV $$").await;
    assert_eq!((killed.exit_code, killed.signal), (None, Some(11)));
    assert!(killed.excerpt.contains("SIGSEGV") && killed.excerpt.contains("last words"), "{}", killed.excerpt);
    assert_ne!(run.log, killed.log);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_result_and_no_error() {
    let world = World::new();
    let plan = WorkerPlan { tests: Some(TestCommand::argv(["no-such-program-here"])), ..world.plan("") };
    let (worker, _) = Worker::start(plan).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(run.exit_code, Some(127));
    assert!(run.excerpt.contains("no-such-program-here could not be started"), "{}", run.excerpt);
}

#[tokio::test]
async fn a_filter_is_arguments_and_never_shell() {
    let world = World::new();
    let worker = world.worker("printf '%s\\n'").await;
    let filter = ["$(touch pwned)".to_owned(), "a b; touch pwned".to_owned()];
    let run = worker.run_tests(&filter).await.unwrap();
    assert_eq!(world.log(&run), "$(touch pwned)\na b; touch pwned\n");
    assert!(!world.view().join("pwned").exists());
}

#[tokio::test]
async fn the_broker_may_name_another_command_than_the_one_for_tests() {
    let world = World::new();
    let worker = world.worker("echo tests").await;
    let dir = RelPath::new("sub").ok();
    fs::create_dir(world.view().join("sub")).unwrap();
    let run = worker.run_command(&TestCommand::shell("basename $PWD").in_dir(dir)).await.unwrap();
    assert_eq!((run.command.as_str(), world.log(&run)), ("basename $PWD", "sub\n".to_owned()));
    assert_eq!(world.log(&worker.run_tests(&[]).await.unwrap()), "tests\n");
}

#[tokio::test]
async fn a_daemon_ends_with_the_command_although_it_holds_the_pipe() {
    let world = World::new();
    let run = world.run(&format!("{}; echo done", world.daemon())).await;
    assert_eq!(run.exit_code, Some(0));
    assert_eq!(world.log(&run), "done\n");
    assert_eq!(world.daemons(), 0);
}

#[tokio::test]
async fn the_deadline_ends_a_command_that_ignores_being_asked() {
    let world = World::new();
    let line = format!("{}; trap '' TERM; echo before; while :; do sleep 1; done", world.daemon());
    let (worker, _) =
        Worker::start(WorkerPlan { deadline: Duration::from_secs(1), ..world.plan(&line) }).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(run.stopped.as_deref(), Some("deadline"));
    assert!(world.log(&run).contains("before\n") && run.excerpt.contains("deadline of 1 s"), "{}", run.excerpt);
    assert_eq!(world.daemons(), 0);
}

#[tokio::test]
async fn a_deadline_holds_for_a_command_that_never_stops_writing() {
    let world = World::new();
    let (worker, _) =
        Worker::start(WorkerPlan { deadline: Duration::from_secs(1), ..world.plan("yes") }).await.unwrap();
    assert_eq!(worker.run_tests(&[]).await.unwrap().stopped.as_deref(), Some("deadline"));
}

#[tokio::test]
async fn silence_ends_a_command_and_what_it_wrote_on_being_asked_is_kept() {
    let world = World::new();
    let line = "echo before; trap 'echo asked; exit 1' TERM; sleep 1000 & wait";
    let (worker, _) = Worker::start(WorkerPlan { idle: Duration::from_millis(500), ..world.plan(line) }).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(run.stopped.as_deref(), Some("idle"));
    assert_eq!(world.log(&run), "before\nasked\n");
}

#[tokio::test]
async fn cancelling_ends_the_run_that_is_on_and_those_that_wait() {
    let world = World::new();
    let worker = world.worker(&format!("echo begun; {}; echo > ready; exec sleep 1000", world.daemon())).await;
    let cancel = async {
        world.has("ready").await;
        worker.cancel_all().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(worker.run_tests(&[]), worker.run_tests(&[]), cancel);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.stopped.as_deref(), Some("cancelled"));
    assert_eq!(second.stopped.as_deref(), Some("cancelled"));
    assert_eq!([world.log(&first), world.log(&second)].concat(), "begun\n");
    assert_eq!(world.daemons(), 0);
}

#[tokio::test]
async fn a_cancel_does_not_reach_the_next_run() {
    let world = World::new();
    let worker = world.worker("echo fine").await;
    worker.cancel_all().await.unwrap();
    assert!(worker.run_tests(&[]).await.unwrap().passed());
}

#[tokio::test]
async fn a_hundred_megabytes_cost_little_memory_and_a_bounded_log() {
    let world = World::new();
    let worker = world.worker("echo first; head -c 100000000 /dev/zero | tr '\\0' '\\n'; echo last").await;
    let run = worker.run_tests(&[]).await.unwrap();
    assert!(run.passed() && run.excerpt.contains("first\n") && run.excerpt.contains("last\n"), "{}", run.excerpt);
    let log = world.folder.join("run/logs").join(&run.log).metadata().unwrap().len();
    assert!((16 << 20..17 << 20).contains(&log), "{log} bytes of log");
    let status = fs::read_to_string(format!("/proc/{}/status", world.host())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let peak_kb: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(peak_kb < 96 * 1024, "{peak}");
}
