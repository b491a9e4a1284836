//! The CI bot's own parts: what a platform tells and is told. Nothing here runs a task or prints.
//!
//! | File | What it is about |
//! |---|---|
//! | `event` | what a platform froze: who did what, and what people wrote |
//! | `trust` | who may start a run |
//! | `task` | the task that an event is, in the words of its people |
//! | `sarif`, `log` | tasks of an analyzer's findings and of a failing CI log |
//! | `untrusted`, `markdown` | strangers' texts: cleaned, cut, labelled and quoted |
//! | `places` | paths and lines that strangers name |
//! | `json` | strict JSON: bounded, no key twice |
//! | `result` | `result.json`: how the job ended, for the job that publishes |
//! | `platform` | step summary, outputs, variables and annotations, encoded so that no content can add one |

pub(crate) mod event;
mod json;
pub(crate) mod log;
mod markdown;
mod places;
mod platform;
mod result;
pub(crate) mod sarif;
pub(crate) mod task;
#[cfg(test)]
mod tests;
mod times;
pub(crate) mod trust;
mod untrusted;

pub(crate) use platform::{annotations, dotenv, output_lines, outputs, step_summary};
pub(crate) use result::{CiPatch, CiResult, TaskKind, TaskSource};
