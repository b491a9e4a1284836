//! Renders events for people or as JSONL. All output of a run to a terminal goes through here.

mod closing;
mod diff;
mod failures;
pub(crate) mod letters;
mod live;
mod markdown;
mod sandbox;
mod status;
mod terminal;
mod verification;
mod when;

pub(crate) use closing::closing;
pub(crate) use diff::coloured_diff;
pub(crate) use live::Live;
pub(crate) use markdown::markdown;
pub(crate) use sandbox::sandbox_table;
pub(crate) use terminal::{TerminalRenderer, Verbosity};
pub(crate) use verification::verification_table;
pub(crate) use when::LocalTime;
