//! What a repository holds is opened through one gate, by the broker and by tools: nothing outside, nothing of git's, no
//! file of secrets, whatever links lead there. No part of any such file is in any request.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, mknodat};
use serde_json::json;

use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, in_turns, mender, together};

/// What no request may hold; redaction has no idea of it.
pub const CANARY: &str = "quietly confidential words";

/// Links of the repository that lead to the canary, by several ways.
const LINKS: [(&str, &str); 16] = [
    ("to-env", ".env"),
    ("to-key", "keys/id_rsa"),
    ("to-upper", "DEPLOY.PEM"),
    ("to-git", ".git/config"),
    ("to-git-upper", "sub/.GIT/config"),
    ("hop", "hop-2"),
    ("hop-2", "./docs/../hop-3"),
    ("hop-3", ".env"),
    ("through-folder", "git-folder/config"),
    ("git-folder", ".git"),
    ("to-ssh", "ssh/config"),
    ("ssh", ".ssh"),
    ("outside", "../outside/notes"),
    ("environ", "/proc/self/environ"),
    ("descriptor", "/proc/self/fd/0"),
    ("loop", "loop"),
];

/// A repository full of such links, which keeps the canary wherever it should not be read.
pub fn world() -> World {
    let world = World::new();
    for file in [".env", "keys/id_rsa", "DEPLOY.PEM", "sub/.GIT/config", ".ssh/config", "../outside/notes"] {
        world.write(file, format!("A={CANARY}\n"));
    }
    world.git(&["config", "kcode.canary", CANARY]);
    for (link, target) in LINKS {
        symlink(target, world.root().join(link)).unwrap();
    }
    fs::hard_link(world.root().join(".env"), world.root().join("linked.txt")).unwrap();
    fs::hard_link(world.root().join(".git/config"), world.root().join("linked-git.txt")).unwrap();
    fs::create_dir_all(world.path("home/.ssh")).unwrap();
    fs::write(world.path("home/.ssh/id_ed25519"), format!("{CANARY}\n")).unwrap();
    fs::hard_link(world.path("home/.ssh/id_ed25519"), world.root().join("linked-home.txt")).unwrap();
    mknodat(CWD, world.root().join("pipe"), FileType::Fifo, 0o600.into(), 0).unwrap();
    world
}

/// Every name by which the canary, or something endless, could be had.
pub fn doors() -> Vec<&'static str> {
    let links = LINKS.into_iter().map(|(link, _)| link);
    links.chain(["linked.txt", "linked-git.txt", "linked-home.txt", "pipe"]).collect()
}

fn run(world: &World, kimi: &MockKimi, arguments: &[&str]) -> Ran {
    let mut command = world.keyed(kimi, arguments);
    command.env("HARMLESS_WORDS", CANARY);
    world.run(command)
}

pub fn assert_unsent(kimi: &MockKimi, what: &str) {
    for request in kimi.requests() {
        let body = String::from_utf8_lossy(&request.body);
        assert!(!body.contains(CANARY), "{what} was sent: {body}");
    }
}

/// Replaces `name` by a link to `target`.
pub fn relink(world: &World, name: &str, target: &str) {
    let path = world.root().join(name);
    let _ = fs::remove_file(&path);
    symlink(target, path).unwrap();
}

#[test]
fn guidance_is_no_door() {
    in_turns(&doors(), |&door| {
        let world = world();
        relink(&world, "AGENTS.md", door);
        let kimi = mender();
        let ran = run(&world, &kimi, &["fix", TASK]).code(0);
        assert_unsent(&kimi, door);
        assert!(ran.stderr().contains("AGENTS.md is not shown to the model"), "{door}: {}", ran.stderr());
    });
}

#[test]
fn guidance_of_a_folder_below_is_no_door() {
    let world = world();
    fs::write(world.root().join(".git/AGENTS.md"), CANARY).unwrap();
    world.write("inner/deep/file", "x");
    relink(&world, "inner/AGENTS.md", "../.git/AGENTS.md");
    relink(&world, "inner/deep/AGENTS.md", "../../.env");
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.current_dir(world.root().join("inner/deep"));
    let told = world.run(command).code(0).stderr();
    assert_unsent(&kimi, "guidance below");
    assert!(
        told.contains("inner/AGENTS.md is not shown") && told.contains("inner/deep/AGENTS.md is not shown"),
        "{told}"
    );
}

