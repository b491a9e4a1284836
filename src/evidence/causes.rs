//! Failures that no edit mends: the command can't start, what it needs isn't installed, the sandbox keeps something from it.
//!
//! One table, from the words of shells, runners and system calls to what a person can do. Cases stand in
//! `fixtures/failure-causes`. Words alone excuse nothing: whoever acts on a cause also looks at whether any test ran, and
//! at how the start state went.

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex};

use super::cause_table::{ROWS, Row};
use crate::journal::{CauseKind, FailureCause};
use crate::settings::{regex, without_dots};

/// Of the beginning of the output, and of its end.
const HEAD: usize = 16 * 1024;
const TAIL: usize = 64 * 1024;
/// Paths of the output that are looked at on the machine.
const MOST_PATHS: usize = 60;
/// How far above the words for it a file is named.
const LINES_ABOVE: usize = 4;

/// The patterns of the rows, each compiled when it is first asked.
static PATTERNS: [OnceLock<Option<Regex>>; ROWS.len()] = [const { OnceLock::new() }; ROWS.len()];
/// That something wasn't found, or not allowed to be seen.
static MISSING: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)No such file or directory|ENOENT|does not exist|not found|Permission denied|EACCES"));
/// A path that may lead out of the tree.
static PATHS: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r#"(?:\.\./|/)[^\s'"`:;,()<>\[\]]{2,300}"#));
/// The same in the words of package managers and interpreters.
static NOT_INSTALLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)No such file|ENOENT|does not exist|not found|No module named|Cannot find|could not find|Can't resolve|Could not resolve|unresolved import|failed to (?:read|load)|cannot load such file|Non-resolvable|no required module|doesn't exist|can't find crate",
    )
});
static MODULE: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"No module named '?([\w.]+)"));

/// How a run ended, as far as it tells of a cause.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    /// All that it printed, or the end of that.
    pub output: &'a str,
    /// Why kcode ended it, if it did.
    pub stopped: Option<&'a str>,
    /// Whether any test ran, as far as its words are known.
    pub any_ran: bool,
    /// What the sandbox shows little or nothing of.
    pub hidden: Hidden<'a>,
    /// The folder of the tree, as the command saw it.
    pub tree: &'a Path,
}

/// What the sandbox shows little or nothing of.
#[derive(Clone, Copy)]
pub struct Hidden<'a> {
    /// Folders of which it shows little: the user's home, and those that the tree lies in.
    pub around: &'a [PathBuf],
    /// What the repository's manifests name outside of it, and nobody allowed.
    pub named: &'a [PathBuf],
    /// What nobody is told to show: secrets and kcode's own. The output may be made to lead a person there.
    pub closed: &'a dyn Fn(&Path) -> bool,
}

/// What lies behind a failure, if its words are known.
#[must_use]
pub fn cause(ended: &Ended<'_>) -> Option<FailureCause> {
    let output = ends_of(ended.output);
    let fits = |row: &Row| match row.kind {
        CauseKind::Setup => !ended.any_ran && ended.stopped.is_none(),
        CauseKind::Watch => ended.stopped.is_some_and(|why| ["idle", "watch", "deadline"].contains(&why)),
        CauseKind::Generated => false,
        CauseKind::Sandbox => !matches!(ended.stopped, Some("idle" | "deadline" | "cancelled")),
    };
    let told = ROWS.iter().zip(&PATTERNS).filter(|(row, _)| fits(row)).find_map(|(row, pattern)| {
        let found = pattern.get_or_init(|| regex(row.pattern)).as_ref()?.captures(&output)?;
        Some(FailureCause {
            kind: row.kind,
            what: filled(row.what, &found),
            hint: filled(row.hint, &found),
            blocks: row.kind == CauseKind::Watch || !ended.any_ran,
        })
    });
    if let Some(path) = named_and_missing(&output, ended) {
        return Some(of_hidden(path, !ended.any_ran));
    }
    // What is known to be hidden says more than that something is missing.
    match told {
        Some(told) if told.kind != CauseKind::Sandbox => Some(told),
        told => hidden_path(&output, ended).map(|path| of_hidden(&path, !ended.any_ran)).or(told),
    }
}

fn of_hidden(path: &Path, blocks: bool) -> FailureCause {
    let path = path.display().to_string();
    let is_word = |it: char| it.is_alphanumeric() || "/._-+@".contains(it);
    let quoted = if path.chars().all(is_word) { path.clone() } else { format!("'{}'", path.replace('\'', r"'\''")) };
    FailureCause {
        kind: CauseKind::Sandbox,
        what: format!("the sandbox hides {path}"),
        hint: format!("show it read-only with --readable {quoted}, or `readable = [\"{path}\"]` in your settings"),
        blocks,
    }
}

