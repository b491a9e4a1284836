//! What may differ between two runs of the same thing; deliberately few things.
//!
//! | What | Shown as |
//! |---|---|
//! | the repository's folder, and that of a private view | `<tree>` |
//! | other folders of the run, and below `/tmp` | `<folder>` |
//! | durations: `0.31s`, `12 ms`, `time="0.2"`, `duration_ms 1.5` | `<time>` |
//! | dates and times of day | `<date>` |
//! | addresses: `0x7f3c…` | `<address>` |
//! | numbers of processes and threads, seeds of random numbers | `<number>` |
//! | hashes in the names of build products: `-1f0c…` (16 digits) | `-<hash>` |
//! | frames and gaps, drawn to fit around a time | one `=`, `-`, `_` or space |
//! | of test runs: the order of lines, and lines about building (`Compiling …`) | |
//! | of the survey: the platform, and what git says of the commit and of changed files | `<git>` |

use std::sync::LazyLock;

use regex::Regex;

use crate::settings::regex;

/// Patterns and their masks, applied in this order.
const PATTERNS: [(&str, &str); 13] = [
    (r"/[^\s:'\x22]*/runs/[2-9a-hj-km-np-z]{8}/view/[^/\s:'\x22]+", "<tree>"),
    (r"/[^\s:'\x22]*/runs/[2-9a-hj-km-np-z]{8}/[^\s:'\x22]+", "<folder>"),
    (r"/(tmp|var/tmp|dev/shm)/[^\s:'\x22]+", "<folder>"),
    (r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?Z?)?|\b\d\d:\d\d:\d\d([.,]\d+)?\b", "<date>"),
    (r"(?i)\b(duration_ms:?|time=\x22|duration:?)\s*\d+(\.\d+)?\x22?", "<time>"),
    (r"\b\d+(\.\d+)?\s?(ns|µs|μs|us|ms|s|secs?|seconds?|min|minutes?)\b", "<time>"),
    (r"\b0x[0-9a-fA-F]{4,16}\b", "<address>"),
    (r"(?i)\b(pid|process|thread|tid|seed)([ =:#]+|' \()\d+\)?", "<number>"),
    (r"thread '([^']*)' \(\d+\)", "thread '$1'"),
    (r"-[0-9a-f]{16}\b", "-<hash>"),
    (r"={2,}", "="),
    (r"-{3,}|_{3,}|─{3,}", "-"),
    (r"[ \t]+", " "),
];

/// Lines of a test run about building, which appear only if something had to be built.
const BUILDING: &str = r"^\s*(Compiling|Finished|Fresh|Downloading|Downloaded|Blocking|Updating|Locking|Adding|Building|Running|Doc-tests) |^go: downloading ";

static MASKS: LazyLock<Vec<(Regex, &'static str)>> =
    LazyLock::new(|| PATTERNS.iter().filter_map(|(it, name)| Some((regex(it)?, *name))).collect());
static BUILDS: LazyLock<Option<Regex>> = LazyLock::new(|| regex(BUILDING));

/// Whether two outputs of a test run differ only in volatile parts. `trees` are the roots of the two repositories.
#[must_use]
pub fn test_runs_agree(recorded: &str, now: &str, trees: [&str; 2]) -> bool {
    recorded == now || printed(recorded, trees[0]) == printed(now, trees[1])
}

/// The same for the survey that opens a conversation.
#[must_use]
pub fn surveys_agree(recorded: &str, now: &str) -> bool {
    fn steady(survey: &str) -> Vec<&str> {
        // Removes git's line and the indented lines of changed files, up to the next section.
        let (before, after) = survey.split_once("\nGit: ").unwrap_or((survey, ""));
        let after = after.find("\n#").map_or("", |section| &after[section..]);
        before.lines().filter(|line| !line.starts_with("Platform: ")).chain(after.lines()).collect()
    }
    steady(recorded) == steady(now)
}

/// Masks the volatile parts of `text`.
fn masked(text: &str, tree: &str) -> String {
    let text = if tree.len() > 1 { text.replace(tree, "<tree>") } else { text.to_owned() };
    MASKS.iter().fold(text, |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
}

/// The masked lines of a test run, sorted, because parallel tests end in any order.
fn printed(text: &str, tree: &str) -> Vec<String> {
    let masked = masked(text, tree);
    let builds = |line: &&str| BUILDS.as_ref().is_some_and(|pattern| pattern.is_match(line));
    let mut lines: Vec<String> =
        masked.lines().filter(|line| !builds(line)).map(|line| line.trim_end().to_owned()).collect();
    lines.sort_unstable();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREES: [&str; 2] = ["/home/a/project", "/srv/ci/checkout"];

    #[test]
    fn the_same_run_of_tests_elsewhere_and_at_another_time_agrees() {
        let pairs = [
            ("Ran 3 tests in 0.001s\n\nOK", "Ran 3 tests in 1.2s\n\nOK"),
            ("ok  \texample.com/x\t0.003s", "ok  \texample.com/x\t12.1s"),
            ("===== 3 passed in 9.98s =====", "==== 3 passed in 10.02s ===="),
            ("# duration_ms 1.25", "# duration_ms 80.0"),
            ("at /home/a/project/x.py:3", "at /srv/ci/checkout/x.py:3"),
            ("at /home/a/project/x.py:3", "at /state/runs/abcdefgh/view/project/x.py:3"),
            ("wrote /tmp/a1b2/out", "wrote /tmp/zz/q"),
            ("<Object at 0x7f3c2a10>", "<Object at 0x55d0aa34ff>"),
            ("at 2026-01-02T03:04:05Z", "at 2027-11-12T13:14:15Z"),
            ("thread 'a::b' (1234) panicked", "thread 'a::b' (99) panicked"),
            ("Running target/debug/deps/x-0123456789abcdef", "Running target/debug/deps/x-fedcba9876543210"),
            ("test a ... ok\ntest b ... ok", "test b ... ok\ntest a ... ok"),
            ("   Compiling x v0.1.0\ntest a ... ok", "test a ... ok"),
        ];
        for (recorded, now) in pairs {
            assert!(test_runs_agree(recorded, now, TREES), "{recorded:?}, {now:?}");
        }
    }

    #[test]
    fn other_results_do_not() {
        let pairs = [
            ("Ran 3 tests in 0.001s", "Ran 2 tests in 0.001s"),
            ("test a ... ok", "test a ... FAILED"),
            ("1 != 2", "1 != 3"),
            ("expected 0x10, got 0x11", "expected 0x10, got 0x12"),
            ("x.py:3", "x.py:4"),
            ("a\nb", "a\nb\nb"),
            ("commit 0123456789abcdef", "commit 0123456789abcdee"),
        ];
        for (recorded, now) in pairs {
            assert!(!test_runs_agree(recorded, now, TREES), "{recorded:?}, {now:?}");
        }
    }

    #[test]
    fn surveys_agree_but_for_git_and_the_platform() {
        let survey = |platform: &str, git: &str, task: &str| {
            format!(
                "# Repository\n\nPlatform: {platform}\nTests: ./t\nGit: {git}\n\n# Files\n\n2 files.\n# Task\n\n{task}\n"
            )
        };
        let recorded = survey("linux x86_64", "branch main, 0123, no uncommitted changes", "mend it");
        let elsewhere =
            survey("linux aarch64", "branch x, 4567, with the user's uncommitted changes:\n  .M a", "mend it");
        assert!(surveys_agree(&recorded, &elsewhere));
        let another = survey("linux x86_64", "branch main, 0123, no uncommitted changes", "break it");
        assert!(!surveys_agree(&recorded, &another));
    }
}
