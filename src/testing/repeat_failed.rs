//! Repeats failed tests only: builds the runner's filter, and evaluates the second run.
//!
//! Only for commands that name a runner whose filters are known. A filter may match more tests than it names; what
//! counts is that each failed test ran again.

use super::runner_words::target;
use crate::journal::{TestResults, Verdict};
use crate::settings::TestCommand;

/// Most names in a filter; with more failures the whole project is run.
const MOST: usize = 50;

/// Returns the arguments with which `command` repeats the tests that failed in `results`; `None` if the runner has no
/// such filter or if all tests failed.
#[must_use]
pub fn filter_of_failed(command: &TestCommand, results: &TestResults) -> Option<Vec<String>> {
    let failed: Vec<&str> = failed(results).collect();
    if !results.complete || failed.is_empty() || failed.len() > MOST || failed.len() == results.tests.len() {
        return None;
    }
    let words = target(command, |_| None).words;
    let has = |name: &str| words.iter().any(|word| word.rsplit('/').next() == Some(name));
    let of_each = |name: fn(&str, Option<&str>) -> Option<String>| {
        failed.iter().map(|&test| name(test, results.tests.get(test)?.file.as_deref())).collect::<Option<Vec<_>>>()
    };
    let mut filter = match results.source.split(", ").next()? {
        "libtest" if has("cargo") && has("test") => of_each(libtest),
        "pytest" if has("pytest") || has("py.test") => of_each(pytest),
        "unittest" if has("unittest") => of_each(unittest),
        "go test" if has("go") && has("test") => of_each(go),
        _ => None,
    }?;
    filter.sort_unstable();
    filter.dedup();
    command.to_argv(&filter).is_ok().then_some(filter)
}

/// Whether each test that failed `before` ran again and failed again.
#[must_use]
pub fn failed_again(before: &TestResults, again: &TestResults) -> bool {
    let fails = |name: &str| again.tests.get(name).is_some_and(|case| case.verdict == Verdict::Failed);
    again.complete && failed(before).all(fails)
}

fn failed(results: &TestResults) -> impl Iterator<Item = &str> {
    results.tests.iter().filter(|(_, case)| case.verdict == Verdict::Failed).map(|(name, _)| &**name)
}

/// `calc::core::tests::adds` is `core::tests::adds` of the binary `calc`; an example's line isn't known.
fn libtest(name: &str, _: Option<&str>) -> Option<String> {
    let (binary, test) = name.split_once("::")?;
    (!binary.ends_with(" (doc)")).then(|| test.to_owned())
}

/// `tests.test_core.TestAdd::test_small` of `tests/test_core.py` is `tests/test_core.py::TestAdd::test_small`.
fn pytest(name: &str, file: Option<&str>) -> Option<String> {
    let (path, test) = name.split_once("::")?;
    let file = file?.trim_start_matches("./");
    let module = file.strip_suffix(".py")?.replace('/', ".");
    let classes = path.strip_prefix(&module)?;
    let classes = classes.split('.').filter(|class| !class.is_empty());
    let names: Vec<&str> = [file].into_iter().chain(classes).chain([test]).collect();
    Some(names.join("::"))
}

/// `tests.test_core.Add::test_big` is `tests.test_core.Add.test_big`.
fn unittest(name: &str, _: Option<&str>) -> Option<String> {
    let (class, test) = name.split_once("::")?;
    Some(format!("{class}.{test}"))
}

/// Returns the test that contains a subtest.
fn go(name: &str, _: Option<&str>) -> Option<String> {
    let test = name.rsplit_once(GO).map_or(name, |(_, test)| test);
    let test = test.split('/').next().filter(|test| test.starts_with(|char: char| char.is_alphabetic()))?;
    Some(format!("^{test}$"))
}

/// Separates a package from its test.
const GO: &str = "::";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::TestCase;
    use std::sync::Arc;

    /// `a+ b-` of this runner; the file of each is that of the case.
    fn results(source: &str, words: &str, file: &str) -> TestResults {
        let case = |word: &str| {
            let (name, sign) = word.split_at(word.len() - 1);
            let verdict = if sign == "+" { Verdict::Passed } else { Verdict::Failed };
            (name.into(), TestCase { verdict, message: None, file: Some(file.into()) })
        };
        TestResults { source: source.to_owned(), tests: Arc::new(words.split(' ').map(case).collect()), complete: true }
    }

    fn typed(line: &str, results: &TestResults) -> Option<String> {
        let command = TestCommand::shell(line);
        command.typed(&filter_of_failed(&command, results)?).ok()
    }

    #[test]
    fn each_runner_is_told_in_its_own_way() {
        let cases = [
            ("cargo test", "libtest, text", "calc::t::a+ calc::t::b-", "src/lib.rs", "cargo test -- t::b"),
            (
                "pytest -q",
                "pytest, JUnit XML",
                "tests.test_m.T::a+ tests.test_m.T::b[1]-",
                "tests/test_m.py",
                "pytest -q 'tests/test_m.py::T::b[1]'",
            ),
            (
                "python3 -m pytest",
                "pytest, text",
                "test_m::a+ test_m::b-",
                "test_m.py",
                "python3 -m pytest test_m.py::b",
            ),
            (
                "python3 -m unittest",
                "unittest, text",
                "test_m.T::a+ test_m.T::b-",
                "test_m.py",
                "python3 -m unittest -k test_m.T.b",
            ),
            (
                "go test ./...",
                "go test, text",
                "ex.com/x::TestA+ ex.com/x::TestB- ex.com/x::TestB/one-",
                "",
                "go test ./... '-run=''^TestB$'",
            ),
        ];
        for (line, source, words, file, expected) in cases {
            assert_eq!(typed(line, &results(source, words, file)).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn where_it_is_not_clear_everything_is_run() {
        let one_of_two = |source| results(source, "m.T::a+ m.T::b-", "m.py");
        for line in ["make test", "./test.sh", "npm test", "pytest | tee log"] {
            assert_eq!(typed(line, &one_of_two("pytest, text")), None, "{line}");
        }
        assert_eq!(typed("pytest", &one_of_two("TAP")), None);
        assert_eq!(typed("pytest", &results("pytest, text", "m::a- m::b-", "m.py")), None, "all failed");
        assert_eq!(typed("pytest", &results("pytest, text", "m::a+", "m.py")), None, "none failed");
        assert_eq!(typed("pytest", &results("pytest, text", "m::a+ other::b-", "m.py")), None, "its file isn't known");
        assert_eq!(typed("cargo test", &results("libtest, text", "c::a+ c (doc)::b-", "")), None);
        let many: Vec<String> = (0..=MOST).map(|number| format!("m::t{number}-")).chain(["m::a+".into()]).collect();
        assert_eq!(typed("pytest", &results("pytest, text", &many.join(" "), "m.py")), None);
        let cut = TestResults { complete: false, ..one_of_two("pytest, text") };
        assert_eq!(typed("pytest", &cut), None);
    }

    #[test]
    fn only_a_failure_of_each_confirms_them() {
        let before = results("x", "a+ b- c-", "");
        assert!(
            failed_again(&before, &results("x", "b- c-", "")) && failed_again(&before, &results("x", "a- b- c-", ""))
        );
        for again in ["b- c+", "b-", "a+"] {
            assert!(!failed_again(&before, &results("x", again, "")), "{again}");
        }
        assert!(!failed_again(&before, &TestResults { complete: false, ..results("x", "b- c-", "") }));
    }
}
