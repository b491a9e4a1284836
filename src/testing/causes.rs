//! Failures that no edit can fix: the command can't start, a dependency isn't installed, or the sandbox hides
//! something.
//!
//! Maps messages of shells, runners and system calls to what the user can do. Cases are in `fixtures/failure-causes`.
//!
//! Messages alone neither excuse a failure nor stop a run, since a program under test may print any. A missing program
//! also needs the shell's exit code for it, a missing package a manifest that names it, and a runner's message a
//! command that leads to that runner. What the sandbox hides is reported with the failure, and excuses a single test by
//! its own output.

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex};

use super::asked_for::AskedFor;
use super::cause_table::{CauseProof, CauseRow, ONCE, RENAMED_ACROSS, ROWS, WATCHES};
use super::declared::missing_package;
use super::not_started::not_started;
use crate::journal::{CauseKind, FailureCause, TestCase, TestResults};
use crate::settings::{regex, without_dots};

/// Bytes examined at the start of the output, and at its end.
const HEAD: usize = 16 * 1024;
const TAIL: usize = 64 * 1024;
/// Start of a cause that was confirmed on the machine.
pub const HIDES: &str = "the sandbox hides ";
/// Number of paths in the output that are looked up on the machine.
const MOST_PATHS: usize = 60;
/// Lines above an error message in which its file may be named.
const LINES_ABOVE: usize = 4;

/// Compiled patterns of the rows, on first use.
static PATTERNS: [OnceLock<Option<Regex>>; ROWS.len()] = [const { OnceLock::new() }; ROWS.len()];
/// Messages that something doesn't exist or may not be accessed.
static MISSING: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)No such file or directory|ENOENT|does not exist|not found|Permission denied|EACCES"));
/// A path that may lead outside of the tree.
static PATHS: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r#"(?:\.\./|/)[^\s'"`:;,()<>\[\]]{2,300}"#));
/// Such messages of package managers and interpreters.
static NOT_INSTALLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)No such file|ENOENT|does not exist|not found|No module named|Cannot find|could not find|Can't resolve|Could not resolve|unresolved import|failed to (?:read|load)|cannot load such file|Non-resolvable|no required module|doesn't exist|can't find crate",
    )
});
static MODULE: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"No module named '?([\w.]+)"));

/// Words of an assertion's message, which may quote what the code under test printed.
static ASSERTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?im)Assert(?:ion)?(?:Error|Failed)|assertion|ERR_ASSERTION|ExpectationNotMet|^\W*assert\b|expect(?:ed)?\b|^\s*(?:left|right|got|want|actual):|!=|!==|\bgot\b",
    )
});

/// How a test run ended, with what is needed to find the cause.
#[derive(Clone, Copy)]
pub struct RunEnd<'a> {
    /// The command as a user would type it.
    pub command: &'a str,
    /// Its output, or the end of it.
    pub output: &'a str,
    /// Exit code; `None` if a signal ended the command.
    pub exit_code: Option<i32>,
    /// Why kcode stopped the command, if it did.
    pub stopped: Option<&'a str>,
    /// Whether any test ran, as far as the output's format is known.
    pub any_ran: bool,
    /// Paths that the sandbox hides, wholly or partly.
    pub hidden: Hidden<'a>,
    /// Path of the tree as the command saw it.
    pub tree: &'a Path,
}

/// Paths that the sandbox hides, wholly or partly.
#[derive(Clone, Copy)]
pub struct Hidden<'a> {
    /// Folders that are mostly hidden: the user's home, and the parents of the tree.
    pub around: &'a [PathBuf],
    /// Paths outside of the repository that its manifests name, and that the user hasn't allowed.
    pub named: &'a [PathBuf],
    /// Whether a path must never be suggested to the user: secrets and kcode's own files. The output may try to make
    /// the user show them.
    pub closed: &'a dyn Fn(&Path) -> bool,
}

/// Returns the cause of a failure if its messages are known.
#[must_use]
pub(super) fn cause(ended: &RunEnd<'_>) -> Option<FailureCause> {
    let output = ends_of(ended.output);
    if let Some(path) = named_and_missing(&output, ended) {
        return Some(of_hidden(path, !ended.any_ran));
    }
    let asked = AskedFor::new(ended.command, ended.tree);
    if !ended.any_ran && ended.stopped.is_none() {
        let found = not_started(&output, ended.exit_code, &asked, ended.tree);
        let found = found.map(|missing| match missing.hidden_in(ended.tree) {
            Some(folder) if !is_closed(&folder, ended.hidden.closed) => of_hidden(&folder, true),
            _ => missing.into_cause(),
        });
        if let Some(found) = found.or_else(|| missing_package(&output, &asked)) {
            return Some(found);
        }
    }
    match table(&output, ended, &asked) {
        Some(told) if told.kind != CauseKind::Sandbox => Some(told),
        // A path known to be hidden is more specific than a missing file.
        told => hidden_path(&output, ended).map(|path| of_hidden(&path, false)).or(told),
    }
}

/// Whether a line reports that something is missing or inaccessible.
#[must_use]
pub fn tells_of_missing(line: &str) -> bool {
    MISSING.as_ref().is_some_and(|words| words.is_match(line))
}

