//! Regular expressions that are compiled on first use.

use std::sync::OnceLock;

use regex::{Captures, Regex};

use crate::settings::regex;

/// A regular expression known at build time. If it doesn't compile, that is a bug, which shows in the first test that
/// uses it.
pub(super) struct Pattern {
    source: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) const fn new(source: &'static str) -> Self {
        Self { source, compiled: OnceLock::new() }
    }

    pub(super) fn regex(&self) -> Option<&Regex> {
        let compiled = self.compiled.get_or_init(|| regex(self.source)).as_ref();
        debug_assert!(compiled.is_some(), "{} doesn't compile", self.source);
        compiled
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    pub(super) fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex()?.captures(text)
    }

    pub(super) fn all<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.regex().into_iter().flat_map(move |regex| regex.find_iter(text).map(|found| found.as_str()))
    }

    pub(super) fn count(&self, text: &str) -> usize {
        self.all(text).count()
    }
}
