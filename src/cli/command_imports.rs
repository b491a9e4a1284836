//! Test: no command uses another one. What several of them need is in a file of its own here, or in a lower module.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Pattern of a command's call in `mod.rs`.
const CALL: &str = r"=> (\w+)::\w+\(&global";
/// Pattern of paths into this module, from a file here or from a command's folder; several paths are in braces.
const FROM_HERE: &str = r"\bsuper::(?:\{([^;]*)\};|(\w+))";
const FROM_BELOW: &str = r"\bcrate::cli::(?:\{([^;]*)\};|(\w+))";

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli")
}

/// The modules that contain a command.
fn commands() -> BTreeSet<String> {
    let text = fs::read_to_string(here().join("mod.rs")).unwrap();
    Regex::new(CALL).unwrap().captures_iter(&text).map(|call| call[1].to_owned()).collect()
}

/// The files of the command called `name`, each with the pattern of its paths into this module.
fn files(name: &str) -> Vec<(PathBuf, &'static str)> {
    let folder = here().join(name);
    if !folder.is_dir() {
        return vec![(folder.with_extension("rs"), FROM_HERE)];
    }
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .flat_map(|file| {
            if file.ends_with("mod.rs") {
                vec![(file.clone(), FROM_HERE), (file, FROM_BELOW)]
            } else {
                vec![(file, FROM_BELOW)]
            }
        })
        .collect()
}

/// The names directly after `super::` or `crate::cli::` in `text`.
fn used(text: &str, pattern: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in Regex::new(pattern).unwrap().captures_iter(text) {
        let group = path.get(1).or(path.get(2)).map_or("", |it| it.as_str());
        names.extend(group.split(',').filter_map(|part| part.trim().split("::").next()).map(str::to_owned));
    }
    names
}

#[test]
fn no_command_uses_another_one() {
    let commands = commands();
    assert!(commands.len() > 12 && commands.contains("fix") && commands.contains("verify"), "{commands:?}");
    for name in &commands {
        for (file, pattern) in files(name) {
            let used = used(&fs::read_to_string(&file).unwrap(), pattern);
            let others: Vec<_> = used.intersection(&commands).filter(|used| *used != name).collect();
            assert!(others.is_empty(), "{} uses {others:?}", file.display());
        }
    }
}

#[test]
fn a_use_of_another_command_is_found_however_it_is_written() {
    for (text, pattern) in [
        ("use super::verify::Subject;", FROM_HERE),
        ("use super::{output, verify::{Subject, PatchSource}};", FROM_HERE),
        ("crate::cli::verify::execute()", FROM_BELOW),
        ("use crate::cli::{\n    output, verify,\n};", FROM_BELOW),
    ] {
        assert!(used(text, pattern).contains("verify"), "{text}");
    }
}
