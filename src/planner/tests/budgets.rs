//! Tests of the budget: reserved before a request, settled after it.

use super::loop_run::{LoopRun, told_of};
use super::model::{calls, cut_stream, fails, says, usage, writes};
use crate::journal::{
    AttemptFailed, Digest, Event, Limits, ReplyReceived, RequestSent, Resumed, RunId, StopReason, Tokens, Usage, Usd,
};
use crate::model::Price;
use crate::planner::budget::{Budget, Prompt};

const LIMITS: Limits = Limits { max_turns: 9, max_tokens: None, max_cost_usd: None, max_time_s: 60 };

fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars).unwrap()
}

/// One dollar per million input tokens, half of that from the cache, and four per million output tokens.
fn price(window: u64) -> Price {
    Price { context_window: Tokens(window), hit: usd(5e-7), miss: usd(1e-6), output: usd(4e-6) }
}

fn prompt(likely: u64, at_most: u64) -> Prompt {
    Prompt { likely: Tokens(likely), at_most: Tokens(at_most) }
}

/// Limit on output tokens for a request that wants 8,000, or why it isn't sent.
fn cap(budget: &Budget, prompt: Prompt) -> Result<u64, StopReason> {
    budget.reserve(prompt, Tokens(8_000)).map(|held| held.max_completion_tokens.0).map_err(|(reason, _)| reason)
}

#[test]
fn what_is_held_back_is_the_most_that_the_input_can_come_to_and_the_cap() {
    let held = Budget::new(LIMITS, Some(price(262_144))).reserve(prompt(1_000, 3_000), Tokens(2_000)).unwrap();
    assert_eq!((held.prompt_tokens, held.max_completion_tokens), (Tokens(3_000), Tokens(2_000)));
    assert_eq!(held.tokens(), Tokens(5_000));
    assert_eq!(held.as_usage(), usage(3_000, 2_000));
    assert_eq!(held.cost, usd(0.003 + 0.008));
    let unpriced = Budget::new(LIMITS, None).reserve(prompt(1_000, 3_000), Tokens(2_000)).unwrap();
    assert_eq!(unpriced.cost, Usd::default());
}

#[test]
fn the_window_is_held_against_what_the_input_likely_comes_to() {
    let budget = Budget::new(LIMITS, Some(price(10_000)));
    for (likely, at_most, expected) in [
        (1_000, 3_000, Ok(8_000)),
        (1_000, 50_000, Ok(8_000)),
        (4_000, 4_000, Ok(6_000)),
        (8_976, 8_976, Ok(1_024)),
        (8_977, 8_977, Err(StopReason::ContextFull)),
        (50_000, 50_000, Err(StopReason::ContextFull)),
    ] {
        assert_eq!(cap(&budget, prompt(likely, at_most)), expected, "{likely} {at_most}");
    }
    let short = budget.reserve(prompt(9_500, 9_500), Tokens(500)).unwrap();
    assert_eq!(short.max_completion_tokens, Tokens(500), "who wants less needs less");
}

#[test]
fn a_model_that_nobody_knows_has_the_usual_window() {
    let budget = Budget::new(LIMITS, None);
    assert_eq!(cap(&budget, prompt(262_144 - 2_000, 1)), Ok(2_000));
    assert_eq!(cap(&budget, prompt(262_144 - 1_000, 1)), Err(StopReason::ContextFull));
}

#[test]
fn tokens_are_held_against_the_most_that_the_input_can_come_to() {
    let mut budget = Budget::new(Limits { max_tokens: Some(Tokens(20_000)), ..LIMITS }, None);
    for (likely, at_most, expected) in [
        (100, 12_000, Ok(8_000)),
        (100, 15_000, Ok(5_000)),
        (100, 18_976, Ok(1_024)),
        (100, 18_977, Err(StopReason::MaxTokens)),
        (100, 50_000, Err(StopReason::MaxTokens)),
    ] {
        assert_eq!(cap(&budget, prompt(likely, at_most)), expected, "{at_most}");
    }
    budget.settle(usage(9_000, 1_000));
    assert_eq!(budget.spent_tokens(), Tokens(10_000));
    assert_eq!(cap(&budget, prompt(100, 5_000)), Ok(5_000), "input and output of what was used are gone");
    let small = Budget::new(Limits { max_tokens: Some(Tokens(600)), ..LIMITS }, None);
    assert_eq!(cap(&small, prompt(0, 0)), Ok(600));
}

