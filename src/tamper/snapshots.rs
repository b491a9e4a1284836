//! Flags changes to recorded results and to files that tests read, which hold what tests expect.

use std::collections::BTreeSet;

use super::change::ChangedSource;
use super::pattern::Pattern;
use super::role::Role;
use crate::journal::{TamperFlag, TamperKind};

static JEST_TITLE: Pattern = Pattern::new(r"^exports\[`(.*?)(?: \d+)?`\]");
static SYRUPY_TITLE: Pattern = Pattern::new(r"^# name: (\S+?)(?:\[.*|\.\d+)?$");

/// Flags changes to a file that tests compare with.
pub(super) fn flags(file: &ChangedSource) -> Vec<TamperFlag> {
    let is_snapshot = file.old_role == Role::Snapshot;
    if file.is_new || !is_snapshot && file.old_role != Role::TestData {
        return Vec::new();
    }
    let kind = if is_snapshot { TamperKind::SnapshotChanged } else { TamperKind::ExpectationChanged };
    let is_empty = file.after.as_ref().is_some_and(|after| after.file.raw.iter().all(|line| line.trim().is_empty()));
    if is_snapshot && (file.is_gone || is_empty && !file.is_opaque) {
        // The runner would record the missing result anew and pass.
        let flag = file.flag(
            1,
            kind,
            true,
            "a recorded result is gone; what the code does now would be recorded in its place",
        );
        return vec![TamperFlag { tests: titles_by_path(file), ..flag }];
    }
    if file.removed().next().is_none() && file.added().next().is_none() && !file.is_opaque || file.is_gone {
        return Vec::new();
    }
    // Lines that were only added belong to new tests.
    if file.removed().next().is_none() && !file.is_opaque {
        return Vec::new();
    }
    let line = file.removed().next().map_or(1, |at| file.place_of_old(at));
    let reason = if is_snapshot { "a recorded result was changed" } else { "a file that tests read was changed" };
    vec![TamperFlag { tests: titles(file), ..file.flag(line, kind, false, reason) }]
}

/// Returns the tests whose recordings changed, as far as the file names them.
fn titles(file: &ChangedSource) -> Vec<String> {
    let Some(before) = &file.before else { return titles_by_path(file) };
    let title = |line: &str| {
        let found = JEST_TITLE.captures(line).or_else(|| SYRUPY_TITLE.captures(line))?;
        Some(found.get(1)?.as_str().to_owned())
    };
    let above = |at: usize| before.file.raw[..=at].iter().rev().find_map(|line| title(line));
    let titles: BTreeSet<String> = file.removed().take(2_000).filter_map(above).collect();
    if titles.is_empty() { titles_by_path(file) } else { titles.into_iter().collect() }
}

/// insta names its files `crate__module__test.snap`, with `-2` for a test's second snapshot.
fn titles_by_path(file: &ChangedSource) -> Vec<String> {
    let name = file.old_path.as_str().rsplit('/').next().unwrap_or_default();
    let Some(stem) = name.strip_suffix(".snap").filter(|stem| stem.contains("__")) else { return Vec::new() };
    let stem = stem.trim_end_matches(|character: char| character.is_ascii_digit()).trim_end_matches('-');
    vec![stem.replace("__", "::")]
}
