//! The sandbox: the broker keeps the key and the network; the worker runs the repository's code.
//!
//! ```text
//! broker (kcode fix)                  supervisor              host                      PID namespace
//! Worker ── starts ──────────────────► __worker ── starts ──► __worker host             init ── sh -c "cargo test"
//!    └───── frames over a socket pair ───────────────────────► confine, serve ── starts ──┘
//! ```
//!
//! The supervisor adopts and kills whatever is left when the host ends. The host confines itself before its first call
//! (namespaces with a root of its own, Landlock, no capabilities), then runs tools. If it may not make namespaces,
//! bwrap starts it in some; if bwrap can't either, it does without. Each command gets a PID namespace of its own, from
//! which it can't see the host. When the broker ends, however it does, the connection closes and all of them end.
//!
//! | File | What it is about |
//! |---|---|
//! | `launcher`, `pending_answers`, `outer`, `user`, `environment`, `caches`, `copy_links` | the broker's end: start, call, stop; what the worker inherits |
//! | `plan`, `protocol`, `error` | what broker and worker send each other, and what can go wrong |
//! | [`host`], `supervisor`, `session`, `namespace_provider`, `serve` | the processes inside, and where their namespaces come from |
//! | `confine/`, `proof/` | the layers, each tried and reported; attempts to break out |
//! | `visible/` | which paths of the machine a sandbox shows, and what is covered in them |
//! | `command/`, `cgroup/`, `descendants` | running the tests: watched, bounded, gone afterwards |
//! | `descriptors`, `kernel_files`, `advice`, `messages` | what mustn't be inherited; what mustn't be written; what to do about a missing layer; words on stderr |
//! | `fork`, `side_process`, `plain_paths` | processes that begin as copies; work that one does meanwhile; how paths are compared |

mod advice;
mod caches;
mod cgroup;
mod command;
mod confine;
mod copy_links;
mod descendants;
mod descriptors;
mod environment;
mod error;
mod fork;
pub mod host;
mod kernel_files;
mod launcher;
mod messages;
mod namespace_provider;
mod outer;
mod pending_answers;
mod plain_paths;
mod plan;
mod progress;
mod proof;
mod protocol;
mod serve;
mod session;
mod side_process;
mod supervisor;
mod user;
mod visible;

pub use error::WorkerError;
pub(crate) use fork::fork;
pub use launcher::{Launched, Worker, shown, variables};
pub use plan::{OverlayPlan, WorkerConfig, WorkerFolders, WorkerPlan};
pub use progress::{CommandProgress, ProgressListener};
pub use proof::clear_baits;
pub use visible::{SearchToKeep, Visible, is_secret, why_refused};

/// The hidden subcommand that makes a process of this binary a worker.
pub const SUBCOMMAND: &str = "__worker";
