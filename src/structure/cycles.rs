//! No large cycle of files that use each other, held: what each file uses is read from its text.
//!
//! A file uses the file that defines what it names: `use crate::workspace::Repository` leads to `workspace/repository.rs`, whichever
//! `mod.rs` re-exports it. So `mod` and `pub use` lines aren't uses; what only tests name isn't either. A method names no
//! file, so its call is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::floors::files;
use crate::settings::regex;

/// Files that belong together may use each other, as long as they are this few.
const LARGEST: usize = 4;

static COMMENT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)//.*$").expect("it is one"));
/// A module that only tests have: its name where it is a file.
static TESTS: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?ms)^#\[cfg\(test\)\]\nmod (?:(\w+);|\w+ \{.*\z)").expect("it is one"));
/// A `use` line: what makes it public, and its tree.
static USE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^\s*(pub(?:\([^)]*\))? )?use ([^;]+);").expect("it is one"));
static DEFINITION: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?m)^(?:pub(?:\([^)]*\))? )?(?:(?:async|unsafe|const) )*(?:fn|struct|enum|trait|type|const|static|union) (\w+)")
        .expect("it is one")
});
/// A path in code, outside of `use` lines.
static PATH: LazyLock<Regex> = LazyLock::new(|| regex(r"\b\w+(?:::\w+)+").expect("it is one"));

/// The names between `::`, a module's from the crate's root.
pub(crate) type Names = Vec<String>;

#[derive(Default)]
struct SourceFile {
    defined: BTreeSet<String>,
    /// What its `use` lines name, by the name that it has here.
    imported: BTreeMap<String, Names>,
    /// Modules of which all is imported.
    globs: Vec<Names>,
    /// What it names itself, as written: not what it only re-exports.
    named: Vec<Names>,
}

impl SourceFile {
    fn read(text: &str) -> Self {
        let mut file =
            Self { defined: DEFINITION.captures_iter(text).map(|it| it[1].to_owned()).collect(), ..Self::default() };
        for line in USE.captures_iter(text) {
            for (mut path, name) in expanded(&[], &line[2]) {
                if line.get(1).is_none() {
                    file.named.push(path.clone());
                }
                if name == "*" {
                    path.pop();
                    file.globs.push(path);
                } else {
                    file.imported.insert(name, path);
                }
            }
        }
        file.named.extend(PATH.find_iter(&USE.replace_all(text, "")).map(|it| names(it.as_str())));
        file
    }
}

fn names(path: &str) -> Names {
    path.split("::").map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// The paths of a `use` tree, each with the name that it brings in.
fn expanded(prefix: &[String], tree: &str) -> Vec<(Names, String)> {
    if let Some((head, rest)) = tree.split_once('{') {
        let prefix = [prefix, &names(head)].concat();
        let group = rest.trim_end().trim_end_matches('}');
        return branches(group).into_iter().flat_map(|branch| expanded(&prefix, branch)).collect();
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
    let mut path = [prefix, &names(path)].concat();
    if path.len() > 1 {
        path.pop_if(|last| last == "self");
    }
    let name = alias.or(path.last().map(String::as_str)).unwrap_or_default().to_owned();
    vec![(path, name)]
}

/// The parts between the commas of a group, groups within it left whole.
fn branches(group: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = group.split(|it| {
        depth += i32::from(it == '{') - i32::from(it == '}');
        it == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty()).collect()
}

/// The files of the crate by the path of their module.
struct Source(BTreeMap<Names, SourceFile>);

impl Source {
    fn of(files: &BTreeMap<PathBuf, String>) -> Self {
        Self(without_tests(files).into_iter().map(|(module, text)| (module, SourceFile::read(&text))).collect())
    }

    /// The files that `module` uses.
    fn uses(&self, module: &Names) -> BTreeSet<&Names> {
        let named = self.0[module].named.iter().filter_map(|path| self.definition(module, path, 0));
        named.filter(|used| *used != module).collect()
    }

    /// The file that defines what `path`, written in `module`, leads to. `None` for modules and for what isn't of this crate.
    fn definition(&self, module: &[String], path: &[String], hops: u8) -> Option<&Names> {
        let (first, rest) = path.split_first().filter(|_| hops < 8)?;
        match first.as_str() {
            "crate" => self.below(&[], rest, hops),
            "self" => self.below(module, rest, hops),
            "super" => {
                let up = path.iter().take_while(|it| *it == "super").count();
                self.below(&module[..module.len().checked_sub(up)?], &path[up..], hops)
            }
            _ => self.below(module, path, hops).filter(|found| *found != module),
        }
    }

    fn below(&self, module: &[String], path: &[String], hops: u8) -> Option<&Names> {
        let (module, file) = self.0.get_key_value(module)?;
        let (first, rest) = path.split_first()?;
        let child = [module.as_slice(), std::slice::from_ref(first)].concat();
        let is_module = self.0.contains_key(&child);
        if is_module && !rest.is_empty() {
            return self.below(&child, rest, hops);
        }
        if file.defined.contains(first) {
            return Some(module);
        }
        if let Some(import) = file.imported.get(first) {
            return self.definition(module, &[import.as_slice(), rest].concat(), hops + 1);
        }
        let mut all = file.globs.iter().map(|glob| [glob.as_slice(), path].concat());
        let found = all.find_map(|path| self.definition(module, &path, hops + 1));
        found.or((!is_module).then_some(module))
    }

    /// Files that use each other, directly or by way of others: each cycle with all of its files.
    fn cycles(&self) -> BTreeSet<BTreeSet<&Names>> {
        let uses: BTreeMap<&Names, BTreeSet<&Names>> = self.0.keys().map(|it| (it, self.uses(it))).collect();
        let reached: BTreeMap<&Names, BTreeSet<&Names>> = uses.keys().map(|it| (*it, reached(&uses, it))).collect();
        let within = reached.iter().filter(|(file, reached)| reached.contains(*file));
        within.map(|(file, others)| others.iter().copied().filter(|it| reached[it].contains(file)).collect()).collect()
    }
}

/// The text of each module but for comments and tests; what is only tests is left out.
pub(crate) fn without_tests(files: &BTreeMap<PathBuf, String>) -> BTreeMap<Names, String> {
    let mut tests = Vec::new();
    for (path, text) in files {
        let declared = TESTS.captures_iter(text).filter_map(|it| it.get(1));
        tests.extend(declared.map(|it| [module(path), names(it.as_str())].concat()));
    }
    let built = files.iter().map(|(path, text)| (module(path), text));
    let built = built.filter(|(module, _)| !tests.iter().any(|test| module.starts_with(test)));
    built.map(|(module, text)| (module, TESTS.replace_all(&COMMENT.replace_all(text, ""), "").into_owned())).collect()
}

/// The module that a file is, its path being relative to the source.
fn module(path: &Path) -> Names {
    let path = path.with_extension("");
    let parts = path.iter().map(|it| it.to_string_lossy().into_owned());
    parts.filter(|it| it != "mod" && it != "lib").collect()
}

/// The files that `start` uses, directly or by way of others.
fn reached<'a>(uses: &BTreeMap<&'a Names, BTreeSet<&'a Names>>, start: &Names) -> BTreeSet<&'a Names> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Names> = uses[start].iter().copied().collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(&uses[file]);
        }
    }
    reached
}

