//! What to do about a conversation that fills the model's window, by how far the run has come.

use crate::journal::{Event, Record};

/// The hint for a run with these `records` whose conversation no longer fits the model's window.
pub(super) fn hint(records: &[Record], has_patch: bool) -> String {
    let is_any = |is: fn(&Event) -> bool| records.iter().any(|record| is(&record.event));
    let has_begun = is_any(|event| matches!(event, Event::Reply(_)));
    let follows = is_any(|event| matches!(event, Event::RunStarted(started) if started.follows.is_some()));
    let narrower = "a narrower task that names the files that matter";
    let room = "a lower limits.max_completion_tokens in the settings leaves more room";
    match (has_patch, has_begun) {
        (true, _) => format!(
            "kcode doesn't shorten conversations yet, and one that goes on would be as long. Take what is good of the patch with \
             `kcode review`, then start a new run with the rest as {narrower}; {room}"
        ),
        (false, true) => format!(
            "kcode doesn't shorten conversations yet, and one that goes on would be as long. Start a new run with {narrower}; {room}"
        ),
        (false, false) if follows => {
            format!(
                "the conversation that it goes on from is too long: start a new run, without --resume, with {narrower}; {room}"
            )
        }
        (false, false) => format!(
            "the task, with what kcode tells of the repository (AGENTS.md among it), is too long for this model: shorten it, or \
             take a model with a larger window with --model; {room}"
        ),
    }
}
