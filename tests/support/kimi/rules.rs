//! What Kimi refuses in a request, with its words where they are known (platform.kimi.ai/docs, MoonshotAI/kimi-cli).

use std::collections::HashSet;

use serde_json::Value;

use super::ledger::Ledger;
use super::schema;

/// Input and output together.
pub const CONTEXT_WINDOW: u64 = 262_144;

const FIELDS: [&str; 16] = [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "max_completion_tokens",
    "max_tokens",
    "stream",
    "stream_options",
    "stop",
    "response_format",
    "prompt_cache_key",
    "safety_identifier",
    "thinking",
    "temperature",
    "top_p",
    "n",
];
const FIXED: [(&str, f64); 5] =
    [("temperature", 1.0), ("top_p", 0.95), ("n", 1.0), ("presence_penalty", 0.0), ("frequency_penalty", 0.0)];

/// A refusal: status, type and words.
#[derive(Clone, Debug)]
pub struct Refused {
    pub status: u16,
    pub kind: &'static str,
    pub message: String,
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { status: 400, kind: "invalid_request_error", message: message.into() })
}

fn invalid<T>(message: impl std::fmt::Display) -> Result<T, Refused> {
    refuse(format!("Invalid request: {message}"))
}

/// Checks a whole body; `prompt` is its size in tokens. What the mock itself had sent is looked at only when `strictly`.
pub fn check(body: &Value, model: &str, prompt: u64, ledger: &Ledger, strictly: bool) -> Result<(), Refused> {
    if body["model"].as_str() != Some(model) {
        let asked = body["model"].as_str().unwrap_or_default();
        let message = format!("Not found the model {asked} or Permission denied");
        return Err(Refused { status: 404, kind: "resource_not_found_error", message });
    }
    check_parameters(body)?;
    check_tools(body)?;
    check_messages(body, ledger)?;
    if strictly {
        check_history(body)?;
    }
    let output = body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64()).unwrap_or(32_768);
    if prompt + output > CONTEXT_WINDOW {
        let requested = prompt + output;
        return invalid(format!("Your request exceeded model token limit: {CONTEXT_WINDOW} (requested: {requested})"));
    }
    Ok(())
}

fn check_parameters(body: &Value) -> Result<(), Refused> {
    for (name, value) in FIXED {
        if body.get(name).is_some_and(|given| !given.is_null() && given.as_f64() != Some(value)) {
            return refuse(format!("invalid {name}: only {value} is allowed for this model"));
        }
    }
    if body.get("thinking").is_some_and(|thinking| thinking["type"] != "enabled") {
        return refuse("invalid thinking: only type=enabled is allowed for this model");
    }
    match body.get("tool_choice") {
        None | Some(Value::Null) => {}
        Some(Value::String(choice)) if choice == "auto" || choice == "none" => {}
        Some(_) => return refuse("tool_choice 'specified' is incompatible with thinking enabled"),
    }
    let known = |name: &str| FIELDS.contains(&name) || FIXED.iter().any(|(fixed, _)| *fixed == name);
    if let Some(name) = body.as_object().into_iter().flatten().map(|(name, _)| name).find(|name| !known(name)) {
        return invalid(format!("unknown field {name}"));
    }
    if body.get("stream_options").is_some() && body["stream"] != true {
        return invalid("stream_options is only allowed when stream is true");
    }
    for name in ["max_completion_tokens", "max_tokens"] {
        if body.get(name).is_some_and(|value| value.as_u64().is_none_or(|n| n == 0)) {
            return invalid(format!("{name} must be a positive integer"));
        }
    }
    Ok(())
}

fn check_tools(body: &Value) -> Result<(), Refused> {
    let tools = match body.get("tools") {
        None => return Ok(()),
        Some(tools) => tools.as_array().map(Vec::as_slice).unwrap_or_default(),
    };
    if tools.is_empty() || tools.len() > 128 {
        return invalid(format!("tools must have 1 to 128 entries, got {}", tools.len()));
    }
    let mut names = HashSet::new();
    for (n, tool) in tools.iter().enumerate() {
        let function = &tool["function"];
        let name = function["name"].as_str().unwrap_or_default();
        if tool["type"] != "function" || !is_tool_name(name) {
            return invalid(format!(
                "tools[{n}]: function name is invalid, must start with a letter and can contain letters, numbers, underscores, and dashes"
            ));
        }
        if !names.insert(name) {
            return invalid(format!("function name {name} is duplicated"));
        }
        if let Some(parameters) = function.get("parameters") {
            schema::check(parameters).or_else(invalid)?;
        }
    }
    Ok(())
}