#[test]
fn money_is_held_against_the_most_that_the_input_can_come_to() {
    let limits = Limits { max_cost_usd: Some(usd(0.02)), ..LIMITS };
    let mut budget = Budget::new(limits, Some(price(262_144)));
    // A cent of input leaves one cent for 2,500 tokens of output.
    assert_eq!(cap(&budget, prompt(100, 10_000)), Ok(2_500));
    assert_eq!(cap(&budget, prompt(100, 15_904)), Ok(1_024));
    assert_eq!(cap(&budget, prompt(100, 15_950)), Err(StopReason::MaxCost));
    assert_eq!(cap(&budget, prompt(100, 30_000)), Err(StopReason::MaxCost));
    budget.settle(usage(2_000, 1_000));
    assert_eq!(cap(&budget, prompt(100, 4_000)), Ok(2_500));
    let (_, why) = budget.reserve(prompt(100, 14_000), Tokens(8_000)).unwrap_err();
    assert_eq!(why, "$0.0060 of $0.0200 is spent, and the next request could cost $0.0181");
    let free = Price { output: Usd::default(), ..price(262_144) };
    assert_eq!(cap(&Budget::new(limits, Some(free)), prompt(100, 10_000)), Ok(8_000));
    let nothing = Limits { max_cost_usd: Some(Usd::default()), ..LIMITS };
    assert_eq!(cap(&Budget::new(nothing, Some(free)), prompt(0, 0)), Ok(8_000), "free output needs no money");
}

#[test]
fn what_came_from_the_cache_is_cheaper() {
    let mut budget = Budget::new(LIMITS, Some(price(262_144)));
    let cost = budget.settle(Usage { cached_tokens: Tokens(1_000), ..usage(3_000, 500) });
    assert_eq!(cost, Some(usd(0.0005 + 0.002 + 0.002)));
    assert_eq!(budget.charge(usage(1_000, 0)), Some(usd(0.001)));
    assert_eq!(budget.cost(), usd(0.0055));
    assert_eq!(Budget::new(LIMITS, None).settle(usage(3_000, 500)), None);
}

#[test]
fn a_reply_is_a_turn_and_a_failed_attempt_is_none() {
    let mut budget = Budget::new(Limits { max_turns: 2, ..LIMITS }, None);
    budget.charge(usage(10, 1));
    assert_eq!((budget.turns(), budget.turns_left()), (0, 2));
    budget.settle(usage(10, 1));
    assert_eq!((budget.turns(), budget.turns_left()), (1, 1));
    assert_eq!(cap(&budget, prompt(1, 1)), Ok(8_000));
    budget.settle(usage(10, 1));
    assert_eq!(cap(&budget, prompt(1, 1)), Err(StopReason::MaxTurns));
    assert_eq!(budget.spent_tokens(), Tokens(33));
}

fn request(turn: u32) -> Event {
    Event::Request(RequestSent {
        turn,
        attempt: 1,
        bytes: 9,
        prefix_sha256: Digest::of("prefix"),
        prefix_bytes: 6,
        prefix_kept: true,
        max_completion_tokens: Tokens(800),
        reserved_tokens: Tokens(1_000),
        reserved_usd: Usd::default(),
    })
}

fn reply(turn: u32) -> Event {
    Event::Reply(ReplyReceived {
        turn,
        finish_reason: "stop".to_owned(),
        usage: usage(30, 3),
        usage_estimated: false,
        cost_usd: None,
        latency_ms: 1,
        first_byte_ms: 1,
        request_id: None,
        reasoning_sha256: None,
        message_sha256: Digest::of("message"),
    })
}

fn failed(charged: Usage) -> Event {
    Event::AttemptFailed(AttemptFailed {
        turn: 1,
        attempt: 1,
        wait_ms: Some(1),
        error: "no".to_owned(),
        said: String::new(),
        status: None,
        charged,
        charged_usd: None,
    })
}

