//! Renders events for people or as JSONL. All output of a run to a terminal goes through here.

mod closing;
mod diff;
mod failures;
pub mod letters;
mod live;
mod markdown;
mod sandbox;
mod status;
mod terminal;
mod verification;
mod when;

pub use closing::closing;
pub use diff::coloured_diff;
pub use live::Live;
pub use markdown::markdown;
pub use sandbox::sandbox_table;
pub use terminal::{TerminalRenderer, Verbosity};
pub use verification::verification_table;
pub use when::LocalTime;
