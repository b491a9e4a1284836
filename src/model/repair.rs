//! Repairs messages of the model that its host refuses to take back.
//!
//! A reply that was cut at its token limit may hold half a call, and some hosts lose parts of what the model said. They
//! accept such a message when they send it and refuse it when it comes back, so every further request would fail. A
//! repair is made only after a refusal and changes only the broken part; everything else goes back as it came (law 4).

use serde_json::{Value, json};

use super::stream::reasoning_of;
use super::{ErrorKind, ModelError};
use crate::journal::{RepairCause, RepairedMessage};

/// Replaces arguments that are no JSON object.
const NO_ARGUMENTS: &str = "{}";
/// Replaces an empty or unusable tool name.
const NO_TOOL: &str = "unknown_tool";
/// The longest tool name that Kimi takes.
const NAME_BYTES: usize = 64;

/// What in the history the refusal may be about; `None` for every other failure.
pub(super) fn cause(error: &ModelError) -> Option<RepairCause> {
    const REFUSED: [&str; 6] =
        ["not permitted", "unsupported", "not supported", "unknown", "unrecognized", "unexpected"];
    const OTHERS: [&str; 9] = [
        "temperature",
        "top_p",
        "thinking:",
        "tool_choice",
        "json schema",
        "response_format",
        "stream_options",
        "prompt_cache_key",
        "max_completion_tokens",
    ];
    if error.kind != ErrorKind::BadRequest {
        return None;
    }
    let words = error.message.to_lowercase();
    let says = |part: &&str| words.contains(part);
    match words.contains("reasoning_content") {
        true if REFUSED.iter().any(says) => Some(RepairCause::ReasoningRefused),
        true => Some(RepairCause::ReasoningAsked),
        false if OTHERS.iter().any(says) => None,
        false => Some(RepairCause::BrokenCall),
    }
}

pub(super) fn changes<'a>(cause: RepairCause, messages: impl Iterator<Item = &'a str>) -> Vec<RepairedMessage> {
    let mut changed = Vec::new();
    for (n, json) in messages.enumerate() {
        let Ok(mut message) = serde_json::from_str::<Value>(json) else { continue };
        let what = match cause {
            RepairCause::ReasoningAsked => add_reasoning(&mut message, json),
            RepairCause::ReasoningRefused => take_out_empty_reasoning(&mut message),
            RepairCause::BrokenCall => mend_calls(&mut message),
        };
        if !what.is_empty() {
            changed.push(RepairedMessage { message: n as u64, what: what.join("; "), json: message.to_string() });
        }
    }
    changed
}

/// Adds `reasoning_content` before the visible parts, as Kimi sends it: with the reasoning that came under another
/// name, else empty. `None` if the message has the field already.
pub(super) fn with_reasoning(json: &str) -> Option<String> {
    let mut message = serde_json::from_str::<Value>(json).ok()?;
    (!add_reasoning(&mut message, json).is_empty()).then(|| message.to_string())
}

fn add_reasoning(message: &mut Value, json: &str) -> Vec<String> {
    let Some(fields) = message.as_object_mut() else { return Vec::new() };
    if fields.get("role").is_none_or(|role| role != "assistant") || fields.contains_key("reasoning_content") {
        return Vec::new();
    }
    let reasoning = reasoning_of(json);
    let what = if reasoning.is_some() {
        "its reasoning is in reasoning_content, too"
    } else {
        "it has an empty reasoning_content now"
    };
    fields.shift_insert(1, "reasoning_content".to_owned(), reasoning.unwrap_or_default().into());
    vec![what.to_owned()]
}

fn take_out_empty_reasoning(message: &mut Value) -> Vec<String> {
    let Some(fields) = message.as_object_mut() else { return Vec::new() };
    if fields.get("reasoning_content").is_none_or(|text| text != "") {
        return Vec::new();
    }
    fields.shift_remove("reasoning_content");
    vec!["its empty reasoning_content is gone".to_owned()]
}

fn mend_calls(message: &mut Value) -> Vec<String> {
    let mut what = Vec::new();
    // Calls are named by number because people read this, and an id or a name may hold anything.
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten();
    for (call, number) in calls.zip(1..) {
        let Some(function) = call.get_mut("function") else { continue };
        let name = function["name"].as_str().unwrap_or_default().to_owned();
        let valid = valid_name(&name);
        if valid != name {
            what.push(format!("the name of call {number} is a valid one now"));
            function["name"] = json!(valid);
        }
        let arguments = function["arguments"].as_str().unwrap_or_default();
        if !serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object()) {
            what.push(format!("the arguments of call {number} are {NO_ARGUMENTS} now"));
            function["arguments"] = json!(NO_ARGUMENTS);
        }
    }
    // The answer to a call carries its name.
    if message["role"] == "tool"
        && let Some(name) = message.get("name").and_then(Value::as_str)
        && valid_name(name) != name
    {
        let valid = valid_name(name);
        what.push("it answers a call that has a valid name now".to_owned());
        message["name"] = json!(valid);
    }
    what
}

