//! The excerpt of a test run for the model: how it ended, lines about failures, head and tail.
//!
//! Does no I/O. The most important parts come first, so that they survive later cuts. Escape sequences and control
//! characters are removed; of progress bars the last state is kept.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

use super::output::KeptOutput;
use crate::settings::regex;
use crate::tools::TestRun;

/// Bytes of an excerpt, without its headings.
const BUDGET: usize = 6 * 1024;
/// Bytes for a run that passed, which has less to tell.
const BUDGET_PASSED: usize = 2 * 1024;
/// Most bytes of failing lines.
const FAILURES: usize = 2 * 1024;
/// Most characters of a line.
const LINE: usize = 300;

/// Matches lines about failures of common runners and compilers.
static FAILURE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = [
        r"^\s*(FAIL|FAILED|ERROR)\b",   // unittest, pytest, jest, vitest
        r"\.\.\. (FAILED|FAIL|ERROR)$", // cargo test, unittest -v
        r"^\s*--- FAIL",                // go
        r"^\s*not ok\b",                // TAP
        r"^\s*[✕✗✖×✘]\s",               // jest, mocha, node, vitest
        r"panicked at",                 // Rust
        r"^\s*([A-Za-z_][\w.]*)?(Error|Exception|Failure)(:|$| \[)", // Python, JavaScript, Java
        r"^E\s{2,}",                    // pytest
        r"^error(\[E\d+\])?:",          // rustc
        r"^\s*\[ERROR\]",               // Maven
        r"^\S+:\d+(:\d+)?: (fatal )?(error|undefined|cannot)", // gcc, clang, go
        r"^test result: FAILED",        // cargo test
        r"^=+ .*\b(failed|error|errors)\b.* =+$", // pytest
        r"^(FAILED|FAILURES?|Failures:)", // unittest, JUnit
        r"^\s*(#|ℹ) fail [1-9]",        // node --test
    ];
    regex(&words.join("|"))
});

/// The excerpt of `run`, whose output is `kept`. `verdict` says how it ended.
pub(super) fn excerpt(verdict: &str, run: &TestRun, kept: &KeptOutput) -> String {
    let mut text = format!("{verdict}\n");
    // Without a cut the two parts are one text, and may meet inside a line.
    let (head, tail) = match kept.cut {
        0 => (lines(&[&kept.head[..], &kept.tail[..]].concat()), Vec::new()),
        _ => (lines(&kept.head), lines(&kept.tail)),
    };
    let budget = if run.passed() { BUDGET_PASSED } else { BUDGET };
    let within = |budget| {
        if kept.cut == 0 { ExcerptLines::of(&head, budget) } else { ExcerptLines::parts(&head, &tail, budget) }
    };
    let mut shown = within(budget);
    // Output that is shown completely needs no list of failures.
    if !run.passed() && (kept.cut > 0 || !shown.last.is_empty()) {
        let all = || head.iter().chain(&tail);
        // The list takes space from the output, so more failures need listing: its size is computed for the least
        // output.
        let took = failures(&mut String::new(), all(), &within(budget - FAILURES));
        shown = within(budget - took);
        failures(&mut text, all(), &shown);
    }
    shown.write(&mut text, kept, &run.log);
    if kept.left_out > 0 {
        let _ = writeln!(text, "[the log leaves out {} bytes between its beginning and its end]", kept.left_out);
    }
    if let Some(gap) = &kept.log_gap {
        let _ = writeln!(text, "[the log is incomplete: {gap}]");
    }
    text
}