#[test]
fn no_cycle_is_larger_than_a_few_files() {
    let source = Source::of(&files());
    for cycle in source.cycles() {
        let listed: Vec<String> = cycle.iter().map(|file| file.join("::")).collect();
        assert!(listed.len() <= LARGEST, "{} files use each other: {}", listed.len(), listed.join(", "));
    }
}

/// The cycles of a crate of these files, as `a+b c+d`.
fn cycles_of(files: &[(&str, &str)]) -> String {
    let files = files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    let source = Source::of(&files);
    let told: Vec<String> = source
        .cycles()
        .iter()
        .map(|cycle| cycle.iter().map(|file| file.join("::")).collect::<Vec<_>>().join("+"))
        .collect();
    told.join(" ")
}

#[test]
fn a_use_is_found_however_it_is_written() {
    let back = "use crate::a::one::One;\npub struct Two;";
    let ways = [
        "use super::two::Two;",
        "use super::two::{self, Two};",
        "use super::{Two as Other};",
        "use crate::{a::{three::Three, Two}};",
        "use super::two;\nfn f() { two::run(); }",
        "use crate::a;\nfn f() { a::Two::new(); }",
        "fn f() { crate::a::two::run(); }",
        "pub(super) fn f() { super::Two::new(); }",
        "use super::three::Again;",
        "use super::Globbed;",
    ];
    for way in ways {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod one;\nmod two;\nmod three;\nmod four;\npub use two::Two;\npub use four::*;"),
            ("a/one.rs", &format!("{way}\npub struct One;")),
            ("a/two.rs", back),
            ("a/three.rs", "pub use super::Two as Again;\npub struct Three;"),
            ("a/four.rs", "pub use super::two::Two as Globbed;"),
        ];
        assert_eq!(cycles_of(&files), "a::one+a::two", "{way}");
    }
}

#[test]
fn what_only_passes_a_name_on_uses_nothing() {
    let root = ("a/mod.rs", "mod one;\n#[cfg(test)]\nmod tests;\npub use one::One;\npub struct Shared;");
    for one in ["// super::Shared\n", "#[cfg(test)]\nmod tests {\n    use super::super::Shared;\n}\n"] {
        let one = format!("pub struct One;\n{one}");
        assert_eq!(cycles_of(&[root, ("a/one.rs", &one), ("a/tests.rs", "use super::Shared;")]), "");
    }
    let logic = ("a/mod.rs", "mod one;\npub use one::One;\npub struct Shared;\nfn f() { One::new(); }");
    assert_eq!(cycles_of(&[logic, ("a/one.rs", "use super::Shared;\npub struct One;")]), "a+a::one");
}
