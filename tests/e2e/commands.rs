//! The commands beside `fix`: what is kept of runs, the settings, help.

use std::fs;

use assert_cmd::Command;
use serde_json::Value;

use rustix::process::Signal;

use crate::running::wait_until;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{TASK, World, mender};

#[test]
fn the_version_and_help_are_data() {
    let world = World::new();
    let mut version = Command::from_std(world.kcode(&["--version"]));
    version.assert().success().stdout(concat!("kcode ", env!("CARGO_PKG_VERSION"), "\n")).stderr("");
    for arguments in [&["--help"][..], &["-h"], &["help"], &["fix", "--help"], &["help", "runs"]] {
        let help = world.run(world.kcode(arguments)).code(0);
        assert!(help.stdout().contains("Usage: kcode"), "{arguments:?}: {}", help.stdout());
        assert_eq!(help.stderr(), "");
    }
}

#[test]
fn what_is_no_command_is_a_usage_error() {
    let world = World::new();
    for arguments in [&[][..], &["mend"], &["fix", TASK, "--no-such-flag"], &["runs", "--color", "purple"]] {
        let ran = world.run(world.kcode(arguments)).code(2);
        assert_eq!(ran.stdout(), "");
        assert!(ran.stderr().contains("Usage: kcode") || ran.stderr().contains("try '--help'"), "{}", ran.stderr());
    }
}

#[test]
fn the_workers_door_is_not_for_people() {
    let world = World::new();
    for arguments in [&["__worker"][..], &["__worker", "host"], &["__worker", "enter"], &["__worker", "x"]] {
        let ran = world.run(world.kcode(arguments));
        assert!(matches!(ran.output.status.code(), Some(1..)), "{arguments:?}: {}", ran.stderr());
    }
}

#[test]
fn a_kept_run_is_shown_and_its_patch_printed() {
    let world = World::new();
    let ran = world.fix(&mender(), &[]).code(0);
    let id = ran.kept().id();
    for run in [&[][..], &[id.as_str()], &[&id[..4]]] {
        let diff = world.run(world.kcode(&[&["diff"], run].concat())).code(0);
        assert_eq!(diff.stdout(), ran.stdout());
        let show = world.run(world.kcode(&[&["show"], run].concat())).code(0);
        assert_eq!(show.stdout(), ran.kept().read("report.md"));
        let json = world.run(world.kcode(&[&["show", "--output", "json"], run].concat())).code(0);
        assert_eq!(serde_json::from_str::<Value>(&json.stdout()).unwrap(), ran.report());
    }
}

#[test]
fn runs_are_listed_newest_first_and_for_this_repository() {
    let world = World::new();
    let none = world.run(world.kcode(&["runs"])).code(0);
    assert_eq!(none.stdout(), "");
    none.says(&["no runs yet"]);
    world.fix(&mender(), &[]).code(0);
    world.fix(&MockKimi::script([Answer::quota()]), &[]).code(69);
    let listed = world.run(world.kcode(&["runs"])).code(0).stdout();
    let outcomes: Vec<_> = listed.lines().skip(1).map(|line| line.split_whitespace().nth(3).unwrap()).collect();
    assert_eq!(outcomes, ["rejected", "verified"], "{listed}");
    assert!(listed.lines().skip(1).all(|line| line.ends_with(TASK)), "{listed}");

    let elsewhere = world.path("home/other");
    fs::create_dir(&elsewhere).unwrap();
    let here = |arguments: &[&str]| {
        let mut command = world.kcode(arguments);
        command.current_dir(&elsewhere);
        world.run(command)
    };
    assert_eq!(here(&["runs"]).code(0).stdout(), "");
    let all = here(&["runs", "--all"]).code(0).stdout();
    let root = world.root();
    assert!(all.lines().skip(1).all(|line| line.contains(root.to_str().unwrap())), "{all}");
    assert_eq!(all.lines().count(), 3, "{all}");
    here(&["show"]).code(2).says(&["this repository has no runs", "kcode runs --all"]);
}

#[test]
fn the_cost_of_a_run_without_a_reply_is_known_where_the_price_is() {
    let world = World::new();
    let costs = || {
        let listed = world.start(world.kcode(&["runs"])).wait().code(0).stdout();
        let at = listed.find("cost").unwrap();
        let cost = |line: &str| line.get(at - 1..).unwrap().split_whitespace().next().unwrap().to_owned();
        listed.lines().skip(1).map(cost).collect::<Vec<_>>()
    };
    // Nothing was sent.
    world.fix(&mender(), &["--test", "no-such-program"]).code(78);
    assert_eq!(costs(), ["$0.00"]);
    // A request is on its way, and then nobody knows what became of it.
    let kimi = MockKimi::script([Answer::text("Never said.").mute()]);
    let running = world.start(world.keyed(&kimi, &["fix", TASK]));
    wait_until("the model is asked", || !kimi.requests().is_empty());
    assert_eq!(costs(), ["$0.00", "$0.00"]);
    running.signal(Signal::KILL);
    running.wait();
    assert_eq!(costs(), ["$0.00", "$0.00"]);
    // Of this model no price is known.
    let kimi = MockKimi::script([Answer::quota()]).serving("other");
    world.fix(&kimi, &["--model", "other"]);
    assert_eq!(costs()[0], "?");
}

