//! Every way in which a provider fails: the right exit code, the facts and a hint, and the tree as it was.

use std::time::Duration;

use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, first_then, mending, together};

/// A run in which every request is answered so.
fn always(world: &World, answer: Answer) -> (Ran, MockKimi) {
    let kimi = MockKimi::answering(move |_| answer.clone());
    (world.fix(&kimi, &[]), kimi)
}

/// A run whose first request fails so, and which then goes well.
fn once(world: &World, answer: Answer) -> (Ran, MockKimi) {
    let kimi = MockKimi::script([answer].into_iter().chain(mending()));
    (world.fix(&kimi, &[]).code(0), kimi)
}

/// A world in which a failure is repeated once.
fn impatient() -> World {
    let world = World::new();
    world.configure("[limits]\nmax_retries = 1");
    world
}

/// The same where silence is waited for, too.
fn impatient_with(words: &str) -> World {
    let world = impatient();
    if words == SILENT {
        // Were it shorter, a mock server that a busy machine keeps waiting would be silent as well.
        world.configure("max_silence = \"8s\"");
    }
    world
}

const SILENT: &str = "the provider fell silent";

#[test]
fn a_refused_key_is_named_with_its_variable_and_url() {
    let world = World::new();
    let (ran, kimi) = always(&world, Answer::unauthorized().header("X-Request-Id", "req-8c1"));
    let ran = ran.code(77);
    assert_eq!(kimi.requests().len(), 1, "nothing is repeated");
    assert!(ran.stderr().contains(&kimi.base_url()));
    assert_eq!(ran.stdout(), "");
    insta::assert_snapshot!(ran.steady_stderr());
}

#[test]
fn a_wrong_key_is_refused_for_real() {
    let world = World::new();
    let kimi = MockKimi::script(mending());
    let mut command = world.kcode(&["fix", TASK]);
    command.env("MOONSHOT_API_KEY", "sk-other").env("MOONSHOT_BASE_URL", kimi.base_url());
    let ran = world.run(command).code(77).says(&["MOONSHOT_API_KEY", &kimi.base_url(), "hint: "]);
    assert!(!ran.stderr().contains("sk-other"));
}

#[test]
fn what_is_refused_for_good_is_asked_once() {
    let refusals = [
        (Answer::forbidden(), 77, ["403 permission_denied_error", "allowed"]),
        (Answer::unknown_model(), 69, ["404 resource_not_found_error", "--model"]),
        (Answer::quota(), 69, ["429 exceeded_current_quota_error", "top up"]),
        (Answer::error(400, "invalid_request_error", "no such field"), 69, ["refused the request", "bug in kcode"]),
        (Answer::error(400, "content_filter", "considered high risk"), 69, ["content filter", "reword"]),
        (
            Answer::error(400, "invalid_request_error", "Your request exceeded model token limit: 262144"),
            6,
            ["context window", "hint"],
        ),
        (
            Answer::error(
                429,
                "rate_limit_reached_error",
                "organization max RPD: 3, please try again after 43200 seconds",
            ),
            75,
            ["daily limit", "tomorrow"],
        ),
    ];
    together(refusals, |(answer, code, words)| {
        let world = World::new();
        let (ran, kimi) = always(&world, answer);
        let ran = ran.code(code).says(&words).says(&["error: ", "KCODE_API_KEY → ", "hint: ", "kcode show"]);
        assert_eq!(kimi.requests().len(), 1, "{words:?}");
        assert_eq!(ran.report()["exit_code"], code);
    });
}

#[test]
fn a_wrong_url_or_model_is_told_apart() {
    let world = World::new();
    let kimi = MockKimi::script([]);
    let host = kimi.base_url().trim_end_matches("/v1").to_owned();
    let path = world.fix(&kimi, &["--base-url", &format!("{host}/api")]);
    path.code(69).says(&["nothing answers chat completions", "/api/v1/chat/completions"]);
    let world = World::new();
    let model = world.fix(&kimi, &["--model", "kimi-k2.7-cod"]);
    model.code(69).says(&["doesn't know the model", "`kimi-k2.7-cod`", "/models"]);
}

#[test]
fn a_base_url_may_be_written_in_any_way() {
    together(["", "/", "/v1", "/v1/", "/v1/v1", "/v1/chat/completions"], |suffix| {
        let (world, kimi) = (World::new(), crate::world::mender());
        let host = kimi.base_url().trim_end_matches("/v1").to_owned();
        world.fix(&kimi, &["--base-url", &format!("{host}{suffix}")]).code(0);
        kimi.assert_clean();
    });
}

