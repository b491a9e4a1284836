//! Detects a silent command that waits for file changes: it reported its test results, and it prints that it watches,
//! or one of its processes was started in watch mode.
//!
//! Neither silence nor such words alone suffice: a server used by tests may print that it watches its files.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;

use crate::settings::regex;

/// Silence after which a command is examined.
pub(super) const QUIET: Duration = Duration::from_secs(5);
/// Bytes kept from the end of the output.
const KEPT: usize = 32 * 1024;

/// Matches summaries of finished tests.
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
        r"(?m)^Ran \d+ tests? (in|across) ",                          // unittest, Django, bun
        r"(?m)^(ok|FAILED) \| \d+ passed",                            // deno
        r"(?m)^DONE \d+ tests?",                                      // gotestsum
        r"(?m)^(OK \(\d+ tests?, |Tests: \d+, Assertions)",           // PHPUnit
        r"(?m)^\s*\d+ tests? (passed|failed)",                        // ava
        r"(?m)^\s*Summary \[",                                        // nextest
        r"(?m)^BUILD (SUCCESSFUL|FAILED)",                            // Gradle
        r"(?m)^\[(info|error)\] (Passed|Failed): Total",              // sbt
    ];
    regex(&words.join("|"))
});
/// Matches messages about watching for changes.
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
        r"restarting on file change", // deno
        r"now watching at",           // guard
        r"watching (directory|\d+ director)",
        r"monitoring source files", // sbt
    ];
    regex(&format!("(?i){}", words.join("|")))
});

/// Programs that only watch.
const WATCHERS: [&str; 13] = [
    "bacon",
    "cargo-watch",
    "chokidar",
    "entr",
    "guard",
    "nodemon",
    "onchange",
    "phpunit-watcher",
    "ptw",
    "pytest-watch",
    "pytest_watch",
    "watchexec",
    "watchman-make",
];

/// Whether a process with this command line runs in watch mode; some don't print that (`node --test --watch`).
pub(super) fn is_told_to_watch(words: &[&str]) -> bool {
    let is_off = |value: &str| ["false", "no", "0"].contains(&value);
    let is_flag = |word: &&str| match word.split_once('=').map_or((*word, ""), |(name, value)| (name, value)) {
        ("--watch" | "--watchAll" | "--watch-path" | "--continuous", value) => !is_off(value),
        _ => false,
    };
    // An interpreter's name comes before the program's.
    let is_watcher = |word: &&str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        WATCHERS.contains(&name.split_once('.').map_or(name, |(stem, _)| stem))
    };
    let verb = words.get(1..).unwrap_or_default().iter().take(2).any(|word| ["watch", "test.watch"].contains(word));
    verb || words.iter().take(3).any(is_watcher) || words.iter().any(is_flag)
}

/// The end of a command's output.
#[derive(Default)]
pub(super) struct Banner {
    tail: Vec<u8>,
    /// Whether it was examined since the last output.
    looked: bool,
}

impl Banner {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.looked = false;
        self.tail.extend_from_slice(&chunk[chunk.len().saturating_sub(KEPT)..]);
        self.tail.drain(..self.tail.len().saturating_sub(KEPT));
    }

    /// Whether the output reports finished tests and then that it watches, or `was_told` says so. Examines the same
    /// output only once.
    pub(super) fn is_waiting(&mut self, was_told: impl FnOnce() -> bool) -> bool {
        if std::mem::replace(&mut self.looked, true) {
            return false;
        }
        let text = String::from_utf8_lossy(&self.tail);
        let text = console::strip_ansi_codes(&text);
        let last = ENDED.as_ref().and_then(|ended| ended.find_iter(&text).last());
        let says = |behind: &str| WATCHES.as_ref().is_some_and(|watches| watches.is_match(behind));
        last.is_some_and(|found| says(&text[found.end()..]) || was_told())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_waiting(text: &str) -> bool {
        let mut banner = Banner::default();
        banner.push(text.as_bytes());
        banner.is_waiting(|| false)
    }

    #[test]
    fn watchers_say_that_they_wait() {
        for text in [
            " Test Files  1 passed (1)\n      Tests  1 passed (1)\n\n \u{1b}[42m PASS \u{1b}[49m Waiting for file changes...\n       press h to show help, press q to quit\n",
            "Tests:       1 passed, 1 total\nTime:        1.5 s\nRan all test suites.\n",
            "  1 passing (2ms)\n\nℹ [mocha] waiting for changes...\n",
            "test result: ok. 3 passed; 0 failed\n[Finished running. Exit status: 0]\n",
            "# pass 3\n# fail 0\nwaiting for a file to change before restarting\n",
            "Ran 3 tests in 0.001s\n\nOK\nWaiting for changes…\n",
            "Ran 1 test in 0.001s\n\nFAILED (failures=1)\nWatching for file changes with StatReloader\n",
            "ok | 3 passed | 0 failed (5ms)\n\nWatcher Test finished. Restarting on file change...\n",
            "DONE 3 tests in 0.5s\nWatching 3 directories. Use Ctrl-c to to stop a run or exit.\n",
            "OK (3 tests, 3 assertions)\n\nPress q to quit the watcher.\n",
            "3 runs, 3 assertions, 0 failures\n12:00:00 - INFO - Guard is now watching at '/tree'\n",
            "BUILD SUCCESSFUL in 1s\nWaiting for changes to input files...\n",
        ] {
            assert!(is_waiting(text), "{text}");
        }
    }

    #[test]
    fn watchers_that_say_nothing_were_told_to_watch() {
        let ends = "# tests 1\n# pass 1\n# fail 0\n# duration_ms 225.8\n";
        for (text, was_told, waits) in [(ends, true, true), (ends, false, false), ("running\n", true, false)] {
            let mut banner = Banner::default();
            banner.push(text.as_bytes());
            assert_eq!(banner.is_waiting(|| was_told), waits, "{text} {was_told}");
        }
        let is = |line: &str| is_told_to_watch(&line.split(' ').collect::<Vec<_>>());
        for line in [
            "node --test --watch",
            "node --watch-path=src --test",
            "deno test --watch",
            "bun test --watch",
            "gotestsum --watch",
            "node /tree/node_modules/.bin/tsx watch --test a.ts",
            "python3 /usr/bin/ptw",
            "python3 -m pytest_watch",
            "cargo watch -x test",
            "/home/u/.cargo/bin/cargo-watch watch -x test",
            "mix test.watch",
            "ruby /usr/bin/guard",
            "node /tree/node_modules/nodemon/bin/nodemon.js a.js",
            "php vendor/bin/phpunit-watcher",
        ] {
            assert!(is(line), "{line}");
        }
        for line in ["node --test", "vitest --watch=false", "jest --watchman", "sh run-tests", "cargo test watch_", ""]
        {
            assert!(!is(line), "{line}");
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
        assert!(banner.is_waiting(|| false) && !banner.is_waiting(|| true), "once");
        banner.push(&vec![b'x'; 3 * KEPT]);
        assert!(!banner.is_waiting(|| true) && banner.tail.len() == KEPT);
    }
}