#[test]
fn an_unknown_run_is_named() {
    let world = World::new();
    for command in ["show", "diff", "apply"] {
        world.run(world.kcode(&[command])).code(2).says(&["this repository has no runs"]);
        let ran = world.run(world.kcode(&[command, "nosuch"])).code(2);
        ran.says(&["error: there is no run \"nosuch\"", "hint: `kcode runs`"]);
        world.run(world.kcode(&[command, "../../etc"])).code(2);
    }
}

#[test]
fn a_prefix_of_two_runs_is_ambiguous() {
    let world = World::new();
    for _ in 0..2 {
        world.fix(&mender(), &[]).code(0);
    }
    world.run(world.kcode(&["show", ""])).code(2).says(&["begins the names of 2 runs"]);
}

#[test]
fn a_damaged_journal_is_told_and_hides_no_other_run() {
    let world = World::new();
    let damaged = world.fix(&mender(), &[]).code(0).kept();
    fs::write(damaged.0.join("journal.jsonl"), "garbage\ngarbage\n").unwrap();
    let other = world.start(world.keyed(&mender(), &["fix", TASK])).wait().code(0);
    drop(other);
    for arguments in [&["runs"][..], &["runs", "--all"]] {
        let listed = world.start(world.kcode(arguments)).wait().code(0);
        assert_eq!(listed.stdout().lines().count(), 2, "a heading and the other: {}", listed.stdout());
        listed.says(&[&format!("run {} is unreadable: line 1 of the journal is damaged", damaged.id())]);
    }
    world.start(world.kcode(&["show", &damaged.id()])).wait().code(1).says(&["line 1 of the journal is damaged"]);
}

#[test]
fn settings_are_printed_with_their_origins_and_no_key() {
    let world = World::new();
    world.configure("model = \"kimi-k3\"\n[limits]\nmax_time = \"5m\"");
    let mut command = world.kcode(&["config"]);
    command.env("KCODE_API_KEY", MockKimi::KEY).env("KCODE_MAX_TURNS", "7");
    let shown = world.run(command).code(0).stdout();
    let shown = shown.replace(world.path("").to_str().unwrap(), "WORLD/");
    // How wide the columns are depends on where temporary folders stand.
    insta::assert_snapshot!(regex::Regex::new(" {2,}").unwrap().replace_all(&shown, "  "));
}

#[test]
fn settings_are_printed_for_programs() {
    let world = World::new();
    let ran = world.run(world.kcode(&["config", "--output", "json"])).code(0);
    let rows: Value = serde_json::from_str(&ran.stdout()).unwrap();
    let test = rows.as_array().unwrap().iter().find(|row| row["name"] == "test.command").unwrap();
    assert_eq!((&test["value"], &test["origin"]), (&"./test.sh".into(), &".kcode.toml".into()));
}

#[test]
fn another_settings_file_can_be_named() {
    let world = World::new();
    let file = world.path("mine.toml");
    fs::write(&file, "[limits]\nmax_turns = 1\n").unwrap();
    let kimi = mender();
    world.fix(&kimi, &["--config", file.to_str().unwrap()]).code(6);
    assert_eq!(kimi.requests().len(), 1);
    fs::write(&file, "max_turn = 1\n").unwrap();
    let wrong = world.run(world.kcode(&["config", "--config", file.to_str().unwrap()]));
    wrong.code(78).says(&["mine.toml:1", "hint: "]);
    let missing = world.run(world.kcode(&["config", "--config", "no-such.toml"]));
    missing.code(78).says(&["error: no-such.toml can't be read"]);
}

#[test]
fn a_state_folder_that_cannot_be_used_is_told() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    for (place, words) in [
        (world.path("file"), "is not a folder"),
        (world.root().join("state"), "inside the repository"),
        ("relative".into(), "is relative"),
    ] {
        let kimi = mender();
        let mut command = world.keyed(&kimi, &["fix", TASK]);
        command.env("KCODE_HOME", place);
        world.run(command).code(78).says(&["error: ", words, "hint: "]);
        assert_eq!(kimi.requests().len(), 0);
    }
}

#[test]
fn state_goes_where_the_variables_say() {
    let (world, kimi) = (World::new(), mender());
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.env_remove("KCODE_HOME");
    world.run(command).code(0);
    assert_eq!(fs::read_dir(world.path("home/.local/state/kcode/runs")).unwrap().count(), 1);
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.env_remove("KCODE_HOME").env("XDG_STATE_HOME", world.path("xdg"));
    world.run(command).code(0);
    assert_eq!(fs::read_dir(world.path("xdg/kcode/runs")).unwrap().count(), 1);
}
