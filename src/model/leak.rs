//! Finds tool calls that a server left in the text as markup, because it parsed none of them or only some.
//!
//! The native form is
//! `<|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:IDX<|tool_call_argument_begin|>{…} <|tool_call_end|>…<|tool_calls_section_end|>`
//! (Kimi-K2's `docs/tool_call_guidance.md`). Servers swallow some marks and models vary them. Markup becomes calls only
//! if it is unambiguous: up to the end of the text there are only calls, each with a tool's name and one complete JSON
//! object. So an answer that quotes the markup stays an answer, and marks inside the object's strings stay text. Two
//! more forms are read: `functions.NAME:IDX {…}`, which is the native form without marks, and Hermes's
//! `<tool_call>{"name":…,"arguments":{…}}</tool_call>`.

use serde_json::Value;

use super::ToolCall;
use super::calls::MAX_CALLS;

const SECTION_BEGIN: [&str; 2] = ["<|tool_calls_section_begin|>", "<|tool_call_section_begin|>"];
const CALL_BEGIN: [&str; 2] = ["<|tool_call_begin|>", "<|tool_calls_begin|>"];
/// Common prefix of the next list.
const ARGUMENT: &str = "<|tool_call_argument";
const ARGUMENT_BEGIN: [&str; 2] = ["<|tool_call_argument_begin|>", "<|tool_call_arguments_begin|>"];
const ENDS: [&str; 4] =
    ["<|tool_call_end|>", "<|tool_calls_end|>", "<|tool_calls_section_end|>", "<|tool_call_section_end|>"];
/// Hermes's template, used by other models.
const OBJECT_BEGIN: &str = "<tool_call>";
const OBJECT_END: &str = "</tool_call>";
/// Ends of calls in templates that aren't parsed.
const FOREIGN_ENDS: [&str; 7] = [
    OBJECT_BEGIN,
    OBJECT_END,
    "</function_calls>",
    "</invoke>",
    "</function>",
    "<\u{ff5c}tool\u{2581}call\u{2581}end\u{ff5c}>",
    "<\u{ff5c}tool\u{2581}calls\u{2581}end\u{ff5c}>",
];
/// How a call's id begins, with or without marks.
const ID_BEGIN: &str = "functions.";
/// End-of-message marks, which may be left at the end of any text.
const MESSAGE_END: [&str; 2] = ["<|im_end|>", "[EOS]"];
/// Prefixes of ids that name no tool.
const NAMELESS: [&str; 3] = ["call_", "chatcmpl-tool-", "toolu_"];
/// Most positions at which calls are looked for.
const MAX_PLACES: usize = 64;

/// Calls found in text.
#[derive(Debug, PartialEq)]
pub(super) struct Leaked {
    /// The text before the calls, without markup.
    pub(super) content: String,
    /// The calls that the server hadn't parsed already.
    pub(super) calls: Vec<ToolCall>,
}

/// Searches the text first. Only if that holds no call and none is known, searches the reasoning, which itself stays
/// unchanged.
pub(super) fn find(content: &str, reasoning: Option<&str>, known: &[ToolCall]) -> Option<Leaked> {
    let leaked = |before: &str, calls| Leaked { content: before.to_owned(), calls: new_calls(calls, known) };
    if let Some((before, calls)) = split(content) {
        return Some(leaked(before.trim_end(), calls));
    }
    let (_, calls) = split(reasoning.filter(|_| known.is_empty())?)?;
    Some(leaked(content, calls))
}

/// The tool's name in an id, or in a name that is an id: `functions.NAME:IDX`, `functions_NAME_IDX`, `NAME:IDX`,
/// `NAME`.
pub(super) fn tool_in(id: &str) -> Option<&str> {
    let id = id.trim();
    let (path, index) = id.rsplit_once(':').unwrap_or((id, ""));
    let name = match (path.strip_prefix("functions."), path.strip_prefix("functions_")) {
        (Some(name), _) => name,
        (None, Some(name)) => match name.rsplit_once('_') {
            Some((name, index)) if is_index(index) => name,
            _ => name,
        },
        (None, None) => path,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_plain);
    (is_name && name.len() <= 64 && (index.is_empty() || is_index(index))).then_some(name)
}

/// Whether the text ends in markup of calls, complete or not. End-of-message marks are ignored.
pub(super) fn ends_in_markup(text: &str) -> bool {
    let text = without_message_end(text);
    let has_end = |marks: &[&str]| marks.iter().any(|mark| text.ends_with(mark));
    if has_end(&ENDS)
        || has_end(&FOREIGN_ENDS)
        || has_end(&SECTION_BEGIN)
        || has_end(&CALL_BEGIN)
        || has_end(&ARGUMENT_BEGIN)
    {
        return true;
    }
    if text.rsplit_once("<|").is_some_and(|(_, mark)| breaks_off(mark)) {
        return true;
    }
    ARGUMENT_BEGIN.iter().filter_map(|mark| text.rsplit_once(mark)).any(|(_, after)| {
        match serde_json::from_str::<Value>(after) {
            Ok(_) => true,
            Err(error) => after.trim_start().starts_with('{') && (error.is_eof() || after.ends_with('}')),
        }
    })
}

/// Whether the text ends within a mark, or within the id after one; `mark` is what follows the last `<|`.
fn breaks_off(mark: &str) -> bool {
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match mark.split_once("|>") {
        None => mark.starts_with("tool_call") && is_word(mark.trim_end_matches('|')),
        Some((kind, id)) => {
            let is_id = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
            kind.starts_with("tool_call")
                && kind.ends_with("_begin")
                && id.starts_with(|c: char| c.is_ascii_alphabetic())
                && id.chars().all(is_id)
        }
    }
}

