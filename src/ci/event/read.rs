//! Reads an event of either platform.

use super::error::MAX_BYTES;
use super::{CiEvent, EventError, github, gitlab};
use crate::ci::json::{self, JsonProblem};

/// Reads an event; its platform and kind are told by the content.
///
/// # Errors
/// When the bytes are no event that is known.
pub(crate) fn read(bytes: &[u8]) -> Result<CiEvent, EventError> {
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
