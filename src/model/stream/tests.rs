//! Chunks of every host, assembled.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::journal::Tokens;

fn assemble(chunks: impl IntoIterator<Item = Value>) -> Result<Assembled, ModelError> {
    let mut assembly = Assembly::default();
    for chunk in chunks {
        assembly.push(Chunk::read(&chunk.to_string()).unwrap())?;
    }
    assembly.finish()
}

fn delta(delta: &Value) -> Value {
    json!({ "id": "cmpl-1", "choices": [{ "index": 0, "delta": delta, "finish_reason": null }], "usage": null })
}

fn end(reason: &str) -> Value {
    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] })
}

fn call(delta_of_call: &Value) -> Value {
    delta(&json!({ "tool_calls": [delta_of_call] }))
}

fn names_and_arguments(message: &AssistantMessage) -> Vec<(&str, &str)> {
    message.tool_calls.iter().map(|call| (call.name.as_str(), call.arguments.as_str())).collect()
}

#[test]
fn the_message_is_built_as_kimi_wants_it_back() {
    let text = assemble([
        delta(&json!({ "role": "assistant", "content": "", "reasoning_content": "Hm" })),
        delta(&json!({ "content": "Hi" })),
        end("stop"),
    ]);
    let text = text.unwrap();
    assert_eq!(text.message.json, r#"{"role":"assistant","reasoning_content":"Hm","content":"Hi"}"#);
    assert_eq!((text.finish_reason.as_str(), text.id.as_deref()), ("stop", Some("cmpl-1")));
    let calls = assemble([
        delta(&json!({ "reasoning_content": "" })),
        call(&json!({ "index": 0, "id": "ls:0", "function": { "name": "ls", "arguments": "{ \"a\" :1}" } })),
        end("tool_calls"),
    ]);
    let expected = r#"{"role":"assistant","reasoning_content":"","tool_calls":[{"id":"ls:0","type":"function","function":{"name":"ls","arguments":"{ \"a\" :1}"}}]}"#;
    let calls = calls.unwrap();
    assert_eq!(calls.message.json, expected, "empty reasoning stays, empty content goes, arguments aren't touched");
    assert_eq!(calls.message.reasoning.as_deref(), Some(""));
}

#[test]
fn parallel_calls_are_told_apart() {
    let piece = |index: Option<u64>, id: Option<&str>, name: Option<&str>, arguments: &str| {
        call(&json!({ "index": index, "id": id, "function": { "name": name, "arguments": arguments } }))
    };
    let expected = [("first", "ab"), ("second", "cd")];
    let interleaved = [
        piece(Some(1), Some("second:1"), Some("second"), "c"),
        piece(Some(0), Some("first:0"), Some("first"), "a"),
        piece(Some(1), None, None, "d"),
        piece(Some(0), None, None, "b"),
    ];
    let without_index = [
        piece(None, Some("first:0"), Some("first"), "a"),
        piece(None, None, None, "b"),
        piece(None, Some("second:1"), Some("second"), "c"),
        piece(None, Some("second:1"), Some("second"), "d"),
    ];
    let all_zero = [
        piece(Some(0), Some("first:0"), Some("first"), "a"),
        piece(Some(0), None, None, "b"),
        piece(Some(0), Some("second:1"), Some("second"), "c"),
        piece(Some(0), Some("second:1"), Some("second"), "d"),
    ];
    for chunks in [interleaved, without_index, all_zero] {
        assert_eq!(names_and_arguments(&assemble(chunks).unwrap().message), expected);
    }
}

#[test]
fn a_call_without_an_id_gets_one_that_can_be_answered() {
    let message = assemble([call(&json!({ "index": 0, "function": { "name": "ls", "arguments": { "a": 1 } } }))])
        .unwrap()
        .message;
    assert_eq!(message.tool_calls[0].id, "functions.ls:0");
    assert_eq!(message.tool_calls[0].arguments, r#"{"a":1}"#, "an object is taken as its text");
}

#[test]
fn reasoning_goes_back_in_the_form_it_came() {
    let plain =
        assemble([delta(&json!({ "reasoning": "Be" })), delta(&json!({ "reasoning": "cause", "content": "A" }))]);
    let plain = plain.unwrap().message;
    assert_eq!(plain.json, r#"{"role":"assistant","reasoning":"Because","content":"A"}"#);
    assert_eq!(plain.reasoning.as_deref(), Some("Because"));
    let detail = |text: &str| json!({ "type": "reasoning.text", "text": text, "index": 0 });
    let details = assemble([
        delta(&json!({ "reasoning_details": [detail("Be")] })),
        delta(&json!({ "reasoning_details": [detail("cause")] })),
        delta(
            &json!({ "reasoning_details": [{ "type": "reasoning.text", "index": 0, "signature": "s", "text": null }] }),
        ),
        delta(
            &json!({ "reasoning_details": [{ "type": "reasoning.encrypted", "index": 1, "data": "x" }], "content": "A" }),
        ),
    ]);
    let details = details.unwrap().message;
    let json: Value = serde_json::from_str(&details.json).unwrap();
    let expected = json!([
        { "type": "reasoning.text", "text": "Because", "index": 0, "signature": "s" },
        { "type": "reasoning.encrypted", "index": 1, "data": "x" },
    ]);
    assert_eq!(json["reasoning_details"], expected);
    assert_eq!(details.reasoning.as_deref(), Some("Because"));
    assert_eq!(reasoning_of(&details.json), details.reasoning);
}

#[test]
fn the_last_usage_wins_and_zeros_are_none() {
    let usage = |prompt: u64| json!({ "prompt_tokens": prompt, "completion_tokens": 2, "cached_tokens": 1 });
    let in_choice =
        |n| json!({ "choices": [{ "delta": { "content": "A" }, "usage": usage(n), "finish_reason": "stop" }] });
    let alone = json!({ "choices": [], "usage": usage(9) });
    let zeros = json!({ "choices": [], "usage": { "prompt_tokens": 0, "completion_tokens": 0 } });
    let found = assemble([in_choice(5), alone, zeros.clone()]).unwrap().usage.unwrap();
    let expected = Usage { prompt_tokens: Tokens(9), cached_tokens: Tokens(1), completion_tokens: Tokens(2) };
    assert_eq!(found, expected);
    assert_eq!(assemble([delta(&json!({ "content": "A" })), zeros]).unwrap().usage, None);
}

#[test]
fn a_reply_that_says_nothing_is_an_error() {
    let kind = |chunks: Vec<Value>| assemble(chunks).unwrap_err().kind;
    assert_eq!(kind(vec![delta(&json!({ "reasoning_content": "Hm" })), end("length")]), ErrorKind::EmptyReply);
    assert_eq!(kind(vec![delta(&json!({ "content": " \n" })), end("stop")]), ErrorKind::EmptyReply);
    assert_eq!(kind(vec![end("stop")]), ErrorKind::EmptyReply);
    assert_eq!(kind(vec![]), ErrorKind::Garbled);
    assert_eq!(kind(vec![json!({ "object": "ping" })]), ErrorKind::Garbled);
    assert_eq!(kind(vec![delta(&json!({ "content": "A" })), end("content_filter")]), ErrorKind::ContentFilter);
}

#[test]
fn an_error_inside_the_stream_is_the_providers() {
    let error = json!({ "error": { "type": "engine_overloaded_error", "message": "busy" } });
    let failed = assemble([delta(&json!({ "content": "A" })), error]).unwrap_err();
    assert_eq!((failed.kind, failed.message.as_str(), failed.may_be_billed), (ErrorKind::Overloaded, "busy", true));
    let coded = json!({ "choices": [{ "delta": {}, "error": { "code": 502, "message": "upstream" }, "finish_reason": "error" }] });
    assert_eq!(assemble([coded]).unwrap_err().kind, ErrorKind::Unavailable);
}

#[test]
fn an_error_inside_the_stream_says_how_long_to_wait_where_waiting_helps() {
    let failed = |error: &Value| assemble([json!({ "error": error })]).unwrap_err();
    let busy = failed(&json!({ "type": "engine_overloaded_error", "message": "busy, try again in 1.5 seconds" }));
    assert_eq!(busy.retry_after, Some(std::time::Duration::from_millis(1_500)));
    let refused = failed(&json!({ "code": 401, "message": "wrong key, try again in 3 seconds" }));
    assert_eq!((refused.kind, refused.retry_after), (ErrorKind::Unauthorized, None));
    assert_eq!((refused.status, busy.status), (Some(401), None));
}

#[test]
fn unknown_fields_nulls_and_other_choices_are_no_trouble() {
    let odd = json!({
        "x": [], "choices": [
            { "index": 1, "delta": { "content": "B" } },
            { "index": 0, "delta": { "role": "assistant", "content": null, "tool_calls": null, "refusal": null }, "logprobs": {} },
        ],
    });
    let parts = delta(&json!({ "content": [{ "type": "text", "text": "A" }] }));
    let reply = assemble([odd, json!({ "choices": null }), parts, end("unexpected_state")]).unwrap();
    assert_eq!((reply.message.content.as_str(), reply.finish_reason.as_str()), ("A", "unexpected_state"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_does_not_matter_where_a_stream_is_cut_into_chunks(
        reasoning in ".{0,20}", content in ".{0,20}x", arguments in ".{0,20}", size in 1usize..6,
    ) {
        let pieces = |text: &str| -> Vec<String> {
            text.chars().collect::<Vec<_>>().chunks(size).map(|piece| piece.iter().collect()).collect()
        };
        let mut chunks = vec![delta(&json!({ "role": "assistant", "content": "", "reasoning_content": "" }))];
        chunks.extend(pieces(&reasoning).iter().map(|piece| delta(&json!({ "reasoning_content": piece }))));
        chunks.extend(pieces(&content).iter().map(|piece| delta(&json!({ "content": piece }))));
        chunks.push(call(&json!({ "index": 0, "id": "ls:0", "function": { "name": "ls" } })));
        let piece = |piece: &String| call(&json!({ "index": 0, "function": { "arguments": piece } }));
        chunks.extend(pieces(&arguments).iter().map(piece));
        let message = assemble(chunks).unwrap().message;
        prop_assert_eq!(message.reasoning.as_deref(), Some(reasoning.as_str()));
        prop_assert_eq!(message.content.as_str(), content.as_str());
        prop_assert_eq!(message.tool_calls[0].arguments.as_str(), arguments.as_str());
        let back: Value = serde_json::from_str(&message.json).unwrap();
        prop_assert_eq!(back["reasoning_content"].as_str(), Some(reasoning.as_str()));
        prop_assert_eq!(back["tool_calls"][0]["function"]["arguments"].as_str(), Some(arguments.as_str()));
    }
}

/// JSON of any form, with the names that chunks have.
fn odd_chunk() -> impl Strategy<Value = Value> {
    let names = [
        "id",
        "choices",
        "usage",
        "error",
        "index",
        "delta",
        "message",
        "finish_reason",
        "content",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "type",
        "text",
        "prompt_tokens",
        "code",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!(
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.ls:0<|tool_call_argument_begin|>{}<|tool_call_end|>"
        )),
    ];
    let object = move |inner: BoxedStrategy<Value>| {
        proptest::collection::vec((proptest::sample::select(names.to_vec()), inner), 0..5)
            .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>())
    };
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![2 => object(inner.clone().boxed()), 1 => proptest::collection::vec(inner, 0..4).prop_map(Value::from)]
    })
}

proptest! {
    #[test]
    fn a_stream_of_odd_chunks_is_a_message_or_an_error(chunks in proptest::collection::vec(odd_chunk(), 0..12), ended: bool) {
        let length: usize = chunks.iter().map(|chunk| chunk.to_string().len()).sum();
        let mut assembly = Assembly::default();
        let well_formed = chunks.into_iter().chain(ended.then(|| end("stop")));
        for chunk in well_formed.filter_map(|chunk| Chunk::read(&chunk.to_string()).ok()) {
            if assembly.push(chunk).is_err() {
                return Ok(());
            }
        }
        if let Ok(whole) = assembly.finish() {
            let back: Value = serde_json::from_str(&whole.message.json).unwrap();
            prop_assert_eq!(back["role"].as_str(), Some("assistant"));
            // Control characters are written out.
            prop_assert!(whole.message.json.len() <= 6 * length + 512);
        }
    }
}
