//! kcode: give it a task; it hands back a patch that its own test runs stand behind.
//!
//! The map of the house, top floor first. A room uses rooms of the floors below it, never one above or beside it; a test
//! reads every file and says so.
//!
//! | Floor | Room | What lives there |
//! |---|---|---|
//! | 11 | `structure` | tests of this map and of the names; not built otherwise |
//! | 10 | [`cli`] | arguments, one file a command; the only floor that may print |
//! | 9 | `run` | one run from its spec to its end: prepared, held, finished, taken up again |
//! | 8 | `ci` | what a CI platform tells and is told: the result of a job, annotations |
//! | 8 | `publish` | what a CI run left, as a branch, a draft pull request and a comment |
//! | 8 | `review` | a patch before a person, hunk by hunk |
//! | 8 | [`history`] | all kept runs together: summaries, statistics, what is kept how long |
//! | 8 | [`replay`] | a recorded run played again, and held against what was recorded |
//! | 8 | `render` | events drawn for people or printed as JSONL |
//! | 7 | [`report`] | what the run proved: outcome, `report.json`, `report.md` |
//! | 6 | `planner` | the loop: budget, request, reply, tool calls, guards |
//! | 5 | [`testing`] | which tests to run, what a run of them says, and what it is compared with |
//! | 4 | `policy` | what a patch may touch: read as hostile text, put into classes |
//! | 4 | [`tamper`] | what in a patch makes the tests prove less |
//! | 4 | [`sandbox`] | both ends of the sandbox: launcher outside, worker inside, the layers that confine it and their proof |
//! | 3 | [`context`] | the survey of the repository that opens the conversation |
//! | 3 | [`model`] | Kimi's wire: conversation, client, stream, errors, retries, prices |
//! | 3 | [`tools`] | what the model may call, one file a tool; the edit engine |
//! | 2 | `syntax` | source code parsed: comments, strings, functions, statements |
//! | 2 | [`workspace`] | the private view, the patch, applying it |
//! | 1 | [`settings`] | every value with its origin; secrets |
//! | 0 | [`journal`] | the one vocabulary of events, appended and folded |
//! | 0 | [`text`] | text that people read: sanitised, counted, wrapped, in tables |

#![warn(unreachable_pub)] // what no other crate can name is `pub(crate)`

mod ci;
pub mod cli;
pub mod context;
pub mod history;
pub mod journal;
pub mod model;
mod planner;
mod policy;
mod publish;
mod render;
pub mod replay;
pub mod report;
mod review;
mod run;
pub mod sandbox;
pub mod settings;
#[cfg(test)]
mod structure;
mod syntax;
pub mod tamper;
pub mod testing;
pub mod text;
pub mod tools;
pub mod workspace;
