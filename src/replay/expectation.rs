//! The content of an event that must be the same in a replay, as comparable text.

use serde_json::Value;

use crate::journal::{CheckRan, Digest, Event, Message, PatchWritten, TestPurpose, TestsRan};

/// Content of an event that must be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expectation {
    /// Description for people, such as the message's author.
    pub what: &'static str,
    pub told: String,
    /// True if a difference in it is more telling than others; it is then shown before others of the same write.
    pub telling: bool,
}

impl Expectation {
    /// The expected content of `event`. `None` for events that differ between runs or follow from other events:
    /// durations, the sandbox, tests on the start state and the comparison with them, and the end, which depends on the
    /// test results.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let expect = |what, told| Some(Self { what, told, telling: false });
        match event {
            Event::Message(message) => Some(Self { what: whose(message), told: spoken(message), telling: true }),
            Event::Request(sent) => {
                let (bytes, prefix, cap) = (sent.bytes, sent.prefix_sha256, sent.max_completion_tokens.0);
                let told = format!(
                    "turn {}, attempt {}\nbytes {bytes}\nsha256 of model, tools and messages {prefix}\n\
                     max_completion_tokens {cap}",
                    sent.turn, sent.attempt
                );
                expect("the request", told)
            }
            Event::HistoryRepaired(repaired) => {
                expect("what is repaired", serde_json::to_string_pretty(repaired).unwrap_or_default())
            }
            Event::ToolCalled(called) => {
                expect("a tool call", format!("{} {} {}", called.id, called.tool, called.arguments))
            }
            Event::PatchWritten(patch) => expect("the patch", changed(patch)),
            Event::TestsRan(ran) if ran.purpose != TestPurpose::Baseline => expect("a run of the tests", went(ran)),
            Event::CheckRan(CheckRan { name, ran }) if ran.purpose != TestPurpose::Baseline => {
                expect("a check", format!("{name}: {}", went(ran)))
            }
            Event::TestsTouched(touched) => {
                expect("what the patch does to tests", serde_json::to_string_pretty(touched).unwrap_or_default())
            }
            Event::Nudged(nudged) => expect("what kcode says to the model", nudged.kind.clone()),
            Event::Stopped(stopped) => expect("the end", format!("{:?}", stopped.reason)),
            _ => None,
        }
    }
}

fn whose(message: &Message) -> &'static str {
    match message.role.as_str() {
        "tool" => "the answer of a tool",
        "assistant" => "the model's reply",
        "system" => "the system prompt",
        _ => "what is said to the model",
    }
}

/// The text of a message, and the digest of its JSON: every byte counts, but JSON in one line is hard to read.
fn spoken(message: &Message) -> String {
    let json: Value = serde_json::from_str(&message.json).unwrap_or_default();
    let content = json["content"].as_str().unwrap_or_default();
    format!("{content}\n(message {})", Digest::of(&message.json).short())
}

fn changed(patch: &PatchWritten) -> String {
    let mut lines = vec![match patch.sha256 {
        Some(digest) => format!("sha256 {digest}"),
        None => "nothing is changed".to_owned(),
    }];
    let files = patch.files.iter();
    lines.extend(files.map(|file| format!("{} {:?} +{} -{}", file.path, file.kind, file.added, file.removed)));
    lines.extend(patch.left_out.iter().cloned());
    lines.join("\n")
}

fn went(ran: &TestsRan) -> String {
    let result = &ran.result;
    let counts = result.counts.map_or_else(
        || "counts are not known".to_owned(),
        |counts| format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped),
    );
    let (exit, stopped) = (result.exit_code, result.stopped.as_deref().unwrap_or("no"));
    let on = ran.patch_sha256.map_or_else(|| "the start state".to_owned(), |digest| format!("patch {digest}"));
    let passed = result.passed;
    format!("{}\n{counts}\npassed {passed}, exit code {exit:?}, stopped {stopped}\non {on}", ran.command)
}
