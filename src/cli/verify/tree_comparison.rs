//! Compares the current tree with the trees of the run, and finds what a view of it has to change.

use super::place::ScratchFolder;
use crate::journal::Outcome;
use crate::report::{BeforeAfter, TreeStanding, TreeState};
use crate::run::Failure;
use crate::run::rerun::{PatchSource, Subject};
use crate::workspace::{
    ApplyError, Blobs, ChangeSet, Direction, PatchFile, PatchFileError, Repository, TreeIndex, still_applies,
};

use anyhow::Context as _;

/// Number of paths that are searched for dirty ones.
const MAX_PATHS: usize = 100_000;
const MAX_DIRTY: usize = 5;

/// The current tree, and the changes that lead from it to the tree that is tested.
pub(super) struct TreeComparison {
    /// Its ids, for the report.
    pub tested_tree: TreeState,
    /// Changes to make in the view.
    pub changes: ChangeSet,
    /// Contents of these changes.
    pub blobs: Blobs,
}

/// How the patch fits the tree.
enum Fit {
    Applies(ChangeSet),
    /// The tree contains the whole patch already.
    InPlace,
    /// Neither, with the reason.
    Not(String),
}

/// Compares the current tree with those of the run.
///
/// # Errors
/// When the patch neither applies to the tree nor is in it.
pub(super) fn find(
    repository: &Repository,
    subject: &Subject,
    place: &ScratchFolder,
) -> Result<TreeComparison, Failure> {
    let certificate = &subject.report.certificate;
    let (start, patched) = (&certificate.start_tree, &certificate.patched_tree);
    // When git can't compute ids, the touched files alone decide.
    let index = TreeIndex::of(repository, &place.path("tree")).ok();
    let here = index.as_ref().map(|index| index.start().to_owned());
    let blobs = match &subject.source {
        PatchSource::Run(run) => Blobs::at(&run.blobs()),
        PatchSource::Patch(_) => Blobs::at(&place.path("blobs")),
    };
    let is = |id: &Option<String>| here.is_some() && here == *id;
    let known = |id: &Option<String>| here.is_some() && id.is_some();
    let fit = if is(patched) { Fit::InPlace } else { fit(repository, subject, place, &blobs)? };
    let (standing, changes) = match fit {
        Fit::InPlace if is(patched) || !known(patched) => (TreeStanding::Patched, ChangeSet::new(Vec::new())),
        Fit::InPlace => (TreeStanding::Contains, ChangeSet::new(Vec::new())),
        Fit::Applies(changes) if is(start) || !known(start) => (TreeStanding::Start, changes),
        Fit::Applies(changes) => (TreeStanding::Applies, changes),
        Fit::Not(why) => return Err(elsewhere(repository, subject, here.as_deref(), &why)),
    };
    let ids = index.and_then(|index| index.with(&changes, &blobs).ok());
    let applied = !changes.is_empty();
    let tested_tree = TreeState {
        standing,
        start_tree: BeforeAfter { then: start.clone(), now: here.filter(|_| applied) },
        patched_tree: BeforeAfter { then: patched.clone(), now: ids.map(|ids| ids.patched) },
    };
    Ok(TreeComparison { tested_tree, changes, blobs })
}

fn fit(repository: &Repository, subject: &Subject, place: &ScratchFolder, blobs: &Blobs) -> Result<Fit, Failure> {
    let root = repository.root();
    match &subject.source {
        PatchSource::Run(run) => {
            let path = run.changes();
            let changes = ChangeSet::load(&path).with_context(|| format!("{} can't be read", path.display()))?;
            match (still_applies(root, &changes), still_applies(root, &changes.reversed())) {
                (Ok(()), _) => Ok(Fit::Applies(changes)),
                (_, Ok(())) => Ok(Fit::InPlace),
                (Err(ApplyError::MovedOn { files, .. }), _) => {
                    let told = files.iter().map(|file| format!("{} ({})", file.path, file.now));
                    Ok(Fit::Not(told.collect::<Vec<_>>().join(", ")))
                }
                (Err(error), _) => Err(error.into()),
            }
        }
        PatchSource::Patch(bytes) => {
            let (paths, scratch) = (subject.paths(), place.path("patch"));
            let patch = PatchFile { bytes, paths: &paths, root, scratch: &scratch, blobs };
            match (patch.changes(Direction::Forth), patch.changes(Direction::Back)) {
                (Ok(changes), _) => Ok(Fit::Applies(changes)),
                (_, Ok(_)) => Ok(Fit::InPlace),
                (Err(PatchFileError::Io(error)), _) => Err(anyhow::Error::from(error).into()),
                (Err(error), _) => Ok(Fit::Not(error.to_string())),
            }
        }
    }
}

/// The error for another tree to which the patch doesn't apply, with the differences.
fn elsewhere(repository: &Repository, subject: &Subject, here: Option<&str>, why: &str) -> Failure {
    let report = &subject.report;
    let message =
        format!("the tree at hand is neither the one that run {} started from nor the patched one", report.run);
    let hint = match &report.head {
        Some(head) => {
            format!("check out commit {} in a tree of its own and verify there: kcode -C DIR verify …", short(head))
        }
        None => "verify in the folder that the run was made in: kcode -C DIR verify …".to_owned(),
    };
    let id = |id: &Option<String>| id.as_deref().map_or("unknown", short).to_owned();
    let (start, patched) = (id(&report.certificate.start_tree), id(&report.certificate.patched_tree));
    let head = repository.head().and_then(|head| head.commit);
    let commit = |commit: &Option<String>| commit.as_deref().map_or("none", short).to_owned();
    let failure = Failure::new(Outcome::Refused, message, hint)
        .fact("here", repository.root().display().to_string())
        .fact(
            "tree",
            format!("{}; the run's are {start} and, with the patch, {patched}", here.map_or("unknown", short)),
        )
        .fact("HEAD", format!("{}; the run's is {}", commit(&head), commit(&report.head)))
        .fact("patch", format!("does not fit: {why}"));
    match dirty(repository) {
        Some(dirty) => failure.fact("dirty", dirty),
        None => failure,
    }
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// Files that differ from HEAD.
fn dirty(repository: &Repository) -> Option<String> {
    let (files, more) = repository.changes(&repository.outline_paths(MAX_PATHS), MAX_DIRTY)?;
    let names: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
    (!names.is_empty()).then(|| names.join(", ") + if more { " and more" } else { "" })
}
