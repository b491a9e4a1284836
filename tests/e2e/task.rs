//! Where a task may come from, and what is no task.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::kimi::MockKimi;
use crate::world::{TASK, World, mender};

/// The task that the model was given.
fn heard(kimi: &MockKimi) -> String {
    kimi.requests()[0].last_text().to_owned()
}

#[test]
fn a_task_comes_from_standard_input() {
    let (world, kimi) = (World::new(), mender());
    let mut command = world.keyed(&kimi, &["fix", "-"]);
    let mut running = world.start({
        command.stdin(Stdio::piped());
        command
    });
    running.child().stdin.take().unwrap().write_all("\n mend the grüße \n".as_bytes()).unwrap();
    let ran = running.wait().code(0);
    assert_eq!(ran.report()["task"], "mend the grüße");
    assert!(heard(&kimi).contains("mend the grüße"));
}

#[test]
fn a_task_comes_from_a_file() {
    let (world, kimi) = (World::new(), mender());
    fs::write(world.path("task.md"), "Mend it.\n\nBoth lines matter.\n").unwrap();
    let file = world.path("task.md");
    world.run(world.keyed(&kimi, &["fix", "--task-file", file.to_str().unwrap()])).code(0);
    assert!(heard(&kimi).contains("Mend it.\n\nBoth lines matter."));
}

#[test]
fn standard_input_is_not_read_when_there_is_a_task() {
    let (world, kimi) = (World::new(), mender());
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.stdin(Stdio::piped());
    let mut running = world.start(command);
    // Held open until the run is over.
    let writer = running.child().stdin.take();
    running.wait().code(0);
    drop(writer);
}

#[test]
fn what_is_no_task_is_a_usage_error() {
    let world = World::new();
    fs::write(world.path("empty"), " \n\t\n").unwrap();
    fs::write(world.path("latin"), b"gr\xfc\xdfe").unwrap();
    fs::write(world.path("long"), "x".repeat(300 * 1024)).unwrap();
    let file = |name: &str| world.path(name).to_str().unwrap().to_owned();
    for (arguments, words) in [
        (vec![], "kcode fix [OPTIONS] --task-file"),
        (vec![String::new()], "the task is empty"),
        (vec![" \n ".to_owned()], "the task is empty"),
        (vec!["-".to_owned()], "the task is empty"),
        (vec!["--task-file".to_owned(), file("empty")], "the task is empty"),
        (vec!["--task-file".to_owned(), file("latin")], "is not UTF-8"),
        (vec!["--task-file".to_owned(), file("long")], "is longer than"),
        (vec!["--task-file".to_owned(), file("missing")], "missing can't be read"),
        (vec!["--task-file".to_owned(), file("home")], "home"),
        (vec![TASK.to_owned(), "--task-file".to_owned(), file("empty")], "cannot be used with"),
    ] {
        let arguments: Vec<&str> = ["fix"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        let kimi = mender();
        let ran = world.run(world.keyed(&kimi, &arguments)).code(2).says(&["error: ", words]);
        assert_eq!((ran.stdout(), kimi.requests().len(), world.runs().len()), (String::new(), 0, 0), "{words}");
    }
}

#[test]
fn a_task_may_look_like_a_flag_behind_dashes() {
    let (world, kimi) = (World::new(), mender());
    world.run(world.keyed(&kimi, &["fix", "--", "--mend-it"])).code(0);
    assert!(heard(&kimi).contains("--mend-it"));
}
