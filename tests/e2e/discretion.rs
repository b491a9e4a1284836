//! Law 9: secrets that stand in a repository, in what tests print or in what anybody says reach nobody through kcode.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mender};

const TOKEN: &str = concat!("ghp", "_16C7e42F292c6912E7710c838347Ae178B4a");
const PASSWORD: &str = "tulip garden 7";

/// A project that is full of secrets, and a model that comes by them all.
fn world() -> (World, MockKimi) {
    let world = World::new();
    world.write("AGENTS.md", format!("Deploy with {TOKEN}.\n"));
    world.write("config.py", format!("TOKEN = '{TOKEN}'\nPASSWORD = '{PASSWORD}'\n"));
    world.write_test("cat config.py; grep -q 'Hello, World!' greeting.txt");
    world.commit_all();
    let kimi = MockKimi::script([
        Answer::calls([("read_file", r#"{"path": "config.py"}"#), ("search", r#"{"pattern": "TOKEN|PASSWORD"}"#)]),
        Answer::call("edit_file", r#"{"path": "config.py", "old_text": "nothing", "new_text": "x"}"#),
        Answer::call("edit_file", EDIT),
        Answer::call("run_tests", "{}"),
        Answer::call("read_file", r#"{"path": "@logs/tests-1.log"}"#),
        Answer::text(&format!("I have seen {TOKEN}.")),
    ]);
    (world, kimi)
}

fn run(world: &World, kimi: &MockKimi, arguments: &[&str]) -> Ran {
    let task = format!("{TASK}; the password is {PASSWORD}");
    let mut command = world.keyed(kimi, &[&["fix", &task], arguments].concat());
    command.env("DEPLOY_PASSWORD", PASSWORD);
    world.run(command)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn neither_model_nor_log_nor_report_nor_terminal_gets_one() {
    let (world, kimi) = world();
    let ran = run(&world, &kimi, &["-v"]).code(0);
    let shown = world.run(world.kcode(&["show"])).code(0);
    let mut places = vec![("stderr".to_owned(), ran.stderr()), ("show".to_owned(), shown.stdout())];
    // Blobs are the user's own files as they were, for undoing.
    for file in files(&ran.kept().0).into_iter().filter(|file| !file.iter().any(|part| part == "blobs")) {
        places.push((file.display().to_string(), String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned()));
    }
    for (place, text) in places {
        assert!(!text.contains(PASSWORD), "{place}: {text}");
        // The model's own words are kept as they came: they have to go back like that.
        if !place.ends_with("journal.jsonl") {
            assert!(!text.contains(TOKEN), "{place}: {text}");
        }
    }
    assert_eq!(ran.kept().read("journal.jsonl").matches(TOKEN).count(), 1);
    for request in kimi.requests() {
        let body = serde_json::to_string(request.messages()).unwrap();
        assert!(!body.contains(TOKEN) && !body.contains(PASSWORD), "{body}");
    }
    let log = ran.kept().read("logs/tests-1.log");
    assert_eq!(log, "TOKEN = '[redacted:github-token]'\nPASSWORD = '[redacted:environment]'\n");
    assert!(ran.report()["said"].as_str().unwrap().contains("I have seen [redacted:github-token]."));
}

#[test]
fn nor_does_whoever_reads_the_events_along() {
    let (world, kimi) = world();
    let ran = run(&world, &kimi, &["--output", "jsonl"]).code(0);
    let out = ran.stdout();
    assert!(!out.contains(TOKEN) && !out.contains(PASSWORD), "{out}");
    for line in out.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn an_edit_beside_a_secret_keeps_it() {
    let world = World::new();
    world.write("greeting.txt", format!("Hello, Wrold!\ntoken = '{TOKEN}'\n"));
    world.commit_all();
    let kimi = mender();
    let ran = world.fix(&kimi, &[]).code(0);
    assert!(kimi.requests()[2].last_text().contains("[redacted:github-token]"));
    // The patch is bytes of the user's own files.
    assert!(ran.stdout().contains(&format!(" token = '{TOKEN}'\n")), "{}", ran.stdout());
    world.run_freely(world.kcode(&["apply"])).code(0);
    assert_eq!(world.read("greeting.txt"), format!("Hello, World!\ntoken = '{TOKEN}'\n"));
}

#[test]
fn a_file_of_secrets_is_shown_when_the_user_says_so_and_not_before() {
    for (allowed, shown) in [(false, false), (true, true)] {
        let world = World::new();
        world.write(".env", "API=plain\n");
        world.commit_all();
        if allowed {
            world.configure("[secrets]\nreadable = [\".env\"]");
        }
        let kimi = MockKimi::script([
            Answer::calls([("read_file", r#"{"path": ".env"}"#), ("search", r#"{"pattern": "API"}"#)]),
            Answer::call("edit_file", EDIT),
            Answer::text("Done."),
        ]);
        let answers = world.fix(&kimi, &[]).code(0).kept().answers();
        assert_eq!(answers[..2].iter().all(|answer| answer.contains("API=plain")), shown, "{answers:?}");
        assert_eq!(answers[0].contains("is not shown"), !shown, "{answers:?}");
        assert_eq!(answers[1].contains("Not searched"), !shown, "{answers:?}");
    }
}

#[test]
fn no_program_that_kcode_starts_inherits_a_key() {
    let world = World::new();
    let folder = world.path("bin");
    fs::create_dir(&folder).unwrap();
    let (seen, path) = (world.path("seen"), std::env::var("PATH").unwrap());
    // What git's own environment holds is git's business; what its parent has is ours.
    let script = format!("#!/bin/sh\nenv >> '{}'\nPATH='{path}' exec git \"$@\"\n", seen.display());
    fs::write(folder.join("git"), script).unwrap();
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.env("PATH", format!("{}:{path}", folder.display())).env("MOONSHOT_API_KEY", "sk-another-1");
    world.run(command).code(0);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("PATH=") && !seen.contains("API_KEY") && !seen.contains("sk-"), "{seen}");
}
