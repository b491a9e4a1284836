//! Tool calls that a self-hosted model wrote as text, because its server didn't parse them.
//!
//! The native form is `<|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:IDX<|tool_call_argument_begin|>{…}
//! <|tool_call_end|>…<|tool_calls_section_end|>` (Kimi-K2's `docs/tool_call_guidance.md`). It counts only as the last
//! thing in the text, so that an answer which quotes it stays an answer.

use super::ToolCall;

const SECTION_BEGIN: &str = "<|tool_calls_section_begin|>";
const SECTION_END: &str = "<|tool_calls_section_end|>";
const CALL_BEGIN: &str = "<|tool_call_begin|>";
const ARGUMENT_BEGIN: &str = "<|tool_call_argument_begin|>";
const CALL_END: &str = "<|tool_call_end|>";

/// Calls found in text.
#[derive(Debug, PartialEq)]
pub(super) struct Leaked {
    /// The text without their markup.
    pub(super) content: String,
    /// The calls, with their native ids.
    pub(super) calls: Vec<ToolCall>,
}

/// Looks in the text first, then in the reasoning (which itself stays as it came).
pub(super) fn find(content: &str, reasoning: Option<&str>) -> Option<Leaked> {
    split(content).map(|(before, calls)| Leaked { content: before.trim_end().to_owned(), calls }).or_else(|| {
        let (_, calls) = split(reasoning?)?;
        Some(Leaked { content: content.to_owned(), calls })
    })
}

fn split(text: &str) -> Option<(&str, Vec<ToolCall>)> {
    let start = text.find(SECTION_BEGIN).or_else(|| text.find(CALL_BEGIN))?;
    let (before, section) = text.split_at(start);
    let mut rest = section.strip_prefix(SECTION_BEGIN).unwrap_or(section).trim_start();
    let mut calls = Vec::new();
    while let Some(call) = rest.strip_prefix(CALL_BEGIN) {
        let (id, call) = call.split_once(ARGUMENT_BEGIN)?;
        let (arguments, after) = call.split_once(CALL_END)?;
        calls.push(read(id.trim(), arguments.trim())?);
        rest = after.trim_start();
    }
    let rest = rest.strip_prefix(SECTION_END).unwrap_or(rest);
    (!calls.is_empty() && rest.trim().is_empty()).then_some((before, calls))
}

/// `functions.NAME:IDX`; the prefix may be missing.
fn read(id: &str, arguments: &str) -> Option<ToolCall> {
    let (path, index) = id.rsplit_once(':')?;
    let name = path.strip_prefix("functions.").unwrap_or(path);
    let plausible = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !index.is_empty()
        && index.bytes().all(|b| b.is_ascii_digit());
    plausible.then(|| ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "Let me look.\n<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0\
        <|tool_call_argument_begin|>{\"path\":\"a\"}<|tool_call_end|>\n<|tool_call_begin|>functions.search:1\
        <|tool_call_argument_begin|> {} <|tool_call_end|><|tool_calls_section_end|>\n";

    #[test]
    fn calls_are_read_and_their_markup_leaves_the_text() {
        let leaked = find(TWO, None).unwrap();
        assert_eq!(leaked.content, "Let me look.");
        let calls: Vec<_> = leaked.calls.iter().map(|call| (&*call.id, &*call.name, &*call.arguments)).collect();
        let first = ("functions.read_file:0", "read_file", r#"{"path":"a"}"#);
        assert_eq!(calls, [first, ("functions.search:1", "search", "{}")]);
        assert_eq!(find("Text.", Some(TWO)).map(|leaked| leaked.content).as_deref(), Some("Text."));
    }

    #[test]
    fn text_that_only_quotes_the_markup_stays_text() {
        for text in [
            format!("The parser sees `{}` and more.", TWO.trim()),
            "The token <|tool_call_begin|> opens a call.".to_owned(),
            "<|tool_call_begin|>no index<|tool_call_argument_begin|>{}<|tool_call_end|>".to_owned(),
            TWO.replace("<|tool_call_end|>", ""),
            "Nothing of the kind.".to_owned(),
        ] {
            assert_eq!(find(&text, None), None, "{text}");
        }
    }
}