/// Adds the failing lines that aren't shown anyway; returns their size in bytes.
fn failures<'a>(text: &mut String, lines: impl Iterator<Item = &'a String>, shown: &ExcerptLines<'a>) -> usize {
    let mut seen: HashSet<_> = shown.first.iter().chain(shown.last).map(String::as_str).collect();
    let is_failure = |line: &&String| FAILURE.as_ref().is_some_and(|failure| failure.is_match(line));
    let failing: Vec<&String> = lines.filter(is_failure).filter(|line| seen.insert(line.as_str())).collect();
    let mut took = 0;
    let fitting: Vec<&&String> = failing
        .iter()
        .take_while(|line| {
            took += line.len() + 3;
            took <= FAILURES
        })
        .collect();
    if fitting.is_empty() {
        return 0;
    }
    let _ = match failing.len() - fitting.len() {
        0 => writeln!(text, "Lines that report failures:"),
        more => writeln!(text, "Lines that report failures (the first {}; {more} more in the log):", fitting.len()),
    };
    for line in fitting {
        let _ = writeln!(text, "  {}", line.trim_start());
    }
    took.min(FAILURES)
}

/// The lines shown, and where some are missing.
struct ExcerptLines<'a> {
    first: &'a [String],
    last: &'a [String],
}

impl<'a> ExcerptLines<'a> {
    fn of(lines: &'a [String], budget: usize) -> Self {
        let total: usize = lines.iter().map(|line| line.len() + 1).sum();
        if total <= budget {
            return Self { first: lines, last: &[] };
        }
        let first = &lines[..fitting(lines.iter(), budget / 4)];
        let rest = &lines[first.len()..];
        Self { first, last: &rest[rest.len() - fitting(rest.iter().rev(), budget - budget / 4)..] }
    }

    fn parts(head: &'a [String], tail: &'a [String], budget: usize) -> Self {
        let first = &head[..fitting(head.iter(), budget / 4)];
        Self { first, last: &tail[tail.len() - fitting(tail.iter().rev(), budget - budget / 4)..] }
    }

    fn write(&self, text: &mut String, kept: &KeptOutput, log: &str) {
        if self.first.is_empty() && self.last.is_empty() {
            text.push_str("It wrote nothing.\n");
            return;
        }
        text.push_str("Output:\n");
        for line in self.first {
            let _ = writeln!(text, "{line}");
        }
        if self.last.is_empty() && kept.cut == 0 {
            return;
        }
        let cut = kept.lines.saturating_sub((self.first.len() + self.last.len()) as u64);
        let _ = writeln!(text, "[… {cut} lines cut; read_file \"@logs/{log}\" shows the rest …]");
        for line in self.last {
            let _ = writeln!(text, "{line}");
        }
    }
}

/// How many of `lines` fit into `budget` bytes.
fn fitting<'a>(lines: impl Iterator<Item = &'a String>, budget: usize) -> usize {
    let mut took = 0;
    lines
        .take_while(|line| {
            took += line.len() + 1;
            took <= budget
        })
        .count()
}

/// Splits raw output into lines that are safe to show.
fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(plain).collect()
}

