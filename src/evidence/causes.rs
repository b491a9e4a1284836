//! Failures that no edit mends: the command can't start, what it needs isn't installed, the sandbox keeps something from it.
//!
//! One table, from the words of shells, runners and system calls to what a person can do. Cases stand in
//! `fixtures/failure-causes`. Words alone excuse nothing: whoever acts on a cause also looks at whether any test ran, and
//! at how the start state went.

use std::path::{Component, Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex};

use super::cause_table::{ROWS, Row};
use crate::journal::{CauseKind, FailureCause};
use crate::settings::regex;

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

/// How a run ended, as far as it tells of a cause.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    /// All that it printed, or the end of that.
    pub output: &'a str,
    /// Why kcode ended it, if it did.
    pub stopped: Option<&'a str>,
    /// Whether any test ran, as far as its words are known.
    pub any_ran: bool,
    /// Folders of which the sandbox shows little: the user's home, and the one that the tree lies in.
    pub hiding: &'a [PathBuf],
    /// What nobody is told to show: secrets and kcode's own. The output may be made to lead a person there.
    pub closed: &'a dyn Fn(&Path) -> bool,
    /// The folder of the tree, as the command saw it.
    pub tree: &'a Path,
}

/// What lies behind a failure, if its words are known.
#[must_use]
pub fn cause(ended: &Ended<'_>) -> Option<FailureCause> {
    let output = ends_of(ended.output);
    let fits = |row: &Row| match row.kind {
        CauseKind::Setup => !ended.any_ran && ended.stopped.is_none(),
        CauseKind::Watch => ended.stopped.is_some_and(|why| ["idle", "watch", "deadline"].contains(&why)),
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
    // What is known to be hidden says more than that something is missing.
    match told {
        Some(told) if told.kind != CauseKind::Sandbox => Some(told),
        told => hidden_path(&output, ended).map(|path| of_hidden(&path, !ended.any_ran)).or(told),
    }
}

fn of_hidden(path: &Path, blocks: bool) -> FailureCause {
    let path = path.display();
    FailureCause {
        kind: CauseKind::Sandbox,
        what: format!("the sandbox hides {path}"),
        hint: format!("show it read-only with `readable = [\"{path}\"]` in your settings"),
        blocks,
    }
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
    let named = near.take(MOST_PATHS).map(|path| plain(&ended.tree.join(path.as_str().trim_end_matches('.'))));
    let mut hidden = named.filter(|path| !path.starts_with(ended.tree) && !ended.tree.starts_with(path));
    hidden.find_map(|path| {
        let root = ended.hiding.iter().find(|root| path.starts_with(root) && path != **root)?;
        let about = path.symlink_metadata().ok()?;
        let folder = path.parent().filter(|folder| about.is_file() && folder != root);
        let shown = folder.unwrap_or(&path);
        // By what it really is as well: a link may lead to secrets.
        let is_closed =
            |path: &Path| (ended.closed)(path) || path.canonicalize().is_ok_and(|real| (ended.closed)(&real));
        (!is_closed(&path) && !is_closed(shown)).then(|| shown.to_owned())
    })
}

/// Without `.` and `..`, as it is written: nothing is followed.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut so_far, part| {
        match part {
            Component::ParentDir => {
                so_far.pop();
            }
            Component::CurDir => {}
            part => so_far.push(part),
        }
        so_far
    })
}

/// The beginning and the end of long output.
fn ends_of(output: &str) -> String {
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
                hiding: &[],
                closed: &|_| false,
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
            told(&Ended { output, stopped: None, any_ran: true, hiding: &hiding, closed: &closed, tree: &tree })
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
}