/// `^[a-zA-Z_][a-zA-Z0-9-_]{2,63}$`
fn is_tool_name(name: &str) -> bool {
    (3..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn check_messages(body: &Value, ledger: &Ledger) -> Result<(), Refused> {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    if messages.is_empty() {
        return invalid("messages must not be empty");
    }
    let mut open: Vec<&str> = Vec::new();
    for (n, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            match open.iter().position(|open| *open == id) {
                Some(at) => drop(open.remove(at)),
                None => return invalid(format!("tool_call_id {id} is not found")),
            }
        } else {
            check_answered(&open)?;
        }
        check_fields(message, role, n)?;
        check_content(message, role, n)?;
        let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        if ledger.reasoning_is_missing(message) {
            return refuse(format!(
                "thinking is enabled but reasoning_content is missing in assistant tool call message at index {n}"
            ));
        }
        open.extend(calls.iter().map(|call| call["id"].as_str().unwrap_or_default()));
    }
    check_answered(&open)
}

/// What Kimi refuses in assistant messages wherever they come from: calls without the field `reasoning_content`, without a
/// valid name, or without a JSON object as arguments.
fn check_history(body: &Value) -> Result<(), Refused> {
    for (n, message) in body["messages"].as_array().into_iter().flatten().enumerate() {
        let calls = message["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !calls.is_empty() && !message["reasoning_content"].is_string() {
            return refuse(format!(
                "thinking is enabled but reasoning_content is missing in assistant tool call message at index {n}"
            ));
        }
        for call in calls {
            let name = call["function"]["name"].as_str().unwrap_or_default();
            if !is_tool_name(name) {
                return invalid(format!("messages[{n}]: function name is invalid: '{name}'"));
            }
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            if !serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object()) {
                return invalid(format!("messages[{n}]: tool call arguments of '{name}' must be a JSON object"));
            }
        }
        if message["role"] == "tool" && message.get("name").is_some_and(|name| name == "") {
            return invalid(format!("messages[{n}]: name must not be empty"));
        }
    }
    Ok(())
}

fn check_answered(open: &[&str]) -> Result<(), Refused> {
    if open.is_empty() {
        return Ok(());
    }
    invalid(format!(
        "an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The \
         following tool_call_ids did not have response messages: {}",
        open.join(", ")
    ))
}

fn check_fields(message: &Value, role: &str, n: usize) -> Result<(), Refused> {
    let allowed: &[&str] = match role {
        "system" | "user" => &["role", "content", "name"],
        "tool" => &["role", "content", "name", "tool_call_id"],
        "assistant" => {
            &["role", "content", "name", "tool_calls", "partial", "reasoning_content", "reasoning", "reasoning_details"]
        }
        _ => return invalid(format!("unknown role '{role}' at index {n}")),
    };
    match message.as_object().into_iter().flatten().find(|(name, _)| !allowed.contains(&name.as_str())) {
        Some((name, _)) => invalid(format!("unknown field {name} in message at index {n}")),
        None => Ok(()),
    }
}

fn check_content(message: &Value, role: &str, n: usize) -> Result<(), Refused> {
    let is_call = message["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
    let empty = || invalid(format!("the message at position {n} with role '{role}' must not be empty"));
    match message.get("content") {
        Some(Value::String(text)) if text.is_empty() => {
            if is_call {
                invalid("text content is empty")
            } else {
                empty()
            }
        }
        Some(Value::String(_)) => Ok(()),
        Some(Value::Array(parts)) if parts.is_empty() => empty(),
        Some(Value::Array(parts)) => {
            let hollow = |part: &Value| part["type"] == "text" && part["text"].as_str().is_none_or(str::is_empty);
            if parts.iter().any(hollow) { invalid("text content is empty") } else { Ok(()) }
        }
        _ if is_call => Ok(()),
        _ => empty(),
    }
}