/// One line without escape sequences, control characters and overwritten text, cut to [`LINE`] characters.
fn plain(line: &str) -> String {
    let line = console::strip_ansi_codes(line);
    let last_state = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    let mut shown: String =
        last_state.chars().filter(|c| *c == '\t' || !(c.is_control() || is_bidi_control(*c))).collect();
    if let Some((end, _)) = shown.char_indices().nth(LINE) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// Characters that reorder text around them (<https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>).
const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> TestRun {
        TestRun { exit_code: Some(1), log: "tests-3.log".into(), ..TestRun::default() }
    }

    fn kept(text: &str) -> KeptOutput {
        KeptOutput { head: text.into(), lines: text.lines().count() as u64, ..KeptOutput::default() }
    }

    #[test]
    fn short_output_is_shown_whole_behind_the_verdict() {
        let text = excerpt("exit status: 1", &failed(), &kept("one\ntwo\n"));
        assert_eq!(text, "exit status: 1\nOutput:\none\ntwo\n");
        assert!(excerpt("exit status: 1", &failed(), &kept("")).ends_with("It wrote nothing.\n"));
    }

    #[test]
    fn failing_lines_of_common_runners_are_found() {
        let failing = [
            "FAIL: test_add (tests.T)",
            "FAILED tests/test_a.py::test_b - assert 1 == 2",
            "test a::b ... FAILED",
            "--- FAIL: TestAdd (0.00s)",
            "not ok 3 - adds",
            "  ✕ adds (3 ms)",
            "thread 'a' panicked at src/lib.rs:3:5:",
            "AssertionError: 3 != 4",
            "E       assert 1 == 2",
            "error[E0308]: mismatched types",
            "[ERROR] Tests run: 3",
            "a.go:3:5: undefined: x",
            "main.c:3:5: error: expected ';'",
            "test result: FAILED. 3 passed; 1 failed",
            "# fail 2",
            "java.lang.NullPointerException: x",
            "=== 1 failed, 3 passed in 0.1s ===",
        ];
        let fine =
            ["ok", "test a ... ok", "# fail 0", "0 errors", "=== 3 passed in 0.1s ===", "no errors: fine", "PASS"];
        let pattern = FAILURE.as_ref().unwrap();
        for line in failing {
            assert!(pattern.is_match(line), "{line}");
        }
        for line in fine {
            assert!(!pattern.is_match(line), "{line}");
        }
    }

    #[test]
    fn a_failure_in_the_middle_of_long_output_comes_first() {
        let noise = "all is well here\n".repeat(2000);
        let text = excerpt("exit status: 1", &failed(), &kept(&format!("{noise}not ok 7 - adds\n{noise}the end\n")));
        let lines: Vec<&str> = text.lines().take(4).collect();
        assert_eq!(lines[1..], ["Lines that report failures:", "  not ok 7 - adds", "Output:"]);
        assert!(text.ends_with("the end\n"));
        assert!(text.len() < BUDGET + 512, "{}", text.len());
        let shown = text.lines().filter(|line| *line == "all is well here").count() + 1;
        assert!(
            text.contains(&format!("[… {} lines cut; read_file \"@logs/tests-3.log\" shows the rest …]", 4002 - shown))
        );
    }

    #[test]
    fn failures_are_listed_only_when_they_are_not_shown_anyway() {
        let short = excerpt("exit status: 1", &failed(), &kept("not ok 1 - adds\nthe end\n"));
        assert_eq!(short, "exit status: 1\nOutput:\nnot ok 1 - adds\nthe end\n");
        let noise = "all is well here\n".repeat(2000);
        let long = format!("{noise}not ok 7 - adds\n{noise}not ok 9 - last\n");
        let text = excerpt("exit status: 1", &failed(), &kept(&long));
        assert!(text.contains("Lines that report failures:\n  not ok 7 - adds\nOutput:"), "{text}");
        assert_eq!(text.matches("not ok 9 - last").count(), 1, "{text}");
    }

    #[test]
    fn what_memory_cut_is_counted_too() {
        let gap = KeptOutput {
            head: b"a\n".to_vec(),
            tail: b"z\n".to_vec(),
            cut: 1_000_000,
            lines: 5002,
            ..KeptOutput::default()
        };
        let text = excerpt("exit status: 1", &failed(), &gap);
        assert!(text.contains("a\n[… 5000 lines cut;") && text.ends_with("z\n"), "{text}");
    }

    #[test]
    fn many_failures_leave_room_for_the_output() {
        let output: Vec<String> = (0..500).map(|n| format!("not ok {n} - a case with a rather long name")).collect();
        let text = excerpt("exit status: 1", &failed(), &kept(&output.join("\n")));
        assert!(text.contains("more in the log)") && text.contains("Output:\n"));
        assert!(text.len() < BUDGET + 512, "{}", text.len());
    }

    #[test]
    fn nothing_reaches_a_terminal_raw() {
        assert_eq!(
            plain("\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}x\u{202e}y\u{8}\tz"),
            "red x y\tz".replace(" y", "y")
        );
        assert_eq!(plain("10%\r50%\rdone\r"), "done");
        assert_eq!(plain(&"x".repeat(1000)).chars().count(), LINE + 1);
    }
}