fn split(text: &str) -> Option<(&str, Vec<ToolCall>)> {
    if !["<|tool_call", OBJECT_BEGIN, ID_BEGIN].iter().any(|mark| text.contains(mark)) {
        return None;
    }
    let read = |at: usize| Some((&text[..at], calls_to_the_end(&text[at..])?));
    let begins = places(text, &[&SECTION_BEGIN[..], &CALL_BEGIN, &[OBJECT_BEGIN, ID_BEGIN]].concat()).into_iter();
    // If the marks before the id are lost, a call begins with the word before its arguments.
    let tails = places(text, &ARGUMENT_BEGIN).into_iter().filter_map(|at| {
        let before = text[..at].trim_end();
        let start = before.char_indices().rfind(|(_, c)| c.is_whitespace()).map_or(0, |(at, c)| at + c.len_utf8());
        let id = &before[start..];
        (id.starts_with("functions") || id.contains(':')).then_some(start)
    });
    begins.chain(tails).find_map(read)
}

/// Positions of the marks, in order.
fn places(text: &str, marks: &[&str]) -> Vec<usize> {
    let mut places: Vec<usize> = marks.iter().flat_map(|mark| text.match_indices(mark).map(|(at, _)| at)).collect();
    places.sort_unstable();
    places.truncate(MAX_PLACES);
    places
}

/// The calls, if `text` holds nothing else.
fn calls_to_the_end(text: &str) -> Option<Vec<ToolCall>> {
    let mut rest = without_message_end(text);
    let mut calls: Vec<ToolCall> = Vec::new();
    loop {
        rest = without_marks(rest);
        if rest.is_empty() {
            return (!calls.is_empty()).then_some(calls);
        }
        let (id, after) = id_and_arguments(rest).filter(|_| calls.len() < MAX_CALLS)?;
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        let arguments = values.next()?.ok().filter(Value::is_object)?;
        let end = values.byte_offset();
        calls.push(call(id.trim(), &after[..end], &arguments, calls.len())?);
        rest = &after[end..];
    }
}

/// The text before and after the first mark of arguments.
fn arguments_in(text: &str) -> Option<(&str, &str)> {
    let mut places = text.match_indices(ARGUMENT).map(|(at, _)| text.split_at(at));
    places.find_map(|(id, rest)| Some((id, ARGUMENT_BEGIN.iter().find_map(|mark| rest.strip_prefix(mark))?)))
}

/// A call's id, and the text from its object on.
fn id_and_arguments(text: &str) -> Option<(&str, &str)> {
    if let Some(object) = text.strip_prefix(OBJECT_BEGIN) {
        // The object holds the name as well.
        return Some((NAMELESS[0], object));
    }
    let bare = text.starts_with(ID_BEGIN).then(|| text.find('{')).flatten().map(|at| text.split_at(at));
    let bare = bare.filter(|(id, _)| {
        let id = id.trim();
        tool_in(id).is_some() && id.rsplit_once(':').is_some_and(|(_, index)| is_index(index))
    });
    bare.or_else(|| arguments_in(text))
}

/// Builds the call. If the id names no tool, the object must hold the name and the arguments.
fn call(id: &str, json: &str, value: &Value, n: usize) -> Option<ToolCall> {
    if NAMELESS.iter().any(|prefix| id.starts_with(prefix)) {
        let arguments = value.get("arguments").or_else(|| value.get("parameters"))?;
        let name = tool_in(value["name"].as_str()?)?.to_owned();
        let arguments = arguments.as_str().map_or_else(|| arguments.to_string(), str::to_owned);
        let id = if id == NAMELESS[0] { format!("functions.{name}:{n}") } else { id.to_owned() };
        return Some(ToolCall { id, name, arguments });
    }
    let name = tool_in(id)?;
    let has_index = id.rsplit_once([':', '_']).is_some_and(|(_, index)| is_index(index));
    let id = if has_index { id.to_owned() } else { format!("functions.{name}:{n}") };
    Some(ToolCall { id, name: name.to_owned(), arguments: json.trim().to_owned() })
}

/// The calls that aren't among `known` (a server may parse a call and leave it in the text as well), each with a unique
/// id.
fn new_calls(calls: Vec<ToolCall>, known: &[ToolCall]) -> Vec<ToolCall> {
    let json = |call: &ToolCall| serde_json::from_str::<Value>(&call.arguments).ok();
    let known_json: Vec<_> = known.iter().map(|known| (tool_in(&known.name), json(known))).collect();
    let is_known = |call: &ToolCall| {
        let it = json(call);
        known_json.iter().any(|(name, json)| *name == Some(&*call.name) && *json == it)
    };
    let mut ids: Vec<String> = known.iter().map(|call| call.id.clone()).collect();
    let mut new: Vec<ToolCall> = calls.into_iter().filter(|call| !is_known(call)).collect();
    for call in &mut new {
        let mut number = ids.len();
        while ids.contains(&call.id) {
            call.id = format!("functions.{}:{number}", call.name);
            number += 1;
        }
        ids.push(call.id.clone());
    }
    new
}

fn without_marks(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        let mut marks = SECTION_BEGIN.iter().chain(&CALL_BEGIN).chain(&ENDS).chain([&OBJECT_END]);
        match marks.find_map(|mark| text.strip_prefix(mark)) {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

fn without_message_end(mut text: &str) -> &str {
    loop {
        text = text.trim_end();
        match MESSAGE_END.iter().find_map(|mark| text.strip_suffix(mark)) {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

fn is_index(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
