//! What is read as calls, what is never a final answer, and what stays text.

use super::*;

const TWO: &str = "Let me look.\n<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0\
    <|tool_call_argument_begin|>{\"path\":\"a\"}<|tool_call_end|>\n<|tool_call_begin|>functions.search:1\
    <|tool_call_argument_begin|> {} <|tool_call_end|><|tool_calls_section_end|>\n";

fn calls(text: &str) -> Vec<(String, String, String)> {
    let leaked = find(text, None, &[]).unwrap_or_else(|| panic!("nothing is read of {text}"));
    leaked.calls.into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
}

fn owned(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[test]
fn calls_are_read_and_their_markup_leaves_the_text() {
    let leaked = find(TWO, None, &[]).unwrap();
    assert_eq!(leaked.content, "Let me look.");
    let first = owned("functions.read_file:0", "read_file", r#"{"path":"a"}"#);
    assert_eq!(calls(TWO), [first, owned("functions.search:1", "search", "{}")]);
    assert_eq!(find("Text.", Some(TWO), &[]).map(|leaked| leaked.content).as_deref(), Some("Text."));
}

#[test]
fn marks_may_be_missing_or_vary() {
    let one = "<|tool_calls_section_begin|><|tool_call_begin|>functions.ls:3<|tool_call_argument_begin|>{}\
        <|tool_call_end|><|tool_calls_section_end|>";
    let expected = [owned("functions.ls:3", "ls", "{}")];
    for text in [
        one.to_owned(),
        one.replace("tool_calls_section", "tool_call_section"),
        one.replace("<|tool_call_end|>", ""),
        one.replace("<|tool_calls_section_end|>", ""),
        one.replace("<|tool_calls_section_begin|>", ""),
        one.replace("<|tool_call_begin|>", ""),
        one.replace("<|tool_calls_section_begin|><|tool_call_begin|>", "I look: "),
        one.replace("argument_begin", "arguments_begin"),
        format!("{one}<|im_end|>"),
        format!("{one}\n<|im_end|>\n"),
        format!("I write `<|tool_call_begin|>` so:\n{one}"),
        one.replace("<|", " <|").replace("|>", "|>\n"),
        one.split("<|tool_call_end|>").next().unwrap().to_owned(),
    ] {
        assert_eq!(calls(&text), expected, "{text}");
    }
    assert_eq!(calls(&TWO.replace("<|tool_call_end|>", "")).len(), 2);
}

#[test]
fn calls_without_marks_and_in_other_templates_are_read() {
    let edit = r#"{"path":"a","old_text":"{","new_text":"}"}"#;
    let expected = [owned("functions.edit_file:2", "edit_file", edit)];
    for text in [
        format!("functions.edit_file:2 {edit}"),
        format!("Now the second one.\nfunctions.edit_file:2{edit}\n"),
        format!("functions.edit_file:2\n{edit}<|im_end|>"),
        format!("As functions.rs says:\n\nfunctions.edit_file:2 {edit}"),
    ] {
        assert_eq!(calls(&text), expected, "{text}");
    }
    let hermes = format!("<tool_call>\n{{\"name\": \"edit_file\", \"arguments\": {edit}}}\n</tool_call>");
    for text in [hermes.clone(), format!("So:\n{hermes}"), hermes.replace("</tool_call>", "")] {
        let found = calls(&text);
        assert_eq!((&*found[0].0, &*found[0].1), ("functions.edit_file:0", "edit_file"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&found[0].2).unwrap(), serde_json::from_str::<Value>(edit).unwrap());
    }
    assert_eq!(calls(&format!("{hermes}\n{hermes}")).len(), 2);
    for text in [
        "I called functions.edit_file:2 {} and it worked.",
        "See functions.edit_file",
        "functions.edit_file {}",
        "functions.edit_file:2 {\"path\":",
        "The tag <tool_call> opens one.",
    ] {
        assert_eq!(find(text, None, &[]), None, "{text}");
    }
    for text in
        ["<tool_call>{\"name\":}</tool_call>", "<tool_call>", "x <\u{ff5c}tool\u{2581}calls\u{2581}end\u{ff5c}>"]
    {
        assert!(find(text, None, &[]).is_none() && ends_in_markup(text), "{text}");
    }
}

#[test]
fn an_id_names_its_tool_in_many_ways() {
    for (id, expected_id) in [
        ("functions.edit_file:1", "functions.edit_file:1"),
        ("functions_edit_file_1", "functions_edit_file_1"),
        ("edit_file:0", "edit_file:0"),
        ("functions.edit_file", "functions.edit_file:0"),
        ("edit_file", "functions.edit_file:0"),
        (" functions.edit_file:1 ", "functions.edit_file:1"),
    ] {
        let text = format!("<|tool_call_begin|>{id}<|tool_call_argument_begin|>{{}}<|tool_call_end|>");
        assert_eq!(calls(&text), [owned(expected_id, "edit_file", "{}")], "{id}");
    }
    let named = r#"<|tool_call_begin|>call_1a<|tool_call_argument_begin|>{"name":"ls","arguments":{"a":1}}"#;
    assert_eq!(calls(named), [owned("call_1a", "ls", r#"{"a":1}"#)]);
}

#[test]
fn a_structured_name_is_the_tools() {
    for name in ["functions.read_file:0", "functions.read_file", "read_file:12", "read_file", "functions_read_file_0"] {
        assert_eq!(tool_in(name), Some("read_file"), "{name}");
    }
    for name in ["", "read file", "a.b", "x:y", "read_file:0:1", "1ls"] {
        assert_eq!(tool_in(name), None, "{name}");
    }
    assert_eq!(tool_in("read_file_2"), Some("read_file_2"), "a tool may be called so");
    assert_eq!(tool_in("functions_read_file"), Some("read_file"), "its last word is no index");
}

#[test]
fn marks_inside_of_arguments_are_the_files() {
    let arguments = r#"{"new_text":"<|tool_call_end|><|tool_calls_section_end|><|tool_call_begin|>x<|im_end|>"}"#;
    let text =
        format!("<|tool_call_begin|>functions.edit_file:0<|tool_call_argument_begin|>{arguments}<|tool_call_end|>");
    assert_eq!(calls(&text), [owned("functions.edit_file:0", "edit_file", arguments)]);
}

#[test]
fn calls_beside_parsed_ones_are_added_once() {
    let parsed = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    let known = [parsed("functions.search:1", "search", "{ }")];
    let leaked = find(TWO, Some(TWO), &known).unwrap();
    assert_eq!(leaked.calls, [parsed("functions.read_file:0", "read_file", r#"{"path":"a"}"#)]);
    let known = [parsed("functions.read_file:0", "read_file", r#"{"path":"b"}"#)];
    let ids: Vec<_> = find(TWO, None, &known).unwrap().calls.into_iter().map(|call| call.id).collect();
    assert_eq!(ids, ["functions.read_file:1", "functions.search:1"]);
    assert_eq!(find("Text.", Some(TWO), &known), None, "the reasoning is only looked at where nothing is called");
}

#[test]
fn text_that_only_quotes_the_markup_stays_text() {
    for text in [
        format!("The parser sees `{}` and more.", TWO.trim()),
        format!("```\n{TWO}```"),
        "The token <|tool_call_begin|> opens a call.".to_owned(),
        "It ends with `<|tool_call_end|>`.".to_owned(),
        "Nothing of the kind.".to_owned(),
        "Done.<|im_end|>".to_owned(),
        "It opens with <|im_start|>assistant".to_owned(),
        "A mark begins with <|tool_call and a word".to_owned(),
        "In F# it is x <|f".to_owned(),
    ] {
        assert_eq!(find(&text, None, &[]), None, "{text}");
        assert!(!ends_in_markup(&text), "{text}");
    }
}

#[test]
fn what_ends_in_unreadable_markup_is_no_answer() {
    for text in [
        "<|tool_call_begin|>no index at all<|tool_call_argument_begin|>{}<|tool_call_end|>",
        "Done. {\"path\":\"a\"}<|tool_call_end|><|tool_calls_section_end|>",
        "<|tool_calls_section_begin|>",
        "Done.<|tool_call_begin|>",
        "Done.<|tool_call_begin|>functions.edit_file:0<|tool_call_argument_begin|>",
        "Done.<|tool_call_begin|>functions.edit_fi",
        "Done.<|tool_call_begin|>functions.edit_file:0<|tool_call_argument_begin|>{\"path\": \"a b",
        "Done.<|tool_call_begin|>functions.edit_file:0<|tool_call_argument_begin|>{\"path\": a}",
        "Done.<|tool_call_e",
        "<|tool_call_end|><|im_end|>",
    ] {
        assert_eq!(find(text, None, &[]), None, "{text}");
        assert!(ends_in_markup(text), "{text}");
    }
}

#[test]
fn what_stands_before_arguments_without_other_marks_has_to_look_like_an_id() {
    let text = |id: &str| format!("I look: {id}<|tool_call_argument_begin|>{{\"path\":\"a\"}}");
    for id in ["functions.ls:0", "functions.ls", "functions_ls_0", "ls:0"] {
        assert_eq!(find(&text(id), None, &[]).unwrap().calls[0].name, "ls", "{id}");
        assert_eq!(find(&text(id), None, &[]).unwrap().content, "I look:", "{id}");
    }
    assert_eq!(find(&text("ls"), None, &[]), None, "any word may stand before a quoted mark");
    let alone = "ls:0<|tool_call_argument_begin|>{}";
    assert_eq!(calls(alone), [owned("ls:0", "ls", "{}")]);
    // A space of several bytes ends the text before it.
    assert_eq!(find(&format!("I look:\u{3000}{alone}"), None, &[]).unwrap().content, "I look:");
}

#[test]
fn a_known_call_is_the_same_tool_with_the_same_arguments() {
    let known = |name: &str, arguments: &str| {
        [ToolCall { id: "functions.search:1".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }]
    };
    let one = "<|tool_call_begin|>functions.search:1<|tool_call_argument_begin|>{\"a\":1}<|tool_call_end|>";
    let new = |known: &[ToolCall]| find(one, None, known).unwrap().calls.len();
    assert_eq!(new(&known("search", "{ \"a\": 1 }")), 0);
    assert_eq!(new(&known("functions.search:7", "{\"a\":1}")), 0);
    assert_eq!(new(&known("ls", "{\"a\":1}")), 1);
    assert_eq!(new(&known("search", "{\"a\":2}")), 1);
}

#[test]
fn no_more_calls_are_read_than_anybody_makes() {
    let call = "<|tool_call_begin|>functions.ls<|tool_call_argument_begin|>{}<|tool_call_end|>";
    assert_eq!(calls(&call.repeat(MAX_CALLS)).len(), MAX_CALLS);
    assert_eq!(calls(&call.repeat(MAX_CALLS + 1)).len(), MAX_CALLS, "what stands before those stays text");
}

#[test]
fn where_the_object_names_the_tool_its_arguments_have_two_names() {
    for key in ["arguments", "parameters"] {
        let text = format!("<tool_call>{{\"name\":\"ls\",\"{key}\":{{\"a\":1}}}}</tool_call>");
        assert_eq!(calls(&text), [owned("functions.ls:0", "ls", r#"{"a":1}"#)]);
        let text = format!("<tool_call>{{\"name\":\"ls\",\"{key}\":\"{{}}\"}}</tool_call>");
        assert_eq!(calls(&text), [owned("functions.ls:0", "ls", "{}")], "as a string");
    }
}
