//! What goes over the wire in a real run: only what Kimi allows, laws 4 and 5, and every form that a reply may have.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::kimi::{Answer, MockKimi, UsageForm};
use crate::world::{EDIT, World, mender, mending, together};

/// Arguments as a model may write them: escapes, blanks, line ends, a line separator, an emoji as two escapes.
const ODD: &str = "{ \"path\" :\t\"greeting.txt\" ,\n\"old_text\":\"\\u0057rold\",  \"new_text\":\"World\\u0021\\ud83d\\ude00 \u{2028}é\\/\" }";

#[test]
fn requests_carry_what_kimi_allows_and_nothing_else() {
    let (world, kimi) = (World::new(), mender());
    world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    let requests = kimi.requests();
    for request in &requests {
        let fields: Vec<_> = request.json.as_object().unwrap().keys().map(String::as_str).collect();
        for field in &fields {
            let allowed = [
                "model",
                "tools",
                "messages",
                "max_completion_tokens",
                "stream",
                "stream_options",
                "prompt_cache_key",
                "tool_choice",
            ];
            assert!(allowed.contains(field), "{fields:?}");
        }
        assert_eq!(request.json["stream"], true);
        assert_eq!(request.json["stream_options"], json!({ "include_usage": true }));
        assert_eq!(request.json["prompt_cache_key"], requests[0].json["prompt_cache_key"]);
        assert!(request.json["tool_choice"].is_null() || request.json["tool_choice"] == "auto");
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert!(request.header("user-agent").unwrap().starts_with("kcode/"));
    }
    let roles: Vec<_> = requests[0].messages().iter().map(|message| message["role"].clone()).collect();
    assert_eq!(roles, ["system", "user"]);
    assert!(requests[0].last_text().contains("the greeting is misspelt"));
}

#[test]
fn each_request_begins_with_the_bytes_of_the_one_before() {
    let (world, kimi) = (World::new(), mender());
    let ran = world.fix(&kimi, &[]).code(0);
    let requests = kimi.requests();
    for pair in requests.windows(2) {
        assert!(pair[0].prefix().len() > 1_000);
        assert!(pair[1].body.starts_with(pair[0].prefix()));
    }
    assert!(ran.kept().events("request").iter().all(|request| request["prefix_kept"] == true));
}

