//! Extracts the lines that explain a failure from a test's message or from output.
//!
//! Some tools give the reason first (jest, vitest, mocha, RSpec, node), others last (Python, Rust). Surrounding text of
//! runners and package managers is left out.

use std::sync::LazyLock;

use regex::Regex;

use crate::settings::regex;

/// Number of lines shown of one test.
const OF_A_TEST: usize = 3;
/// Number of characters shown of a line.
const LINE: usize = 200;

/// Stack frames, quoted code, pointers into it, and lines that only say that something failed.
static NOISE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r#"(?x)
          ^\s*(?:at\s|❯\s|⎯+|note:\ (?:run\ with|Some\ details))
        | ^\s*>?\s*\d+\s*\|
        | ^\s*\|\s*[\^~]
        | ^\s*[\]\[(){}^~+\-=*,;|<>.…!_⎯\s]*$
        | ^\s*[-+]\s(?:Expected|Received|expected|actual)\b(?:\s*[-+]\s*\w+)?\s*(?:[-+]\s*\d+)?$
        | ^\s*\+\ expected\ -\ actual
        | ^\s*\(compared\ using
        | ^\s*(?:duration_ms|type|location|failureType|code|name|operator|stack|severity|file|line):(?:\s|$)
        | ELIFECYCLE | ^\s*npm\ (?:ERR!|error)\ (?:code|path|command|errno|syscall|A\ complete\ log|Lifecycle|Test\ failed|location|workspace|in\ workspace|If\ you\ need|There\ is\ likely)
        | ^\s*npm\ (?:ERR!|error)\s*$
        | ^info\ Visit\ https://yarnpkg | ^error\ Command\ failed\ with | ^\$\ \S | ^yarn\ run\ v
        | ^(?:error:\ )?script\ ".*"\ (?:exited|was\ terminated)
        | ^Tasks:\ TOP | ^\(See\ full\ (?:trace|list) | ^rake\ aborted! | ^Command\ failed\ with\ status
        | ^g?make(?:\[\d+\])?:\ (?:\*\*\*|Entering|Leaving)
        | ^error:\ (?:test\ failed,\ to\ rerun|Recipe\ .*\ failed|\d+\ target) | ^exit\ status\ \d+$
        | ^FAIL$ | ^Node\.js\ v\d | ^node:internal | ^\s*throw\ | ^Require\ stack:
        | ^\s*error:\ '(?:test\ failed|\d+\ subtests?\ failed|test\ did\ not\ finish)
        "#,
    )
});
/// Signs that the reason is at the end of the message.
static TELLS_LAST: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?m)^Traceback \(most recent|^E\s{2,}|panicked at|^Traceback:|^\s*File .+, line \d+"));

/// Returns the lines of a test's message that explain its failure; empty if none does.
pub(super) fn said(message: &str) -> Vec<String> {
    let lines: Vec<String> = message.lines().map(|line| plain(line.trim())).filter(|line| !is_noise(line)).collect();
    if TELLS_LAST.as_ref().is_some_and(|last| last.is_match(message)) {
        return lines[lines.len().saturating_sub(OF_A_TEST)..].to_vec();
    }
    lines.into_iter().filter(|line| line != "error: |-").take(OF_A_TEST).collect()
}

/// Returns the last lines of the output, without those that only say that it failed.
pub(super) fn last_lines(output: &str, most: usize) -> Vec<String> {
    let end = &output[output.ceil_char_boundary(output.len().saturating_sub(16 * 1024))..];
    let all: Vec<String> = end.lines().map(plain).filter(|line| !line.trim().is_empty()).collect();
    let telling: Vec<String> = all.iter().filter(|line| !is_noise(line)).cloned().collect();
    let lines = if telling.is_empty() { all } else { telling };
    lines[lines.len().saturating_sub(most)..].to_vec()
}

fn is_noise(line: &str) -> bool {
    NOISE.as_ref().is_some_and(|noise| noise.is_match(line))
}

/// Returns a line without escape sequences and overwritten text, shortened.
fn plain(line: &str) -> String {
    let line = console::strip_ansi_codes(line.trim_end());
    let last_state = line.rsplit('\r').next().unwrap_or_default();
    let mut shown: String = last_state.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
    if let Some((end, _)) = shown.char_indices().nth(LINE) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_tells_by_the_lines_that_say_why() {
        for (message, expected) in [
            (
                "thread 't' panicked at src/lib.rs:3:5:\nassertion `left == right` failed\n  left: 1\n right: 2\nnote: run with `X`\n",
                &["assertion `left == right` failed", "left: 1", "right: 2"][..],
            ),
            ("Error: no\n    at a.js:1\n    at b.js:2\n", &["Error: no"]),
            (
                "Traceback (most recent call last):\n  File \"t.py\", line 3, in test\n    self.assertEqual(add(1), 3)\nAssertionError: 2 != 3\n",
                &["File \"t.py\", line 3, in test", "self.assertEqual(add(1), 3)", "AssertionError: 2 != 3"],
            ),
            (
                "expect(received).toMatchSnapshot()\n\nSnapshot name: `adds 1`\n\n- Snapshot  - 1\n+ Received  + 1\n\n  Object {\n-   \"sum\": 3,\n+   \"sum\": 5,\n  }\n    at Object.<anonymous> (a.test.js:3:1)",
                &["expect(received).toMatchSnapshot()", "Snapshot name: `adds 1`", "- Snapshot  - 1"],
            ),
            (
                "AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\n\n5 !== 3\n\n      + expected - actual\n\n      -5\n      +3\n",
                &["AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:", "5 !== 3", "-5"],
            ),
            (
                "Failure/Error: expect(add(1, 2)).to eq(3)\n\n  expected: 3\n       got: 5\n\n  (compared using ==)\n",
                &["Failure/Error: expect(add(1, 2)).to eq(3)", "expected: 3", "got: 5"],
            ),
            (
                "AssertionError: expected 5 to be 3 // Object.is equality\n\n- Expected\n+ Received\n\n- 3\n+ 5\n\n ❯ a.test.js:4:20\n      2| import { add }\n      3|\n      4|   expect(add(1, 2)).toBe(3)\n       |                     ^\n",
                &["AssertionError: expected 5 to be 3 // Object.is equality", "- 3", "+ 5"],
            ),
            (
                "error: |-\n  Expected values to be strictly equal:\n\n  2 !== 3\n\nexpected: 3\nactual: 2\noperator: 'strictEqual'\nstack: |-\n",
                &["Expected values to be strictly equal:", "2 !== 3", "expected: 3"],
            ),
            ("failureType: 'testCodeFailure'\nerror: 'test failed'\ncode: 'ERR_TEST_FAILURE'\n", &[]),
        ] {
            assert_eq!(said(message), expected, "{message}");
        }
    }

    #[test]
    fn what_only_says_that_it_failed_is_left_out() {
        for around in [
            "\u{2009}ELIFECYCLE\u{2009} Test failed. See above for more details.",
            "error Command failed with exit code 1.\ninfo Visit https://yarnpkg.com/en/docs/cli/run for documentation about this command.",
            "rake aborted!\nCommand failed with status (1)\n\nTasks: TOP => test\n(See full trace by running task with --trace)",
            "make: *** [Makefile:2: test] Error 1",
            "npm error Lifecycle script `test` failed with error:\nnpm error code 1\nnpm error path /p",
            "}\n^\n  4|",
        ] {
            assert_eq!(last_lines(&format!("the sum is 5\n{around}\n"), 12), ["the sum is 5"], "{around}");
            assert!(!last_lines(around, 12).is_empty(), "better than nothing");
        }
    }
}
