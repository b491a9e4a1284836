//! The client against the strict mock Kimi: every usage form, every fault.

use std::time::Duration;

use kcode::journal::{Tokens, Usage};
use kcode::model::replay::{CannedConversation, Replay};
use kcode::model::{Class, Client, Conversation, Endpoint, ErrorKind, Model, ModelError, Progress, Reply, ToolChoice};

use crate::support::kimi::{Answer, MockKimi, UsageForm};

const TOOLS: &str = r#"[{"type":"function","function":{"name":"read_file","description":"Reads.",
    "parameters":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}}}]"#;

pub(super) fn conversation() -> Conversation {
    let mut conversation = Conversation::new(MockKimi::MODEL, Some("run-1"), TOOLS);
    conversation.push_system("You fix bugs.");
    conversation.push_user("Fix the bug in ä.py\r\n\u{1f600}.");
    conversation
}

pub(super) fn client(kimi: &MockKimi) -> Client {
    let mut endpoint = Endpoint::new(&kimi.base_url(), Some(MockKimi::KEY.into()));
    endpoint.idle_timeout = Duration::from_secs(20);
    Client::new(&endpoint).unwrap()
}

pub(super) fn ask_with(client: &Client, conversation: &Conversation) -> Result<Reply, ModelError> {
    let request = conversation.request(Tokens(1000), ToolChoice::Auto)?;
    run(client.ask(&request, &mut |_| {}))
}

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// One question, answered so.
pub(super) fn ask(answer: Answer) -> Result<Reply, ModelError> {
    let kimi = MockKimi::script([answer]);
    ask_with(&client(&kimi), &conversation())
}

#[test]
fn usage_is_found_wherever_it_stands() {
    for form in [UsageForm::Choice, UsageForm::Top, UsageForm::Extra, UsageForm::Details] {
        let kimi = MockKimi::script([Answer::text("Done.").usage(form), Answer::text("Done.").usage(form)]);
        let (client, mut conversation) = (client(&kimi), conversation());
        let reply = ask_with(&client, &conversation).unwrap();
        let first = reply.usage.unwrap();
        assert!(first.prompt_tokens > Tokens(50) && first.completion_tokens > Tokens(0), "{form:?}: {first:?}");
        conversation.push_assistant(&reply.message);
        conversation.push_user(&"Go on. ".repeat(400));
        let Usage { cached_tokens, prompt_tokens, .. } = ask_with(&client, &conversation).unwrap().usage.unwrap();
        assert!(prompt_tokens > first.prompt_tokens && cached_tokens <= first.prompt_tokens, "{form:?}");
        kimi.assert_clean();
    }
    for form in [UsageForm::Absent, UsageForm::Zero] {
        assert_eq!(ask(Answer::text("Done.").usage(form)).unwrap().usage, None, "{form:?}");
    }
}

#[test]
fn a_tool_loop_is_clean_in_the_strict_eyes_of_kimi() {
    let arguments = "{\n  \"path\" : \"\u{e4}\u{1f600}.py\", \"n\": 1.50 }";
    let kimi = MockKimi::script([
        Answer::calls([("read_file", arguments), ("read_file", "{}")]).reasoning("Two files.\r\n\u{2028}\t\"quoted\""),
        Answer::call("read_file", "").reasoning("").saying("One more."),
        Answer::text("Done."),
    ]);
    let (client, mut conversation) = (client(&kimi), conversation());
    for calls in [2, 1, 0] {
        let reply = ask_with(&client, &conversation).unwrap();
        assert_eq!(reply.message.tool_calls.len(), calls);
        conversation.push_assistant(&reply.message);
        for call in &reply.message.tool_calls {
            conversation.push_tool(&call.id, &call.name, "1: x = 1");
        }
    }
    kimi.assert_clean();
    let requests = kimi.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.windows(2).all(|pair| pair[1].body.starts_with(pair[0].prefix())));
    let first = &requests[2].messages()[2];
    assert_eq!(first["tool_calls"][0]["function"]["arguments"], arguments);
    assert_eq!(first["reasoning_content"], "Two files.\r\n\u{2028}\t\"quoted\"");
    assert!(first.get("content").is_none(), "no empty text beside tool calls");
    assert_eq!(requests[2].messages()[5]["reasoning_content"], "", "empty reasoning is not the same as none");
}