#[test]
fn overload_waits_as_long_as_it_is_told_and_says_so() {
    let world = World::new();
    let (ran, kimi) = once(&world, Answer::overloaded().header("Retry-After", "1"));
    kimi.assert_clean();
    let failed = &ran.kept().events("attempt_failed")[0];
    let wait = failed["wait_ms"].as_u64().unwrap();
    assert!((1_000..=2_000).contains(&wait), "{failed}");
    let sent: Vec<_> =
        ran.kept().events("request").iter().map(|request| request["elapsed_ms"].as_u64().unwrap()).collect();
    assert!(sent[1] - sent[0] >= wait, "{sent:?} is no wait of {wait} ms");
    assert_eq!(failed["charged"]["prompt_tokens"], 0, "a refusal for load costs nothing");
    assert_eq!(ran.report()["usage"]["retries"], 1);
    ran.says(&["the provider is overloaded (429 engine_overloaded_error) · next try in "]);
}

#[test]
fn the_seconds_in_a_rate_limits_message_are_honoured() {
    let world = World::new();
    let (ran, _) = once(&world, Answer::rate_limited(1));
    let wait = ran.kept().events("attempt_failed")[0]["wait_ms"].as_u64().unwrap();
    assert!((1_000..=2_000).contains(&wait), "{wait}");
}

#[test]
fn a_wait_that_does_not_fit_the_time_left_is_not_begun() {
    let answers = [Answer::overloaded(), Answer::rate_limited(3), Answer::server_error(), Answer::unavailable()];
    together(answers, |answer| {
        let world = World::new();
        let (ran, kimi) = always(&world, answer.header("Retry-After", "7200"));
        ran.code(75).says(&["error: ", "hint: "]);
        assert_eq!(kimi.requests().len(), 1);
    });
}

/// What is worth another try, with the words that a person reads when it stays so.
fn passing() -> Vec<(Answer, &'static str)> {
    let text = || Answer::text("A reply that is long enough to be cut in the middle of its body.");
    vec![
        (Answer::overloaded(), "the provider is overloaded"),
        (Answer::server_error(), "the provider failed"),
        (Answer::unavailable(), "the provider is not available"),
        (Answer::gateway_timeout(), "the provider is not available (504)"),
        (text().cut(0), "the reply broke off"),
        (text().cut(700), "the reply broke off"),
        (text().unfinished().travelling(|travel| travel.no_done = true), "the reply broke off"),
        (text().garbage(3, b"data: {\"choices\": [\n\n"), "the reply can't be used"),
        (text().error_in_stream("server_error", "out of luck"), "the provider failed"),
        (text().error_in_stream("engine_overloaded_error", "overloaded"), "the provider is overloaded"),
        (Answer::raw(200, "text/html", b"<title>Log in</title>"), "the response isn't a chat completion"),
        (Answer::raw(200, "application/json", b"{\"ok\": true}"), "the response isn't a chat completion"),
        (Answer::verbatim(b"SSH-2.0-OpenSSH_9.6\r\n"), "the provider can't be reached"),
        (Answer::hang_up(), "the provider can't be reached"),
        (Answer::think_only("Hm, let me think."), "the reply is empty"),
        (Answer::empty(), "the reply is empty"),
        (text().stall(300), SILENT),
        (text().mute(), SILENT),
    ]
}

#[test]
fn what_passes_is_tried_again() {
    together(passing(), |(answer, words)| {
        let world = impatient_with(words);
        let (ran, kimi) = once(&world, answer);
        let ran = ran.says(&[words, "next try in"]);
        assert_eq!(kimi.requests().len(), 4, "{words}");
        assert_eq!(kimi.requests()[0].body, kimi.requests()[1].body, "{words}: the very same request");
        assert_eq!(ran.report()["usage"]["retries"], 1, "{words}");
    });
}

#[test]
fn what_does_not_pass_ends_the_run_as_try_again() {
    together(passing(), |(answer, words)| {
        let world = impatient_with(words);
        let (ran, kimi) = always(&world, answer);
        let ran = ran.code(75).says(&["error: ", words, "hint: ", "KCODE_API_KEY → ", &kimi.base_url()]);
        assert_eq!(kimi.requests().len(), 2, "{words}: max_retries is 1");
        assert_eq!((ran.stdout(), &ran.report()["patch"]), (String::new(), &serde_json::Value::Null), "{words}");
    });
}

