//! The loop: request, reply, tool calls, observations, until the model ends its turn and the evidence is in.
//!
//! ```text
//! loop { reply = ask()?;  if reply has calls { run(calls)? } else if end_turn()? == done { break } }
//! ```
//!
//! Every way to stop is a [`Stop`] that travels as an error to [`Planner::run`]. The planner knows traits
//! ([`Model`](crate::model::Model), [`Bench`], [`Journal`](crate::journal::Journal)), not sockets or files,
//! and what it decides is decided by small pure parts: [`budget`] and [`repeat`].

mod ask;
mod bench;
pub mod budget;
mod calls;
mod checks;
mod end_turn;
mod obstacle;
pub mod repeat;
mod state;
mod turns;
mod verify;

pub use bench::{Bench, BenchError, CheckRun, JudgedCheck, Judgement, Ran};
pub use calls::{tests_ran, without_notice};
pub use obstacle::Obstacle;
pub use state::{State, TestRules};
pub use turns::{Halt, Planner, Stop};
