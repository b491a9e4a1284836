//! What test runners print and write: JUnit, TAP, JSON, and the text of every runner that kcode knows.

use kcode::journal::TestResults;
use kcode::testing::{RunOutput, counts, results};
use proptest::collection::vec;
use proptest::prelude::*;

use super::damage::{cases, damaged, damaged_text, fixtures};

fn outputs() -> Vec<Vec<u8>> {
    [fixtures("test-results", |name| name == "output"), fixtures("test-output", |name| name != "README.md")].concat()
}

fn reports() -> Vec<Vec<u8>> {
    fixtures("test-results", |name| name.starts_with("report."))
}

/// All that is kept of a run, in bytes.
fn kept(results: &TestResults) -> usize {
    let test = |(name, test): (&std::sync::Arc<str>, &kcode::journal::TestCase)| {
        name.len() + test.file.as_ref().map_or(0, |file| file.len()) + test.message.as_ref().map_or(0, String::len)
    };
    results.tests.iter().map(test).sum()
}

fn read(output: &str, reports: &[Vec<u8>], ended: bool) -> Option<TestResults> {
    results(&RunOutput { root: "/project", output, reports, ended, passed: false })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn output_of_any_runner(output in damaged_text(outputs())) {
        let whole = read(&output, &[], true);
        prop_assert_eq!(&whole, &read(&output, &[], true), "the same output says the same");
        if let Some(whole) = &whole {
            prop_assert!(kept(whole) <= 8 * output.len() + 4096, "{} bytes of {}", kept(whole), output.len());
        }
        let cut = read(&output, &[], false);
        prop_assert!(cut.is_none_or(|cut| !cut.complete), "what didn't end isn't complete");
        let _ = counts(&output);
    }

    #[test]
    fn reports_of_any_runner(reports in vec(damaged(reports()), 1..4)) {
        let length: usize = reports.iter().map(Vec::len).sum();
        if let Some(found) = read("", &reports, true) {
            // Each test repeats the names of the suites around it.
            prop_assert!(kept(&found) <= 80 * length + 4096, "{} bytes of {length}", kept(&found));
        }
    }
}
