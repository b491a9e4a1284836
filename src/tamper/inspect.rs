//! Inspects a whole patch.

use super::change::{Change, ChangedSource};
use super::role::Role;
use super::units::SourceUnits;
use super::{configuration, functions, lines, outside, shadows, snapshots};
use crate::journal::{TamperFlag, TamperKind};

/// Flags every hunk of `changes` that affects tests, in the order of files and lines.
///
/// Files that aren't text, or are larger than half a mebibyte, aren't read; a change to such a test file is flagged.
#[must_use]
pub fn inspect(changes: &[Change<'_>]) -> Vec<TamperFlag> {
    let touched = changes.iter().filter(|change| change.before != change.after || change.renamed_from.is_some());
    let files: Vec<ChangedSource> = touched.map(ChangedSource::read).collect();
    let mut flags = functions::flags(&files);
    for file in &files {
        flags.extend(whole(file));
        flags.extend(snapshots::flags(file));
        flags.extend(configuration::flags(file));
        flags.extend(lines::flags(file));
        flags.extend(shadows::flags(file));
        flags.extend(outside::module_removed(file));
        if file.holds_tests() {
            flags.extend(outside::flags(file));
        }
    }
    by_hunk(flags)
}

/// Flags what concerns the file as a whole.
fn whole(file: &ChangedSource) -> Option<TamperFlag> {
    let was_of_tests = !file.is_new && (file.old_role.is_of_tests() || file.may_have_held_tests());
    if file.is_opaque && (was_of_tests || file.old_role == Role::Configuration) {
        let reason = "the file can't be read, so it is unknown whether its tests changed";
        return Some(file.flag(1, TamperKind::AssertionRemoved, true, reason));
    }
    // Where the guard can read tests, it flags each removed test by name.
    let has_functions = file.before.as_ref().is_some_and(|before| !before.units.is_empty());
    let was_test = file.old_role == Role::Test;
    if was_test && file.is_gone && !has_functions && file.before.as_ref().is_some_and(SourceUnits::asserts) {
        return Some(file.flag(1, TamperKind::TestRemoved, true, "a file of tests is gone"));
    }
    None
}

/// Merges the flags of one hunk and kind into one, which lists all affected tests.
fn by_hunk(mut flags: Vec<TamperFlag>) -> Vec<TamperFlag> {
    flags.sort_by(|one, other| {
        let order =
            |flag: &TamperFlag| (flag.path.as_str().to_owned(), flag.line, format!("{:?}", flag.kind), !flag.weakens);
        order(one).cmp(&order(other))
    });
    let mut merged: Vec<TamperFlag> = Vec::new();
    for flag in flags {
        match merged
            .last_mut()
            .filter(|last| last.path == flag.path && last.line == flag.line && last.kind == flag.kind)
        {
            Some(last) => {
                for test in flag.tests {
                    if !last.tests.contains(&test) {
                        last.tests.push(test);
                    }
                }
            }
            None => merged.push(flag),
        }
    }
    merged
}
