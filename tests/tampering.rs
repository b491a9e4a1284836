//! The tamper guard: each case of `fixtures/tampering`, and the properties that hold for any patch.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kcode::evidence::{Change, asks_for_tests, inspect, judge};
use kcode::journal::{RelPath, TamperFlag};
use proptest::prelude::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tampering")
}

/// A file of a case: where it stood when it was moved, and its content before and after.
#[derive(Default)]
struct Sides {
    was: Option<RelPath>,
    before: Option<String>,
    after: Option<String>,
}

impl Sides {
    fn change<'a>(&'a self, path: &'a RelPath) -> Change<'a> {
        let (before, after) = (self.before.as_ref().map(String::as_bytes), self.after.as_ref().map(String::as_bytes));
        Change { path, before, after, renamed_from: self.was.as_ref() }
    }
}

struct Case {
    flags: Vec<String>,
    fixed: Vec<String>,
    files: BTreeMap<String, Sides>,
}

impl Case {
    fn parse(text: &str) -> Self {
        let text = ["\n", text].concat();
        let (head, files) = text.split_once("\n-- ").unwrap();
        let values = |key: &str| {
            head.lines().filter_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned()).collect()
        };
        let mut case = Self { flags: values("flag:"), fixed: values("fixed:"), files: BTreeMap::new() };
        let mut was = Vec::new();
        for file in files.split("\n-- ") {
            let (name, content) = file.split_once(" --").unwrap();
            let content = content.strip_prefix('\n').unwrap_or(content).to_owned();
            if let Some(path) = name.strip_prefix("before ") {
                case.files.entry(path.to_owned()).or_default().before = Some(content);
                continue;
            }
            let name = name.strip_prefix("after ").unwrap();
            let (path, old) =
                name.split_once(" (was ").map_or((name, None), |(path, old)| (path, old.strip_suffix(')')));
            case.files.entry(path.to_owned()).or_default().after = Some(content);
            was.extend(old.map(|old| (path.to_owned(), old.to_owned())));
        }
        for (path, old) in was {
            let before = case.files.remove(&old).unwrap().before;
            let sides = case.files.get_mut(&path).unwrap();
            (sides.before, sides.was) = (before, Some(RelPath::new(&old).unwrap()));
        }
        case
    }

    fn inspect(&self) -> Vec<TamperFlag> {
        let paths: Vec<RelPath> = self.files.keys().map(|path| RelPath::new(path).unwrap()).collect();
        inspect(&paths.iter().zip(self.files.values()).map(|(path, sides)| sides.change(path)).collect::<Vec<_>>())
    }
}

/// `assertion_removed, weakens, tests/test_core.py:3, T::test_add`
fn line(flag: &TamperFlag) -> String {
    let kind = serde_json::to_value(flag.kind).unwrap().as_str().unwrap().to_owned();
    let weight = if flag.weakens { "weakens" } else { "note" };
    let place = format!("{}:{}", flag.path, flag.line);
    [vec![kind, weight.to_owned(), place], flag.tests.clone()].concat().join(", ")
}

/// Walks a folder of cases; says for each whether it is refused.
fn walk(folder: &str, at_least: usize, refused: bool) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(fixtures().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let case = Case::parse(&fs::read_to_string(&path).unwrap());
        let flags = case.inspect();
        let lines: Vec<String> = flags.iter().map(line).collect();
        let is_refused = !judge(&flags, &case.fixed, false).is_empty();
        if lines != case.flags || is_refused != refused {
            let reasons: String =
                flags.iter().map(|flag| format!("flag: {}\n      {}\n", line(flag), flag.reason)).collect();
            wrong.push(format!("{}: refused: {is_refused}\n{reasons}", path.display()));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count} cases are judged otherwise\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= at_least, "only {count} cases were found");
}

#[test]
fn what_proves_less_is_caught() {
    walk("caught", 30, true);
}

#[test]
fn what_is_innocent_is_not_refused() {
    walk("innocent", 30, false);
}

#[test]
fn a_task_asks_for_tests_or_does_not() {
    let cases = fs::read_to_string(fixtures().join("asks.txt")).unwrap();
    for case in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (expected, task) = case.split_once('\t').unwrap();
        assert_eq!(asks_for_tests(&task.replace("\\n", "\n")), expected == "yes", "{task}");
    }
}
