//! Compares the functions of all changed test files: those on both sides of the patch, and those that were removed.

use std::collections::{BTreeMap, BTreeSet};

use super::assertions::Assertion;
use super::change::ChangedSource;
use super::compare::Pair;
use super::function::Function;
use super::language::Language;
use super::matching::{Matched, matched, words};
use super::units::Unit;
use crate::journal::{TamperFlag, TamperKind};

/// Words that say nothing about what a function tests.
const COMMON: [&str; 30] = [
    "assert",
    "self",
    "this",
    "expect",
    "toBe",
    "toEqual",
    "equal",
    "let",
    "const",
    "var",
    "def",
    "fn",
    "func",
    "function",
    "return",
    "await",
    "async",
    "in",
    "is",
    "not",
    "and",
    "or",
    "to",
    "eq",
    "result",
    "t",
    "assert_eq",
    "assertEqual",
    "assertEquals",
    "new",
];

/// Flags changes to the test functions in `files`.
pub(super) fn flags(files: &[ChangedSource]) -> Vec<TamperFlag> {
    let matched = matched(files);
    let elsewhere = Elsewhere::new(&matched);
    let mut flags = Vec::new();
    for (old, new) in &matched.pairs {
        let stands_elsewhere = |assertion: &Assertion| elsewhere.has(assertion, new);
        let tests = named_for(old, new);
        let pair = Pair {
            old,
            new,
            file: &files[new.file],
            old_file: &files[old.file],
            stands_elsewhere: &stands_elsewhere,
            tests,
        };
        if !elsewhere.is_called_by_a_test(old, new) {
            flags.extend(pair.flags());
        }
    }
    for old in matched.gone.iter().filter(|old| old.unit.is_test || !old.assertions.is_empty()) {
        flags.extend(gone(&files[old.file], old, &elsewhere));
    }
    flags.extend(twins(files, &matched));
    flags
}

/// Returns the tests that an edit of a function affects: the function itself if it is a test, else the tests of its
/// file that call it.
fn named_for(old: &Function, new: &Function) -> Vec<String> {
    if old.unit.is_test {
        return vec![old.unit.name.clone()];
    }
    let (name, code) = (new.unit.bare.as_str(), &new.outline.file.code);
    let calls = |test: &&Unit| {
        let lines = test.header.start..test.body.end.min(code.len());
        code[lines].iter().any(|line| holds_word(line, name))
    };
    new.outline.tests().filter(calls).map(|test| test.name.clone()).collect()
}

