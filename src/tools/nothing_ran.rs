//! Detects from the output that no test ran: a filter that matches nothing often ends with exit code 0.

/// Whether `output` says that no test ran, nothing in it contradicts that, and no part of it was cut out.
pub(super) fn says_so(output: &str) -> bool {
    let is_cut = output.contains(" lines cut; read_file ");
    let mut said = output.lines().filter_map(ran_some).peekable();
    !is_cut && said.peek().is_some() && said.all(|ran| !ran)
}

/// Whether the line reports tests that ran (true) or that none did (false); `None` for other lines.
fn ran_some(line: &str) -> Option<bool> {
    let line = line.trim().trim_matches('=').trim();
    let amounts = [
        ("Ran ", " test"),     // unittest
        ("running ", " test"), // cargo test, one a binary
        ("# tests ", ""),      // node, TAP
        ("ℹ tests ", ""),      // node
        ("", " passing"),      // mocha
        ("", " failing"),
        ("", " passed"), // pytest
        ("", " failed"),
        ("", " error"),
    ];
    let says_none = ["no tests ran", "collected 0 items", "No tests found", "No test files found"];
    if says_none.iter().any(|words| line.starts_with(words)) || line.ends_with("[no tests to run]") {
        return Some(false);
    }
    // Go prints one line per package if it passes.
    if line.starts_with("ok  \t") || line.starts_with("FAIL\t") {
        return Some(true);
    }
    amounts.iter().find_map(|(before, behind)| amount(line, before, behind)).map(|amount| amount > 0)
}

/// The number between `before` and `behind`; an empty `behind` means the end of the line.
fn amount(line: &str, before: &str, behind: &str) -> Option<u64> {
    let rest = line.strip_prefix(before)?;
    let digits = rest.len() - rest.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    let (number, words) = rest.split_at(digits);
    let fits = if behind.is_empty() { words.is_empty() } else { words.starts_with(behind) };
    number.parse().ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::says_so;

    #[test]
    fn what_runners_say_when_nothing_ran() {
        let nothing = [
            "\n------\nRan 0 tests in 0.000s\n\nNO TESTS RAN\n",
            "  0 passing (2ms)\n",
            "# tests 0\n# pass 0\n",
            "ℹ tests 0\n",
            "collected 0 items\n\n=== no tests ran in 0.01s ===\n",
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 5 filtered out\n\nrunning 0 tests\n",
            "testing: warning: no tests to run\nPASS\nok  \ta\t0.1s [no tests to run]\n",
        ];
        for output in nothing {
            assert!(says_so(output), "{output}");
        }
    }

    #[test]
    fn in_doubt_something_ran() {
        let something = [
            "",
            "all is well\n",
            "Ran 1 test in 0.001s\n\nOK\n",
            "running 0 tests\nrunning 2 tests\n",
            "  0 passing (2ms)\n  1 failing\n",
            "# tests 10\n",
            "collected 0 items / 1 error\n=== 1 error in 0.01s ===\n",
            "3 passed in 0.1s\n",
            "ok  \ta\t0.1s\nok  \tb\t0.1s [no tests to run]\n",
            "running 0 tests\n[… 90 lines cut; read_file \"@logs/a\" shows the rest …]\n",
        ];
        for output in something {
            assert!(!says_so(output), "{output}");
        }
    }
}
