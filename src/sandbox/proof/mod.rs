//! The proof: before anything of the repository runs, a command tries to break out, and the results are journaled.
//!
//! ```text
//! broker                         prover, a command like any other            left-over
//! Canary: listeners, secret ──► __worker prove: write, read, connect… ────► its copy, which lingers
//! what arrived? ◄─────────────── what was refused ◄─────────────────────────── alive afterwards?
//!
//! host ── copies itself ───────► Searching: secrets and sockets in all that is shown, beside that
//! ```
//!
//! A layer that is switched on doesn't necessarily hold: a kernel's policy, a container or a bug in kcode may
//! interfere. An attempt that could not be made counts as one that succeeded.

mod attempts;
mod canary;
mod mounts;
mod other_processes;
mod prover;
mod search;
mod shared_memory;
mod surviving_process;
mod targets;
mod terminal;
mod tracing;

pub(super) use canary::Canary;
pub use canary::clear_baits;
pub(super) use prover::{PROVE, prove, read};
pub(super) use search::Searching;
pub(super) use targets::{Meant, Targets};

use crate::journal::{Guard, Proof};

/// The attempt that only whoever watches the prover can judge.
const OUTLIVE: &str = "outlive the command";

/// Sets the result of that attempt.
pub(super) fn outlived(proofs: &mut [Proof], is_gone: bool) {
    for proof in proofs.iter_mut().filter(|proof| proof.attempt == OUTLIVE && proof.held) {
        proof.held = is_gone;
        proof.detail = if is_gone { "gone with the command" } else { "still there after the command" }.into();
    }
}

/// The results if there is no proof: nothing is shown to hold.
pub(super) fn none(why: &str) -> Vec<Proof> {
    let proof = |guard| Proof {
        guards: guard,
        attempt: "try to break out".into(),
        held: false,
        detail: format!("the attempts could not be made: {why}"),
    };
    Guard::ALL.map(proof).into()
}

/// Whether every attempt against `guard` was refused.
pub(super) fn holds(proofs: &[Proof], guard: Guard) -> bool {
    let mut tried = proofs.iter().filter(|proof| proof.guards == guard).peekable();
    tried.peek().is_some() && tried.all(|proof| proof.held)
}
