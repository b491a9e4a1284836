//! A property: whatever stands at `.git`, among the files of a tree and in its settings and the user's, nothing that lies outside
//! the tree is sent, journalled or logged, and a run comes to an end that it says.
//!
//! `PROPTEST_CASES` says how many repositories are made; few in `cargo test`.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::setups::{Setup, setups};
use crate::support::kimi::{Answer, MockKimi};
use crate::support::odd::{self, Ground};
use crate::world::{EDIT, TASK, World};

/// Stands outside the tree alone; redaction has no idea of it.
const CANARY: &str = "quietly confidential words";
/// Each is a run of about a second.
const CASES: u32 = 6;

/// Names of the tree that a run opens or goes by, as links.
const LINKED: [&str; 9] = [
    "AGENTS.md",
    "docs/AGENTS.md",
    "Makefile",
    "package.json",
    "pyproject.toml",
    "node_modules",
    ".venv",
    "docs/link",
    "hop",
];
/// Where they lead: below the world, beside the project, or an absolute path.
const TARGETS: [&str; 8] = [
    "home/.ssh/id_ed25519",
    "home/.ssh",
    "home",
    "outside/notes",
    "outside",
    "elsewhere/.git/description",
    "/proc/self/environ",
    "project/hop",
];
/// Folders that the tests or a check start in.
const FOLDERS: [&str; 7] = ["docs", "src", "src/far", "src/keys/.", ".git", "node_modules", "missing"];
/// What the user's own settings call readable, in vain: what they open really is meant to be seen.
const READABLE: [&str; 6] = ["home", "home/.ssh", "home/.config/gh", "state", "/", "/proc/self"];

/// Tests that print whatever of the canary they find.
const SCRIPT: &str = "find -L . @WORLD@ -maxdepth 7 -type f -size -64k 2> /dev/null | head -n 3000 | tr '\\n' '\\0' \
                      | xargs -0 grep -sah 'quietly confidentia[l]'; exit 0";

#[derive(Clone, Debug)]
struct Case {
    setup: Setup,
    git: &'static str,
    entries: Vec<&'static str>,
    links: Vec<(&'static str, &'static str)>,
    dependencies: Vec<&'static str>,
    test_dir: Option<&'static str>,
    check_dir: Option<&'static str>,
    readable: Vec<&'static str>,
    secrets: Vec<&'static str>,
}

fn cases() -> impl Strategy<Value = Case> {
    // A folder of git's that knows the tree is the tree's own.
    let git: Vec<_> = odd::GIT.into_iter().filter(|git| !odd::KNOWN.contains(git)).collect();
    let tree = (
        select(git),
        subsequence(odd::ENTRIES.to_vec(), 0..=4),
        prop::collection::vec((select(LINKED.to_vec()), select(TARGETS.to_vec())), 0..6),
    );
    let of_repository = (
        subsequence(odd::DEPENDENCIES.to_vec(), 0..=4),
        prop::option::weighted(0.3, select(FOLDERS.to_vec())),
        prop::option::weighted(0.3, select(FOLDERS.to_vec())),
    );
    let of_user = (subsequence(READABLE.to_vec(), 0..=3), subsequence(odd::SECRETS.to_vec(), 0..=1));
    (select(setups()), tree, of_repository, of_user).prop_map(|(setup, tree, of_repository, of_user)| {
        let (git, entries, links) = tree;
        let (dependencies, test_dir, check_dir) = of_repository;
        let (readable, secrets) = of_user;
        Case { setup, git, entries, links, dependencies, test_dir, check_dir, readable, secrets }
    })
}

impl Case {
    /// Makes it; sockets last as long as what is returned.
    fn build(&self) -> (World, Vec<UnixListener>) {
        let world = World::new().used_by(self.setup);
        for file in ["home/.ssh/id_ed25519", "home/.config/gh/hosts.yml", "outside/notes", "state/kept"] {
            let file = world.path(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("A={CANARY}\n")).unwrap();
        }
        fs::create_dir_all(world.path("home/documents")).unwrap();
        let ground =
            Ground { project: world.root(), home: world.path("home"), other: world.path("elsewhere"), canary: CANARY };
        let mut sockets = odd::plant_git(&ground, self.git);
        // What lies in the tree's own `.git` is the tree's.
        for file in ["description", "objects/ab/canary", "info/canary"] {
            let file = world.root().join(".git").join(file);
            if fs::canonicalize(&file).is_ok_and(|real| real.starts_with(world.root())) {
                fs::write(file, "").unwrap();
            }
        }
        sockets.extend(self.entries.iter().filter_map(|entry| odd::plant_entry(&ground, entry)));
        for (link, target) in &self.links {
            let (link, target) = (world.root().join(link), world.path(target));
            if link.symlink_metadata().is_err() {
                symlink(target, link).unwrap();
            }
        }
        self.write_settings(&world);
        (world, sockets)
    }