/// What a manifest names outside of the tree and tests aren't shown, where the output misses something of that name: runners
/// say which package they miss and not where it would be.
fn named_and_missing<'a>(output: &str, ended: &Ended<'a>) -> Option<&'a Path> {
    if ended.hidden.named.is_empty() || matches!(ended.stopped, Some("idle" | "deadline" | "cancelled")) {
        return None;
    }
    let missing = NOT_INSTALLED.as_ref()?;
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let lines: Vec<String> = output.lines().filter(|line| missing.is_match(line)).map(plain).collect();
    let says = |name: &str| {
        let is_part = |it: char| it.is_alphanumeric() || it == '_';
        lines.iter().any(|line| line.split(|it| !is_part(it)).any(|word| word == name))
    };
    let module = MODULE
        .as_ref()?
        .captures(output)
        .and_then(|found| found.get(1))
        .and_then(|name| name.as_str().split('.').next());
    let holds = |folder: &Path| {
        let of = |name: &str| [folder.join(name), folder.join("src").join(name), folder.join(format!("{name}.py"))];
        module.is_some_and(|name| of(name).iter().any(|path| path.exists()))
    };
    let is_it = |path: &&PathBuf| {
        let name = path.file_name().map(|name| plain(&name.to_string_lossy()));
        name.is_some_and(|name| says(&name)) || holds(path)
    };
    ended.hidden.named.iter().find(is_it).map(PathBuf::as_path)
}

/// What the command didn't find, and is there on the machine: a file's folder, else itself. Only folders of which little is shown
/// are looked into, and not the tree: what is missing there is missing.
fn hidden_path(output: &str, ended: &Ended<'_>) -> Option<PathBuf> {
    let (missing, paths) = (MISSING.as_ref()?, PATHS.as_ref()?);
    let lines: Vec<&str> = output.lines().collect();
    let places = (0..lines.len()).filter(|at| missing.is_match(lines[*at]));
    // Some name the file first, and what was wrong with it below.
    let near =
        places.flat_map(|at| (at.saturating_sub(LINES_ABOVE)..=at).rev()).flat_map(|at| paths.find_iter(lines[at]));
    let named = near.take(MOST_PATHS).map(|path| without_dots(&ended.tree.join(path.as_str().trim_end_matches('.'))));
    let mut hidden = named.filter(|path| !path.starts_with(ended.tree) && !ended.tree.starts_with(path));
    hidden.find_map(|path| {
        let root = ended.hidden.around.iter().find(|root| path.starts_with(root) && path != **root)?;
        let about = path.symlink_metadata().ok()?;
        let folder = path.parent().filter(|folder| about.is_file() && folder != root);
        let shown = folder.unwrap_or(&path);
        // By what it really is as well: a link may lead to secrets.
        let is_closed = |path: &Path| {
            (ended.hidden.closed)(path) || path.canonicalize().is_ok_and(|real| (ended.hidden.closed)(&real))
        };
        (!is_closed(&path) && !is_closed(shown)).then(|| shown.to_owned())
    })
}

/// The beginning and the end of long output.
pub(super) fn ends_of(output: &str) -> String {
    let plain = console::strip_ansi_codes(output);
    if plain.len() <= HEAD + TAIL {
        return plain.into_owned();
    }
    let (head, tail) = (plain.floor_char_boundary(HEAD), plain.ceil_char_boundary(plain.len() - TAIL));
    format!("{}\n{}", &plain[..head], &plain[tail..])
}

