//! Tests inside the files that they test, which is usual in Rust.

use std::ops::Range;

use super::change::text;
use super::language::Language;
use super::units::{CFG_TEST, SourceUnits};
use crate::journal::RelPath;

/// The lines of a file that belong to tests.
#[derive(Clone, Debug, Default)]
pub struct InnerTests {
    tests: Vec<Range<usize>>,
    blank: Vec<bool>,
}

impl InnerTests {
    /// Finds the tests of the file `path` with this content; finds none if the file isn't Rust.
    #[must_use]
    pub fn of(path: &RelPath, content: &[u8]) -> Self {
        let Some(text) = text(content).filter(|_| Language::of(path) == Language::Rust) else { return Self::default() };
        let outline = SourceUnits::new(text, path);
        let attributes = |lines: Range<usize>| outline.file.text[lines].join(" ");
        let suites = outline.suites.iter().filter(|suite| {
            let until = (suite.body.start + 1).min(outline.file.text.len());
            CFG_TEST.is_match(&attributes(suite.header.start..until))
        });
        let suites = suites.map(|suite| suite.header.start..suite.body.end);
        let tests = outline.tests().map(|test| test.header.start..test.body.end);
        let blank = outline.file.raw.iter().map(|line| line.trim().is_empty()).collect();
        Self { tests: suites.chain(tests).collect(), blank }
    }

    /// Whether all of `lines`, counted from 0, belong to tests; blank lines count as either.
    #[must_use]
    pub fn hold(&self, mut lines: Range<usize>) -> bool {
        let is_blank = |at: usize| self.blank.get(at).copied().unwrap_or(false);
        lines.all(|at| is_blank(at) || self.tests.iter().any(|tests| tests.contains(&at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds() {
        assert_eq!(add(1, 2), 3);
    }
}

pub fn twice(a: i32) -> i32 {
    add(a, a)
}
";

    #[test]
    fn the_module_of_tests_is_tests_and_nothing_else_is() {
        let path = RelPath::new("src/add.rs").expect("a path");
        let tests = InnerTests::of(&path, SOURCE.as_bytes());
        for (lines, expected) in
            [(4..13, true), (3..14, true), (8..12, true), (0..3, false), (1..9, false), (12..15, false)]
        {
            assert_eq!(tests.hold(lines.clone()), expected, "{lines:?}");
        }
        let python = RelPath::new("add.py").expect("a path");
        assert!(!InnerTests::of(&python, b"def test_add():\n    pass\n").hold(0..1));
    }
}
