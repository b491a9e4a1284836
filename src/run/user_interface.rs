//! Whoever a run is done for: is told what happens, and asked where a person decides. The command line is one.

use futures_util::future::LocalBoxFuture;

use super::consents::Beside;
use super::failure::Failure;
use crate::journal::{Applied, RunFolder, RunId};
use crate::report::Report;
use crate::sandbox::WorkerPlan;

/// A person's choice at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Nothing,
    /// Apply the patch to the tree.
    Apply,
    /// Review the patch hunk by hunk.
    Review,
}

/// The result of a run.
pub(crate) struct Handed<'a> {
    /// What it came to, unless that can't be told.
    pub report: Option<&'a Report>,
    pub patch: &'a Result<Vec<u8>, Failure>,
    /// The errors on the way here, the run's own first.
    pub troubles: &'a [Failure],
    /// What was written to the tree, when that was asked for.
    pub applied: Option<&'a Applied>,
    /// The patch was verified and could not be applied.
    pub was_refused: bool,
    /// The host doesn't know the run's model, which a run keeps: it can't go on there.
    pub is_model_unknown: bool,
    /// True if the run's folder stays.
    pub is_kept: bool,
}

/// Is given a line of JSON, without its end.
pub(crate) type LineReader = Box<dyn FnMut(&str) + Send>;

/// The user interface of a run: it shows progress and asks.
pub(crate) trait Front {
    /// Returns the function that prints a line for people.
    fn talk(&self) -> fn(&str);

    /// Takes each event as a line of JSON, without secrets; `None` when nobody reads them.
    fn lines(&self) -> Option<LineReader>;

    /// Whether a person is there who can be asked what tests may see.
    fn is_attended(&self) -> bool;

    /// Asks a person what tests may see beside the tree.
    fn ask<'a>(&'a self, beside: &'a mut Beside, plan: &'a WorkerPlan) -> LocalBoxFuture<'a, Result<(), Failure>>;

    /// Gets what there is at the end of a run, and may ask what to do with it.
    fn hand_over<'a>(&'a self, handed: Handed<'a>) -> LocalBoxFuture<'a, Result<Next, Failure>>;

    /// Is told of the patch of `run` that was written to the tree because a person wanted it then.
    fn applied(&self, run: &RunId, applied: &Applied);

    /// Is told of a run whose end nobody waited for.
    fn cut_short(&self, folder: &RunFolder);
}
