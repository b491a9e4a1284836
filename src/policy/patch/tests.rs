//! What is read, and that git reads the same.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

/// Sections of a patch, or the line and problem.
fn read(patch: &str) -> Result<Vec<PatchSection>, String> {
    parse(patch.as_bytes()).map_err(|unreadable| unreadable.to_string())
}

const MODIFIED: &str =
    "diff --git a/x b/x\nindex 1234567..89abcde 100644\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-one\n+two\n+three\n";

#[test]
fn a_section_is_read() {
    let sections = read(&format!("From 1234 Mon\nSubject: x\n\n---\n x | 3 ++-\n\n{MODIFIED}-- \n2.43.0\n\n"))
        .expect("it is a patch");
    let [section] = sections.as_slice() else { panic!("{sections:?}") };
    assert_eq!((section.old.as_str(), section.change, section.removed), ("x", SectionChange::Modified, 1));
    assert_eq!(section.added[1], AddedLine { number: 2, text: b"three".to_vec() });
    assert_eq!((section.new_kind, section.at), (Some(FileKind::Regular), 7));
    assert_eq!(read("no patch\n"), Ok(Vec::new()));
}

#[test]
fn names_that_disagree_are_refused() {
    for (from, to) in [
        ("--- a/x", "--- a/y"),
        ("+++ b/x", "+++ b/y"),
        ("+++ b/x", "+++ b/../x"),
        ("+++ b/x", "+++ /dev/null"),
        ("--- a/x\n+++ b/x", "--- a/.github/x\n+++ b/.github/x"),
        ("a/x b/x", "a/x b/y"),
        ("a/x b/x", "x x"),
        ("a/x b/x", "a/x c/x"),
        ("a/x b/x", "a/x\tb/x"),
        ("b/x\nindex", "b/x\nrename from x\nrename to .github/x\nindex"),
        ("b/x\nindex", "b/x\nrename to y\nindex"),
        ("b/x\nindex", "b/x\nnew file mode 100644\nindex"),
        ("b/x\nindex", "b/x\r\nindex"),
        ("+++ b/x\n", "+++ b/x\r\n"),
        ("+++ b/x\n", "+++ b/x\t2026-01-01\n"),
        ("+++ b/x\n", "+++ b/x\nrename to y\n"),
        ("index 1", "index 1234567..89abcde 100644\nindex 1"),
        ("100644", "100666"),
        ("100644", "0100644"),
        ("@@ -1 +1,2", "@@ -1 +1,3"),
        ("@@ -1 +1,2", "@@ -1 +1"),
        ("@@ -1 +1,2", "@@ -1,0 +1,2"),
        ("@@ -1 +1,2", "@@ -1,18446744073709551616 +1,2"),
        ("@@ -1 +1,2", "@@ --1 +1,2"),
        ("+three\n", "+three"),
        ("+three\n", "+three\n+four\n"),
        ("+three\n", "three\n"),
        ("+three\n", "+three\n@@ -9 +9 @@\n x\n"),
    ] {
        let patch = MODIFIED.replacen(from, to, 1);
        assert_ne!(patch, MODIFIED, "{from:?}");
        assert!(read(&patch).is_err(), "{patch}\n{:?}", read(&patch));
    }
}

#[test]
fn other_formats_are_refused() {
    for patch in [
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        "Index: x\n",
        "diff -u a b\n",
        "diff --cc x\n",
        "@@ -1 +1 @@\n",
        "diff --git a/x b/x\n",
        "diff --git a/x b/x\nindex 1234567..89abcde 100644\nBinary files a/x and b/x differ\n",
        "diff --git a/x b/x\nindex 1234567..89abcde 100644\nGIT binary patch\nliteral 1\nzz\n\n",
        "diff --git a/x b/x\nold mode 100644\nnew mode 120000\n",
        "diff --git a/x b/x\nold mode 100644\nnew mode 100644\n",
    ] {
        assert!(read(patch).is_err(), "{patch}");
    }
}

/// A file of a generated tree.
#[derive(Clone, Debug)]
enum File {
    Text(String, bool),
    Bytes(Vec<u8>),
    Link(String),
}

const NAMES: [&str; 14] = [
    "a",
    "b",
    "b c",
    "tab\tx",
    "nl\nx",
    "q\"x",
    "ü",
    "dir/x",
    "dir/b/a",
    "dir b/b c",
    "back\\slash",
    " lead",
    "trail ",
    "x b/x",
];

