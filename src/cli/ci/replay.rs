//! The model's replies from a file: a pipeline is tried from end to end without a key.

use std::path::Path;
use std::time::Duration;

use crate::cli::{canned, output};
use crate::journal::read_regular;
use crate::model::replay::CannedConversation;
use crate::run::Failure;
use crate::settings::Environment;

/// Bytes of a recording.
const MAX_BYTES: u64 = 64 << 20;

/// The environment of the process; with a recording that is served in the provider's place, if there is one.
///
/// # Errors
/// When the recording can't be used.
pub(super) fn environment(recording: Option<&Path>) -> Result<Environment, Failure> {
    let env = Environment::from_process();
    let Some(file) = recording else { return Ok(env) };
    let name = file.display();
    let hint = "write one with: kcode ci --record FILE";
    let bytes = read_regular(file, MAX_BYTES)
        .map_err(|error| Failure::usage(format!("the recording {name} can't be read: {error}"), hint))?;
    let recording: CannedConversation = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::usage(format!("{name} is no recording: {error}"), hint))?;
    if recording.replies.is_empty() {
        return Err(Failure::usage(format!("the recording {name} has no reply"), hint));
    }
    let base_url = canned::serve(recording, Duration::ZERO)?;
    output::say(&format!("replay    the model's replies come from {name}; everything else is real"));
    Ok(env.with([("KCODE_API_KEY", "sk-recording"), ("KCODE_BASE_URL", &base_url)]))
}
