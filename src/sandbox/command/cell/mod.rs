//! A cell: process, user and mount namespaces of one command's own.
//!
//! ```text
//! host's thread for commands      door                    init (process 1)        command
//! start ── spawns ───────────────► __worker door ─copies► __worker init ────────► sh -c "cargo test"
//!    └────────── a socket: what to run, how it ended ─────────┘
//! ```
//!
//! The door makes the namespaces and waits. Init, the first process inside, mounts a `/proc` that shows nothing but
//! the cell, confines itself and starts the command. The kernel kills all that is left in the cell when
//! init ends, whatever it did to get away, and init ends with the worker's side of the socket.

mod door;
mod init;
mod mounts;

pub(in crate::sandbox) use door::{DOOR, open};
