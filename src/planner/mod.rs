//! The agent loop: request, reply, tool calls, answers, until the model ends its turn and the tests have run.
//!
//! ```text
//! loop { reply = ask()?;  if reply has calls { run(calls)? } else if end_turn()? == done { break } }
//! ```
//!
//! Every way to stop is a [`Stop`] that travels as an error to [`Planner::run`]. The planner uses traits
//! ([`Model`](crate::model::Model), [`ToolExecutor`], [`Verifier`], [`Journal`](crate::journal::Journal)), not sockets
//! or files, and small pure parts make its decisions: [`budget`] and [`repeat`].

mod ask;
pub(crate) mod budget;
mod calls;
mod checks;
mod end_turn;
mod environment;
mod obstacle;
pub(crate) mod repeat;
mod state;
mod turns;
mod verify;

#[cfg(test)]
mod tests;

pub(crate) use calls::{tests_ran, without_notice};
pub(crate) use environment::{
    CheckRun, EnvironmentError, JudgedCheck, Judgement, Obstacle, Ran, ToolExecutor, Verifier,
};
pub(crate) use state::{State, TestRules};
pub(crate) use turns::{Planner, Stop};
