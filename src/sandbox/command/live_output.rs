//! Live progress of a running command: tests counted from its output, and its last line.
//!
//! For display only. Evidence is read from the complete output at the end.

use std::mem;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use regex::bytes::Regex;

use crate::sandbox::progress::CommandProgress;
use crate::settings::bytes_regex;

/// Shortest interval between two updates.
const EVERY: Duration = Duration::from_millis(200);
/// Bytes of a line that are examined; longer lines are data.
const LINE: usize = 400;

/// Patterns of lines about one test that passed, and that failed.
static PASSED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    bytes_regex(r"(?-u)^\s*(?:ok \d|PASS \[|--- PASS:|(?:✓|✔|√) ?|\[ +OK \])|\.\.\. ok$| PASSED(?: +\[ *\d+%\])?$")
});
static FAILED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    bytes_regex(
        r"(?-u)^\s*(?:not ok \d|FAIL \[|--- FAIL:|(?:✗|✕|×|✘) ?)|\.\.\. (?:FAIL|FAILED|ERROR)$| (?:FAILED|ERROR)(?: +\[ *\d+%\])?$",
    )
});

/// Computes progress from output as it arrives.
#[derive(Default)]
pub(super) struct Glance {
    seen: CommandProgress,
    /// The unfinished last line.
    partial: Vec<u8>,
    told: CommandProgress,
    told_at: Option<Instant>,
}

impl Glance {
    /// Adds output, which may be empty; returns new progress if there is any and the interval has passed.
    pub(super) fn push(&mut self, chunk: &[u8], now: Instant) -> Option<CommandProgress> {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.extend(&rest[..end]);
            let line = mem::take(&mut self.partial);
            self.count(&line);
            self.show(&line);
            rest = &rest[end + 1..];
        }
        self.extend(rest);
        if self.told_at.is_some_and(|told| now < told + EVERY) {
            return None;
        }
        let partial = mem::take(&mut self.partial);
        self.show(&partial);
        self.partial = partial;
        if self.seen == self.told {
            return None;
        }
        self.told_at = Some(now);
        self.told.clone_from(&self.seen);
        Some(self.seen.clone())
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn count(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        let says = |pattern: &Option<Regex>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(line));
        if says(&FAILED) {
            self.seen.failed += 1;
        } else if says(&PASSED) {
            self.seen.passed += 1;
        }
    }

    /// Shows only what follows the last carriage return, with which a progress bar rewrites its line.
    fn show(&mut self, line: &[u8]) {
        let drawn = line.trim_ascii_end().rsplit(|byte| *byte == b'\r').next().unwrap_or_default();
        if !drawn.trim_ascii().is_empty() {
            self.seen.line = String::from_utf8_lossy(drawn.trim_ascii()).into_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_and_the_last_line_is_shown_at_a_bounded_rate() {
        let (mut glance, start) = (Glance::default(), Instant::now());
        let first = glance.push(b"TAP version 13\nok 1 - a\nnot o", start).unwrap();
        assert_eq!((first.passed, first.failed, first.line.as_str()), (1, 0, "not o"));
        assert_eq!(glance.push(b"k 2 - b\n", start), None, "too early");
        let later = glance.push(b"", start + EVERY).unwrap();
        assert_eq!((later.passed, later.failed, later.line.as_str()), (1, 1, "not ok 2 - b"));
        assert_eq!(glance.push(b"\n  \n", start + 3 * EVERY), None, "nothing new");
        let bar = glance.push(b"10%\r20%\r30%\r", start + 5 * EVERY).unwrap();
        assert_eq!(bar.line, "30%");
        assert!(glance.push(&vec![b'x'; 1 << 20], start + 9 * EVERY).unwrap().line.len() <= LINE);
    }

    #[test]
    fn lines_of_many_runners_are_counted() {
        for (line, passed) in [
            ("ok 12 - adds", true),
            ("not ok 13 - subtracts", false),
            ("test a::b ... ok", true),
            ("test a::b ... FAILED", false),
            ("        PASS [   0.004s] kcode a::b", true),
            ("        FAIL [   0.004s] kcode a::b", false),
            ("--- PASS: TestA (0.00s)", true),
            ("    --- FAIL: TestA/b (0.00s)", false),
            ("tests/test_a.py::test_b PASSED                  [ 50%]", true),
            ("tests/test_a.py::test_b FAILED                  [100%]", false),
            ("test_a (test_b.C.test_a) ... ok", true),
            ("test_a (test_b.C.test_a) ... ERROR", false),
            ("  ✓ adds (3 ms)", true),
            ("  ✕ subtracts", false),
            ("[       OK ] Suite.Adds (0 ms)", true),
        ] {
            let seen = Glance::default().push(format!("{line}\n").as_bytes(), Instant::now()).unwrap();
            assert_eq!((seen.passed, seen.failed), if passed { (1, 0) } else { (0, 1) }, "{line}");
        }
        let seen = Glance::default().push(b"4 passed\nok\nFAILED\n[  FAILED  ] 2 tests\n", Instant::now()).unwrap();
        assert_eq!((seen.passed, seen.failed), (0, 0));
    }
}
