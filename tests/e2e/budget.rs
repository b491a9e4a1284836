//! Law 6: a limit holds before a request is made, whatever the model does.

use std::time::Duration;

use serde_json::Value;

use crate::ran::{Kept, Ran};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mender};

/// A model that reads on and on, never the same twice.
fn endless() -> MockKimi {
    let mut turn = 0;
    MockKimi::answering(move |_| {
        turn += 1;
        Answer::call("search", &format!(r#"{{"pattern": "word{turn}"}}"#)).reasoning(&"I wonder. ".repeat(100))
    })
}

fn stopped_by(ran: &Ran, reason: &str) -> String {
    let report = ran.report();
    assert_eq!(report["outcome"], "budget");
    assert_eq!(report["budget"]["stop_reason"], reason);
    report["detail"].as_str().unwrap().to_owned()
}

/// What was spent before each request, what the request could cost, and the limit: never more than it.
fn worst_case_never_crosses(kept: &Kept, kimi: &MockKimi, limit: u64) {
    let tokens = |usage: &Value| {
        ["prompt_tokens", "completion_tokens"].iter().map(|key| usage[key].as_u64().unwrap()).sum::<u64>()
    };
    let (mut spent, mut requests) = (0, kimi.requests().into_iter());
    for event in kept.journal() {
        match event["type"].as_str().unwrap() {
            "request" => {
                let request = requests.next().unwrap();
                let cap = request.json["max_completion_tokens"].as_u64().unwrap();
                assert_eq!(event["max_completion_tokens"], cap);
                assert!(spent + event["reserved_tokens"].as_u64().unwrap() <= limit, "after {spent}: {event}");
                let prompt = request.prefix().len() as u64 / 4;
                assert!(spent + prompt + cap <= limit, "after {spent}: {prompt} and at most {cap} cross {limit}");
            }
            "reply" => spent += tokens(&event["usage"]),
            "attempt_failed" => spent += tokens(&event["charged"]),
            _ => {}
        }
    }
    assert!(requests.next().is_none());
    assert!(spent <= limit);
}

#[test]
fn turns_are_limited() {
    let (world, kimi) = (World::new(), endless());
    let ran = world.fix(&kimi, &["--max-turns", "2"]).code(6);
    assert_eq!(stopped_by(&ran, "max_turns"), "the limit of 2 turns is reached");
    assert_eq!(kimi.requests().len(), 2);
    ran.says(&["budget", "the limit of 2 turns is reached"]);
}

#[test]
fn tokens_are_limited() {
    let (world, kimi) = (World::new(), endless());
    let ran = world.fix(&kimi, &["--max-tokens", "20k"]).code(6);
    assert!(stopped_by(&ran, "max_tokens").contains("of 20000 are left"));
    assert!(kimi.requests().len() > 1);
    worst_case_never_crosses(&ran.kept(), &kimi, 20_000);
}

#[test]
fn money_is_limited_and_the_reply_is_capped_by_what_is_left() {
    let (world, kimi) = (World::new(), endless());
    let ran = world.fix(&kimi, &["--max-cost", "0.02"]).code(6);
    assert!(stopped_by(&ran, "max_cost").contains("of $0.02"), "{}", ran.report()["detail"]);
    let caps: Vec<u64> =
        kimi.requests().iter().map(|request| request.json["max_completion_tokens"].as_u64().unwrap()).collect();
    assert!(caps[0] < 5_000, "0.02 USD buy no more at 4 USD a million: {caps:?}");
    // Before the provider has counted anything, a byte is reserved as a token.
    assert!(caps[1..].is_sorted_by(|a, b| a > b), "{caps:?}");
    assert!(*caps.last().unwrap() >= 1_024, "{caps:?}");
    let mut spent = 0.0;
    for event in ran.kept().journal() {
        match event["type"].as_str().unwrap() {
            "request" => assert!(spent + event["reserved_usd"].as_f64().unwrap() <= 0.02 + 1e-9, "{event}"),
            "reply" => spent += event["cost_usd"].as_f64().unwrap(),
            _ => {}
        }
    }
}

#[test]
fn time_is_limited_while_the_model_thinks() {
    let world = World::new();
    let kimi = MockKimi::answering(|_| Answer::text("Never said.").mute());
    let ran = world.fix(&kimi, &["--max-time", "300ms"]).code(6);
    stopped_by(&ran, "max_time");
}

#[test]
fn time_is_limited_while_tests_run() {
    let world = World::new();
    world.write_test("echo begun; exec sleep 300");
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    stopped_by(&world.fix(&kimi, &["--max-time", "1500ms"]).code(6), "max_time");
}

#[test]
fn retries_draw_on_the_same_pot() {
    let world = World::new();
    let kimi = MockKimi::answering(|_| Answer::text("A reply that never gets to its end.").cut(400));
    let ran = world.fix(&kimi, &["--max-tokens", "60k"]).code(6);
    stopped_by(&ran, "max_tokens");
    assert_eq!(kimi.requests().len(), 2, "a broken reply may be billed in full");
    worst_case_never_crosses(&ran.kept(), &kimi, 60_000);
    assert!(ran.report()["budget"]["charged_tokens"].as_u64().unwrap() > 55_000);
}

#[test]
fn a_refusal_for_load_costs_nothing() {
    let world = World::new();
    let mut answers = vec![Answer::rate_limited(0); 2];
    answers.extend(crate::world::mending());
    let kimi = MockKimi::script(answers);
    let ran = world.fix(&kimi, &["--max-tokens", "40k"]).code(0);
    worst_case_never_crosses(&ran.kept(), &kimi, 40_000);
}

#[test]
fn a_conversation_that_fills_the_window_ends() {
    let (world, kimi) = (World::new(), endless());
    world.configure("[price]\ninput = 1.0\ncached_input = 0.2\noutput = 4.0\ncontext_window = 4_000");
    let ran = world.fix(&kimi, &[]).code(6);
    assert!(stopped_by(&ran, "context_full").contains("window of 4"), "{}", ran.report()["detail"]);
    let ran = ran.says(&["fills the model's window", "hint: ", "Start a new run", "narrower task"]);
    assert!(!ran.stderr().contains("kcode resume"), "it would end at once: {}", ran.stderr());
    assert!(!ran.stderr().contains("kcode review"), "there is no patch: {}", ran.stderr());
    assert!(ran.report()["hint"].as_str().unwrap().contains("narrower task"));
}

#[test]
fn a_limit_that_cannot_be_held_is_refused() {
    for (arguments, words) in [
        (&["--model", "my-model", "--max-cost", "1"][..], "the price of my-model is not known"),
        (&["--max-turns", "0"], "more than zero"),
        (&["--max-tokens", "0"], "more than zero"),
        (&["--max-time", "0s"], "more than zero"),
    ] {
        let (world, kimi) = (World::new(), mender());
        world.fix(&kimi, arguments).code(78).says(&["error: ", words]);
        assert_eq!((kimi.requests().len(), world.runs().len()), (0, 0));
    }
}

#[test]
fn a_limit_that_is_no_amount_is_a_usage_error() {
    let world = World::new();
    for arguments in [["--max-turns", "many"], ["--max-tokens", "lots"], ["--max-cost", "free"], ["--max-time", "20"]] {
        world.fix(&mender(), &arguments).code(2).says(&[arguments[0]]);
    }
}

#[test]
fn the_repository_may_tighten_a_limit_and_never_loosen_it() {
    let (world, kimi) = (World::new(), endless());
    world.write(".kcode.toml", "[limits]\nmax_turns = 1\n");
    world.fix(&kimi, &[]).code(6);
    assert_eq!(kimi.requests().len(), 1);
    world.write(".kcode.toml", "[limits]\nmax_turns = 61\n");
    world.run(world.keyed(&kimi, &["fix", TASK])).code(78).says(&[".kcode.toml", "looser than the 60"]);
}

#[test]
fn a_limit_keeps_the_patch_and_says_that_nothing_stands_behind_it() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT)]);
    let ran = world.fix(&kimi, &["--max-turns", "1"]).code(6);
    assert!(ran.stdout().contains("+Hello, World!"));
    assert_eq!(ran.report()["tests"]["fresh"], false);
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n");
}

#[test]
fn waiting_for_a_slow_first_byte_counts_as_time() {
    let world = World::new();
    let kimi = MockKimi::answering(|_| Answer::text("Late.").delay(Duration::from_secs(30)));
    stopped_by(&world.fix(&kimi, &["--max-time", "200ms"]).code(6), "max_time");
}
