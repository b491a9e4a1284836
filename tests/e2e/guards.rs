//! What a model does wrong, and how it is told: repetition, empty promises, malformed calls, cut replies.

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World, mending};

const LOOK: &str = r#"{"pattern": "greeting"}"#;

#[test]
fn repetition_is_told_at_three_and_ends_the_run_at_five() {
    let world = World::new();
    let kimi = MockKimi::answering(|_| Answer::call("search", LOOK));
    let ran = world.fix(&kimi, &[]).code(6);
    kimi.assert_clean();
    assert_eq!(kimi.requests().len(), 5);
    let told: Vec<bool> = ran.kept().answers().iter().map(|answer| answer.contains("times now")).collect();
    assert_eq!(told, [false, false, true, true, false]);
    let report = ran.report();
    assert_eq!(report["budget"]["stop_reason"], "repetition");
    assert_eq!(report["detail"], "search was called 5 times with the same result");
    ran.says(&["search was called 5 times with the same result"]);
}

#[test]
fn repetition_within_one_reply_counts_too() {
    let world = World::new();
    let kimi = MockKimi::answering(|_| Answer::calls([("search", LOOK); 7]));
    let ran = world.fix(&kimi, &[]).code(6);
    assert_eq!((kimi.requests().len(), ran.kept().answers().len()), (1, 7), "every call is answered all the same");
}