fn holds_word(line: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_part)
            && !line[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

/// Flags a test, or a function with assertions, that was removed without a counterpart.
fn gone(file: &ChangedSource, old: &Function, elsewhere: &Elsewhere) -> Option<TamperFlag> {
    if !old.unit.is_test && old.assertions.iter().all(|assertion| elsewhere.has_text(assertion)) {
        return None;
    }
    if !old.assertions.is_empty() && old.assertions.iter().all(|assertion| elsewhere.has_new(assertion)) {
        return None;
    }
    if !old.unit.is_test && !elsewhere.old_calls.contains(&old.unit.bare) {
        return None;
    }
    let reason = if old.unit.is_test {
        format!("the test `{}` is gone", old.unit.name)
    } else {
        format!("`{}` is gone, and what it asserted with it", old.unit.name)
    };
    let kind = if old.unit.is_test { TamperKind::TestRemoved } else { TamperKind::AssertionRemoved };
    let flag = file.flag(file.place_of_old(old.unit.body.start), kind, true, reason);
    Some(TamperFlag { tests: vec![old.unit.name.clone()], ..flag })
}

/// Flags functions of the same name: in Python and Ruby the later definition replaces the first.
fn twins(files: &[ChangedSource], matched: &Matched) -> Vec<TamperFlag> {
    let mut flags = Vec::new();
    for (old, new) in matched.pairs.iter().filter(|(old, _)| old.unit.is_test) {
        if !matches!(new.outline.language, Language::Python | Language::Ruby) || new.unit.bare.contains(' ') {
            continue;
        }
        let twin = matched.new.iter().find(|twin| {
            twin.file == new.file && twin.unit.name == new.unit.name && twin.unit.body.start > new.unit.body.start
        });
        if let Some(twin) = twin {
            let file = &files[twin.file];
            let reason =
                format!("a second `{}` takes the place of the first, which doesn't run any more", old.unit.name);
            let flag = file.flag(file.place_of_new(twin.unit.body.start), TamperKind::TestHidden, true, reason);
            flags.push(TamperFlag { tests: vec![old.unit.name.clone()], ..flag });
        }
    }
    flags
}

/// What the patch adds to the tests, to find moved assertions.
struct Elsewhere<'m, 'f> {
    /// Functions that are new or gained assertions, with these.
    grown: Vec<(&'m Function<'f>, Vec<&'m Assertion>)>,
    /// Number of functions on the new side that contain each word; a helper whose name no other function contains is
    /// never called.
    calls: BTreeMap<String, usize>,
    old_calls: BTreeSet<String>,
}

impl<'m, 'f> Elsewhere<'m, 'f> {
    fn new(matched: &'m Matched<'f>) -> Self {
        let mut grown: Vec<(&Function, Vec<&Assertion>)> = Vec::new();
        for (old, new) in &matched.pairs {
            let mut known: Vec<&str> = old.assertions.iter().map(|assertion| assertion.text.as_str()).collect();
            let is_new = |assertion: &&Assertion| match known.iter().position(|text| *text == assertion.text) {
                Some(at) => {
                    known.swap_remove(at);
                    false
                }
                None => true,
            };
            let added: Vec<&Assertion> = new.assertions.iter().filter(is_new).collect();
            // A table of cases may grow without a new assertion.
            let has_more_words = new.words.values().sum::<usize>() > old.words.values().sum::<usize>();
            if !added.is_empty() {
                grown.push((new, added));
            } else if has_more_words {
                grown.push((new, new.assertions.iter().collect()));
            }
        }
        grown.extend(matched.new.iter().map(|new| (new, new.assertions.iter().collect())));
        let mut calls = BTreeMap::new();
        let all_new = matched.pairs.iter().map(|(_, new)| new).chain(&matched.new);
        for function in all_new {
            function.words.keys().for_each(|word| *calls.entry(word.clone()).or_insert(0) += 1);
        }
        let all_old = matched.pairs.iter().map(|(old, _)| old).chain(&matched.gone);
        let mut old_calls = BTreeSet::new();
        for function in all_old {
            old_calls.extend(function.words.keys().filter(|word| **word != function.unit.bare).cloned());
        }
        Self { grown, calls, old_calls }
    }

    /// Whether an assertion is now made by a function that the test calls, or by another test.
    fn has(&self, assertion: &Assertion, user: &Function) -> bool {
        let holds = |(function, added): &&(&Function, Vec<&Assertion>)| {
            (function.is_run || user.words.contains_key(&function.unit.bare) || self.is_called(function))
                && holds(function, added, assertion)
        };
        self.grown.iter().any(|grown| holds(&grown))
    }

    /// As [`Self::has`], for a test that was removed.
    fn has_new(&self, assertion: &Assertion) -> bool {
        self.grown
            .iter()
            .any(|(function, added)| (function.is_run || self.is_called(function)) && holds(function, added, assertion))
    }

    fn has_text(&self, assertion: &Assertion) -> bool {
        self.grown.iter().any(|(_, added)| added.iter().any(|new| new.text == assertion.text))
    }

    /// Whether another function contains its name.
    fn is_called(&self, function: &Function) -> bool {
        self.calls.get(&function.unit.bare).is_some_and(|count| *count > 1)
    }

    /// Whether a test's body became a function that tests call, which doesn't hide the test.
    fn is_called_by_a_test(&self, old: &Function, new: &Function) -> bool {
        old.unit.is_test && !new.unit.is_test && self.is_called(new)
    }
}

/// Whether one of the `added` assertions of `function` checks what `assertion` checked: it is the same, or it is as
/// strong and the function contains all its values and at least half of its names.
fn holds(function: &Function, added: &[&Assertion], assertion: &Assertion) -> bool {
    if added.iter().any(|new| new.text == assertion.text) {
        return true;
    }
    if !added.iter().any(|new| new.strength.is_none() || new.strength >= assertion.strength) {
        return false;
    }
    let wanted = words(&assertion.shown);
    let is_literal = |word: &str| !word.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let (values, names): (Vec<&String>, Vec<&String>) =
        wanted.keys().filter(|word| !COMMON.contains(&word.as_str())).partition(|word| is_literal(word));
    let known = |word: &&&String| function.words.contains_key(**word);
    let all_values = values.iter().filter(known).count() == values.len();
    let most_names = names.iter().filter(known).count() * 2 >= names.len();
    all_values && most_names && !(values.is_empty() && names.is_empty())
}