#[test]
fn the_request_says_who_asks_and_nothing_that_kimi_refuses() {
    let kimi = MockKimi::script([Answer::text("Done.")]);
    ask_with(&client(&kimi), &conversation()).unwrap();
    let request = &kimi.requests()[0];
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.header("authorization"), Some("Bearer sk-mock-0123456789"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(request.header("user-agent").unwrap().starts_with("kcode/"));
    assert_eq!(request.header("openai-organization"), None);
    let keys: Vec<&String> = request.json.as_object().unwrap().keys().collect();
    let expected =
        ["model", "prompt_cache_key", "tools", "messages", "max_completion_tokens", "stream", "stream_options"];
    assert_eq!(keys, expected);
}

#[test]
fn progress_tells_thinking_then_writing_then_calling() {
    let kimi = MockKimi::script([Answer::call("read_file", "{\"path\":\"a\"}").saying("Reading.")]);
    let request = conversation().request(Tokens(1000), ToolChoice::Auto).unwrap();
    let mut seen = Vec::new();
    let reply = run(client(&kimi).ask(&request, &mut |progress| seen.push(progress))).unwrap();
    assert!(reply.first_byte <= reply.elapsed);
    assert_eq!(reply.request_id.as_deref(), Some("cmpl-mock"));
    let last = |wanted: fn(&Progress) -> bool| seen.iter().rposition(wanted).unwrap();
    let thinking = last(|progress| matches!(progress, Progress::Thinking(_)));
    let writing = last(|progress| matches!(progress, Progress::Writing(_)));
    assert_eq!(seen[thinking], Progress::Thinking("I need a tool.".len()));
    assert_eq!(seen[writing], Progress::Writing("Reading.".len()));
    assert_eq!(seen.last(), Some(&Progress::Calling("{\"path\":\"a\"}".len())));
    assert!(thinking < writing);
}

#[test]
fn however_the_bytes_travel_the_message_is_the_same() {
    let answer = || {
        let calls = Answer::calls([("read_file", r#"{"path":"ä😀"}"#), ("read_file", r#"{"path":"b"}"#)]);
        calls.reasoning("Überlegung 😀").saying("Grüße, 世界")
    };
    let expected = ask(answer()).unwrap().message;
    let ways: Vec<(&str, Answer)> = vec![
        ("a byte at a time", answer().split(1)),
        ("three bytes at a time", answer().split(3)),
        ("seven bytes at a time", answer().split(7)),
        ("close-delimited", answer().close_delimited()),
        ("BOM", answer().travelling(|travel| travel.bom = true)),
        ("BOM in pieces", answer().travelling(|travel| travel.bom = true).split(1)),
        ("CRLF", answer().travelling(|travel| travel.crlf = true)),
        ("CRLF in pieces", answer().travelling(|travel| travel.crlf = true).split(1)),
        ("comments", answer().travelling(|travel| travel.comments = true)),
        ("no space after the colon", answer().travelling(|travel| travel.no_space = true)),
        ("no empty line after [DONE]", answer().travelling(|travel| travel.bare_done = true).close_delimited()),
        ("a line of another kind", answer().garbage(2, b"retry: 10\nwhat: ever\nnonsense\n\n")),
        ("one JSON object", answer().whole()),
        ("no index", answer().without_index()),
        ("one character a delta", answer().pieces_of(1)),
        ("one delta", answer().pieces_of(1000)),
        ("usage in an extra chunk", answer().usage(UsageForm::Extra)),
    ];
    for (way, answer) in ways {
        assert_eq!(ask(answer).unwrap_or_else(|error| panic!("{way}: {error:?}")).message, expected, "{way}");
    }
}

#[test]
fn other_hosts_reasoning_goes_back_in_its_own_form() {
    for field in ["reasoning", "reasoning_details"] {
        let kimi = MockKimi::script([Answer::text("A.").reasoning_as(field, "Because."), Answer::text("B.")]);
        let (client, mut conversation) = (client(&kimi), conversation());
        let reply = ask_with(&client, &conversation).unwrap();
        assert_eq!(reply.message.reasoning.as_deref(), Some("Because."), "{field}");
        conversation.push_assistant(&reply.message);
        conversation.push_user("Go on.");
        ask_with(&client, &conversation).unwrap();
        kimi.assert_clean();
        assert!(kimi.requests()[1].messages()[2].get("reasoning_content").is_none(), "{field}");
    }
}

#[test]
fn leaked_markup_becomes_tool_calls() {
    let arguments = r#"{"path":"a.py"}"#;
    for answer in [
        Answer::leaked("Let me look. ", "read_file", arguments),
        Answer::leaked_in_reasoning("I look. ", "read_file", arguments),
    ] {
        let reply = ask(answer).unwrap();
        let call = &reply.message.tool_calls[0];
        assert_eq!((call.id.as_str(), call.name.as_str()), ("functions.read_file:0", "read_file"));
        assert_eq!((call.arguments.as_str(), reply.finish_reason.as_str()), (arguments, "tool_calls"));
        assert!(!reply.message.content.contains("<|"), "{}", reply.message.content);
    }
}

#[test]
fn a_reply_that_says_nothing_may_be_asked_again() {
    for answer in [Answer::think_only("Hm."), Answer::empty(), Answer::empty().whole(), Answer::text(" \n")] {
        let error = ask(answer).unwrap_err();
        assert_eq!((error.kind, error.class()), (ErrorKind::EmptyReply, Class::Retry));
        assert!(error.may_be_billed && error.request_id.is_some(), "{error:?}");
    }
}

#[test]
fn a_stream_cut_anywhere_is_never_a_reply() {
    // Three bytes a step: an odd step tries both framings, and every character here has a cut inside.
    let cuts = || (0..).step_by(3);
    let mut cut = cuts();
    let kimi = MockKimi::answering(move |_| {
        let at = cut.next().unwrap();
        let answer = Answer::text("世界。").reasoning("思考。").usage(UsageForm::Absent).cut(at);
        if at % 2 == 0 { answer.close_delimited() } else { answer }
    });
    let client = client(&kimi);
    let request = conversation().request(Tokens(1000), ToolChoice::Auto).unwrap();
    run(async {
        for cut in cuts() {
            match client.ask(&request, &mut |_| {}).await {
                Ok(reply) => {
                    assert_eq!(reply.message.content, "世界。");
                    assert!(cut > 700, "whole after {cut} bytes");
                    break;
                }
                Err(error) => {
                    assert_eq!(error.kind, ErrorKind::CutStream, "after {cut} bytes: {error:?}");
                    assert!(error.may_be_billed && error.class() == Class::Retry);
                }
            }
        }
    });
}

#[test]
fn a_whole_stream_without_done_is_a_reply() {
    let answer = |form| Answer::text("A.").usage(form).travelling(|travel| travel.no_done = true);
    for form in [UsageForm::Choice, UsageForm::Top, UsageForm::Extra, UsageForm::Absent] {
        let bare = |answer: Answer| answer.travelling(|travel| travel.bare_end = true);
        for answer in [
            answer(form),
            answer(form).by_length(),
            answer(form).close_delimited(),
            bare(answer(form)),
            bare(answer(form)).by_length().split(1),
            bare(answer(form)).close_delimited(),
        ] {
            let reply = ask(answer.clone()).unwrap_or_else(|error| panic!("{answer:?}: {error:?}"));
            assert_eq!(reply.message.content, "A.");
            assert_eq!(reply.usage.is_some(), form != UsageForm::Absent, "{form:?}");
        }
    }
}

#[test]
fn without_done_and_without_a_finish_reason_it_is_a_cut() {
    let unfinished = |answer: Answer| answer.unfinished().travelling(|travel| travel.no_done = true);
    for answer in [unfinished(Answer::text("A.")), unfinished(Answer::text("A.")).by_length()] {
        assert_eq!(ask(answer.clone()).unwrap_err().kind, ErrorKind::CutStream, "{answer:?}");
    }
    let nothing = Answer::raw(200, "text/event-stream", b"");
    assert_eq!(ask(nothing).unwrap_err().kind, ErrorKind::CutStream);
}

#[test]
fn done_may_stand_between_blanks() {
    let body = b"data: {\"choices\":[{\"delta\":{\"content\":\"A.\"},\"finish_reason\":\"stop\"}]}\n\ndata:  [DONE] ";
    assert_eq!(ask(Answer::raw(200, "text/event-stream", body)).unwrap().message.content, "A.");
}

#[test]
fn a_body_is_what_it_holds_whatever_its_type_says() {
    let stream =
        "data: {\"choices\":[{\"delta\":{\"content\":\"A.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let whole = "{\"choices\":[{\"message\":{\"content\":\"A.\"},\"finish_reason\":\"stop\"}]}";
    let types = ["text/event-stream", "application/json", "text/plain", "text/html", "application/octet-stream", ""];
    for content_type in types {
        for (body, prefix) in [(stream, ""), (stream, "\u{feff}"), (stream, "\n\n"), (stream, ": ping\n\n")]
            .into_iter()
            .chain([(whole, ""), (whole, "\u{feff}"), (whole, " \n")])
        {
            for split in [1, 10_000] {
                let answer = Answer::raw(200, content_type, format!("{prefix}{body}").as_bytes()).split(split);
                let reply = ask(answer).unwrap_or_else(|error| panic!("{content_type} {prefix:?}: {error:?}"));
                assert_eq!(reply.message.content, "A.", "{content_type} {prefix:?}");
            }
        }
    }
    let page = ask(Answer::raw(200, "text/event-stream", b"<html><title>Log in</title></html>")).unwrap_err();
    assert_eq!((page.kind, page.message.as_str()), (ErrorKind::Garbled, "a web page: Log in"));
}

#[test]
fn garbage_in_the_stream_is_an_error() {
    for garbage in
        [&b"data: {not json\n\n"[..], b"data: \xff\xfe\xfd\n\n", b"data: <html>\n\n", b"data: {\"choices\": 7}\n\n"]
    {
        let error = ask(Answer::text("A.").garbage(2, garbage)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Broken, "{}: {error:?}", String::from_utf8_lossy(garbage));
    }
}

#[test]
fn an_error_inside_the_stream_is_classified() {
    let kind = |answer: Answer| ask(answer).map_err(|error| (error.kind, error.request_id));
    let overloaded =
        Answer::text("A.").error_in_stream("engine_overloaded_error", "busy").header("X-Request-Id", "r-9");
    assert_eq!(kind(overloaded).unwrap_err(), (ErrorKind::Overloaded, Some("r-9".into())));
    let quota = Answer::text("A.").error_in_stream("exceeded_current_quota_error", "empty");
    assert_eq!(kind(quota).unwrap_err().0, ErrorKind::QuotaExhausted);
}

/// Pieces of as many calls, or of one, in events that all are there at once.
fn burst(events: usize, calls: usize, arguments: &str) -> Answer {
    let piece = |event: usize| {
        let function = serde_json::json!({ "name": "read_file", "arguments": arguments });
        let call =
            serde_json::json!({ "index": event % calls, "id": (event % calls).to_string(), "function": function });
        serde_json::json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [call] } }] })
    };
    let end = serde_json::json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "tool_calls" }] });
    Answer::text("").in_chunks((0..events).map(piece).chain([end]))
}

