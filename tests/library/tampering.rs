//! The tamper guard: each case of `fixtures/tampering`, and the properties that hold for any patch.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kcode::journal::{RelPath, TamperFlag};
use kcode::tamper::{Change, asks_for_tests, inspect, judge};
use proptest::prelude::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tampering")
}

/// A file of a case: where it stood when it was moved, and its content before and after.
#[derive(Default)]
struct Sides {
    was: Option<RelPath>,
    before: Option<String>,
    after: Option<String>,
}

impl Sides {
    fn change<'a>(&'a self, path: &'a RelPath) -> Change<'a> {
        let (before, after) = (self.before.as_ref().map(String::as_bytes), self.after.as_ref().map(String::as_bytes));
        Change { path, before, after, renamed_from: self.was.as_ref() }
    }
}

struct Case {
    flags: Vec<String>,
    fixed: Vec<String>,
    files: BTreeMap<String, Sides>,
}

impl Case {
    fn parse(text: &str) -> Self {
        let text = ["\n", text].concat();
        let (head, files) = text.split_once("\n-- ").unwrap();
        let values = |key: &str| {
            head.lines().filter_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned()).collect()
        };
        let mut case = Self { flags: values("flag:"), fixed: values("fixed:"), files: BTreeMap::new() };
        let mut was = Vec::new();
        for file in files.split("\n-- ") {
            let (name, content) = file.split_once(" --").unwrap();
            let content = content.strip_prefix('\n').unwrap_or(content).to_owned();
            if let Some(path) = name.strip_prefix("before ") {
                case.files.entry(path.to_owned()).or_default().before = Some(content);
                continue;
            }
            let name = name.strip_prefix("after ").unwrap();
            let (path, old) =
                name.split_once(" (was ").map_or((name, None), |(path, old)| (path, old.strip_suffix(')')));
            case.files.entry(path.to_owned()).or_default().after = Some(content);
            was.extend(old.map(|old| (path.to_owned(), old.to_owned())));
        }
        for (path, old) in was {
            let before = case.files.remove(&old).unwrap().before;
            let sides = case.files.get_mut(&path).unwrap();
            (sides.before, sides.was) = (before, Some(RelPath::new(&old).unwrap()));
        }
        case
    }

    fn inspect(&self) -> Vec<TamperFlag> {
        let paths: Vec<RelPath> = self.files.keys().map(|path| RelPath::new(path).unwrap()).collect();
        inspect(&paths.iter().zip(self.files.values()).map(|(path, sides)| sides.change(path)).collect::<Vec<_>>())
    }
}

/// `assertion_removed, weakens, tests/test_core.py:3, T::test_add`
fn line(flag: &TamperFlag) -> String {
    let kind = serde_json::to_value(flag.kind).unwrap().as_str().unwrap().to_owned();
    let weight = if flag.weakens { "weakens" } else { "note" };
    let place = format!("{}:{}", flag.path, flag.line);
    [vec![kind, weight.to_owned(), place], flag.tests.clone()].concat().join(", ")
}

/// Walks a folder of cases; says for each whether it is refused.
fn walk(folder: &str, at_least: usize, refused: bool) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(fixtures().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let case = Case::parse(&fs::read_to_string(&path).unwrap());
        let flags = case.inspect();
        let lines: Vec<String> = flags.iter().map(line).collect();
        let is_refused = !judge(&flags, &case.fixed, false).is_empty();
        if lines != case.flags || is_refused != refused {
            let reasons: Vec<String> =
                flags.iter().map(|flag| format!("flag: {}\n      {}", line(flag), flag.reason)).collect();
            wrong.push(format!("{}: refused: {is_refused}\n{}\n", path.display(), reasons.join("\n")));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count} cases are judged otherwise\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= at_least, "only {count} cases were found");
}

#[test]
fn what_proves_less_is_caught() {
    walk("caught", 30, true);
}

#[test]
fn what_is_innocent_is_not_refused() {
    walk("innocent", 30, false);
}

