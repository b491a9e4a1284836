//! The PID, user and mount namespaces of one command.
//!
//! ```text
//! host's thread for commands      door                    init (process 1)        command
//! start ── spawns ───────────────► __worker door ─copies► __worker init ────────► sh -c "cargo test"
//!    └────────── a socket: what to run, how it ended ─────────┘
//! ```
//!
//! The door creates the namespaces and waits. Init, the first process inside, mounts a `/proc` that shows only this PID
//! namespace, confines itself and starts the command. When init ends, the kernel kills everything left in the
//! namespace; and init ends when the worker closes its side of the socket.

mod door;
mod init;
mod mounts;

pub(in crate::sandbox) use door::{DOOR, open};