#[test]
fn whoever_waits_for_a_reply_gets_a_turn_with_each_large_event() {
    const EVENTS: usize = 50;
    let kimi = MockKimi::script([burst(EVENTS, 1, &"x".repeat(100_000))]);
    let (client, conversation) = (client(&kimi), conversation());
    let request = conversation.request(Tokens(1000), ToolChoice::Auto).unwrap();
    let mut turns = 0;
    let reply = run(async {
        let mut progress = |_| {};
        let mut asking = std::pin::pin!(client.ask(&request, &mut progress));
        std::future::poll_fn(|context| {
            turns += 1;
            asking.as_mut().poll(context)
        })
        .await
    });
    assert_eq!(reply.unwrap().message.tool_calls.len(), 1);
    assert!(turns > EVENTS, "{turns} turns for {EVENTS} events");
}

#[test]
fn more_calls_than_a_reply_has_are_garbage() {
    assert_eq!(ask(burst(500, 500, "")).unwrap().message.tool_calls.len(), 500);
    let error = ask(burst(2000, 2000, "")).unwrap_err();
    assert_eq!((error.kind, error.may_be_billed), (ErrorKind::Broken, true));
    assert!(error.message.contains("more tool calls"), "{error:?}");
    let lines = "data: [\n".repeat(400_000);
    let error = ask(Answer::raw(200, "text/event-stream", lines.as_bytes())).unwrap_err();
    assert!(error.message.contains("longer than any reply"), "an event of many lines: {error:?}");
}

