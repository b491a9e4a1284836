//! A model that goes by the conversation alone: what it does next follows from what it was told so far, whichever process
//! told it. Whoever kills kcode anywhere and lets it go on gets the same work from it in the end.

use serde_json::Value;

use crate::support::kimi::{Answer, Request};

/// What a call is answered with that kcode can't tell the result of.
pub const UNANSWERED: &str = "stopped before this call's answer was kept";

/// A step of the work: calls that are made together.
struct Step {
    calls: &'static [(&'static str, &'static str)],
    /// For an edit: the file, and what stands in it afterwards.
    leaves: Option<(&'static str, &'static str)>,
}

const STEPS: [Step; 4] = [
    Step {
        calls: &[("read_file", r#"{"path": "greeting.txt"}"#), ("search", r#"{"pattern": "greeting"}"#)],
        leaves: None,
    },
    Step {
        calls: &[("edit_file", r#"{"path": "greeting.txt", "old_text": "Wrold", "new_text": "World"}"#)],
        leaves: Some(("greeting.txt", "Hello, World!")),
    },
    Step { calls: &[("run_tests", "{}")], leaves: None },
    Step {
        calls: &[(
            "edit_file",
            r#"{"path": "docs/about.md", "old_text": "A greeting.", "new_text": "A greeting, mended."}"#,
        )],
        leaves: Some(("docs/about.md", "A greeting, mended.")),
    },
];

/// The next answer.
pub fn answer(request: &Request) -> Answer {
    let messages = request.messages();
    let seen = format!("So far I have seen {} messages.", messages.len());
    match next(messages) {
        Next::Look(path) => Answer::call("read_file", &format!(r#"{{"path": "{path}"}}"#)),
        Next::Step(step) => Answer::calls(step.calls.iter().copied()),
        // Said once more after a kill, it has to be told from what was said before.
        Next::End => Answer::text(&format!("The greeting was misspelt; it isn't any more. {seen}")),
    }
    .reasoning(&seen)
}

enum Next {
    /// An edit may have been made or not.
    Look(&'static str),
    Step(&'static Step),
    End,
}

fn next(messages: &[Value]) -> Next {
    let mut done = [false; STEPS.len()];
    // The step whose edit nobody knows of.
    let mut doubt: Option<usize> = None;
    for (n, message) in messages.iter().enumerate() {
        let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        let answers: Vec<&str> =
            messages[n + 1..].iter().take(calls.len()).filter_map(|answer| answer["content"].as_str()).collect();
        let is_known = !answers.iter().any(|answer| answer.contains(UNANSWERED));
        let Some(call) = calls.first().map(|call| &call["function"]) else { continue };
        let is_call = |step: &Step| {
            calls.len() == step.calls.len() && call["name"] == step.calls[0].0 && call["arguments"] == step.calls[0].1
        };
        if let Some(step) = STEPS.iter().position(is_call) {
            done[step] = is_known;
            doubt = (!is_known && STEPS[step].leaves.is_some()).then_some(step);
        } else if let (Some(step), true) = (doubt, is_known) {
            done[step] = STEPS[step].leaves.is_some_and(|(_, text)| answers[0].contains(text));
            doubt = None;
        }
    }
    match (doubt.and_then(|step| STEPS[step].leaves), done.iter().position(|done| !done)) {
        (Some((path, _)), _) => Next::Look(path),
        (None, Some(step)) => Next::Step(&STEPS[step]),
        (None, None) => Next::End,
    }
}