/// The nearest name that Kimi takes: `^[a-zA-Z_][a-zA-Z0-9-_]{2,63}$`.
fn valid_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).take(NAME_BYTES).collect();
    if plain.chars().all(|c| c == '_') {
        return NO_TOOL.to_owned();
    }
    let begins = plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = if begins { plain } else { format!("_{plain}").chars().take(NAME_BYTES).collect() };
    if plain.len() < 3 { format!("{plain}__") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(words: &str) -> ModelError {
        ModelError::new(ErrorKind::BadRequest, words)
    }

    #[test]
    fn a_refusal_of_something_else_repairs_nothing() {
        for words in
            ["invalid temperature: only 1 is allowed", "tool_choice 'specified' is incompatible", "json schema"]
        {
            assert_eq!(cause(&error(words)), None, "{words}");
        }
        assert_eq!(cause(&ModelError::new(ErrorKind::ContextOverflow, "arguments")), None);
        assert_eq!(cause(&error("function.arguments must be JSON")), Some(RepairCause::BrokenCall));
        assert_eq!(cause(&error("Bad Request")), Some(RepairCause::BrokenCall));
        assert_eq!(cause(&error("reasoning_content is missing at index 2")), Some(RepairCause::ReasoningAsked));
        assert_eq!(cause(&error("'reasoning_content' is unsupported")), Some(RepairCause::ReasoningRefused));
    }

    #[test]
    fn only_the_broken_part_changes() {
        let call = |name: &str, arguments: &str| {
            let function = json!({ "name": name, "arguments": arguments });
            json!({ "id": "x:0", "type": "function", "function": function })
        };
        let message = |calls: Value| json!({ "role": "assistant", "reasoning_content": "Hm", "tool_calls": calls });
        let sound = call("read_file", "{\"path\" : \"a\"}");
        for (broken, name, arguments) in [
            (call("edit_file", "{\"path\": \"a"), "edit_file", "{}"),
            (call("edit_file", ""), "edit_file", "{}"),
            (call("edit_file", "[1]"), "edit_file", "{}"),
            (call("", "{\"a\": 1}"), "unknown_tool", "{\"a\": 1}"),
            (call("a b", "{}"), "a_b", "{}"),
            (call("ls", "{}"), "ls__", "{}"),
            (call("1ls", "{}"), "_1ls", "{}"),
        ] {
            let before = message(json!([sound, broken])).to_string();
            let changed = changes(RepairCause::BrokenCall, ["{}", &*before].into_iter());
            assert_eq!(changed.len(), 1, "{before}");
            assert_eq!(changed[0].message, 1);
            assert_eq!(changed[0].json, message(json!([sound, call(name, arguments)])).to_string());
            assert_eq!(changes(RepairCause::BrokenCall, [&*changed[0].json].into_iter()), [], "once");
        }
        let answer = r#"{"role":"tool","tool_call_id":"x:0","name":"","content":"There is no tool."}"#;
        let changed = changes(RepairCause::BrokenCall, [answer].into_iter());
        assert_eq!(changed[0].json, answer.replace(r#""name":"""#, r#""name":"unknown_tool""#));
    }

    #[test]
    fn reasoning_is_added_only_where_there_is_none() {
        let text = r#"{"role":"assistant","content":"A."}"#;
        assert_eq!(
            with_reasoning(text).as_deref(),
            Some(r#"{"role":"assistant","reasoning_content":"","content":"A."}"#)
        );
        assert_eq!(with_reasoning(r#"{"role":"assistant","reasoning_content":"Hm","content":"A."}"#), None);
        assert_eq!(with_reasoning(r#"{"role":"user","content":"A."}"#), None);
        let other = r#"{"role":"assistant","reasoning":"Hm","content":"A."}"#;
        let expected = r#"{"role":"assistant","reasoning_content":"Hm","reasoning":"Hm","content":"A."}"#;
        assert_eq!(with_reasoning(other).as_deref(), Some(expected));
    }
}
