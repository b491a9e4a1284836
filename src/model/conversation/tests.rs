//! Laws 4 and 5 over arbitrary conversations.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{ToolCall, chunk::Chunk, stream::Assembly};

const TOOLS: &str = r#"[{"type":"function","function":{"name":"read_file"}}]"#;

/// One exchange: what the model thinks, says and calls with, and what the tool answers.
#[derive(Clone, Debug)]
struct Turn {
    reasoning: Option<String>,
    content: String,
    arguments: Option<String>,
    answer: String,
}

fn turn() -> impl Strategy<Value = Turn> {
    let text = || "\\PC{0,12}|[\\x00-\\x7f]{0,12}|.{0,12}";
    (proptest::option::of(text()), ".{1,12}[a-z]", proptest::option::of(text()), text())
        .prop_map(|(reasoning, content, arguments, answer)| Turn { reasoning, content, arguments, answer })
}

/// The message as it would be received.
fn received(turn: &Turn) -> AssistantMessage {
    let function = |arguments: &String| json!({ "name": "read_file", "arguments": arguments });
    let call = |arguments| json!([{ "index": 0, "id": "read_file:0", "function": function(arguments) }]);
    let delta = json!({
        "reasoning_content": turn.reasoning, "content": turn.content,
        "tool_calls": turn.arguments.as_ref().map(call),
    });
    let chunk = Chunk::read(&json!({ "choices": [{ "index": 0, "delta": delta }] }).to_string()).unwrap();
    let mut assembly = Assembly::default();
    assembly.push(chunk).unwrap();
    assembly.finish().unwrap().message
}

fn reply_event(message: &AssistantMessage) -> Event {
    let Receipt { message: message_sha256, reasoning: reasoning_sha256 } = Receipt::from(message);
    Event::Reply(ReplyReceived {
        turn: 1,
        finish_reason: "stop".into(),
        usage: Usage { prompt_tokens: Tokens(500), ..Usage::default() },
        usage_estimated: false,
        cost_usd: None,
        latency_ms: 1,
        first_byte_ms: 1,
        request_id: None,
        reasoning_sha256,
        message_sha256,
    })
}

/// Plays the turns; returns the conversation, its journal and the body of each request.
fn play(turns: &[Turn]) -> (Conversation, Vec<Event>, Vec<String>) {
    let mut conversation = Conversation::new("kimi-k2.7-code", Some("run \"1\""), TOOLS);
    let mut events =
        vec![Event::Message(conversation.push_system("Rules.")), Event::Message(conversation.push_user("Task."))];
    let mut bodies = Vec::new();
    for turn in turns {
        bodies.push(conversation.request(Tokens(100), ToolChoice::Auto).unwrap().body.get().to_owned());
        let message = received(turn);
        events.push(reply_event(&message));
        events.push(Event::Message(conversation.push_assistant(&message)));
        conversation.calibrate(&Usage { prompt_tokens: Tokens(500), ..Usage::default() });
        events.push(Event::Message(match message.tool_calls.first() {
            Some(ToolCall { id, name, .. }) => conversation.push_tool(id, name, &turn.answer),
            None => conversation.push_user("Go on."),
        }));
    }
    bodies.push(conversation.request(Tokens(7), ToolChoice::None).unwrap().body.get().to_owned());
    (conversation, events, bodies)
}