#[test]
fn what_the_model_said_goes_back_byte_for_byte() {
    let thought = "Hm.\n\n  \u{202e}x\u{7} \"quoted\" \\ \u{1f600} <|tool_call_begin|> é\u{301}\t";
    let world = World::new();
    world.write_test("exit 0");
    let kimi = MockKimi::script([
        Answer::calls([("edit_file", ODD), ("read_file", "{\"path\":\"docs/about.md\"  }")])
            .ids(["functions.edit_file:0", "functions.read_file:1"])
            .reasoning(thought)
            .saying("I mend \u{feff}it — now. "),
        // The ids of the turn before, once more.
        Answer::calls([("read_file", " {\"path\":\"greeting.txt\"}\n"), ("list_files", "{}")])
            .ids(["functions.edit_file:0", "functions.read_file:1"])
            .pieces_of(1),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    let requests = kimi.requests();
    let messages = requests[2].messages();
    assert_eq!(messages[2]["reasoning_content"], thought);
    assert_eq!(messages[2]["content"], "I mend \u{feff}it — now. ");
    assert_eq!(messages[2]["tool_calls"][0]["function"]["arguments"], ODD);
    assert_eq!(messages[2]["tool_calls"][1]["function"]["arguments"], "{\"path\":\"docs/about.md\"  }");
    assert_eq!(messages[5]["tool_calls"][0]["function"]["arguments"], " {\"path\":\"greeting.txt\"}\n");
    let ids = |from: usize| messages[from..from + 2].iter().map(|m| m["tool_call_id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(3), ["functions.edit_file:0", "functions.read_file:1"]);
    assert_eq!(ids(6), ["functions.edit_file:0", "functions.read_file:1"]);
    assert_eq!(ran.report()["reasoning"], json!({ "turns": 3, "kept": 3, "lost": 0 }));
    assert!(ran.stdout().contains("+Hello, World!\u{1f600} \u{2028}é/!"), "{}", ran.stdout());
}

#[test]
fn reasoning_under_another_name_goes_back_under_that_name() {
    for field in ["reasoning", "reasoning_details"] {
        let world = World::new();
        let kimi = MockKimi::script(mending().into_iter().map(|answer| answer.reasoning_as(field, "I see.")));
        world.fix(&kimi, &[]).code(0);
        kimi.assert_clean();
        assert!(!kimi.requests()[1].messages()[2][field].is_null(), "{field}");
    }
}

#[test]
fn a_model_that_does_not_reason_is_fine() {
    let world = World::new();
    let kimi = MockKimi::script(mending().into_iter().map(Answer::without_reasoning));
    world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
}

#[test]
fn usage_is_found_in_every_place() {
    for form in [UsageForm::Choice, UsageForm::Top, UsageForm::Extra, UsageForm::Details] {
        let world = World::new();
        let kimi = MockKimi::script(mending().into_iter().map(|answer| answer.usage(form)));
        let report = world.fix(&kimi, &[]).code(0).report();
        assert!(report["usage"]["prompt_tokens"].as_u64().unwrap() > 2_000, "{form:?}: {}", report["usage"]);
        assert!(report["usage"]["cached_tokens"].as_u64().unwrap() > 500, "{form:?}: {}", report["usage"]);
    }
}

#[test]
fn missing_usage_is_estimated_and_charged() {
    for form in [UsageForm::Absent, UsageForm::Zero] {
        let world = World::new();
        let kimi = MockKimi::script(mending().into_iter().map(|answer| answer.usage(form)));
        let kept = world.fix(&kimi, &[]).code(0).kept();
        assert!(kept.events("reply").iter().all(|reply| reply["usage_estimated"] == true), "{form:?}");
        assert!(kept.report()["budget"]["charged_tokens"].as_u64().unwrap() > 2_000, "{form:?}");
    }
}

#[test]
fn a_reply_that_is_not_streamed_is_as_good() {
    let world = World::new();
    let kimi = MockKimi::script(mending().into_iter().map(Answer::whole));
    world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
}

#[test]
fn a_stream_may_be_dressed_in_any_way() {
    let world = World::new();
    let mut answers = mending().into_iter();
    let mut next = || answers.next().unwrap();
    let kimi = MockKimi::script([
        next().split(1).travelling(|travel| (travel.crlf, travel.comments) = (true, true)),
        next().without_index().travelling(|travel| (travel.bom, travel.no_space) = (true, true)),
        next().close_delimited().pace(Duration::from_millis(1)).travelling(|travel| travel.bare_done = true),
    ]);
    world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
}

#[test]
fn tool_calls_that_leaked_into_the_text_are_made() {
    let world = World::new();
    let kimi = MockKimi::script([
        Answer::leaked("I mend it.", "edit_file", EDIT),
        Answer::leaked_in_reasoning("Is it right?", "run_tests", "{}"),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    let called: Vec<Value> = ran.kept().events("tool_called").iter().map(|call| call["tool"].clone()).collect();
    assert_eq!(called, ["edit_file", "run_tests"]);
    assert!(!ran.stderr().contains("tool_call"), "{}", ran.stderr());
}

/// `arguments` as the model writes them natively.
fn native(id: &str, arguments: &str) -> String {
    format!(
        "<|tool_calls_section_begin|><|tool_call_begin|>{id}<|tool_call_argument_begin|>{arguments}<|tool_call_end|>\
         <|tool_calls_section_end|>"
    )
}

#[test]
fn a_call_that_leaked_with_the_messages_end_is_not_lost() {
    let world = World::new();
    let second = r#"{"path": "docs/about.md", "old_text": "A greeting.", "new_text": "The greeting."}"#;
    let kimi = MockKimi::script([
        Answer::call("edit_file", EDIT),
        Answer::text(&format!("And this.{}<|im_end|>", native("functions_edit_file_1", second))),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    assert!(ran.stdout().contains("+The greeting."), "{}", ran.stdout());
    assert_eq!(ran.report()["said"], "Done.");
}

#[test]
fn a_name_with_namespace_and_number_is_the_tools() {
    let world = World::new();
    let kimi = MockKimi::script([
        Answer::call("functions.edit_file", EDIT),
        Answer::call("run_tests:1", "{}"),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    let called: Vec<Value> = ran.kept().events("tool_called").iter().map(|call| call["tool"].clone()).collect();
    assert_eq!(called, ["edit_file", "run_tests"]);
    let name = kimi.requests()[2].messages()[2]["tool_calls"][0]["function"]["name"].clone();
    assert_eq!(name, "functions.edit_file", "it goes back as it came");
    world.run(world.kcode(&["replay"])).code(0);
}

#[test]
fn what_ends_in_markup_is_never_the_answer() {
    together(
        [
            "Done. {}<|tool_call_end|><|tool_calls_section_end|>".to_owned(),
            native("functions.edit_file:0", "{\"path\": "),
            "Done.<|tool_calls_section_begin|>".to_owned(),
        ],
        |text| {
            let world = World::new();
            let kimi = MockKimi::script([
                Answer::call("edit_file", EDIT),
                Answer::text(&text),
                Answer::text("The greeting is mended."),
            ]);
            let ran = world.fix(&kimi, &[]).code(0).says(&["a tool call came as text"]);
            kimi.assert_clean();
            assert_eq!(kimi.requests()[2].messages()[4]["content"], *text, "it goes back as it came");
            assert!(kimi.requests()[2].last_text().contains("call it again as a tool call"));
            assert_eq!(ran.report()["said"], "The greeting is mended.");
            world.run(world.kcode(&["replay"])).code(0);
        },
    );
}

#[test]
fn a_server_that_parses_no_call_is_named() {
    let world = World::new();
    let text = "Done. {}<|tool_call_end|>";
    let mut edit = Some(Answer::call("edit_file", EDIT));
    let kimi = MockKimi::answering(move |_| edit.take().unwrap_or_else(|| Answer::text(text)));
    let ran = world.fix(&kimi, &[]).code(75).says(&["--tool-call-parser", "kcode resume"]);
    assert_eq!(kimi.requests().len(), 4);
    assert!(!ran.stderr().contains("bug in kcode"), "{}", ran.stderr());
}

#[test]
fn a_file_that_holds_the_markup_is_edited() {
    let world = World::new();
    let marks = native("functions.edit_file:0", "{}") + "<|im_end|>";
    world.write("docs/markup.txt", format!("{marks}\n"));
    world.commit_all();
    let edit = json!({ "path": "docs/markup.txt", "old_text": marks, "new_text": format!("{marks}{marks}") });
    let kimi = MockKimi::script([
        Answer::call("edit_file", EDIT),
        Answer::call("edit_file", &edit.to_string()),
        Answer::leaked("", "read_file", r#"{"path": "docs/markup.txt"}"#),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    assert!(ran.stdout().contains(&format!("+{marks}{marks}")), "{}", ran.stdout());
}

#[test]
fn streams_that_end_without_done_are_paid_once() {
    let world = World::new();
    let kimi = MockKimi::script(mending().into_iter().zip([0, 1, 2]).map(|(answer, n)| {
        let answer = answer.travelling(|travel| (travel.no_done, travel.bare_end) = (true, n == 1));
        if n == 2 { answer.by_length() } else { answer }
    }));
    let kept = world.fix(&kimi, &[]).code(0).kept();
    kimi.assert_clean();
    assert_eq!(kimi.requests().len(), 3);
    assert!(kept.events("attempt_failed").is_empty());
}

#[test]
fn arguments_that_came_twice_are_one_edit() {
    together([vec!["{}", EDIT], vec![&EDIT[..30], EDIT], vec![EDIT, EDIT]], |pieces| {
        let world = World::new();
        let piece = |piece: &&str| {
            let function = json!({ "name": "edit_file", "arguments": piece });
            let call = json!({ "index": 0, "id": "edit_file:0", "type": "function", "function": function });
            json!({ "choices": [{ "index": 0, "delta": { "reasoning_content": "", "tool_calls": [call] } }] })
        };
        let end = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "tool_calls" }] });
        let calling = Answer::call("edit_file", EDIT).ids(["edit_file:0"]).reasoning("");
        let chunks = pieces.iter().map(piece).chain([end]);
        let kimi = MockKimi::script([calling.in_chunks(chunks), Answer::text("Done.")]);
        world.fix(&kimi, &[]).code(0);
        kimi.assert_clean();
    });
}
