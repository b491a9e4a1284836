//! The mock itself: it refuses what Kimi refuses, and notes what Kimi would only suffer.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::kimi::{Answer, MockKimi};

fn post(kimi: &MockKimi, body: &Value) -> (u16, Value) {
    send(kimi, "POST /v1/chat/completions", &body.to_string())
}

/// Sends a request with the right key; returns the status and the error's words (null for a stream).
fn send(kimi: &MockKimi, line: &str, body: &str) -> (u16, Value) {
    let base_url = kimi.base_url();
    let address = base_url.trim_start_matches("http://").trim_end_matches("/v1");
    let mut stream = TcpStream::connect(address).unwrap();
    let (key, length) = (MockKimi::KEY, body.len());
    write!(stream, "{line} HTTP/1.1\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// A body that Kimi takes.
fn sound() -> Value {
    json!({
        "model": MockKimi::MODEL, "prompt_cache_key": "run-1", "max_completion_tokens": 1000,
        "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "system", "content": "Rules." }, { "role": "user", "content": "Task." }],
        "tools": [tool("read_file", &json!({ "type": "object", "properties": { "path": { "type": "string" } } }))],
    })
}

fn tool(name: &str, parameters: &Value) -> Value {
    json!({ "type": "function", "function": { "name": name, "parameters": parameters } })
}

/// The sound body with one thing changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = sound();
    match pointer.rsplit_once('/').unwrap() {
        ("", key) => body[key] = value,
        (parent, key) => {
            let parent = body.pointer_mut(parent).unwrap();
            match key.parse::<usize>() {
                Ok(index) => parent[index] = value,
                Err(_) => parent[key] = value,
            }
        }
    }
    body
}

fn with_messages(messages: Value) -> Value {
    with("/messages", messages)
}

fn with_parameters(parameters: &Value) -> Value {
    with("/tools/0", tool("read_file", parameters))
}

#[test]
fn it_refuses_what_kimi_refuses_in_kimis_words() {
    let call = json!({ "id": "ls:0", "type": "function", "function": { "name": "read_file", "arguments": "{}" } });
    let calling = json!({ "role": "assistant", "reasoning_content": "Hm", "tool_calls": [call] });
    let nested =
        (0..7).fold(json!({ "type": "string" }), |inner, _| json!({ "type": "object", "properties": { "a": inner } }));
    let property = |schema: Value| with_parameters(&json!({ "type": "object", "properties": { "x": schema } }));
    let cases = [
        (with("/model", json!("gpt-5")), 404, "Not found the model gpt-5"),
        (with("/temperature", json!(0.7)), 400, "invalid temperature: only 1 is allowed for this model"),
        (with("/top_p", json!(1)), 400, "invalid top_p: only 0.95"),
        (with("/n", json!(2)), 400, "invalid n: only 1"),
        (with("/presence_penalty", json!(0.5)), 400, "invalid presence_penalty: only 0"),
        (with("/thinking", json!({ "type": "disabled" })), 400, "invalid thinking: only type=enabled"),
        (with("/tool_choice", json!("required")), 400, "tool_choice 'specified' is incompatible with thinking"),
        (with("/tool_choice", json!({ "type": "function" })), 400, "tool_choice 'specified'"),
        (with("/parallel_tool_calls", json!(true)), 400, "unknown field parallel_tool_calls"),
        (with("/reasoning_effort", json!("high")), 400, "unknown field reasoning_effort"),
        (with("/user", json!("me")), 400, "unknown field user"),
        (with("/stream", json!(false)), 400, "stream_options is only allowed when stream is true"),
        (with("/max_completion_tokens", json!(262_144)), 400, "exceeded model token limit: 262144"),
        (with("/max_completion_tokens", json!(0)), 400, "max_completion_tokens must be"),
        (with("/tools", json!([])), 400, "tools must have 1 to 128 entries"),
        (with("/tools/0", tool("ls", &json!({ "type": "object" }))), 400, "function name is invalid"),
        (with("/tools/0", tool("1ls", &json!({ "type": "object" }))), 400, "function name is invalid"),
        (
            with("/tools", json!([sound()["tools"][0], sound()["tools"][0]])),
            400,
            "function name read_file is duplicated",
        ),
        (with_parameters(&json!({ "properties": {} })), 400, "type is required and must be \"object\""),
        (property(json!({ "description": "anything" })), 400, "At path 'properties.x': type is not defined"),
        (property(json!(true)), 400, "property schema must be an object"),
        (property(json!({ "type": "string", "anyOf": [{ "type": "string" }] })), 400, "when using anyOf"),
        (property(json!({ "type": "string", "pattern": "a" })), 400, "'pattern' is not supported"),
        (property(json!({ "type": ["string", "null"], "minLength": 1 })), 400, "beside a type array"),
        (property(json!({ "type": "string", "enum": [1] })), 400, "enum values must match"),
        (property(json!({ "$ref": "#/definitions/a" })), 400, "references must start with"),
        (property(json!({ "type": "array", "items": [{ "type": "string" }] })), 400, "items must be an object"),
        (with_parameters(&json!({ "type": "object", "required": ["y"] })), 400, "required property 'y' is not defined"),
        (with_parameters(&nested), 400, "nested too deeply"),
        (with_messages(json!([])), 400, "messages must not be empty"),
        (
            with_messages(json!([{ "role": "user", "content": "" }])),
            400,
            "position 0 with role 'user' must not be empty",
        ),
        (
            with_messages(json!([{ "role": "user", "content": [{ "type": "text", "text": "" }] }])),
            400,
            "text content is empty",
        ),
        (with_messages(json!([{ "role": "robot", "content": "x" }])), 400, "unknown role 'robot'"),
        (with_messages(json!([{ "role": "user", "content": "x", "z": 1 }])), 400, "unknown field z"),
        (with_messages(json!([calling])), 400, "did not have response messages: ls:0"),
        (
            with_messages(json!([{ "role": "tool", "tool_call_id": "ls:0", "content": "x" }])),
            400,
            "tool_call_id ls:0 is not found",
        ),
    ];
    let kimi = MockKimi::answering(|_| Answer::text("A."));
    for (body, status, words) in cases {
        let (got, answer) = post(&kimi, &body);
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(got, status, "{words}: {answer}");
        assert!(message.contains(words), "`{words}` is not in `{message}`");
    }
    assert_eq!(post(&kimi, &sound()).0, 200, "the sound body is taken");
}

#[test]
fn it_refuses_a_history_that_lost_reasoning_and_notes_one_that_was_altered() {
    let kimi = MockKimi::script([Answer::call("read_file", r#"{"path": "a"}"#).ids(["read_file:0"]).reasoning("Hm.")]);
    post(&kimi, &sound());
    let history = |reasoning: Value, arguments: &str| {
        let function = json!({ "name": "read_file", "arguments": arguments });
        let call = json!({ "id": "read_file:0", "type": "function", "function": function });
        let message = json!({ "role": "assistant", "reasoning_content": reasoning, "tool_calls": [call] });
        let answer = json!({ "role": "tool", "tool_call_id": "read_file:0", "content": "x" });
        with_messages(json!([sound()["messages"][0], sound()["messages"][1], message, answer]))
    };
    let (status, answer) = post(&kimi, &history(Value::Null, r#"{"path": "a"}"#));
    assert_eq!(status, 400);
    let words = "reasoning_content is missing in assistant tool call message at index 2";
    assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{answer}");
    post(&kimi, &history(json!("Ha."), r#"{"path":"a"}"#));
    let notes = kimi.requests()[2].notes.join("; ");
    assert!(notes.contains("reasoning_content differs") && notes.contains("were re-serialised"), "{notes}");
    post(&kimi, &with("/messages/1", json!({ "role": "user", "content": "Other." })));
    assert!(kimi.notes().iter().any(|note| note.contains("doesn't begin with the bytes")), "{:?}", kimi.notes());
}

#[test]
fn it_lists_its_models_and_knows_no_other_path() {
    let kimi = MockKimi::script([]);
    let (status, models) = send(&kimi, "GET /v1/models", "");
    assert_eq!((status, models["data"][0]["id"].as_str()), (200, Some(MockKimi::MODEL)));
    assert_eq!(send(&kimi, "POST /v1/v1/chat/completions", "{}").0, 404);
    assert_eq!(send(&kimi, "POST /chat/completions", "{}").0, 404);
}
