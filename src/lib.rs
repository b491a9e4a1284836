//! kcode: give it a task; it hands back a patch that its own test runs stand behind.
//!
//! The map of the house, top floor first. An arrow never points up: a room may use
//! the rooms below it, never one above.
//!
//! | Room | What lives there |
//! |---|---|
//! | [`cli`] | arguments, one file a command; the only floor that may print |
//! | [`review`] | a patch before a person, hunk by hunk |
//! | [`render`] | events drawn for people or printed as JSONL; sanitising |
//! | [`history`] | all kept runs together: summaries, statistics, what is kept how long |
//! | [`report`] | what the run proved: outcome, `report.json`, `report.md` |
//! | [`replay`] | a recorded run played again, and held against what was recorded |
//! | [`planner`] | the loop: budget, request, reply, tool calls, guards |
//! | [`evidence`] | which tests to run and what a run of them says |
//! | [`context`] | the survey of the repository that opens the conversation |
//! | [`model`] | Kimi's wire: conversation, client, stream, errors, retries, prices |
//! | [`tools`] | what the model may call, one file a tool; the edit engine |
//! | [`worker`] | both ends of the process wall: launcher outside, host inside |
//! | [`workspace`] | the private view, the patch, applying it |
//! | [`journal`] | the one vocabulary of events, appended and folded |
//! | [`settings`] | every value with its origin; secrets |

pub mod cli;
pub mod context;
pub mod evidence;
pub mod history;
pub mod journal;
pub mod model;
pub mod planner;
pub mod render;
pub mod replay;
pub mod report;
pub mod review;
pub mod settings;
pub mod tools;
pub mod worker;
pub mod workspace;