#[test]
fn a_task_asks_for_tests_or_does_not() {
    let cases = fs::read_to_string(fixtures().join("asks.txt")).unwrap();
    let wrong = |case: &&str| {
        let (expected, task) = case.split_once('\t').unwrap();
        asks_for_tests(&task.replace("\\n", "\n")) != (expected == "yes")
    };
    let wrong: Vec<&str> = cases.lines().filter(|line| !line.starts_with('#')).filter(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A file of tests in each language, and what a new test looks like in it.
const GROWING: [(&str, &str, &str, &str); 5] = [
    (
        "tests/test_core.py",
        "from core import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
        "\n\ndef test_NAME():\n    assert add($A, 1) == $B\n",
        "",
    ),
    (
        "tests/core.rs",
        "#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n",
        "\n#[test]\nfn NAME() {\n    assert_eq!(add($A, 1), $B);\n}\n",
        "",
    ),
    (
        "core.test.js",
        "describe('add', () => {\n  it('adds', () => {\n    expect(add(1, 2)).toBe(3);\n  });\n",
        "\n  it('NAME', () => {\n    expect(add($A, 1)).toBe($B);\n  });\n",
        "});\n",
    ),
    (
        "core_test.go",
        "package core\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1, 2) != 3 {\n\t\tt.Error(\"add\")\n\t}\n}\n",
        "\nfunc Test_NAME(t *testing.T) {\n\tif Add($A, 1) != $B {\n\t\tt.Fatal(\"NAME\")\n\t}\n}\n",
        "",
    ),
    (
        "spec/core_spec.rb",
        "RSpec.describe Core do\n  it \"adds\" do\n    expect(Core.add(1, 2)).to eq(3)\n  end\n",
        "\n  it \"NAME\" do\n    expect(Core.add($A, 1)).to eq($B)\n  end\n",
        "end\n",
    ),
];

fn inspect_one(path: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<TamperFlag> {
    let path = RelPath::new(path).unwrap();
    inspect(&[Change { path: &path, before, after, renamed_from: None }])
}

#[test]
fn a_file_that_nests_deeper_than_code_does_is_refused_at_once() {
    let open = "if (a) {\n".repeat(9_000);
    for (path, before) in [
        ("src/test/java/AddTest.java", "class AddTest {\n  @Test void adds() { assertEquals(3, add(1, 2)); }\n}\n"),
        ("add.test.js", "it('adds', () => {\n  expect(add(1, 2)).toBe(3);\n});\n"),
        ("tests/add.rs", "#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n"),
    ] {
        let after = [before, &open, &"}".repeat(9_000)].concat();
        let flags = inspect_one(path, Some(before.as_bytes()), Some(after.as_bytes()));
        assert!(flags.iter().any(|flag| flag.weakens && flag.reason.contains("can't be read")), "{path}: {flags:?}");
    }
}

proptest! {
    #[test]
    fn new_tests_alone_never_weaken(
        language in 0..GROWING.len(),
        tests in prop::collection::btree_map("[a-z]{3,12}", (0..100_i32, -100..100_i32), 1..5),
    ) {
        let (path, start, one, end) = GROWING[language];
        let new = |(name, (a, b)): (&String, &(i32, i32))| {
            one.replace("NAME", &format!("is_{name}")).replace("$A", &a.to_string()).replace("$B", &b.to_string())
        };
        let before = [start, end].concat();
        let after = [start, &tests.iter().map(new).collect::<String>(), end].concat();
        let flags = inspect_one(path, Some(before.as_bytes()), Some(after.as_bytes()));
        prop_assert!(flags.is_empty(), "{flags:?}\n{after}");
    }

    #[test]
    fn any_bytes_can_be_inspected(
        path in prop::sample::select(vec![
            "tests/test_a.py", "a_test.go", "src/a.rs", "a.test.ts", "spec/a_spec.rb", "ATest.java", "Makefile", "package.json",
            "pyproject.toml", "Cargo.toml", "conftest.py", "a.snap", "ATest.php", "x.Tests/A.cs", "a.bats", ".cargo/config.toml",
        ]),
        before in prop::option::of(prop::collection::vec(any::<u8>(), 0..300)),
        after in prop::option::of("(?s)([(){}\\[\\]'\"`/#@\n:; =]|def |test|assert|é|it\\(|class |fn |func |expect\\(|if |return|catch|except|=>|\\.){0,80}"),
    ) {
        let _ = inspect_one(path, before.as_deref(), after.as_deref().map(str::as_bytes));
        let _ = inspect_one(path, after.as_deref().map(str::as_bytes), before.as_deref());
        let _ = after.map(|task| asks_for_tests(&task));
    }
}
