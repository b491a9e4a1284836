//! Hosts that refuse to take back what the model had said: what was missing is added, what is broken is repaired, and
//! the run goes on.

use std::fs;

use serde_json::{Value, json};

use crate::ran::{Kept, Ran};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World, mending, together};

const LOOK: &str = r#"{"path": "greeting.txt"}"#;

/// The run's audit, and its replay, find nothing wrong.
fn is_sound(world: &World) -> Value {
    world.run(world.kcode(&["replay"])).code(0);
    let audit = world.run(world.kcode(&["audit", "--json"])).code(0).stdout();
    serde_json::from_str(&audit).unwrap()
}

/// The assistant messages of the last request.
fn said(kimi: &MockKimi) -> Vec<Value> {
    let last = kimi.requests().pop().unwrap();
    last.messages().iter().filter(|message| message["role"] == "assistant").cloned().collect()
}

#[test]
fn where_no_reasoning_came_an_empty_one_goes_back() {
    let world = World::new();
    let mut answers: Vec<Answer> = mending().into_iter().map(Answer::without_reasoning).collect();
    answers.insert(1, Answer::call("read_file", r#"{"path": "docs/about.md"}"#).reasoning("A \"thought\"."));
    let kimi = MockKimi::script(answers).strictly();
    let ran = world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    let reasoning: Vec<Value> = said(&kimi).iter().map(|message| message["reasoning_content"].clone()).collect();
    assert_eq!(reasoning, ["", "A \"thought\".", ""]);
    assert!(ran.kept().events("history_repaired").is_empty());
    is_sound(&world);
}

#[test]
fn reasoning_of_no_use_counts_as_none() {
    together([json!(null), json!(7), json!({}), json!(false)], |odd| {
        let world = World::new();
        let call = json!({ "index": 0, "id": "edit_file:0", "function": { "name": "edit_file", "arguments": EDIT } });
        let delta = json!({ "role": "assistant", "reasoning_content": odd, "tool_calls": [call] });
        let chunk = json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": "tool_calls" }] });
        let calling = Answer::call("edit_file", EDIT).ids(["edit_file:0"]).without_reasoning().in_chunks([chunk]);
        let kimi = MockKimi::script([calling, Answer::text("Done.")]).strictly();
        world.fix(&kimi, &[]).code(0);
        kimi.assert_clean();
        assert_eq!(said(&kimi)[0]["reasoning_content"], "");
    });
}

#[test]
fn a_host_that_turns_out_to_ask_for_reasoning_gets_it() {
    let world = World::new();
    let model = "some-model";
    let kimi = MockKimi::script(mending().into_iter().map(Answer::without_reasoning)).strictly().serving(model);
    let ran = world.fix(&kimi, &["--model", model]).code(0);
    assert_eq!(kimi.refusals().len(), 1, "it is told once: {:?}", kimi.refusals());
    let repaired = &ran.kept().events("history_repaired")[0];
    assert_eq!(repaired["cause"], "reasoning_asked");
    assert!(said(&kimi).iter().all(|message| message["reasoning_content"] == ""));
    assert_eq!(is_sound(&world)["repairs"][0]["is_allowed"], true);
    let lax = MockKimi::script(mending().into_iter().map(Answer::without_reasoning)).serving(model);
    World::new().fix(&lax, &["--model", model]).code(0);
    assert!(said(&lax).iter().all(|message| message.get("reasoning_content").is_none()), "nobody asked for it");
}

#[test]
fn reasoning_under_another_name_is_what_such_a_host_gets() {
    let world = World::new();
    let answers = mending().into_iter().map(|answer| answer.reasoning_as("reasoning", "I see."));
    let kimi = MockKimi::script(answers).strictly();
    world.fix(&kimi, &[]).code(0);
    // Each reply comes under that name, and the first of them tells what is asked for.
    assert_eq!(kimi.refusals().len(), 1, "{:?}", kimi.refusals());
    for message in said(&kimi) {
        assert_eq!((&message["reasoning"], &message["reasoning_content"]), (&json!("I see."), &json!("I see.")));
    }
}

#[test]
fn a_host_that_takes_no_empty_reasoning_gets_none() {
    let world = World::new();
    let mut answers = mending().into_iter().map(Answer::without_reasoning);
    let kimi = MockKimi::answering(move |request| {
        let has = request.messages().iter().any(|message| message.get("reasoning_content").is_some());
        let words = "'messages.2': property 'reasoning_content' is unsupported";
        if has { Answer::error(400, "invalid_request_error", words) } else { answers.next().unwrap() }
    });
    let ran = world.fix(&kimi, &[]).code(0);
    assert_eq!(ran.kept().events("history_repaired").len(), 1);
}

/// Lets the kept run be one whose messages were kept without the field.
fn without_the_field(kept: &Kept) {
    let lines = kept.journal().into_iter().map(|mut record| {
        if record["type"] == "message" {
            let json = record["json"].as_str().unwrap().replace(r#""reasoning_content":"","#, "");
            record["json"] = json.into();
        }
        record
    });
    let mut lines: Vec<Value> = lines.collect();
    for n in 1..lines.len() {
        if lines[n]["type"] == "message" && lines[n - 1]["type"] == "reply" {
            let digest = kcode::journal::Digest::of(lines[n]["json"].as_str().unwrap());
            lines[n - 1]["message_sha256"] = digest.to_string().into();
            lines[n - 1]["reasoning_sha256"] = Value::Null;
        }
    }
    let text: String = lines.iter().map(|line| line.to_string() + "\n").collect();
    fs::write(kept.0.join("journal.jsonl"), text).unwrap();
}

#[test]
fn a_run_that_was_kept_without_reasoning_is_taken_up() {
    let world = World::new();
    let kimi = MockKimi::script(mending().into_iter().map(Answer::without_reasoning)).strictly();
    without_the_field(&world.fix(&kimi, &["--max-turns", "1"]).code(6).kept());
    world.run(world.keyed(&kimi, &["resume", "--max-turns", "9"])).code(0);
    assert_eq!(kimi.refusals().len(), 1, "{:?}", kimi.refusals());
    assert!(said(&kimi).iter().all(|message| message["reasoning_content"] == ""));
}

/// Replies with a call that no strict host takes back.
fn broken() -> Vec<(&'static str, Answer)> {
    vec![
        ("cut at its limit", Answer::call("edit_file", &EDIT[..40]).finish("length")),
        ("no arguments", Answer::call("edit_file", "")),
        ("arguments that are a list", Answer::call("edit_file", "[]")),
        ("arguments in pieces of two", Answer::call("edit_file", r#"{"path":"a"}{"path":"b"}"#)),
        ("no name", Answer::call("", LOOK)),
        ("a name that no tool can have", Answer::call("look at", LOOK)),
        ("the second of two", Answer::calls([("read_file", LOOK), ("edit_file", "{\"path\": ")])),
    ]
}

#[test]
fn a_broken_call_is_repaired_once_and_the_run_goes_on() {
    together(broken(), |(what, first)| {
        let world = World::new();
        let kimi = MockKimi::script([first, Answer::call("edit_file", EDIT), Answer::text("Done.")]).strictly();
        let ran = world.fix(&kimi, &[]).code(0).says(&["the provider refuses what the model had said"]);
        assert_eq!(kimi.refusals().len(), 1, "{what}: {:?}", kimi.refusals());
        assert_eq!(kimi.requests().len(), 4, "{what}");
        let kept = ran.kept();
        let repaired = kept.events("history_repaired");
        assert_eq!((repaired.len(), &repaired[0]["cause"]), (1, &json!("broken_call")), "{what}");
        assert_eq!(kept.report()["cache"]["prefix_breaks"], 0, "{what}");
        assert_eq!(kept.report()["reasoning"], json!({ "turns": 3, "kept": 3, "lost": 0 }), "{what}");
        assert_eq!(said(&kimi)[0]["reasoning_content"], "I need a tool.", "{what}");
        let audit = is_sound(&world);
        assert_eq!(audit["repairs"][0]["is_allowed"], true, "{what}");
        let page = world.run(world.kcode(&["audit"])).code(0).stdout();
        assert!(page.contains("repaired before turn 2, after the host's refusal"), "{page}");
    });
}

#[test]
fn the_same_call_goes_back_as_it_came_to_a_host_that_takes_it() {
    let world = World::new();
    let answers = [Answer::call("edit_file", ""), Answer::call("edit_file", EDIT), Answer::text("Done.")];
    let kimi = MockKimi::script(answers);
    world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    assert_eq!(said(&kimi)[0]["tool_calls"][0]["function"]["arguments"], "");
}

#[test]
fn it_is_repaired_in_a_run_that_is_taken_up_and_stays_so_in_what_follows() {
    let world = World::new();
    let answers = [
        Answer::call("edit_file", ""),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
        Answer::call("write_file", r#"{"path": "new.txt", "content": "x\n"}"#),
        Answer::text("Done."),
    ];
    let kimi = MockKimi::script(answers).strictly();
    let first: Ran = world.fix(&kimi, &["--max-turns", "1"]).code(6);
    world.run(world.keyed(&kimi, &["resume", "--max-turns", "9"])).code(0);
    assert_eq!(kimi.refusals().len(), 1);
    let id = first.kept().id();
    world.run(world.keyed(&kimi, &["fix", "--resume", &id, "add a file"])).code(0);
    assert_eq!(kimi.refusals().len(), 1, "the repaired history is what goes on: {:?}", kimi.refusals());
    let requests = kimi.requests();
    assert!(requests[4].prefix().starts_with(requests[3].prefix()));
}

#[test]
fn a_host_that_refuses_on_is_asked_no_third_time() {
    let world = World::new();
    let mut first = Some(Answer::call("edit_file", ""));
    let refusal = || Answer::error(400, "invalid_request_error", "tool call arguments must be a JSON object");
    let kimi = MockKimi::answering(move |_| first.take().unwrap_or_else(refusal));
    let ran = world.fix(&kimi, &[]).code(69).says(&["arguments must be a JSON object", "hint: "]);
    assert_eq!(kimi.requests().len(), 3);
    assert!(!ran.stderr().contains("bug in kcode"), "{}", ran.stderr());
}

#[test]
fn a_refusal_of_something_else_changes_no_message() {
    let world = World::new();
    let mut first = Some(Answer::call("edit_file", ""));
    let refusal = || Answer::error(400, "invalid_request_error", "invalid temperature: only 1 is allowed");
    let kimi = MockKimi::answering(move |_| first.take().unwrap_or_else(refusal));
    let ran = world.fix(&kimi, &[]).code(69);
    assert_eq!(kimi.requests().len(), 2);
    assert!(ran.kept().events("history_repaired").is_empty());
}
