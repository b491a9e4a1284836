//! No test passes unseen because something is missing: `.ci/run` knows each need, and a bare skip doesn't come back.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::skipped::Need;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn ci_asks_the_machine_for_each_need() {
    let script = fs::read_to_string(root().join(".ci/run")).unwrap();
    let needs = [
        Need::DebugBuild,
        Need::Bwrap,
        Need::UserNamespaces,
        Need::PidNamespaces,
        Need::Mounts,
        Need::Overlay,
        Need::Root,
    ];
    for need in needs {
        let words = need.to_string();
        let asked = format!("\nhas \"{}\" ", words.strip_prefix("needs ").unwrap());
        assert!(script.contains(&asked), "{words}");
    }
    assert!(script.contains("has \"the program $program\" "));
}

/// The files of tests below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|it| it == "rs")).collect()
}

/// What comes before a `return` of a test that may be left: it says why, or asks what says it.
const SAYS_IT: [&str; 17] = [
    "skipped(",
    "given(",
    "has_program(",
    "can_crash(",
    "can_be_made(",
    "can_mount(",
    "can_have_one(",
    "can_overlay(",
    "enclosed(",
    "Overlaid::",
    "run(&world, ",
    "seen(&world, ",
    "as_owner(",
    "mounted(",
    // Parts that other processes play.
    "env::var(ROLE)",
    "env::var_os(ROLE)",
    // Made whole, and asserted on, in either case.
    "assert",
];

/// The tests of a file that are left by a `return` of which nothing is said.
fn silent(text: &str) -> Vec<String> {
    let mut silent = Vec::new();
    for test in text.split("test]\n").skip(1) {
        let body: Vec<&str> = test.split("\n}").next().unwrap_or_default().lines().collect();
        for (number, line) in body.iter().enumerate() {
            let left = line.trim() == "return;" || line.contains("{ return }");
            let before = body[number.saturating_sub(4)..=number].join("\n");
            if left && !SAYS_IT.iter().any(|it| before.contains(it)) {
                silent.push(body[0].to_owned());
            }
        }
    }
    silent
}

#[test]
fn no_test_is_left_without_a_word() {
    let own = root().join(file!());
    for file in files(&root().join("tests")).iter().filter(|file| **file != own) {
        assert_eq!(silent(&fs::read_to_string(file).unwrap()), [""; 0], "{}", file.display());
    }
}

#[test]
fn a_bare_skip_is_seen() {
    for bare in ["    if !there() {\n        return;\n    }", "    let Some(it) = there() else { return };"] {
        assert_eq!(silent(&format!("use a;\n\n#[test]\nfn one() {{\n{bare}\n}}\n")), ["fn one() {"]);
        assert_eq!(silent(&format!("use a;\n\n#[tokio::test]\nasync fn one() {{\n{bare}\n}}\n")), ["async fn one() {"]);
    }
    assert_eq!(
        silent("\n#[test]\nfn one() {\n    if !given(Need::Root, false) {\n        return;\n    }\n}\n"),
        [""; 0]
    );
}
