//! The tools that the model may call. Each is one file here and one JSON file in `tools/`, which is what the model
//! sees.
//!
//! Tools run inside the worker process, on a [`ToolContext`]; the broker knows only their names, their access and the
//! schemas that it sends. A tool answers with text for the model or fails fatally. A refusal says what was received,
//! what is expected, and one next step.
//!
//! | File | What it is about |
//! |---|---|
//! | `tool` | the trait and the two kinds of failure |
//! | `registry` | every tool, by name; one call answered |
//! | `schema`, `arguments` | what the model is told, and how its arguments are checked against it |
//! | `tool_context`, `files`, `place`, `read_tracker` | the files a tool can reach, and what the model has seen of them |
//! | `walk`, `scan`, `text` | which files there are; their matching lines; what is text and how it is shown |
//! | `encoding` | text that isn't UTF-8, where it comes back byte for byte |
//! | `plain_words` | how answers name texts and failures |
//! | `nothing_ran` | whether a run of tests says that it ran none |
//! | [`edit`] | where a passage is and what takes its place: pure functions over bytes |

// A value written down as Rust does is no answer to a model.
#![cfg_attr(not(test), deny(clippy::use_debug))]

mod arguments;
pub mod edit;
mod edit_file;
mod encoding;
mod files;
mod list_files;
mod nothing_ran;
mod observation;
mod place;
mod plain_words;
mod read_file;
mod read_tracker;
mod registry;
mod run_tests;
mod scan;
mod schema;
mod search;
mod text;
mod tool;
mod tool_context;
mod unnamed;
mod walk;
mod write_file;

pub use observation::{Observation, TestRun};
pub use plain_words::in_words;
pub use registry::{access, call, find, names, runs_all_tests, written_path};
pub use schema::schemas;
pub use text::NotText;
pub use tool::{Access, FatalToolError, Tool, ToolError};
pub use tool_context::{TestRunner, ToolContext};
