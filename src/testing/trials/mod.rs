//! Tests on another state than the run's own: the start state, or the start state with some of the changes.
//!
//! Each trial has a view and a sandbox of its own, confined as the run's is, and leaves nothing but its log. [`Trials`] is what all
//! of them have in common. [`Trials::hold`] and [`Trials::prove`] run what a patch has to pass; a [`Session`] stays open.

mod error;
mod hold;
mod sandbox;
mod session;
mod setup;

pub use error::TrialError;
pub use hold::{Trial, TrialOrder, TrialResult, VerifiedPatch};
pub use session::Session;
pub use setup::{TrialFolders, Trials};
