//! Runs commands in the sandbox: isolated, watched, bounded, and without leaving processes.
//!
//! Whatever ends a command (its exit, the deadline, silence, a cancellation), its output until then is kept: beginning
//! and end in the log, less of them in memory, failing tests in the excerpt.
//!
//! | File | What it is about |
//! |---|---|
//! | `runner`, `executor`, `cancellation` | who asks for a run, the one thread that does it, and how it is told to stop |
//! | `start`, `launch_request`, `folder`, `not_started` | how a command is started, what it is told, where it starts, and what is said when it can't |
//! | `pid_namespace/`, `enter` | its own PID namespace, or only its own Landlock domain |
//! | `watch`, `resource_limits`, `output`, `log`, `excerpt`, `reports`, `leftovers` | watching it and keeping its output |

mod banner;
mod cancellation;
mod enter;
mod excerpt;
mod executor;
mod folder;
mod launch_request;
mod leftovers;
mod live_output;
mod log;
mod not_started;
mod output;
mod pid_namespace;
mod reports;
mod resource_limits;
mod runner;
mod start;
mod watch;

pub(super) use enter::{ENTER, enter};
pub(super) use executor::{CommandSandbox, ProofResult};
pub(super) use launch_request::CellPlan;
pub(super) use pid_namespace::{DOOR, open};
pub(super) use runner::Runner;
pub(super) use start::Waiting;