fn file() -> impl Strategy<Value = File> {
    prop_oneof![
        4 => ("([a-c]{1,3}\n){0,6}[a-c]?", any::<bool>()).prop_map(|(text, bit)| File::Text(text, bit)),
        1 => proptest::collection::vec(any::<u8>(), 1..90).prop_map(|mut bytes| { bytes[0] = 0; File::Bytes(bytes) }),
        1 => "[a-c]{1,3}".prop_map(File::Link),
    ]
}

fn tree() -> impl Strategy<Value = BTreeMap<&'static str, File>> {
    proptest::collection::btree_map(proptest::sample::select(&NAMES[..]), file(), 0..6)
}

/// A change of a patch's text.
#[derive(Clone, Debug)]
enum Damage {
    Drop(usize),
    Twice(usize),
    Swap(usize, usize),
    Insert(usize, &'static str),
    Rename(usize, &'static str, &'static str),
    Digit(usize, u8),
    Return(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let line = 0..40_usize;
    let inserted = proptest::sample::select(vec![
        "--- a/evil",
        "+++ b/evil",
        "--- /dev/null",
        "rename to evil",
        "rename from a",
        "copy from a",
        "copy to evil",
        "new file mode 120000",
        "new mode 100755",
        "old mode 100644",
        "deleted file mode 100644",
        "GIT binary patch",
        "@@ -1 +1 @@",
        "@@ -0,0 +1 @@",
        "diff --git a/evil b/evil",
        "+evil",
        "-a",
        " a",
        "\\ No newline at end of file",
        "index 1234567..89abcde 120000",
        "similarity index 100%",
        "",
        "junk",
    ]);
    let word = || proptest::sample::select(vec!["a/", "b/", "a", "b", "dir", "x", " ", "\"", "100644", "/dev/null"]);
    prop_oneof![
        line.clone().prop_map(Damage::Drop),
        line.clone().prop_map(Damage::Twice),
        (line.clone(), line.clone()).prop_map(|(one, other)| Damage::Swap(one, other)),
        (line.clone(), inserted).prop_map(|(line, text)| Damage::Insert(line, text)),
        (line.clone(), word(), word()).prop_map(|(line, from, to)| Damage::Rename(line, from, to)),
        (line.clone(), b'0'..=b'9').prop_map(|(line, digit)| Damage::Digit(line, digit)),
        line.prop_map(Damage::Return),
    ]
}

fn damaged(patch: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = patch.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for damage in damages {
        let count = lines.len();
        if count == 0 {
            break;
        }
        match damage {
            Damage::Drop(at) => drop(lines.remove(at % count)),
            Damage::Twice(at) => lines.insert(at % count, lines[at % count].clone()),
            Damage::Swap(one, other) => lines.swap(one % count, other % count),
            Damage::Insert(at, text) => lines.insert(at % count, format!("{text}\n").into_bytes()),
            Damage::Rename(at, from, to) => {
                let line = &mut lines[at % count];
                if let Some(start) = memchr::memmem::find(line, from.as_bytes()) {
                    line.splice(start..start + from.len(), to.bytes());
                }
            }
            Damage::Digit(at, digit) => {
                if let Some(found) = lines[at % count].iter_mut().find(|byte| byte.is_ascii_digit()) {
                    *found = *digit;
                }
            }
            Damage::Return(at) => {
                let line = &mut lines[at % count];
                line.insert(line.len() - 1, b'\r');
            }
        }
    }
    lines.concat()
}

struct Tester(tempfile::TempDir);

impl Tester {
    fn new() -> Self {
        let it = Self(tempfile::tempdir().expect("a folder"));
        it.git(&["init", "-q"], &[]).expect("a repository");
        it
    }

    fn git(&self, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
        let mut git = Command::new("git");
        git.current_dir(self.0.path()).args(arguments).env_clear().env("PATH", std::env::var_os("PATH")?);
        git.envs([("HOME", "/nowhere"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C")]);
        let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("git");
        // Git may end before it has read everything.
        let _ = git.stdin.take().expect("a pipe").write_all(input);
        let output = git.wait_with_output().expect("it ends");
        output.status.success().then_some(output.stdout)
    }

    /// Writes the tree, and returns its name.
    fn tree(&self, files: &BTreeMap<&str, File>) -> String {
        let root = self.0.path();
        for entry in fs::read_dir(root).expect("it can be listed").map(|entry| entry.expect("an entry")) {
            match entry.file_type().expect("a type").is_dir() {
                true if entry.file_name() == ".git" => {}
                true => fs::remove_dir_all(entry.path()).expect("removed"),
                false => fs::remove_file(entry.path()).expect("removed"),
            }
        }
        for (name, file) in files {
            write(&root.join(name), file);
        }
        self.git(&["add", "-A"], &[]).expect("added");
        let name = self.git(&["write-tree"], &[]).expect("a tree");
        String::from_utf8(name).expect("a name").trim().to_owned()
    }

    /// The paths that applying the patch to the tree changes, each with its mode afterwards; `None` where git refuses.
    fn applied(&self, tree: &str, patch: &[u8]) -> Option<Vec<(String, String)>> {
        self.git(&["read-tree", tree], &[])?;
        self.git(&["apply", "--cached", "--whitespace=nowarn", "-"], patch)?;
        let raw = self.git(&["diff-index", "--cached", "--no-renames", "--raw", "-z", tree], &[])?;
        let words: Vec<&[u8]> = raw.split(|byte| *byte == 0).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(words.chunks_exact(2).map(|pair| (text(pair[1]), text(&pair[0][8..14]))).collect())
    }

    fn numstat(&self, patch: &[u8]) -> Option<Vec<String>> {
        let told = self.git(&["apply", "--numstat", "-z", "-"], patch)?;
        let told = String::from_utf8(told).ok()?;
        Some(told.split_terminator('\0').map(str::to_owned).collect())
    }
}

fn write(path: &Path, file: &File) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    match file {
        File::Text(text, bit) => {
            fs::write(path, text).expect("written");
            fs::set_permissions(path, fs::Permissions::from_mode(if *bit { 0o755 } else { 0o644 })).expect("set");
        }
        File::Bytes(bytes) => fs::write(path, bytes).expect("written"),
        File::Link(target) => symlink(target, path).expect("linked"),
    }
}

/// As `git apply --numstat -z` would tell it.
fn told(section: &PatchSection) -> String {
    if section.is_binary {
        return format!("-\t-\t{}", section.new);
    }
    format!("{}\t{}\t{}", section.added.len(), section.removed, section.new)
}

/// Holds what is read of a patch against what git does with it.
fn compare(tester: &Tester, tree: &str, patch: &[u8], sections: &[PatchSection]) -> Result<(), TestCaseError> {
    let shown = String::from_utf8_lossy(patch);
    if let Some(numstat) = tester.numstat(patch) {
        let read: Vec<_> = sections.iter().map(told).collect();
        // Git stops reading at binary contents that are damaged inside, and does nothing of what follows.
        let stops = sections.get(numstat.len()).is_none_or(|section| section.is_binary);
        prop_assert!(read.starts_with(&numstat) && stops, "{:?} is not {:?}\n{}", read, numstat, shown);
    }
    for (path, mode) in tester.applied(tree, patch).into_iter().flatten() {
        let named: Vec<_> = sections.iter().filter(|section| section.old == path || section.new == path).collect();
        prop_assert!(!named.is_empty(), "git changes {} as well\n{}", path, shown);
        let kind = FileKind::of(mode.as_bytes());
        let made: Vec<_> = named.iter().filter(|it| it.new == path && it.change != SectionChange::Deleted).collect();
        // Where a section doesn't say it, the tree does.
        let agrees =
            made.iter().any(|it| it.new_kind.is_none() || it.new_kind == kind) || (made.is_empty() && kind.is_none());
        prop_assert!(agrees, "git makes {} a {}\n{}", path, mode, shown);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn git_does_what_is_read(
        before in tree(),
        after in tree(),
        quoted in any::<bool>(),
        damages in proptest::collection::vec(proptest::collection::vec(damage(), 1..3), 5),
    ) {
        let tester = Tester::new();
        let (old, new) = (tester.tree(&before), tester.tree(&after));
        let quoting = format!("core.quotePath={quoted}");
        let arguments = ["-c", &quoting, "diff-tree", "-p", "-M10", "-C10", "--find-copies-harder", "--binary", "--full-index", &old, &new];
        let patch = tester.git(&arguments, &[]).expect("a patch");
        // What git writes is read, but for names that it can't write.
        let sections = parse(&patch).map_err(|error| TestCaseError::fail(format!("{error}\n{}", String::from_utf8_lossy(&patch))))?;
        compare(&tester, &old, &patch, &sections)?;
        for damages in damages {
            let patch = damaged(&patch, &damages);
            if let Ok(sections) = parse(&patch) {
                compare(&tester, &old, &patch, &sections)?;
            }
        }
    }
}
