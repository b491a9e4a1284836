//! What goes where: data on standard output, talk on standard error, in the form that was asked for.

use std::process::Stdio;

use serde_json::Value;

use crate::laws::assert_shape;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{TASK, World, mender, mending};

#[test]
fn a_dry_run_does_the_whole_job_and_applies_nothing() {
    let world = World::new();
    let ran = world.fix(&mender(), &["--dry-run"]).code(0);
    assert!(ran.stdout().starts_with("diff --git "));
    assert_eq!(ran.report()["tests"]["after"]["passed"], true);
}

#[test]
fn dry_run_and_apply_exclude_each_other() {
    World::new().fix(&mender(), &["--dry-run", "--apply"]).code(2).says(&["--dry-run", "--apply"]);
}

#[test]
fn the_report_goes_to_standard_output_alone() {
    let (world, kimi) = (World::new(), mender());
    let ran = world.fix(&kimi, &["--output", "json"]).code(0);
    let report: Value = serde_json::from_str(&ran.stdout()).unwrap();
    assert_shape("report", &report);
    assert_eq!(report, ran.report());
}

#[test]
fn a_run_that_failed_hands_over_its_report_too() {
    let world = World::new();
    let ran = world.fix(&MockKimi::script([Answer::quota()]), &["--output", "json"]).code(69);
    let report: Value = serde_json::from_str(&ran.stdout()).unwrap();
    assert_eq!(report["outcome"], "model_rejected");
    assert!(report["hint"].as_str().unwrap().contains("top up"));
}

#[test]
fn events_are_printed_as_they_are_kept() {
    let world = World::new();
    let ran = world.fix(&mender(), &["--output", "jsonl"]).code(0);
    assert_eq!(ran.stdout(), ran.kept().read("journal.jsonl"));
    for line in ran.stdout().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["schema"], "kcode.event/1");
        assert_shape("event", &event);
    }
}

#[test]
fn events_are_printed_when_they_happen() {
    let world = World::new();
    let out = world.path("output/0.out");
    // The second request can only be answered once the first one's event was printed.
    let mut turn = 0;
    let kimi = MockKimi::answering(move |_| {
        turn += 1;
        let printed = std::fs::read_to_string(&out).unwrap();
        assert_eq!(printed.matches(r#""type":"request""#).count(), turn, "{printed}");
        if turn == 1 { Answer::call("list_files", "{}") } else { Answer::text("Nothing to do.") }
    });
    world.fix(&kimi, &["--output", "jsonl"]).code(3);
    kimi.assert_clean();
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    for form in ["text", "json", "jsonl"] {
        let (world, kimi) = (World::new(), mender());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = world.keyed(&kimi, &["fix", TASK, "--output", form]);
        let status = command.stdout(Stdio::from(writer)).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(0), "{form}");
    }
}

#[test]
fn the_patch_goes_to_a_file_as_well() {
    let world = World::new();
    let file = world.path("mine.diff");
    let ran = world.fix(&mender(), &["--patch", file.to_str().unwrap()]).code(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), ran.stdout());
    world.git(&["apply", "--check", file.to_str().unwrap()]);
}

#[test]
fn a_patch_file_that_cannot_be_written_is_told_before_the_run() {
    let world = World::new();
    for name in ["no/such/folder/mine.diff", "home"] {
        let (kimi, file) = (mender(), world.path(name));
        world.fix(&kimi, &["--patch", file.to_str().unwrap()]).code(2).says(&[name, "hint: "]);
        assert_eq!(kimi.requests().len(), 0);
    }
}

#[test]
fn a_patch_file_that_cannot_be_written_at_the_end_costs_nothing_else() {
    let world = World::new();
    let folder = world.path("mine");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("mine.diff");
    let mut answers = mending();
    let kimi = MockKimi::answering(move |_| {
        // The folder goes while the run is on.
        let _ = std::fs::remove_dir(&folder);
        answers.remove(0)
    });
    let ran = world.fix(&kimi, &["--patch", file.to_str().unwrap()]).code(78).says(&["mine.diff can't be written"]);
    assert!(ran.stdout().starts_with("diff --git "), "the patch isn't lost: {}", ran.stdout());
    let (report, end) = (ran.report(), ran.kept().journal().pop().unwrap());
    assert_eq!((&report["outcome"], &report["exit_code"]), (&"config".into(), &78.into()));
    assert_eq!((&end["type"], &end["outcome"]), (&"run_ended".into(), &"config".into()), "journal and report agree");
}

#[test]
fn quiet_says_how_it_ended_and_no_more() {
    let ran = World::new().fix(&mender(), &["-q"]).code(0);
    insta::assert_snapshot!(ran.steady_stderr());
}

#[test]
fn verbose_says_more() {
    let world = World::new();
    let usual = world.fix(&mender(), &[]).code(0).stderr();
    let verbose = world.fix(&mender(), &["-v"]).code(0).stderr();
    assert!(verbose.lines().count() > usual.lines().count(), "{verbose}");
    world.fix(&mender(), &["-q", "-v"]).code(2);
}

#[test]
fn colour_is_there_when_it_is_asked_for() {
    let world = World::new();
    let coloured = |arguments: &[&str], variable: Option<&str>| {
        let kimi = mender();
        let mut command = world.keyed(&kimi, &[&["fix", TASK], arguments].concat());
        // A terminal of many colours, were it one.
        command.env("TERM", "xterm-256color").envs(variable.map(|name| (name, "1")));
        let ran = world.run(command);
        assert!(!ran.stdout().contains('\u{1b}'), "the patch is data");
        ran.stderr().contains('\u{1b}')
    };
    assert!(!coloured(&[], None), "this is no terminal");
    assert!(coloured(&["--color", "always"], None));
    assert!(coloured(&["--color", "always"], Some("NO_COLOR")), "a flag goes over a variable");
    assert!(!coloured(&["--color", "never"], Some("CLICOLOR_FORCE")));
    assert!(!coloured(&[], Some("NO_COLOR")));
}
