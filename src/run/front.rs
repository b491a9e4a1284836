//! Whoever a run is done for: is told what happens, and asked where a person decides. The command line is one.

use futures_util::future::LocalBoxFuture;

use super::beside::Beside;
use super::failure::Failure;
use super::finish::Handed;
use super::start::Run;
use crate::journal::RunFolder;
use crate::sandbox::WorkerPlan;

/// What is wanted after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more, or it is done.
    Nothing,
    /// To look at the patch hunk by hunk.
    Review,
}

/// Told and asked.
pub trait Front {
    /// Says a line to people.
    fn talk(&self) -> fn(&str);

    /// Takes each event as a line of JSON, without secrets; `None` when nobody reads them.
    fn lines(&self) -> Option<fn(&str)>;

    /// Whether a person is there who can be asked what tests may see.
    fn is_attended(&self) -> bool;

    /// Asks a person what tests may see beside the tree.
    fn ask<'a>(&'a self, beside: &'a mut Beside, plan: &'a WorkerPlan) -> LocalBoxFuture<'a, Result<(), Failure>>;

    /// Gets what there is at the end of a run, and may ask what to do with it.
    fn hand_over<'a>(&'a self, run: &'a mut Run<'_>, handed: Handed<'a>) -> LocalBoxFuture<'a, Result<Next, Failure>>;

    /// Is told of a run whose end nobody waited for.
    fn cut_short(&self, folder: &RunFolder);
}
