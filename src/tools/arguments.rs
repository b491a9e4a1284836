//! Parses and checks a call's arguments: JSON text written by the model.
//!
//! The schemas in `tools/` are the only source: what they declare is accepted. A refusal lists every fault at once, so
//! that the next call can be right.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use similar::get_close_matches;

use super::plain_words::quoted;
use super::schema::{self, Schema};
use super::tool::{ToolError, tell};

/// Field names that models know from other tools, with the field that is meant.
const ALIASES: [(&str, &str); 12] = [
    ("offset", "start_line"),
    ("line", "start_line"),
    ("limit", "line_count"),
    ("end_line", "line_count"),
    ("lines", "line_count"),
    ("query", "pattern"),
    ("regex", "pattern"),
    ("include", "glob"),
    ("directory", "path"),
    ("contents", "content"),
    ("text", "content"),
    ("tests", "filter"),
];

/// Field names for something that a tool does differently: the name, a field that identifies the tool, and what to do
/// instead.
const OTHER_WAYS: [(&str, &str, &str); 4] = [
    ("case_insensitive", "pattern", "put (?i) before the pattern"),
    ("ignore_case", "pattern", "put (?i) before the pattern"),
    ("case_sensitive", "pattern", "case counts unless (?i) stands before the pattern"),
    ("replace_all", "old_text", "one call per place"),
];

/// The arguments of `tool`, deserialised.
///
/// # Errors
/// [`ToolError::Tell`] with every fault and the call's signature.
pub(super) fn parse<T: DeserializeOwned>(tool: &str, raw: &str) -> Result<T, ToolError> {
    let Some(schema) = schema::of(tool) else { return tell(format!("{tool} has no schema")) };
    let mut fields = object(schema, raw)?;
    // Some models send null for fields that they leave out.
    fields.retain(|name, value| !value.is_null() || schema.requires(name));
    for (name, expected) in schema.fields() {
        if let Some(value) = fields.get_mut(name) {
            coerce(value, expected);
        }
    }
    let faults = faults(schema, &fields);
    if !faults.is_empty() {
        return tell(format!(
            "Nothing was done: {}. Call it as {} with one JSON object.",
            faults.join("; "),
            schema.usage()
        ));
    }
    serde_json::from_value(Value::Object(fields))
        .or_else(|error| tell(format!("Nothing was done: {error}. Call it as {}.", schema.usage())))
}

/// The text as a JSON object; empty text means no fields.
fn object(schema: &Schema, raw: &str) -> Result<Map<String, Value>, ToolError> {
    let raw = raw.trim();
    let usage = schema.usage();
    match serde_json::from_str(if raw.is_empty() { "{}" } else { raw }) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => tell(format!(
            "Nothing was done: the arguments are {} where one JSON object is expected. Call it as {usage}.",
            kind(&other)
        )),
        Err(error) if error.is_eof() => tell(format!(
            "Nothing was done: the arguments end in the middle ({} bytes arrived), so the reply was probably cut off. \
             Call {usage} again, with less text at once.",
            raw.len()
        )),
        Err(error) => tell(format!(
            "Nothing was done: the arguments are not JSON ({error}). Send one JSON object for {usage}; inside strings \
             write line breaks as \\n and double quotes as \\\"."
        )),
    }
}

fn faults(schema: &Schema, fields: &Map<String, Value>) -> Vec<String> {
    let declared: Vec<_> = schema.fields().collect();
    let names: Vec<_> = declared.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for name in fields.keys().filter(|name| !names.contains(&name.as_str())) {
        faults.push(format!("there is no field {}{}", quoted(name), hint(name, &names)));
    }
    for (name, expected) in declared {
        match fields.get(name) {
            None if schema.requires(name) => faults.push(format!("the field {name} is missing")),
            Some(value) if !fits(value, expected) => {
                faults.push(format!("{name} must be {} but is {}", article(expected), kind(value)));
            }
            _ => {}
        }
    }
    faults
}

/// What to write instead of the field `name`, if known; else empty.
fn hint(name: &str, names: &[&str]) -> String {
    let other = OTHER_WAYS.iter().find(|(other, field, _)| *other == name && names.contains(field));
    if let Some((_, _, way)) = other {
        return format!(" ({way})");
    }
    let alias = ALIASES.iter().find(|(alias, field)| *alias == name && names.contains(field)).map(|(_, field)| *field);
    let near = alias.or_else(|| get_close_matches(name, names, 1, 0.5).first().copied());
    near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default()
}

/// Converts values with only one possible meaning, such as `"5"` for an integer.
fn coerce(value: &mut Value, expected: &str) {
    let meant = match (expected, &*value) {
        ("integer", Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        // Beyond 2^53 a float stands for several whole numbers.
        ("integer", Value::Number(number)) if !number.is_i64() => number
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() < 9.0e15)
            .map(|float| Value::from(float as i64)),
        ("boolean", Value::String(text)) => text.trim().to_ascii_lowercase().parse::<bool>().ok().map(Value::from),
        ("array", Value::String(text)) => Some(list(text)),
        _ => None,
    };
    if let Some(meant) = meant {
        *value = meant;
    }
}

/// A string where an array of strings is expected: JSON text of an array, an empty list, or its only item.
fn list(text: &str) -> Value {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(items) => Value::from(items),
        Err(_) if text.trim().is_empty() => Value::Array(Vec::new()),
        Err(_) => Value::from(vec![text]),
    }
}

fn fits(value: &Value, expected: &str) -> bool {
    match expected {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        _ => false,
    }
}

fn article(expected: &str) -> &'static str {
    match expected {
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "an array of strings",
        _ => "a string",
    }
}

/// A short description of the received value.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => format!("{value}"),
        Value::String(text) if text.len() <= 40 => format!("the string {}", quoted(text)),
        Value::String(_) => "a string".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => "an array".to_owned(),
        Value::Array(_) => "an array with other things than strings in it".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
