//! Whatever a provider says, wherever it says it: none of it shows or keeps the key. What it said as the model goes back as it
//! came, and is kept for that in the journal alone.

use serde_json::{Value, json};

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World};

const KEY: &str = MockKimi::KEY;
const TOKEN: &str = concat!("ghp", "_16C7e42F292c6912E7710c838347Ae178B4a");

/// Everything that a run of these answers shows and keeps, but for messages and calls of the model.
fn everything(answers: impl Fn() -> Answer + Send + Sync + 'static, code: i32) -> Vec<(&'static str, String)> {
    let world = World::new();
    let kimi = MockKimi::answering(move |_| answers());
    let ran = world.fix(&kimi, &["-v", "--max-turns", "3"]).code(code);
    let kept = ran.kept();
    let is_models_own = |event: &Value| matches!(event["type"].as_str(), Some("message" | "tool_called"));
    let journal: Vec<_> = kept.journal().into_iter().filter(|event| !is_models_own(event)).collect();
    let audit = world.run_freely(world.kcode(&["audit"]));
    vec![
        ("stderr", ran.stderr()),
        ("stdout", ran.stdout()),
        ("audit", audit.stdout()),
        ("report.json", kept.read("report.json")),
        ("report.md", kept.read("report.md")),
        ("journal", serde_json::to_string(&journal).unwrap()),
    ]
}

#[track_caller]
fn assert_discreet(places: &[(&str, String)], said: &str) {
    assert_without(KEY, places, said);
}

#[track_caller]
fn assert_without(secret: &str, places: &[(&str, String)], said: &str) {
    for (place, text) in places {
        // Nor what a terminal shows of it that cuts it.
        assert!(!text.contains(&secret[..14]), "{said}: {place}: {text}");
    }
    let is_marked = |text: &str| text.contains("[redacted:") || text.contains("[key]");
    assert!(places.iter().any(|(_, text)| is_marked(text)), "{said}: nothing was said of it: {places:?}");
}

#[test]
fn no_part_of_a_refusal_shows_the_key() {
    let raw = |body: Value| Answer::raw(401, "application/json", body.to_string().as_bytes());
    let plain = move || raw(json!({"error": {"message": "No.", "type": "invalid_authentication_error"}}));
    let spoilt: String = KEY.chars().flat_map(|c| [c, '\u{200b}']).collect();
    for header in ["x-request-id", "x-trace-id", "msh-request-id", "request-id"] {
        let places = everything(move || plain().header(header, &format!("{KEY}::error::")), 77);
        assert_discreet(&places, header);
    }
    let bodies = [
        ("request_id", json!({"error": {"message": "No.", "request_id": KEY}})),
        ("requestId", json!({"error": {"message": "No.", "requestId": spoilt}})),
        ("trace_id", json!({"error": {"message": "No."}, "trace_id": format!("::warning::{KEY}")})),
        ("type", json!({"error": {"message": "No.", "type": KEY}})),
        ("code", json!({"error": {"message": "No.", "code": KEY}})),
        ("message", json!({"error": {"message": spoilt}})),
        ("detail", json!({"detail": [{"loc": ["header", KEY]}]})),
        ("text", json!(KEY)),
    ];
    for (part, body) in bodies {
        assert_discreet(&everything(move || raw(body.clone()), 77), part);
    }
}

#[test]
fn no_part_of_a_reply_shows_the_key() {
    let stream = |chunk: &Value| -> Answer {
        let body = format!("data: {chunk}\n\ndata: [DONE]\n\n");
        Answer::raw(200, "text/event-stream", body.as_bytes())
    };
    let chunk = |call: &str, finish: &str, id: &str| {
        let call =
            json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": call, "arguments": EDIT}});
        let choice = json!({"index": 0, "delta": {"role": "assistant", "content": "I act.", "tool_calls": [call]}, "finish_reason": finish});
        json!({"id": id, "model": KEY, "system_fingerprint": KEY, "object": "chat.completion.chunk", "choices": [choice]})
    };
    let cases = [
        ("id", chunk("no_tool", "tool_calls", KEY)),
        ("finish reason", chunk("no_tool", KEY, "a")),
        (
            "error in the stream",
            json!({"error": {"message": "No.", "type": "invalid_authentication_error", "request_id": KEY}}),
        ),
    ];
    for (part, chunk) in cases {
        let code = if part.starts_with("error") { 77 } else { 6 };
        assert_discreet(&everything(move || stream(&chunk), code), part);
    }
    // The message itself goes back as it came, and the journal keeps it for that.
    let tool = chunk(TOKEN, "tool_calls", "a");
    assert_without(TOKEN, &everything(move || stream(&tool), 6), "tool");
    let header = move || Answer::call("read_file", r#"{"path": "greeting.txt"}"#).header("x-request-id", KEY);
    assert_discreet(&everything(header, 6), "header of a reply");
}
