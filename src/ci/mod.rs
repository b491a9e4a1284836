//! The CI bot's own parts: what a platform tells and is told. Nothing here runs a task or prints.
//!
//! | File | What it is about |
//! |---|---|
//! | `result` | `result.json`: how the job ended, for the job that publishes |
//! | `platform` | step summary, outputs, variables and annotations, encoded so that no content can add one |

mod platform;
mod result;

pub(crate) use platform::{annotations, dotenv, output_lines, outputs, step_summary};
pub use result::{CI_SCHEMA, CiPatch, CiResult, TaskKind, TaskSource};
