//! Runs that were recorded elsewhere, from files, in fresh clones: `fixtures/replay/`.

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::laws::assert_shape;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{World, open_rust, rust_programs, together};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/replay").join(name)
}

/// A clone of the fixture's repository.
fn clone(name: &str) -> World {
    let world = World::empty();
    copy(&fixture(name).join("repository"), &world.root());
    world.git(&["init", "-q", "-b", "main"]);
    world.commit_all();
    world
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What runs such a run's tests.
fn with_toolchain(mut command: Command) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = iter::once(rust_programs()).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(path).unwrap());
    open_rust(&mut command);
    command
}

/// What the model said.
fn answers(name: &str) -> Vec<Answer> {
    let conversation = fs::read(fixture(name).join("conversation.json")).unwrap();
    let conversation: Value = serde_json::from_slice(&conversation).unwrap();
    let answer = |reply: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let calls = reply["tool_calls"].as_array().unwrap();
        let parts: Vec<[String; 3]> =
            calls.iter().map(|call| ["id", "name", "arguments"].map(|part| text(&call[part]))).collect();
        let answer = match parts.len() {
            0 => Answer::text(""),
            _ => Answer::calls(parts.iter().map(|[_, name, arguments]| (name.as_str(), arguments.as_str()))),
        };
        let ids = parts.iter().map(|[id, ..]| id.as_str());
        answer.ids(ids).saying(&text(&reply["content"])).reasoning(&text(&reply["reasoning_content"]))
    };
    conversation["replies"].as_array().unwrap().iter().map(answer).collect()
}

fn record(name: &str) {
    let world = clone(name);
    let kimi = MockKimi::script(answers(name));
    let task = fs::read_to_string(fixture(name).join("task")).unwrap();
    world.run(with_toolchain(world.keyed(&kimi, &["fix", task.trim()]))).code(0);
    let out = fixture(name).join("run.json");
    world.run(world.kcode(&["export", "--out", out.to_str().unwrap()])).code(0);
}

#[test]
fn recordings_are_replayed_in_fresh_clones() {
    together(["rust", "python"], |name| {
        if std::env::var_os("KCODE_UPDATE_RECORDINGS").is_some() {
            record(name);
        }
        let file = fixture(name).join("run.json");
        let archive: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_shape("run", &archive);
        assert_eq!(archive["redacted"], 0, "{name}");

        let world = clone(name);
        let ran = world.run(with_toolchain(world.kcode(&["replay", file.to_str().unwrap()])));
        assert!(ran.stdout().contains("are equal"), "{name}:\n{}{}", ran.stdout(), ran.stderr());
        ran.code(0);
        assert!(world.runs().is_empty());
    });
}

#[test]
fn a_clone_of_another_state_is_refused() {
    let world = clone("python");
    world.write("intervals.py", "def overlap(a, b):\n    return None\n");
    let file = fixture("python").join("run.json");
    let ran = world.run(world.kcode(&["replay", file.to_str().unwrap()])).code(7);
    let archive: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    ran.says(&["started from another tree", archive["start_tree"].as_str().unwrap()]);
}

#[test]
fn a_tool_that_answers_otherwise_is_shown() {
    let world = clone("python");
    let file = fs::read_to_string(fixture("python").join("run.json")).unwrap();
    let changed = world.path("output/run.json");
    fs::write(&changed, file.replace("Closed intervals of whole numbers", "Open intervals of real numbers")).unwrap();
    let ran = world.run(world.kcode(&["replay", changed.to_str().unwrap()])).code(8);
    let said = ran.stdout();
    assert!(said.contains("in turn 1, the answer of a tool differs"), "{said}");
    assert!(said.contains("+1\t\"\"\"Closed intervals of whole numbers.\"\"\""), "{said}");
}
