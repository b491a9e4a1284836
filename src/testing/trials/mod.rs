//! Test runs on a state other than the run's own: the start state, or the start state with some of the changes.
//!
//! Each trial has its own view and sandbox, confined like the run's, and leaves only its log. [`Trials`] holds what
//! they share. [`Trials::hold`] and [`Trials::prove`] run what a patch must pass; a [`Session`] stays open.

mod error;
mod hold;
mod sandbox;
mod session;
mod setup;

pub use error::TrialError;
pub use hold::{Trial, TrialOrder, TrialResult, VerifiedPatch};
pub use session::Session;
pub use setup::{TrialFolders, Trials};