/// What a request shares with the next.
fn prefix(body: &str) -> &str {
    body.rsplit_once(r#"],"max_completion_tokens""#).unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_request_begins_with_the_bytes_of_the_one_before(turns in proptest::collection::vec(turn(), 1..5)) {
        let (_, _, bodies) = play(&turns);
        for pair in bodies.windows(2) {
            prop_assert!(pair[1].starts_with(prefix(&pair[0])));
        }
    }

    #[test]
    fn a_restored_conversation_is_the_same(turns in proptest::collection::vec(turn(), 1..5)) {
        let (conversation, events, bodies) = play(&turns);
        let restored = Conversation::restore("kimi-k2.7-code", Some("run \"1\""), TOOLS, &events).unwrap();
        prop_assert_eq!(restored.prefix(), conversation.prefix());
        prop_assert_eq!(restored.prompt_tokens(), conversation.prompt_tokens());
        let request = restored.request(Tokens(7), ToolChoice::None).unwrap();
        prop_assert_eq!(request.body.get(), bodies.last().unwrap());
    }

    #[test]
    fn any_text_survives(turns in proptest::collection::vec(turn(), 1..5)) {
        let (_, _, bodies) = play(&turns);
        let body: Value = serde_json::from_str(bodies.last().unwrap()).unwrap();
        let messages = body["messages"].as_array().unwrap();
        for (turn, pair) in turns.iter().zip(messages[2..].chunks(2)) {
            prop_assert_eq!(pair[0]["reasoning_content"].as_str(), turn.reasoning.as_deref());
            prop_assert_eq!(pair[0]["content"].as_str(), Some(turn.content.as_str()));
            let arguments = pair[0]["tool_calls"][0]["function"]["arguments"].as_str();
            prop_assert_eq!(arguments, turn.arguments.as_deref());
            if turn.arguments.is_some() && !turn.answer.is_empty() {
                prop_assert_eq!(pair[1]["content"].as_str(), Some(turn.answer.as_str()));
            }
        }
    }
}

fn thoughtful() -> Turn {
    Turn { reasoning: Some("Because.".into()), content: "Done.".into(), arguments: None, answer: String::new() }
}

#[test]
fn the_request_carries_what_kimi_allows_and_nothing_else() {
    let (conversation, ..) = play(&[thoughtful()]);
    let request = conversation.request(Tokens(32_768), ToolChoice::None).unwrap();
    let body: Value = serde_json::from_str(request.body.get()).unwrap();
    let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let first = ["model", "prompt_cache_key", "tools", "messages"];
    assert_eq!(keys[..4], first);
    assert_eq!(keys[4..], ["max_completion_tokens", "stream", "stream_options", "tool_choice"]);
    assert_eq!(body["stream_options"], json!({ "include_usage": true }));
    assert_eq!(request.prefix_sha256, Digest::of(conversation.prefix()));
    assert_eq!(request.max_completion_tokens, Tokens(32_768));
}

#[test]
fn a_reply_that_changed_in_memory_stops_the_run() {
    let (mut conversation, ..) = play(&[thoughtful()]);
    conversation.buffer = conversation.buffer.replace("Because.", "Because!");
    let error = conversation.request(Tokens(1), ToolChoice::Auto).unwrap_err();
    assert_eq!(error.kind, ErrorKind::ReasoningLost);
    assert!(error.message.contains("reply 1"), "{error:?}");
}

#[test]
fn a_journal_that_lost_reasoning_stops_the_resumed_run() {
    let (_, mut events, _) = play(&[thoughtful()]);
    for event in &mut events {
        if let Event::Message(message) = event {
            message.json = message.json.replace(r#""reasoning_content":"Because.","#, "");
        }
    }
    let restored = Conversation::restore("kimi-k2.7-code", None, TOOLS, &events).unwrap();
    assert_eq!(restored.request(Tokens(1), ToolChoice::Auto).unwrap_err().kind, ErrorKind::ReasoningLost);
    events.push(Event::Message(Message { role: "user".into(), json: r#"{"role":"user","#.into() }));
    let torn = Conversation::restore("kimi-k2.7-code", None, TOOLS, &events).unwrap_err();
    assert_eq!(torn.kind, ErrorKind::ReasoningLost);
}

#[test]
fn the_estimate_follows_the_providers_count() {
    let mut conversation = Conversation::new("m", None, "[]");
    conversation.push_user(&"word ".repeat(4000));
    let guessed = conversation.prompt_tokens();
    assert!(guessed >= Tokens(5000), "guessed {guessed:?}");
    conversation.push_assistant(&received(&thoughtful()));
    let usage = Usage { prompt_tokens: Tokens(4000), completion_tokens: Tokens(20), cached_tokens: Tokens(0) };
    conversation.calibrate(&usage);
    let counted = conversation.prompt_tokens();
    assert!((4020..=4060).contains(&counted.0), "counted {counted:?}");
    conversation.push_user(&"word ".repeat(400));
    let grown = conversation.prompt_tokens() - counted;
    assert!((500..=525).contains(&grown.0), "grown {grown:?}");
    conversation.calibrate(&Usage::default());
    assert!(conversation.prompt_tokens() > Tokens(4400), "a gateway's zero changes nothing");
}