    fn write_settings(&self, world: &World) {
        let script = SCRIPT.replace("@WORLD@", world.path("").to_str().unwrap());
        let command = json!(["sh", "-c", script]);
        let dir = |dir: Option<&str>| dir.map(|dir| format!("dir = {dir:?}\n")).unwrap_or_default();
        world.write(
            ".kcode.toml",
            format!(
                "dependencies = {:?}\n[test]\ncommand = {command}\n{}[[check]]\nname = \"look\"\ncommand = {command}\n{}",
                self.dependencies,
                dir(self.test_dir),
                dir(self.check_dir)
            ),
        );
        let readable: Vec<_> = self.readable.iter().map(|place| world.path(place)).collect();
        world.configure(&format!("readable = {readable:?}\n[secrets]\nreadable = {:?}", self.secrets));
    }

    /// Runs it, and returns whether it came to a conversation.
    fn holds(&self) -> bool {
        let (world, _sockets) = self.build();
        let names = LINKED.iter().chain(&FOLDERS).map(|name| (*name).to_owned());
        let names =
            names.chain(["src/keys/id_ed25519", "src/far/.ssh/id_ed25519", "src/up/outside/notes"].map(Into::into));
        let mut calls: Vec<_> = names.map(|path: String| ("read_file", json!({ "path": path }).to_string())).collect();
        for tool in ["search", "list_files"] {
            for path in [".", "src", "node_modules", ".git", "docs"] {
                let search = json!({ "path": path, "pattern": "confidential", "lines": true });
                calls.push((tool, if tool == "search" { search } else { json!({ "path": path }) }.to_string()));
            }
        }
        calls.push(("edit_file", EDIT.to_owned()));
        let calls = Answer::calls(calls.iter().map(|(name, arguments)| (*name, arguments.as_str())));
        let mut first = Some(calls);
        let kimi = MockKimi::answering(move |_| first.take().unwrap_or_else(|| Answer::text("Done.")));
        let ran = world.run(world.keyed(&kimi, &["fix", TASK, "--no-baseline"]));
        let code = ran.output.status.code();
        // 1 and 101 are faults of kcode's, and none is the end of one that was killed.
        assert!(code.is_some_and(|code| ![1, 101].contains(&code)), "{code:?}: {}", ran.stderr());
        for request in kimi.requests() {
            let body = String::from_utf8_lossy(&request.body);
            assert!(!body.contains(CANARY), "it was sent: {body}");
        }
        assert!(!(ran.stdout() + &ran.stderr()).contains(CANARY), "it was told");
        for file in files(&world.state()).into_iter().filter(|file| !file.ends_with("state/kept")) {
            let holds = String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(CANARY);
            assert!(!holds, "it is in {}", file.display());
        }
        !kimi.requests().is_empty()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let entries = entries.filter(|path| !path.is_symlink());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn nothing_outside_an_odd_repository_is_sent_or_kept() {
    let conversations = Cell::new(0);
    let result = TestRunner::new(odd::random(CASES, 30)).run(&cases(), |case| {
        conversations.set(conversations.get() + u32::from(case.holds()));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(conversations.get() > 0, "no run got as far as the model");
}

/// Found by the property: a dependency that settings name by several parts, and that is a link, in a view that is a copy.
#[test]
fn dependencies_are_named_by_several_parts() {
    for setup in setups() {
        let case = Case {
            setup,
            git: "nothing",
            entries: vec!["a folder of links"],
            links: Vec::new(),
            dependencies: vec!["src/keys", "keys", "src"],
            test_dir: None,
            check_dir: None,
            readable: Vec::new(),
            secrets: Vec::new(),
        };
        assert!(case.holds(), "it came to no conversation");
    }
}
