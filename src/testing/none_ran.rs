//! Recognises runners' messages that there were no tests; some runners treat that as success.

use std::sync::LazyLock;

use regex::Regex;

use crate::journal::TestCounts;
use crate::settings::regex;

/// Matches whole lines.
static NONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?x)^\s*(?:
          No\ tests\ were\ found!!! | No\ test\ configuration\ file\ found! # CTest
        | Files=0,\ Tests=0,.* | Result:\ NOTESTS                           # prove
        | \?\s+\t\S+\t\[no\ test\ files\] | ok\s+\t\S+\t.*\[no\ tests\ to\ run\] | testing:\ warning:\ no\ tests\ to\ run # go
        | No\ test\ (?:is\ available\ in|matches\ the\ given\ testcase\ filter)\b.* # dotnet
        | There\ are\ no\ tests\ to\ run | 0\ tests,\ 0\ failures.*  # ExUnit
        | >\ Task\ :\S*[tT]est\S*\ NO-SOURCE                                # Gradle
        | (?:\[INFO\]\ )?(?:No\ tests\ to\ run\.|Tests\ are\ skipped\.)     # Maven
        | (?:✖\ )?Couldn't\ find\ any\ files\ to\ test.* | ✖?\ *No\ tests\ found\ in\ .* # AVA
        | No\ tests\ found,?\ exiting\ with\ code\ \d+ | No\ test\ (?:suite\ )?files?\ found,?\ exiting\ with\ code\ \d+ # jest, vitest
        | (?:error:\ )?No\ (?:test\ modules|tests)\ found!?.*               # deno, bun, node-tap
        | Ran\ 0\ tests\ (?:across|in|containing)\b.*                       # bun, unittest, clojure
        | No\ tests\ executed! | No\ tests\ found\ in\ class\ .*            # PHPUnit
        | 0\ examples,\ 0\ failures.* | 0\ runs,\ 0\ assertions,.* | 0\ tests,\ 0\ assertions,.* # RSpec, minitest, test-unit
        | 0\ scenarios | No\ scenarios.* | Executed\ 0\ tests,.* | Executed\ 0\ of\ 0.*  # Cucumber, XCTest, Karma
        | (?:\[info\]\ )?No\ tests\ (?:were\ executed|to\ run\ for\ .*)     # sbt
        | No\ tests\ (?:ran|were\ run|match.*)\.? | \[\ FAIL\ 0\ \|\ WARN\ \d+\ \|\ SKIP\ \d+\ \|\ PASS\ 0\ \] # Dart, testthat
        | \[==========\]\ (?:Running|Ran)?\ ?0\ tests?\ from\ 0\ test\ .*   # GoogleTest
        )\s*$",
    )
});

/// Returns counts of zero if a runner says that there were no tests.
pub(super) fn none_ran(lines: &[&str]) -> Option<TestCounts> {
    let none = NONE.as_ref()?;
    let is_tap = |line: &str| line.starts_with("ok ") || line.starts_with("not ok ");
    // A plan of TAP, which bats prints as well; one file may have no tests while others have some.
    let is_plan = |line: &str| line == "1..0" || line.starts_with("1..0 ");
    let is_empty_plan = lines.iter().any(|line| is_plan(line)) && !lines.iter().any(|line| is_tap(line));
    (is_empty_plan || lines.iter().any(|line| none.is_match(line))).then(TestCounts::default)
}

#[cfg(test)]
mod tests {
    use super::super::counts::counts;
    use super::*;

    #[test]
    fn whoever_ran_nothing_says_so() {
        for output in [
            "No tests were found!!!",
            "*********************************\nNo test configuration file found!\n*********************************\nUsage\n",
            "Files=0, Tests=0,  0 wallclock secs ( 0.00 usr +  0.00 sys =  0.00 CPU)\nResult: NOTESTS",
            "1..0",
            "1..0 # SKIP no tests",
            "?   \texample.org/m\t[no test files]",
            "?   \texample.org/m\t[no test files]\n?   \texample.org/m/sub\t[no test files]",
            "testing: warning: no tests to run\nPASS\nok  \texample.org/m\t0.002s [no tests to run]",
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "No test is available in /p/bin/Debug/net8.0/p.dll. Make sure that test discoverer & executors are registered",
            "There are no tests to run",
            "Finished in 0.02 seconds\n0 tests, 0 failures",
            "> Task :compileTestJava NO-SOURCE\n> Task :test NO-SOURCE\n\nBUILD SUCCESSFUL in 1s",
            "[INFO] No tests to run.",
            "  ✖ Couldn't find any files to test",
            "No tests found, exiting with code 0",
            "No test files found, exiting with code 0",
            "error: No test modules found",
            "ok | 0 passed | 0 failed (3ms)",
            " 0 pass\n 0 fail\nRan 0 tests across 0 files. [1.00ms]",
            "  0 passing (1ms)",
            "# tests 0\n# suites 0\n# pass 0\n# fail 0",
            "ℹ tests 0\nℹ pass 0\nℹ fail 0",
            "No tests executed!",
            "Finished in 0.0002 seconds\n0 examples, 0 failures",
            "0 runs, 0 assertions, 0 failures, 0 errors, 0 skips",
            "Ran 0 tests in 0.000s\n\nOK",
            "no tests ran in 0.01s",
        ] {
            assert_eq!(counts(output), Some(TestCounts::default()), "{output}");
        }
    }

    #[test]
    fn others_that_ran_count_and_words_in_a_sentence_do_not() {
        let both = "?   \ta\t[no test files]\nok  \tb\t0.1s\n";
        assert_eq!(counts(both), Some(TestCounts { passed: 1, ..TestCounts::default() }));
        assert_eq!(counts("it says No tests were found!!! and passes\n"), None);
        assert_eq!(counts("ok | 2 passed | 1 failed (3ms)"), Some(TestCounts { passed: 2, failed: 1, skipped: 0 }));
    }
}
