//! Why a file is no event.

/// Bytes of an event; the largest that the platforms send for these kinds are a tenth.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// Why a file is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EventError {
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
    pub(crate) const fn hint(&self) -> &'static str {
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
