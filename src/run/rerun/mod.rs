//! The tests of a run that is over, run again: for whoever verifies it, and for a part of its patch that a person accepts.
//!
//! [`Subject`] is what the run said, [`Choosing`] says which commands are run, and [`Rerun`] runs them in a trial.

mod commands;
mod subject;
mod trial;

pub(crate) use commands::Choosing;
pub(crate) use subject::{PatchSource, Subject};
pub(crate) use trial::{Reran, Rerun, trial_failure};
