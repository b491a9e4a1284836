//! The rules of `policy.toml`: which path is in which class, and which lines of a manifest run code.

use std::sync::LazyLock;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::Regex;
use serde::Deserialize;

use super::fold::folded;
use crate::journal::PolicyClass;
use crate::settings::regex;

/// A test checks that the file can be read.
static RULES: LazyLock<PolicyRules> = LazyLock::new(|| {
    let file = toml::from_str::<RulesFile>(include_str!("policy.toml")).ok();
    file.map(RulesFile::compiled).unwrap_or_default()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    class: Vec<ClassEntry>,
    line: Vec<LineEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassEntry {
    name: PolicyClass,
    why: String,
    paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineEntry {
    files: Vec<String>,
    lines: String,
    why: String,
}

#[derive(Default)]
struct PolicyRules {
    classes: Vec<(PolicyClass, String, GlobSet)>,
    lines: Vec<(GlobSet, Regex, String)>,
}

impl RulesFile {
    fn compiled(self) -> PolicyRules {
        let class = |entry: ClassEntry| Some((entry.name, entry.why, patterns(&entry.paths, covers).ok()?));
        let line = |entry: LineEntry| Some((patterns(&entry.files, covers).ok()?, regex(&entry.lines)?, entry.why));
        PolicyRules {
            classes: self.class.into_iter().filter_map(class).collect(),
            lines: self.line.into_iter().filter_map(line).collect(),
        }
    }
}

/// Compiles patterns. A pattern without a leading slash matches anywhere; one that `covers` says so of matches what is
/// below as well.
///
/// # Errors
/// When one of them is no glob.
pub(super) fn patterns(all: &[String], covers: impl Fn(&str) -> bool) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for written in all {
        let pattern = folded(written);
        let bare = pattern.trim_end_matches('/');
        let rooted = match bare.strip_prefix('/') {
            Some(rest) => rest.to_owned(),
            None if bare.starts_with("**/") => bare.to_owned(),
            None => format!("**/{bare}"),
        };
        let below = covers(written).then(|| format!("{rooted}/**"));
        for glob in [rooted].into_iter().chain(below) {
            set.add(GlobBuilder::new(&glob).literal_separator(true).backslash_escape(false).build()?);
        }
    }
    set.build()
}

/// Whether a pattern of the file means a folder, or may.
fn covers(pattern: &str) -> bool {
    pattern.starts_with(['.', '/']) || pattern.ends_with('/')
}

/// The classes of a path in its folded form, each with the reason.
pub(super) fn classes(path: &str) -> impl Iterator<Item = (PolicyClass, &'static str)> {
    RULES.classes.iter().filter(move |(_, _, paths)| paths.is_match(path)).map(|(class, why, _)| (*class, why.as_str()))
}

/// Why this added line of the file at `path`, in its folded form, makes a manifest run code.
pub(super) fn runs_code(path: &str, line: &str) -> Option<&'static str> {
    let mut rules = RULES.lines.iter().filter(|(files, ..)| files.is_match(path));
    rules.find(|(_, lines, _)| lines.is_match(line)).map(|(_, _, why)| why.as_str())
}

/// Whether any rule reads the lines of the file at `path`, in its folded form.
pub(super) fn reads_lines(path: &str) -> bool {
    RULES.lines.iter().any(|(files, ..)| files.is_match(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_whole() {
        let file: RulesFile = toml::from_str(include_str!("policy.toml")).expect("it is TOML");
        let (classes, lines) = (file.class.len(), file.line.len());
        let rules = file.compiled();
        assert_eq!((rules.classes.len(), rules.lines.len()), (classes, lines));
        assert_eq!((classes, lines), (8, 9));
    }

    #[test]
    fn paths_are_in_their_classes() {
        let of = |path: &str| classes(&folded(path)).map(|(class, _)| class).collect::<Vec<_>>();
        for (path, class) in [
            (".github/workflows/ci.yml", PolicyClass::CiFiles),
            (".GitHub/Workflows/x.yml", PolicyClass::CiFiles),
            ("sub/Jenkinsfile", PolicyClass::CiFiles),
            (".husky/pre-commit", PolicyClass::Hooks),
            ("packages/a/AGENTS.md", PolicyClass::AgentFiles),
            ("docs/CODEOWNERS", PolicyClass::Codeowners),
            ("a/.gitattributes", PolicyClass::GitAttributes),
            ("native/binding.gyp", PolicyClass::InstallScripts),
            ("web/package-lock.json", PolicyClass::Dependencies),
        ] {
            assert!(of(path).contains(&class), "{path}: {:?}", of(path));
        }
        for path in [
            "src/main.rs",
            "src/hooks/use_it.ts",
            "docs/github.md",
            "tests/test_x.py",
            "README.md",
            "src/install.js",
            "src/workspace/a.rs",
            "src/owners/a.rs",
        ] {
            assert_eq!(of(path), [], "{path}");
        }
    }

    #[test]
    fn lines_that_run_code_are_known() {
        for (path, line) in [
            ("package.json", r#"    "postinstall": "node x.js","#),
            ("package.json", r#""prepare":"husky""#),
            ("pyproject.toml", r#"build-backend = "x""#),
            ("cargo.toml", r#"build = "b.rs""#),
        ] {
            assert!(runs_code(path, line).is_some(), "{path}: {line}");
        }
        for (path, line) in [
            ("package.json", r#"  "version": "1.2.3","#),
            ("package.json", r#"  "test": "jest","#),
            ("cargo.toml", r#"serde = "1""#),
            ("cargo.toml", r#"build-info = "1""#),
        ] {
            assert!(runs_code(path, line).is_none(), "{path}: {line}");
        }
    }
}
