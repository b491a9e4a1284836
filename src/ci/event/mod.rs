//! Events as a platform froze them in a file: which one, who acted, and what people wrote.
//!
//! All of it is hostile but for what only the platform itself writes (accounts, associations, numbers, times), and a
//! platform says that in its own places alone. Nothing is looked up elsewhere later, so that a text that is changed
//! after the event can't enter a task.
//!
//! | File | What it is about |
//! |---|---|
//! | `shape` | the parts of an event, the same for each platform |
//! | `github`, `gitlab` | the platforms' payloads |

mod github;
mod gitlab;
mod shape;

pub use shape::{
    Account, Association, CiEvent, CiPlatform, FailedRun, Head, ReviewPlace, Subject, SubjectKind, WrittenComment,
};

use super::json::{self, JsonProblem};

/// Bytes of an event; the largest that the platforms send for these kinds are a tenth.
const MAX_BYTES: usize = 1024 * 1024;

/// Why a file is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// More bytes than are read.
    #[error("the event has {0} bytes, more than {limit}", limit = MAX_BYTES)]
    TooLarge(usize),
    /// The content isn't one JSON object with distinct keys.
    #[error("the event can't be read: {0}")]
    NotJson(String),
    /// The content belongs to no known event.
    #[error("the event is none that kcode knows: {0}")]
    Unknown(String),
    /// A part has the wrong type or is missing.
    #[error("the event has not the shape of a `{event}` event: {problem}")]
    Shape {
        /// The event that it seems to be.
        event: &'static str,
        /// What is missing or wrong.
        problem: String,
    },
}

impl EventError {
    /// What can be done about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge(_) | Self::NotJson(_) => {
                "give the file that the platform wrote: $GITHUB_EVENT_PATH, or $TRIGGER_PAYLOAD on GitLab"
            }
            Self::Unknown(_) | Self::Shape { .. } => {
                "known are GitHub's issues, issue_comment, pull_request, pull_request_review_comment, workflow_dispatch, \
                 repository_dispatch and workflow_run, and GitLab's issue, note and merge request hooks"
            }
        }
    }
}

/// Reads an event; its platform and kind are told by the content.
///
/// # Errors
/// When the bytes are no event that is known.
pub fn read(bytes: &[u8]) -> Result<CiEvent, EventError> {
    let object = json::object(bytes, MAX_BYTES).map_err(|problem| match problem {
        JsonProblem::TooLarge => EventError::TooLarge(bytes.len()),
        JsonProblem::Bad(why) => EventError::NotJson(why),
    })?;
    match (object.contains_key("object_kind"), object.contains_key("sender")) {
        (true, false) => gitlab::read(object),
        (false, _) => github::read(object),
        (true, true) => {
            Err(EventError::Unknown("it looks like an event of GitHub and one of GitLab at once".to_owned()))
        }
    }
}