/// `text` with `{1}` and so on as they were found, short and on one line.
fn filled(text: &str, found: &Captures<'_>) -> String {
    let mut text = text.to_owned();
    for number in 1..found.len() {
        let part: String = found.get(number).map_or("", |part| part.as_str()).trim().chars().take(120).collect();
        text = text.replace(&format!("{{{number}}}"), &part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn told(ended: &Ended<'_>) -> String {
        let kind = |kind| match kind {
            CauseKind::Setup => "setup",
            CauseKind::Sandbox => "sandbox",
            CauseKind::Watch => "watch",
            CauseKind::Generated => "generated",
        };
        cause(ended).map_or_else(|| "nothing".to_owned(), |cause| format!("{}: {}", kind(cause.kind), cause.what))
    }

    #[test]
    fn each_case_is_told_as_expected() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/failure-causes");
        let (mut seen, mut wrong) = (0, Vec::new());
        for entry in fs::read_dir(cases).unwrap().flatten() {
            if entry.path().extension().is_none_or(|extension| extension != "txt") {
                continue;
            }
            let case = fs::read_to_string(entry.path()).unwrap();
            let (head, output) = case.split_once("-- output --\n").unwrap();
            let value = |key: &str| head.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim();
            let stopped = Some(value("stopped:")).filter(|stopped| !stopped.is_empty());
            let ended = Ended {
                output,
                stopped,
                any_ran: value("ran:") == "yes",
                hidden: Hidden { around: &[], named: &[], closed: &|_| false },
                tree: Path::new("/p"),
            };
            let told = told(&ended);
            if told != value("expected:") {
                wrong.push(format!("{}: {told}", entry.path().display()));
            }
            seen += 1;
        }
        assert!(seen >= 50 && wrong.is_empty(), "{seen} cases; {}", wrong.join("\n"));
    }

    #[test]
    fn every_pattern_can_be_read() {
        let broken: Vec<_> = ROWS.iter().filter(|row| regex(row.pattern).is_none()).map(|row| row.pattern).collect();
        assert_eq!(broken, Vec::<&str>::new());
    }

    #[test]
    fn what_is_there_and_was_not_found_is_hidden() {
        let world = tempfile::tempdir().unwrap();
        let world = world.path().canonicalize().unwrap();
        let (tree, beside) = (world.join("tree"), world.join("lib"));
        fs::create_dir(&tree).unwrap();
        fs::create_dir(&beside).unwrap();
        fs::write(beside.join("Cargo.toml"), "").unwrap();
        let hiding = [world.clone()];
        let secret = world.join("lib/.ssh");
        fs::create_dir_all(secret.join("keys")).unwrap();
        std::os::unix::fs::symlink(&secret, world.join("alias")).unwrap();
        let closed = |path: &Path| path.starts_with(&secret);
        let of = |output: &str| {
            let hidden = Hidden { around: &hiding, named: &[], closed: &closed };
            told(&Ended { output, stopped: None, any_ran: true, hidden, tree: &tree })
        };
        for closed in ["lib/.ssh", "lib/.ssh/keys", "alias", "alias/keys"] {
            let output = format!("cat: {}: No such file or directory\n", world.join(closed).display());
            assert_eq!(of(&output), "nothing", "nobody is told to show {closed}");
        }
        let (hidden, manifest) =
            (format!("sandbox: the sandbox hides {}", beside.display()), beside.join("Cargo.toml"));
        assert_eq!(of(&format!("cat: {}: No such file or directory\n", manifest.display())), hidden);
        assert_eq!(
            of(&format!(
                "failed to read `{}`\n\nCaused by:\n  No such file (os error 2): not found\n",
                manifest.display()
            )),
            hidden
        );
        assert_eq!(of("go: open ../lib/Cargo.toml: no such file or directory\n"), hidden);
        for fine in [
            "cat: ../gone/a: No such file or directory\n",
            "cat: tree/a: No such file or directory\n",
            "../lib/Cargo.toml is fine\n",
        ] {
            assert_eq!(of(fine), "nothing", "{fine}");
        }
        assert_eq!(
            of(&format!("{}: No such file or directory\n", tree.join("a").display())),
            "nothing",
            "it is missing"
        );
    }
    #[test]
    fn what_a_manifest_names_and_nobody_allowed_is_hidden() {
        let world = tempfile::tempdir().unwrap();
        let world = world.path().canonicalize().unwrap();
        let library = world.join("my-lib");
        fs::create_dir_all(library.join("src/shapes")).unwrap();
        let named = [library.clone()];
        let hidden = Hidden { around: &[], named: &named, closed: &|_| false };
        let of = |output: &str| told(&Ended { output, stopped: None, any_ran: false, hidden, tree: Path::new("/p") });
        let it = format!("sandbox: the sandbox hides {}", library.display());
        for output in [
            "ModuleNotFoundError: No module named 'shapes'",
            "/usr/bin/python3: No module named my_lib",
            "Error: Cannot find module 'my-lib'\nRequire stack:",
            "error: failed to load source for dependency `my-lib`",
            "go: x@v0 (replaced by ../my-lib): reading ../my-lib/go.mod: open /w/my-lib/go.mod: no such file or directory",
        ] {
            assert_eq!(of(output), it, "{output}");
        }
        assert_eq!(of("ModuleNotFoundError: No module named 'requests'"), "nothing");
        assert!(of("python3: No module named pytest").starts_with("setup: "));
        assert_eq!(of("FAILED tests/test_my_lib.py"), "nothing");
    }
}
