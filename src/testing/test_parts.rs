//! Separates the parts of a patch that are tests from those that are tested.

use crate::journal::RelPath;
use crate::tamper::{InnerTests, goes_with_tests};
use crate::workspace::{Hunk, Parts};

/// Returns the indexes of parts that contain only tests or their support files. In doubt a part is left out, so that
/// these parts never contain the fix that the tests are to show.
#[must_use]
pub fn test_parts(parts: &Parts) -> Vec<usize> {
    let mut known: Option<(RelPath, [InnerTests; 2])> = None;
    let mut is_of_tests = |path: &RelPath, hunk: &Hunk<'_>| {
        let sides = known.take().filter(|(known, _)| known == path).map(|(_, sides)| sides);
        let sides = sides.unwrap_or_else(|| [hunk.before, hunk.after].map(|content| InnerTests::of(path, content)));
        let tests = sides[0].hold(hunk.old.clone()) && sides[1].hold(hunk.new.clone());
        known = Some((path.clone(), sides));
        tests
    };
    let all = parts.each().enumerate().filter(|(_, part)| {
        goes_with_tests(part.path) || part.hunk.as_ref().is_some_and(|hunk| is_of_tests(part.path, hunk))
    });
    all.map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Blobs, changes};

    fn parts(files: &[(&str, Option<&str>, Option<&str>)]) -> Vec<usize> {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::at(folder.path());
        test_parts(&Parts::of(&changes(&blobs, files), &blobs).expect("they can be read"))
    }

    #[test]
    fn files_of_tests_are_and_files_of_code_are_not() {
        let told = parts(&[
            ("core.py", Some("a = 1\n"), Some("a = 2\n")),
            ("tests/cases.json", None, Some("[]\n")),
            ("tests/test_core.py", Some("assert a\n"), Some("assert a == 2\n")),
            ("util.py", None, Some("b = 1\n")),
        ]);
        assert_eq!(told, [1, 2]);
    }

    #[test]
    fn a_file_of_rust_has_both() {
        let code = |sign: &str| format!("pub fn add(a: i32, b: i32) -> i32 {{\n    a {sign} b\n}}\n");
        let tests = |more: &str| format!("\n#[cfg(test)]\nmod tests {{\n    use super::*;\n{more}}}\n");
        let case = "\n    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n";
        let (before, after) = (code("-") + &tests(""), code("+") + &tests(case));
        assert_eq!(parts(&[("src/add.rs", Some(&before), Some(&after))]), [1]);
        assert_eq!(parts(&[("src/add.rs", Some(&code("-")), Some(&after))]), [1], "the module is new");
        assert_eq!(parts(&[("src/add.rs", Some(""), Some(&after))]), [0; 0], "they can't be told apart");
    }
}