#[test]
fn progress_starts_the_count_anew() {
    let world = World::new();
    let look = || Answer::call("search", LOOK);
    let edit = |n: u32| Answer::call("write_file", &format!(r#"{{"path": "notes-{n}.md", "content": "{n}\n"}}"#));
    let mut answers = vec![look(), look(), look(), look(), edit(1), look(), look(), look(), look(), edit(2)];
    answers.extend(mending());
    let ran = world.fix(&MockKimi::script(answers), &[]).code(0);
    assert_eq!(ran.report()["tools"]["calls"], 12);
}

#[test]
fn the_same_call_with_another_result_is_no_repetition() {
    let world = World::new();
    world.write_test("cat greeting.txt; grep -q 'Hello, World!' greeting.txt");
    let mut answers = Vec::new();
    for (old, new) in [("Wrold", "a"), ("a", "b"), ("b", "c"), ("c", "d"), ("d", "World")] {
        let edit = format!(r#"{{"path": "greeting.txt", "old_text": "Hello, {old}", "new_text": "Hello, {new}"}}"#);
        answers.extend([Answer::call("edit_file", &edit), Answer::call("run_tests", "{}")]);
    }
    answers.push(Answer::text("Done."));
    world.fix(&MockKimi::script(answers), &[]).code(0);
}

#[test]
fn an_empty_promise_is_answered_once() {
    let world = World::new();
    let kimi = MockKimi::answering(|_| Answer::text("I will now mend the greeting."));
    let ran = world.fix(&kimi, &[]).code(3);
    kimi.assert_clean();
    assert_eq!(kimi.requests().len(), 2);
    assert_eq!(ran.kept().events("nudged").len(), 1);
    assert!(kimi.requests()[1].last_text().contains("no file has changed"));
    assert_eq!((ran.stdout(), &ran.report()["outcome"]), (String::new(), &"no_change".into()));
    ran.says(&["no change", "the model changed nothing; asked once more"]);
}

#[test]
fn a_promise_that_is_kept_after_the_reminder_is_as_good() {
    let world = World::new();
    let mut answers = vec![Answer::text("I will now mend the greeting.")];
    answers.extend(mending());
    let ran = world.fix(&MockKimi::script(answers), &[]).code(0);
    assert_eq!(ran.kept().events("nudged").len(), 1);
}

#[test]
fn a_change_that_was_taken_back_is_no_change() {
    let world = World::new();
    let back = r#"{"path": "greeting.txt", "old_text": "World", "new_text": "Wrold"}"#;
    let kimi = MockKimi::script([
        Answer::call("edit_file", EDIT),
        Answer::call("edit_file", back),
        Answer::text("All mended, all tests pass!"),
        Answer::text("I am sure: all tests pass."),
    ]);
    let ran = world.fix(&kimi, &[]).code(3);
    assert_eq!(ran.report()["patch"], serde_json::Value::Null);
    assert_eq!(ran.kept().events("tests_ran").len(), 0);
}

#[test]
fn a_wrong_call_gets_one_answer_that_teaches() {
    let cases = [
        ("read_file", r#"{"path": "greeting.txt""#, "end in the middle"),
        ("read_file", "", "path"),
        ("read_file", "greeting.txt", "JSON"),
        ("read_file", r#"["greeting.txt"]"#, "object"),
        ("read_file", "null", "path"),
        ("read_file", "{}", "path"),
        ("read_file", r#"{"path": 7}"#, "path"),
        ("read_file", r#"{"path": "greeting.txt", "start_line": "one"}"#, "start_line"),
        ("read_file", r#"{"path": "no-such-file.txt"}"#, "no-such-file.txt"),
        ("read_file", r#"{"path": "../home/secret"}"#, ".."),
        ("read_file", r#"{"path": "/etc/passwd"}"#, "/etc/passwd"),
        ("read_file", r#"{"path": "a\u0000b"}"#, "NUL"),
        ("edit_file", r#"{"path": "greeting.txt", "new_text": "x"}"#, "old_text"),
        ("edit_file", r#"{"path": "greeting.txt", "old_text": "Helo, World!", "new_text": "x"}"#, "Hello, Wrold!"),
        ("write_file", r#"{"path": "greeting.txt", "content": "x"}"#, "read"),
        ("search", r#"{"pattern": "("}"#, "regex"),
        ("list_files", r#"{"path": "nowhere"}"#, "nowhere"),
        ("run_tests", r#"{"filter": 1}"#, "filter"),
        ("read_files", r#"{"path": "greeting.txt"}"#, "read_file"),
        ("bash", r#"{"command": "ls"}"#, "edit_file"),
    ];
    let world = World::new();
    let mut answers = vec![Answer::calls(cases.map(|(tool, arguments, _)| (tool, arguments)))];
    answers.extend(mending());
    let kimi = MockKimi::script(answers);
    let ran = world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    for ((tool, arguments, word), answer) in cases.iter().zip(ran.kept().answers()) {
        assert!(answer.contains(word), "{tool} {arguments}: {word:?} is not in: {answer}");
        assert!(answer.len() < 1_500, "{answer}");
    }
    assert_eq!(ran.report()["tools"]["failures"], cases.len());
}

#[test]
fn calls_with_the_same_id_get_an_answer_each() {
    let world = World::new();
    let mut answers =
        vec![Answer::calls([("list_files", "{}"), ("read_file", r#"{"path": "greeting.txt"}"#)]).ids(["x", "x"])];
    answers.extend(mending());
    let kimi = MockKimi::script(answers);
    world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
}

#[test]
fn a_reply_that_was_cut_at_its_cap_is_continued() {
    let world = World::new();
    let mut answers = vec![Answer::text("The greeting is miss").finish("length")];
    answers.extend(mending());
    let kimi = MockKimi::script(answers);
    let ran = world.fix(&kimi, &[]).code(0);
    assert_eq!(ran.kept().events("nudged")[0]["kind"], "truncated");
    assert!(kimi.requests()[1].last_text().contains("cut off at the output limit"));
}

#[test]
fn replies_that_are_cut_again_and_again_end_the_run() {
    let world = World::new();
    let kimi = MockKimi::answering(|_| Answer::text("On and on and").finish("length"));
    let ran = world.fix(&kimi, &[]).code(3);
    let kinds: Vec<_> = ran.kept().events("nudged").iter().map(|nudged| nudged["kind"].clone()).collect();
    assert_eq!(kinds[..3], ["truncated", "truncated", "announced"]);
    assert!(kimi.requests().len() < 8, "{}", kimi.requests().len());
}

#[test]
fn a_call_that_was_cut_is_told_so() {
    let world = World::new();
    let mut answers = vec![Answer::call("edit_file", &EDIT[..30]).finish("length")];
    answers.extend(mending());
    let kimi = MockKimi::script(answers);
    let ran = world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    assert!(ran.kept().answers()[0].contains("probably cut off"), "{}", ran.kept().answers()[0]);
}
