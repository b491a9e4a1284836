//! Matches a runner's name of a test with a function in a file.

use crate::journal::RelPath;

/// Whether `runner`, a test's name as runners write it (`tests/test_core.py::T::test_add[1]`, `core::tests::adds`,
/// `adder > adds`, `TestAdd/sub`), may mean the test `name` (`T::test_add`) of the file `path`.
pub(super) fn is_same(runner: &str, name: &str, path: &RelPath) -> bool {
    if name.contains(" > ") || name.contains(' ') {
        return is_same_title(runner, name);
    }
    let wanted: Vec<&str> = name.split("::").collect();
    let found = segments(runner);
    let Some((last, suites)) = wanted.split_last() else { return false };
    // The name of a Go subtest follows that of its test.
    let Some(at) = found.iter().rposition(|segment| same_word(segment, last)) else {
        return is_same_title(runner, name);
    };
    let before = &found[..at];
    let suites_fit = suites.iter().all(|suite| before.iter().any(|segment| same_word(segment, suite)));
    (suites_fit || before.len() < suites.len()) && file_fits(runner, before, suites.len(), path)
}

/// Splits a name at dots, colons, slashes and the like, without parameters.
fn segments(runner: &str) -> Vec<String> {
    let plain = without_parameters(runner);
    let parts = plain.split(['.', ':', '/', '#', '$', '>', '›', '»', ' ']);
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// Removes parameters: `test_add[1-2]`, `adds(int)`, `testAdd with data set #0`.
fn without_parameters(runner: &str) -> &str {
    let end = runner.find(['[', '(']).unwrap_or(runner.len());
    let end = end.min(runner.find(" with data set").unwrap_or(end));
    &runner[..end]
}

fn same_word(one: &str, other: &str) -> bool {
    let plain = |word: &str| word.trim_start_matches("test_").replace([' ', '-'], "_").to_lowercase();
    one == other || plain(one) == plain(other)
}

/// If the runner names a module, it must be that of the file.
fn file_fits(runner: &str, before: &[String], suites: usize, path: &RelPath) -> bool {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    if ending != "py" || before.len() <= suites {
        return true;
    }
    let says_module = runner.contains(".py")
        || before.iter().any(|segment| segment.starts_with("test_") || segment.ends_with("_test"));
    !says_module || before.iter().any(|segment| segment == stem)
}

/// Compares titles: the suites and the case in order, however they are joined.
fn is_same_title(runner: &str, name: &str) -> bool {
    let runner = letters(runner);
    let mut at = 0;
    let mut parts: Vec<String> = name.split(" > ").flat_map(placeholders).map(|part| letters(&part)).collect();
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        return true;
    }
    let all = parts.iter().all(|part| match runner[at..].find(part.as_str()) {
        Some(found) => {
            at += found + part.len();
            true
        }
        None => false,
    });
    let ends_open = name.ends_with(['}', 's', 'd', 'i', 'j', 'o', 'p']) && name.contains(['%', '$']);
    all && (at == runner.len()
        || ends_open
        || name.contains(['%', '$'])
        || runner[at..].chars().all(|rest| rest.is_ascii_digit()))
}

/// Returns the fixed parts of a title of `it.each`, between `%s`, `$name` and `${…}`.
fn placeholders(title: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = title.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '%' => {
                rest.next();
                parts.push(String::new());
            }
            '$' => {
                let is_braced = rest.peek() == Some(&'{');
                while rest
                    .next_if(
                        |next| if is_braced { *next != '}' } else { next.is_alphanumeric() || "_.".contains(*next) },
                    )
                    .is_some()
                {}
                if is_braced {
                    rest.next();
                }
                parts.push(String::new());
            }
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push(character);
                }
            }
        }
    }
    parts
}

/// Returns letters and digits in lower case, so that separators don't matter.
fn letters(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_known_by_each_runners_name() {
        let same = [
            ("tests/test_core.py::T::test_add[1-2]", "T::test_add", "tests/test_core.py"),
            ("tests.test_core.T.test_add", "T::test_add", "tests/test_core.py"),
            ("tests.test_core.T::test_add", "T::test_add", "tests/test_core.py"),
            ("test_add (tests.test_core.T.test_add)", "T::test_add", "tests/test_core.py"),
            ("core::tests::adds", "tests::adds", "src/core.rs"),
            ("kcode::core core::tests::adds", "tests::adds", "src/core.rs"),
            ("TestAdd/negative_numbers", "TestAdd", "core_test.go"),
            ("example.com/core.TestAdd", "TestAdd", "core_test.go"),
            ("adder > adds", "adder > adds", "src/core.test.js"),
            ("adder adds", "adder > adds", "src/core.test.js"),
            ("src/core.test.js > adder › adds", "adder > adds", "src/core.test.js"),
            ("adds 1 and 2", "adds %d and %d", "src/core.test.js"),
            ("adds one to two", "adds $name to ${other}", "src/core.test.js"),
            ("core.CoreTest.adds()", "CoreTest::adds", "src/test/java/core/CoreTest.java"),
            ("core.CoreTest#adds", "CoreTest::adds", "src/test/java/core/CoreTest.java"),
            ("Core.Tests.CoreTests.Adds(a: 1)", "CoreTests::Adds", "Core.Tests/CoreTests.cs"),
            ("CoreTest::testAdd with data set #0", "CoreTest::testAdd", "tests/CoreTest.php"),
            ("CoreTest#test_add", "CoreTest::test_add", "test/core_test.rb"),
        ];
        for (runner, name, path) in same {
            assert!(is_same(runner, name, &RelPath::new(path).unwrap()), "{runner} {name}");
        }
    }

    #[test]
    fn another_test_is_another() {
        let other = [
            ("tests/test_core.py::T::test_add_all", "T::test_add", "tests/test_core.py"),
            ("tests/test_core.py::U::test_add", "T::test_add", "tests/test_core.py"),
            ("tests/test_other.py::T::test_add", "T::test_add", "tests/test_core.py"),
            ("tests.test_other.T.test_add", "T::test_add", "tests/test_core.py"),
            ("core::tests::adds_all", "tests::adds", "src/core.rs"),
            ("TestAddAll", "TestAdd", "core_test.go"),
            ("adder > adds all", "adder > adds", "src/core.test.js"),
            ("core.OtherTest.adds()", "CoreTest::adds", "src/test/java/core/CoreTest.java"),
        ];
        for (runner, name, path) in other {
            assert!(!is_same(runner, name, &RelPath::new(path).unwrap()), "{runner} {name}");
        }
    }
}
