//! Whether a silent command waits for changes: it told how its tests went, and says that it goes on watching.
//!
//! Silence alone says nothing, and neither do such words: a server that tests use may say that it watches its files.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use crate::settings::regex;

/// How long a command has been silent that waits.
pub(super) const QUIET: Duration = Duration::from_secs(5);
/// Of the output's end.
const KEPT: usize = 8 * 1024;

/// That tests came to an end.
static ENDED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = [
        r"(?m)^\s*Tests:?\s+(\S+ )?\d+ (passed|failed|skipped|todo)", // vitest, jest
        r"(?m)^\s*\d+ (passing|failing|pass|fail|passed|failed)\b",   // mocha, bun, pytest
        r"(?m)^(=+ )?\d+ (passed|failed|error)",                      // pytest
        r"(?m)^test result: ",                                        // cargo test
        r"(?m)^(#|ℹ) (pass|fail) \d+",                                // node, tap
        r"(?m)^\s*\d+ tests?,? .*\bfailures?",                        // ExUnit, ava
        r"(?m)^\d+ (examples?|runs?), ",                              // RSpec, Minitest
        r"(?m)^(ok|FAIL)\s+\S+\s+[\d.]+s",                            // go
        r"(?m)^(Passed|Failed)!\s+- Failed",                          // dotnet
        r"(?m)^(TOTAL|Executed \d+ of \d+)",                          // karma
    ];
    regex(&words.join("|"))
});
/// That it goes on watching.
static WATCHES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = [
        r"waiting for (file )?changes",
        r"watching for (file )?changes",
        r"watch usage",
        r"ran all test suites", // jest says no more where it has no terminal
        r"\[finished running",  // cargo watch
        r"press .{1,12} to (show help|quit|exit|stop|rerun|run|restart)",
        r"type .?rs.? ",
        r"waiting for a file to change",
        r"watch mode",
    ];
    regex(&format!("(?i){}", words.join("|")))
});

/// The end of what a command wrote.
#[derive(Default)]
pub(super) struct Banner {
    tail: Vec<u8>,
    /// Looked at, and nothing came since.
    looked: bool,
}

impl Banner {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.looked = false;
        self.tail.extend_from_slice(&chunk[chunk.len().saturating_sub(KEPT)..]);
        self.tail.drain(..self.tail.len().saturating_sub(KEPT));
    }

    /// Whether it says that tests came to an end, and behind that that it watches. Looks once at the same words.
    pub(super) fn is_waiting(&mut self) -> bool {
        if std::mem::replace(&mut self.looked, true) {
            return false;
        }
        let text = String::from_utf8_lossy(&self.tail);
        let text = console::strip_ansi_codes(&text);
        let last = ENDED.as_ref().and_then(|ended| ended.find_iter(&text).last());
        last.is_some_and(|found| WATCHES.as_ref().is_some_and(|watches| watches.is_match(&text[found.end()..])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_waiting(text: &str) -> bool {
        let mut banner = Banner::default();
        banner.push(text.as_bytes());
        banner.is_waiting()
    }

    #[test]
    fn watchers_say_that_they_wait() {
        for text in [
            " Test Files  1 passed (1)\n      Tests  1 passed (1)\n\n \u{1b}[42m PASS \u{1b}[49m Waiting for file changes...\n       press h to show help, press q to quit\n",
            "Tests:       1 passed, 1 total\nTime:        1.5 s\nRan all test suites.\n",
            "  1 passing (2ms)\n\nℹ [mocha] waiting for changes...\n",
            "test result: ok. 3 passed; 0 failed\n[Finished running. Exit status: 0]\n",
            "# pass 3\n# fail 0\nwaiting for a file to change before restarting\n",
        ] {
            assert!(is_waiting(text), "{text}");
        }
    }

    #[test]
    fn a_server_that_watches_is_none() {
        for text in [
            "Watching for file changes with StatReloader\nQuit the server with CONTROL-C.\n",
            "Watching for file changes\nrunning 3 tests\n1 passed\n",
            "  1 passing (2ms)\n",
            "",
        ] {
            assert!(!is_waiting(text), "{text}");
        }
        let mut banner = Banner::default();
        banner.push(b"  1 passing (2ms)\nwaiting for changes...\n");
        assert!(banner.is_waiting() && !banner.is_waiting(), "once");
        banner.push(&vec![b'x'; 3 * KEPT]);
        assert!(!banner.is_waiting() && banner.tail.len() == KEPT);
    }
}