fn resumed() -> Event {
    Event::Resumed(Resumed {
        run: RunId::random(),
        version: "0.1.0".to_owned(),
        model: "kimi-k2.7-code".to_owned(),
        base_url: "https://api.moonshot.ai/v1".to_owned(),
        sandbox: "auto".to_owned(),
        writes: None,
        repository_writes: Vec::new(),
        readable: Vec::new(),
        limits: LIMITS,
    })
}

#[test]
fn a_resumed_run_has_spent_what_was_counted_and_the_whole_of_what_nobody_answered() {
    let unanswered = usage(200, 800);
    for (what, events, spent, turns) in [
        ("an answer", vec![request(1), reply(1)], usage(30, 3), 1),
        ("none", vec![request(1)], unanswered, 0),
        ("none, and another process came", vec![request(1), resumed()], unanswered, 0),
        (
            "none before another process came, and one then",
            vec![request(1), resumed(), request(1), reply(1)],
            usage(230, 803),
            1,
        ),
        ("none twice", vec![request(1), resumed(), request(1)], usage(400, 1_600), 0),
        ("a failure that was not billed", vec![request(1), failed(Usage::default())], Usage::default(), 0),
        ("a failure that may be billed", vec![request(1), failed(usage(150, 50))], usage(150, 50), 0),
        ("an answer, and then none", vec![request(1), reply(1), request(2)], usage(230, 803), 1),
    ] {
        let mut budget = Budget::new(LIMITS, Some(price(262_144)));
        budget.recall(&events);
        let mut expected = Budget::new(LIMITS, Some(price(262_144)));
        expected.charge(spent);
        assert_eq!(budget.spent_tokens(), spent.prompt_tokens + spent.completion_tokens, "{what}");
        assert_eq!(budget.cost(), expected.cost(), "{what}");
        assert_eq!(budget.turns(), turns, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_loop_ends_at_each_limit_before_the_request_that_could_cross_it() {
    let reads = || vec![calls(&[("read", "a")]), calls(&[("read", "b")]), calls(&[("read", "c")])];
    let mut turns = LoopRun::new(reads());
    turns.limits.max_turns = 2;
    let mut tokens = LoopRun::new(reads());
    tokens.limits.max_tokens = Some(Tokens(4_000));
    let mut money = LoopRun::new(reads());
    money.price = Some(price(262_144));
    money.limits.max_cost_usd = Some(usd(0.008));
    let mut window = LoopRun::new(reads());
    window.price = Some(price(2_100));
    for (mut run, reason, asked) in [
        (turns, StopReason::MaxTurns, 2),
        (tokens, StopReason::MaxTokens, 2),
        (money, StopReason::MaxCost, 2),
        (window, StopReason::ContextFull, 1),
    ] {
        assert_eq!(run.run().await.reason, reason);
        assert_eq!(run.model.sent().len(), asked, "{reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn retries_draw_on_the_same_pot() {
    let mut run = LoopRun::new(vec![fails(cut_stream(true)), says("Never asked for.")]);
    run.limits.max_tokens = Some(Tokens(9_000));
    let stop = run.run().await;
    assert_eq!(stop.reason, StopReason::MaxTokens);
    assert_eq!(run.model.left(), 1);

    let mut run = LoopRun::new(vec![fails(cut_stream(false)), writes("x"), says("Done.")]);
    run.limits.max_tokens = Some(Tokens(12_000));
    assert_eq!(run.run().await.reason, StopReason::Finished, "what was not billed costs nothing");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_spent_counts() {
    let mut run = LoopRun::new(vec![says("Never asked for.")]);
    run.earlier = vec![request(1), reply(1), request(2)];
    run.limits.max_tokens = Some(Tokens(2_000));
    let stop = run.run().await;
    let (reason, detail) = told_of(&stop);
    assert_eq!(reason, StopReason::MaxTokens);
    assert!(detail.ends_with("; 967 of 2000 are left"), "{detail}");
    assert_eq!(run.model.left(), 1);
}