/// Looks the cause up in the rows of the table.
fn table(output: &str, ended: &RunEnd<'_>, asked: &AskedFor<'_>) -> Option<FailureCause> {
    let fits = |row: &CauseRow| match row.kind {
        CauseKind::Setup => !ended.any_ran && ended.stopped.is_none(),
        CauseKind::Watch => ended.stopped.is_some(),
        CauseKind::Generated => false,
        CauseKind::Sandbox => !matches!(ended.stopped, Some("idle" | "deadline" | "cancelled")),
    };
    let is_proven = |row: &CauseRow, found: &Captures<'_>| match row.proof {
        CauseProof::Nothing => true,
        CauseProof::Stopped(reasons) => ended.stopped.is_some_and(|why| reasons.contains(&why)),
        CauseProof::Names(programs) => asked.names_any(programs),
        CauseProof::NamesAll(programs) => {
            let named = (1..found.len()).rev().find_map(|group| found.get(group));
            asked.names_any(programs) && named.is_none_or(|name| asked.names(name.as_str()))
        }
    };
    let told = ROWS.iter().enumerate().filter(|(_, row)| fits(row)).find_map(|(at, row)| {
        let pattern = pattern(at)?;
        let found = pattern.captures_iter(output).take(MOST_PATHS).find(|found| is_proven(row, found))?;
        Some(FailureCause {
            kind: row.kind,
            what: filled(row.what, &found),
            hint: filled(row.hint, &found),
            blocks: row.kind != CauseKind::Sandbox,
        })
    });
    // The runner was stopped for watching files, though its output doesn't mention it.
    told.or_else(|| (ended.stopped == Some("watch")).then(watches))
}

/// Returns the compiled pattern of the row at `at`.
fn pattern(at: usize) -> Option<&'static Regex> {
    PATTERNS.get(at)?.get_or_init(|| regex(ROWS[at].pattern)).as_ref()
}

/// Whether `output` reports a rename that the sandbox's file systems refuse.
pub(super) fn tells_of_renaming(output: &str) -> bool {
    let row = ROWS.iter().position(|row| row.pattern == RENAMED_ACROSS);
    row.and_then(pattern).is_some_and(|words| words.is_match(output))
}

/// If every failed test of `after` reports in its own output that the sandbox hides something, and failed for the same
/// reason in `before`, returns the first one's cause. Assertion messages don't count: they may quote the code under
/// test.
#[must_use]
pub fn excused(before: &[TestResults], after: &TestResults, ended: &RunEnd<'_>) -> Option<FailureCause> {
    let of = |case: &TestCase| {
        let said = case.message.as_deref().filter(|_| case.verdict.is_failure())?;
        if ASSERTS.as_ref()?.is_match(said) {
            return None;
        }
        let own = RunEnd { output: said, any_ran: true, stopped: None, ..*ended };
        cause(&own).filter(|cause| cause.kind == CauseKind::Sandbox)
    };
    let mut causes = after.tests.iter().filter(|(_, case)| case.verdict.is_failure()).map(|(name, case)| {
        let now = of(case)?;
        let failed_so = |run: &TestResults| run.tests.get(name).and_then(of).is_some_and(|then| then.what == now.what);
        before.iter().any(failed_so).then_some(now)
    });
    let first = causes.next()??;
    causes.all(|cause| cause.is_some()).then_some(first)
}

fn watches() -> FailureCause {
    FailureCause { kind: CauseKind::Watch, what: WATCHES.to_owned(), hint: ONCE.to_owned(), blocks: true }
}

fn of_hidden(path: &Path, blocks: bool) -> FailureCause {
    let path = path.display().to_string();
    let is_word = |it: char| it.is_alphanumeric() || "/._-+@".contains(it);
    let quoted = if path.chars().all(is_word) { path.clone() } else { format!("'{}'", path.replace('\'', r"'\''")) };
    FailureCause {
        kind: CauseKind::Sandbox,
        what: format!("{HIDES}{path}"),
        hint: format!("show it read-only with --readable {quoted}, or `readable = [\"{path}\"]` in your settings"),
        blocks,
    }
}

/// Returns a path outside of the tree that a manifest names and the sandbox hides, if the output misses something of
/// that name: runners name the missing package, not its path.
fn named_and_missing<'a>(output: &str, ended: &RunEnd<'a>) -> Option<&'a Path> {
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

/// Returns a path that the command didn't find although it exists on the machine: a file's folder, else the path
/// itself. Searches only folders that are mostly hidden, and not the tree, where a missing file really is missing.
fn hidden_path(output: &str, ended: &RunEnd<'_>) -> Option<PathBuf> {
    let (missing, paths) = (MISSING.as_ref()?, PATHS.as_ref()?);
    let lines: Vec<&str> = output.lines().collect();
    let places = (0..lines.len()).filter(|at| missing.is_match(lines[*at]));
    // Some programs name the file first and the error below it.
    let near =
        places.flat_map(|at| (at.saturating_sub(LINES_ABOVE)..=at).rev()).flat_map(|at| paths.find_iter(lines[at]));
    let named = near.take(MOST_PATHS).map(|path| without_dots(&ended.tree.join(path.as_str().trim_end_matches('.'))));
    let mut hidden = named.filter(|path| !path.starts_with(ended.tree) && !ended.tree.starts_with(path));
    hidden.find_map(|path| {
        let root = ended.hidden.around.iter().find(|root| path.starts_with(root) && path != **root)?;
        let about = path.symlink_metadata().ok()?;
        let folder = path.parent().filter(|folder| about.is_file() && folder != root);
        let shown = folder.unwrap_or(&path);
        let is_closed = |path: &Path| is_closed(path, ended.hidden.closed);
        // Of a folder that holds much more, show the file alone.
        [shown, &path].into_iter().find(|it| !is_closed(it)).filter(|_| !is_closed(&path)).map(Path::to_owned)
    })
}

/// Also checks the resolved path, since a link may lead to secrets.
fn is_closed(path: &Path, closed: &dyn Fn(&Path) -> bool) -> bool {
    closed(path) || path.canonicalize().is_ok_and(|real| closed(&real))
}

/// Returns the start and the end of long output, without ANSI sequences.
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
mod tests;
