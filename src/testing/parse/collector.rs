//! Collects the tests that a parser finds, with names that are stable between runs and messages of limited size.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::outline::indent;
use crate::journal::{TestCase, TestCounts, TestResults, Verdict, shared};
use crate::settings::regex;

/// Far more tests than a real project has, to bound memory.
const MAX_TESTS: usize = 200_000;
/// Most tests of the same name.
const MAX_NAMESAKES: u32 = 500;
/// Characters of a name.
const MAX_NAME: usize = 500;
/// Bytes of a message, and of all of them.
const MAX_MESSAGE: usize = 2_000;
const MAX_MESSAGES: usize = 4 * 1024 * 1024;
/// Lines of a message.
const MAX_LINES: usize = 24;

/// Parts of a name that differ between runs: addresses, and names of temporary folders.
static UNSTABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"\b0x[0-9a-fA-F]{6,16}\b|/(?:private/)?(?:tmp|var/tmp|var/folders)/[^\s\]):,'\x22]+"));

/// Results while they are read.
#[derive(Debug, Default)]
pub(super) struct ResultCollector {
    tests: BTreeMap<Arc<str>, TestCase>,
    /// Number of tests of each name that occurred more than once.
    numbers: HashMap<Arc<str>, u32>,
    message_bytes: usize,
    full: bool,
}

impl ResultCollector {
    /// Adds a test and returns its name here; further tests of the same name get a number.
    pub(super) fn add(&mut self, name: &str, verdict: Verdict) -> Option<String> {
        let stable = stable(name);
        let Some((known, _)) = self.tests.get_key_value(&*stable) else { return self.insert(stable, verdict) };
        let number = self.numbers.entry(Arc::clone(known)).and_modify(|number| *number += 1).or_insert(2);
        match *number {
            // Thousands of tests of one name are no more useful than hundreds.
            MAX_NAMESAKES.. => None,
            number => self.insert(format!("{stable} #{number}"), verdict),
        }
    }

    /// Records a result of a test that may be known already; the worse result counts.
    pub(super) fn amend(&mut self, name: &str, verdict: Verdict) -> Option<String> {
        let stable = stable(name);
        let Some(test) = self.tests.get_mut(&*stable) else { return self.insert(stable, verdict) };
        if verdict == Verdict::Failed || test.verdict == Verdict::Skipped {
            test.verdict = verdict;
        }
        Some(stable)
    }

    fn insert(&mut self, name: String, verdict: Verdict) -> Option<String> {
        if self.tests.len() >= MAX_TESTS {
            self.full = true;
            return None;
        }
        self.tests.insert(shared(&name), TestCase { verdict, message: None, file: None });
        Some(name)
    }

    /// Records why the known test `name` failed; the first message is kept.
    pub(super) fn explain(&mut self, name: &str, message: &str) {
        let message = short(message);
        if message.is_empty() || self.message_bytes + message.len() > MAX_MESSAGES {
            return;
        }
        if let Some(test) = self.tests.get_mut(&*stable(name)).filter(|test| test.message.is_none()) {
            self.message_bytes += message.len();
            test.message = Some(message);
        }
    }

    /// Records the file of a test; the first is kept.
    pub(super) fn locate(&mut self, name: &str, file: &str) {
        let file: String = file.chars().filter(|char| !char.is_control()).take(MAX_NAME).collect();
        if let Some(test) = self.tests.get_mut(&*stable(name)).filter(|test| test.file.is_none() && !file.is_empty()) {
            test.file = Some(shared(&file));
        }
    }

    /// Returns the full name of a failed test that is called `title` in its suite and has no message yet.
    pub(super) fn failed(&self, title: &str) -> Option<String> {
        let ends = |name: &str| name == title || name.strip_suffix(title).is_some_and(|rest| rest.ends_with(" > "));
        let mut failed =
            self.tests.iter().filter(|(_, test)| test.verdict == Verdict::Failed && test.message.is_none());
        failed.find(|(name, _)| ends(name)).map(|(name, _)| name.to_string())
    }

    pub(super) fn counts(&self) -> TestCounts {
        let of = |verdict| self.tests.values().filter(|test| test.verdict == verdict).count() as u64;
        TestCounts { passed: of(Verdict::Passed), failed: of(Verdict::Failed), skipped: of(Verdict::Skipped) }
    }

    pub(super) fn len(&self) -> usize {
        self.tests.len()
    }

    pub(super) fn finish(self, source: impl Into<String>, complete: bool) -> TestResults {
        TestResults { source: source.into(), tests: self.tests.into(), complete: complete && !self.full }
    }
}

/// Removes what changes between runs, and control characters.
fn stable(name: &str) -> String {
    let plain: String = name.trim().chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    let stable = UNSTABLE.as_ref().map_or(plain.clone(), |unstable| unstable.replace_all(&plain, "…").into_owned());
    match stable.char_indices().nth(MAX_NAME) {
        Some((end, _)) => stable[..end].to_owned(),
        None => stable,
    }
}

/// Shortens a message to its first and last lines, which hold the assertion and its place.
fn short(message: &str) -> String {
    let message = console::strip_ansi_codes(message);
    let lines: Vec<&str> = message.lines().map(str::trim_end).collect();
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !line.is_empty()).map_or(first, |last| last + 1);
    let margin = lines[first..last].iter().filter(|line| !line.is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    let lines: Vec<&str> = lines[first..last].iter().map(|line| line.get(margin..).unwrap_or_default()).collect();
    let mut kept = lines.clone();
    if lines.len() > MAX_LINES {
        let (head, tail) = (&lines[..MAX_LINES / 2], &lines[lines.len() - MAX_LINES / 2..]);
        kept = [head, &["…"], tail].concat();
    }
    let mut text = kept.join("\n");
    text.retain(|char| char == '\n' || char == '\t' || !char.is_control());
    if text.len() > MAX_MESSAGE {
        let (head, tail) =
            (text.floor_char_boundary(MAX_MESSAGE / 2), text.ceil_char_boundary(text.len() - MAX_MESSAGE / 2));
        text = format!("{}\n…\n{}", &text[..head], &text[tail..]);
    }
    text
}