#[test]
fn guidance_that_is_a_hard_link_to_a_secret_is_no_door() {
    for target in [".env", ".git/config", "../home/.ssh/id_ed25519"] {
        let world = world();
        fs::hard_link(world.root().join(target), world.root().join("AGENTS.md")).unwrap();
        let kimi = mender();
        let told = run(&world, &kimi, &["fix", TASK]).code(0).stderr();
        assert_unsent(&kimi, target);
        assert!(told.contains("AGENTS.md is not shown"), "{target}: {told}");
    }
}

#[test]
fn guidance_with_several_names_that_are_no_secrets_is_read() {
    let world = world();
    world.write("docs/AGENTS.md", "Be kind to readers.");
    fs::hard_link(world.root().join("docs/AGENTS.md"), world.root().join("AGENTS.md")).unwrap();
    let kimi = mender();
    run(&world, &kimi, &["fix", TASK]).code(0);
    assert!(kimi.requests()[0].last_text().contains("Be kind to readers."));
}

#[test]
fn settings_of_the_repository_are_no_door() {
    together([".env", ".git/config", "hop", "outside", "environ", "pipe", "linked.txt"], |door| {
        let world = world();
        relink(&world, ".kcode.toml", door);
        let kimi = mender();
        let ran = run(&world, &kimi, &["fix", TASK]).code(78).says(&[".kcode.toml can't be read", "hint: "]);
        assert!(!ran.stderr().contains(CANARY) && kimi.requests().is_empty(), "{door}");
    });
}

#[test]
fn manifests_are_no_door() {
    let world = world();
    fs::remove_file(world.root().join(".kcode.toml")).unwrap();
    for (name, door) in
        [("Makefile", "to-env"), ("package.json", "to-git"), ("pyproject.toml", "hop"), ("setup.cfg", "pipe")]
    {
        relink(&world, name, door);
    }
    let kimi = mender();
    run(&world, &kimi, &["fix", TASK, "--no-verify"]).code(4);
    assert_unsent(&kimi, "a manifest");
}

#[test]
fn tools_are_no_door() {
    let world = world();
    let reads = doors().into_iter().chain(["git-folder/HEAD", "ssh/config", "to-env/x", "outside/../.env"]);
    let mut calls: Vec<(String, String)> =
        reads.map(|path| ("read_file".to_owned(), json!({ "path": path }).to_string())).collect();
    let pattern = "confidential";
    calls.push(("search".into(), json!({ "pattern": pattern, "lines": true }).to_string()));
    for path in doors() {
        calls.push(("search".into(), json!({ "pattern": pattern, "path": path, "lines": true }).to_string()));
        calls.push(("list_files".into(), json!({ "path": path }).to_string()));
    }
    let calls = Answer::calls(calls.iter().map(|(name, arguments)| (&**name, &**arguments)));
    let kimi = MockKimi::script([calls, Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    run(&world, &kimi, &["fix", TASK]).code(0);
    assert_unsent(&kimi, "a tool's answer");
}

#[test]
fn a_task_file_of_the_repository_is_no_door() {
    in_turns(&doors(), |&door| {
        let world = world();
        let kimi = mender();
        let ran = run(&world, &kimi, &["fix", "--task-file", door]).code(2).says(&["task file", "hint: "]);
        assert!(!ran.stderr().contains(CANARY) && kimi.requests().is_empty(), "{door}");
    });
}

#[test]
fn a_task_file_elsewhere_is_the_users_choice_and_a_regular_file() {
    let world = World::new();
    for (name, kind) in [("pipe", FileType::Fifo), ("socket", FileType::Socket)] {
        mknodat(CWD, world.path(name), kind, 0o600.into(), 0).unwrap();
        let named = world.path(name);
        let kimi = mender();
        let arguments = ["fix", "--task-file", named.to_str().unwrap()];
        world.run(world.keyed(&kimi, &arguments)).code(2).says(&["task file", "regular file", "hint: "]);
    }
    for device in ["/dev/zero", "/proc/self/fd/0", "/"] {
        world.run(world.keyed(&mender(), &["fix", "--task-file", device])).code(2).says(&["task file", "hint: "]);
    }
    fs::write(world.path("notes"), TASK).unwrap();
    symlink(world.path("notes"), world.path("link")).unwrap();
    let link = world.path("link");
    world.run(world.keyed(&mender(), &["fix", "--task-file", link.to_str().unwrap()])).code(0);
    assert!(Path::new(&link).exists());
}
