//! How the patch touches tests, and whether that is allowed.

use std::io;

use super::run_spec::RunSpec;
use crate::journal::{ChangeKind, FileChange, RelPath, TamperFlag, TamperKind, TestResults, TestsTouched};
use crate::tamper::{self, Change};
use crate::testing;
use crate::workspace::{Blobs, ChangeSet, ChangedFile, FileState};

/// What allows a patch to weaken tests.
#[derive(Clone, Debug)]
pub(super) struct TamperGuard {
    /// `--allow-test-edits`.
    pub allowed: bool,
    /// What was asked for; whether that is other tests is found out when it matters, long after the first request.
    pub tasks: Vec<String>,
}

/// The patch as the guard looks at it.
pub(super) struct PatchContents<'a> {
    pub changes: &'a ChangeSet,
    /// The changes with renames.
    pub files: &'a [FileChange],
    pub blobs: &'a Blobs,
    pub told: &'a TestEvidence,
}

/// Test results with and without the patch.
#[derive(Debug, Default)]
pub(super) struct TestEvidence {
    /// On the start state; empty when that isn't known.
    pub before: Vec<TestResults>,
    pub after: Vec<TestResults>,
    /// True if the tests pass with the patch.
    pub passes: bool,
    /// Tests that failed at the start and pass now.
    pub fixed: Vec<String>,
}

impl TamperGuard {
    /// That of the run that `spec` asks for.
    pub(super) fn of(spec: &RunSpec<'_>) -> Self {
        Self { allowed: spec.options.allow_test_edits, tasks: spec.tasks().map(str::to_owned).collect() }
    }

    /// Looks at the patch. Blocks.
    ///
    /// # Errors
    /// When a content can't be read.
    pub(super) fn look(&self, patch: &PatchContents<'_>) -> io::Result<TestsTouched> {
        let contents = contents(patch.changes, patch.blobs)?;
        let from: Vec<Option<&RelPath>> =
            contents.iter().map(|content| renamed_from(patch.files, content.path)).collect();
        let before = |path: &RelPath| contents.iter().find(|content| content.path == path)?.before.as_deref();
        let moved_away = |path: &RelPath| from.iter().flatten().any(|old| *old == path);
        let changes = contents.iter().zip(&from).filter(|(content, _)| !moved_away(content.path));
        let changes: Vec<_> = changes
            .map(|(content, from)| Change {
                path: content.path,
                before: from.map_or(content.before.as_deref(), before),
                after: content.after.as_deref(),
                renamed_from: *from,
            })
            .collect();
        let mut flags = tamper::inspect(&changes);
        flags.extend(nothing_but_tests(patch));
        if patch.told.passes {
            flags.extend(testing::unaccounted(&patch.told.before, &patch.told.after, &changes));
        }
        Ok(self.judged(flags, &patch.told.fixed))
    }

    fn judged(&self, flags: Vec<TamperFlag>, fixed: &[String]) -> TestsTouched {
        let plainly = tamper::judge(&flags, fixed, false);
        let asked = !plainly.is_empty() && self.tasks.iter().any(|task| tamper::asks_for_tests(task));
        let refused_for = tamper::judge(&flags, fixed, asked);
        let allowed = match (self.allowed, refused_for.len() < plainly.len()) {
            (true, _) if !plainly.is_empty() => Some("--allow-test-edits".to_owned()),
            (_, true) => Some("the task asks for other tests".to_owned()),
            _ => None,
        };
        TestsTouched { flags, refused_for: if self.allowed { Vec::new() } else { refused_for }, allowed }
    }
}

/// A patch that changes nothing but tests can't have mended what they test.
fn nothing_but_tests(patch: &PatchContents<'_>) -> Option<TamperFlag> {
    let (fixed, first) = (patch.told.fixed.first()?, patch.changes.entries.first()?);
    let only_tests = patch.changes.entries.iter().all(|entry| tamper::is_of_tests(&entry.path));
    only_tests.then(|| TamperFlag {
        path: first.path.clone(),
        line: 1,
        kind: TamperKind::TestEdited,
        weakens: true,
        reason: format!("nothing but tests is changed, and `{fixed}` failed before and passes now"),
        tests: Vec::new(),
    })
}

struct PatchedFile<'a> {
    path: &'a RelPath,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

fn contents<'a>(changes: &'a ChangeSet, blobs: &Blobs) -> io::Result<Vec<PatchedFile<'a>>> {
    let read = |state: Option<FileState>| state.map(|state| blobs.read(state.sha256)).transpose();
    let content = |entry: &'a ChangedFile| {
        Ok(PatchedFile { path: &entry.path, before: read(entry.before)?, after: read(entry.after)? })
    };
    changes.entries.iter().map(content).collect()
}

fn renamed_from<'a>(files: &'a [FileChange], path: &RelPath) -> Option<&'a RelPath> {
    files.iter().find(|file| file.path == *path).and_then(|file| match &file.kind {
        ChangeKind::Renamed { from } => Some(from),
        _ => None,
    })
}