#[test]
fn a_reply_may_break_off_anywhere() {
    let whole = 4_000;
    together((50..whole).step_by(790), |after| {
        let world = impatient();
        let mut answers = mending();
        answers.insert(1, answers[1].clone().cut(after));
        let kimi = MockKimi::script(answers);
        let ran = world.fix(&kimi, &[]).code(0);
        assert!(kimi.notes().is_empty(), "cut after {after}: {:?}", kimi.notes());
        assert_eq!(ran.kept().events("tool_called").len(), 2, "cut after {after}: half a reply is not acted upon");
    });
}

#[test]
fn nobody_at_the_other_end_is_a_network_error() {
    let world = impatient();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = world.kcode(&["fix", TASK]);
    command.env("KCODE_API_KEY", MockKimi::KEY).env("KCODE_BASE_URL", format!("http://{free}"));
    let ran =
        world.run(command).code(75).says(&["can't be reached", &format!("http://{free}/v1"), "check the network"]);
    assert_eq!(ran.report()["budget"]["charged_tokens"], 0, "nothing was sent");
}

#[test]
fn a_patch_that_exists_survives_a_fault() {
    let world = impatient();
    let mut answers = mending();
    answers.truncate(2);
    answers.push(Answer::quota());
    let ran = world.fix(&MockKimi::script(answers), &[]).code(69);
    assert!(ran.stdout().contains("+Hello, World!"), "{}", ran.stdout());
    assert_eq!(ran.report()["tests"]["fresh"], false);
    ran.says(&["balance or quota is used up", "kcode apply"]);
}

#[test]
fn slow_is_not_silent() {
    let world = impatient();
    world.configure("max_silence = \"1500ms\"");
    let mut answers = mending();
    answers[1] = answers[1].clone().pieces_of(5).pace(Duration::from_millis(100));
    let kimi = MockKimi::script(answers);
    let ran = world.fix(&kimi, &[]).code(0);
    assert_eq!(ran.report()["usage"]["retries"], 0);
    assert!(ran.report()["timing"]["model_ms"].as_u64().unwrap() > 1_500, "longer than the silence that is waited for");
}

#[test]
fn what_outgrows_the_window_gets_a_hint_that_holds() {
    let full = || Answer::error(400, "invalid_request_error", "Your request exceeded model token limit: 262144");
    let world = World::new();
    let (ran, _) = always(&world, full());
    let told = ran.code(6).says(&["hint: the task, with what kcode tells of the repository"]).stderr();
    assert!(!told.contains("kcode review"), "there is nothing to review: {told}");

    let world = World::new();
    let look = Answer::call("read_file", r#"{"path": "greeting.txt"}"#);
    let ran =
        world.fix(&first_then(look, full()), &[]).code(6).says(&["hint: ", "Start a new run with a narrower task"]);
    assert!(!ran.stderr().contains("kcode review"), "{}", ran.stderr());

    let world = World::new();
    let ran = world.fix(&first_then(Answer::call("edit_file", EDIT), full()), &[]).code(6);
    ran.says(&["Take what is good of the patch with `kcode review`"]);
    world.run(world.kcode(&["diff"])).code(0);
}

#[test]
fn a_hint_fits_what_came_in_the_place_of_a_reply() {
    let page = Answer::raw(200, "text/html", b"<html><title>Log in</title></html>");
    let broken = Answer::text("A.").garbage(2, b"data: {not json\n\n");
    let calls = (0..2000).map(|index| {
        let function = serde_json::json!({ "name": "read_file", "arguments": "" });
        let call = serde_json::json!({ "index": index, "id": index.to_string(), "function": function });
        serde_json::json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [call] } }] })
    });
    let cases = [
        (page, "really an API?", "no client can read"),
        (broken, "sends what no client can read", "really an API"),
        (Answer::text("").in_chunks(calls), "sends what no client can read", "really an API"),
    ];
    together(cases, |(answer, hint, other)| {
        let world = World::new();
        world.configure("[limits]\nmax_retries = 0");
        let (ran, _) = always(&world, answer);
        let told = ran.code(75).says(&[hint]).stderr();
        assert!(!told.contains(other), "{told}");
    });
}