#[test]
fn a_recording_is_replayed_as_a_real_stream() {
    let recording = r#"{"replies":[
        {"reasoning_content":"I look first.","tool_calls":[{"id":"read_file:0","name":"read_file","arguments":"{\"path\": \"ä.py\"}"}],
         "usage":{"prompt_tokens":900,"cached_tokens":0,"completion_tokens":40}},
        {"reasoning_content":"","content":"Done.","usage":{"prompt_tokens":1000,"cached_tokens":768,"completion_tokens":9}}]}"#;
    let recording: CannedConversation = serde_json::from_str(recording).unwrap();
    run(async {
        let server = Replay::start(recording.clone(), Duration::ZERO).await.unwrap();
        let client = Client::new(&Endpoint::new(&server.base_url(), None)).unwrap();
        let request = conversation().request(Tokens(1000), ToolChoice::Auto).unwrap();
        for recorded in &recording.replies {
            let reply = client.ask(&request, &mut |_| {}).await.unwrap();
            assert_eq!(reply.message.reasoning, recorded.reasoning_content);
            assert_eq!(reply.message.content, recorded.content);
            assert_eq!(reply.usage, Some(recorded.usage));
            let calls: Vec<&str> = reply.message.tool_calls.iter().map(|call| &*call.arguments).collect();
            assert_eq!(calls, recorded.tool_calls.iter().map(|call| &*call.arguments).collect::<Vec<_>>());
        }
        let over = client.ask(&request, &mut |_| {}).await.unwrap_err();
        assert!(over.message.contains("recording"), "{over:?}");
    });
}
