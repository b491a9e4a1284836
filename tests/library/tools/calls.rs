//! What the model is told of the tools, and how calls that are wrong are answered.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kcode::journal::{TestCounts, Tokens};
use kcode::tools::{self, Access, TestRun};
use serde_json::{Value, json};

use super::world::{Scripted, World, says};
use crate::support::kimi::schema;

fn functions() -> Vec<Value> {
    let entries: Vec<Value> = serde_json::from_str(tools::schemas()).unwrap();
    entries
        .into_iter()
        .map(|mut entry| {
            assert_eq!(entry.as_object().unwrap().keys().collect::<Vec<_>>(), ["type", "function"]);
            assert_eq!(entry["type"], "function");
            entry["function"].take()
        })
        .collect()
}

#[test]
fn schemas_stay_inside_what_kimi_accepts() {
    for function in functions() {
        let name = function["name"].as_str().unwrap();
        let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        assert!(letters && (3..=64).contains(&name.len()) && !name.as_bytes()[0].is_ascii_digit(), "{name}");
        assert!(!function["description"].as_str().unwrap().is_empty());
        assert_eq!(schema::check(&function["parameters"]), Ok(()), "{name}");
    }
}

#[test]
fn every_tool_has_its_file_and_every_file_its_tool() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let files: BTreeSet<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let names: Vec<_> = tools::names().collect();
    assert_eq!(files, names.iter().map(|name| format!("{name}.json")).collect());
    let declared = functions();
    assert_eq!(names, declared.iter().map(|function| function["name"].as_str().unwrap()).collect::<Vec<_>>());
    assert!(names.is_sorted(), "the request's bytes don't depend on anybody's mood");
    for name in names {
        assert_eq!(tools::find(name).unwrap().name(), name);
        let reads = ["read_file", "search", "list_files"].contains(&name);
        assert_eq!(tools::access(name), Some(if reads { Access::Read } else { Access::Write }), "{name}");
    }
    assert_eq!(tools::access("bash"), None);
}

#[test]
fn schemas_are_short() {
    let tokens = Tokens::estimate(tools::schemas());
    assert!(tokens <= Tokens(1_100), "{tokens} tokens");
    assert!(!tools::schemas().contains('\n'));
}

#[test]
fn an_unknown_tool_is_answered_with_the_tools() {
    let world = World::new();
    says(
        &world.bad("bash", json!({"command": "ls"})),
        &["no tool \"bash\"", "edit_file, list_files", "run_tests runs the tests"],
    );
    says(&world.bad("readfile", json!({})), &["Did you mean read_file?"]);
    for name in ["delete_file", "remove_file", "rm", "move_file", "rename-file", "Rename"] {
        let text = world.bad(name, json!({"path": "a"}));
        says(&text, &["can't be deleted or moved by a tool; say in your summary which ones should be"]);
        assert!(!text.contains("Did you mean"), "{text}");
    }
    says(&world.bad("zzz", json!({})), &["There is no tool \"zzz\"", "Call one of these."]);
    assert!(world.bad(&"x".repeat(10_000), json!({})).len() < 400);
}

#[test]
fn arguments_that_are_no_object_are_answered_with_the_form() {
    let world = World::new();
    let answer = |arguments: &str| {
        let observation = tools::call(&world.room, "read_file", arguments).unwrap();
        assert!(!observation.ok);
        observation.text
    };
    let usage = "read_file(path: string, start_line?: integer, line_count?: integer)";
    says(&answer("{path: x}"), &["not JSON", "line 1 column 2", usage]);
    says(&answer("{\"path\": \"a\nb\"}"), &["not JSON", "\\n"]);
    says(&answer("{\"path\": \"src/ma"), &["end in the middle (16 bytes", "cut off", usage]);
    says(&answer("[]"), &["an array", "one JSON object", usage]);
    says(&answer("\"{}\""), &["the string \"{}\""]);
    says(&answer(""), &["the field path is missing"]);
}

#[test]
fn every_fault_of_the_fields_is_told_at_once() {
    let world = World::new();
    let text = world.bad("edit_file", json!({"file_path": "a", "old_string": "b", "new_text": 3, "replace_all": true}));
    says(
        &text,
        &[
            "there is no field \"file_path\" (did you mean path?)",
            "there is no field \"old_string\" (did you mean old_text?)",
            "there is no field \"replace_all\" (one call per place)",
            "the field path is missing",
            "the field old_text is missing",
            "new_text must be a string but is 3",
            "edit_file(path: string, old_text: string, new_text: string)",
        ],
    );
    says(
        &world.bad("read_file", json!({"path": "a", "start_line": "12b"})),
        &["a whole number but is the string \"12b\""],
    );
    says(&world.bad("read_file", json!({"path": "a", "start_line": 1.5})), &["a whole number but is 1.5"]);
    says(&world.bad("read_file", json!({"path": null})), &["path must be a string but is null"]);
    says(&world.bad("search", json!({"pattern": "a", "literal": "yes"})), &["literal must be true or false"]);
    says(&world.bad("run_tests", json!({"filter": 3})), &["an array of strings but is 3"]);
    says(&world.bad("run_tests", json!({"filter": [1]})), &["other things than strings"]);
    world.put("a", "x\n");
    world.good("read_file", json!({"path": "a", "start_line": null}));
}

#[test]
fn names_of_other_tools_fields_are_told_in_ours() {
    let world = World::new();
    let cases = [
        ("read_file", "offset", "did you mean start_line?"),
        ("read_file", "limit", "did you mean line_count?"),
        ("read_file", "end_line", "did you mean line_count?"),
        ("read_file", "lines", "did you mean line_count?"),
        ("search", "query", "did you mean pattern?"),
        ("search", "case_insensitive", "put (?i) before the pattern"),
        ("edit_file", "replace_all", "one call per place"),
    ];
    for (tool, field, hint) in cases {
        says(&world.bad(tool, json!({ field: 1 })), &[&format!("there is no field \"{field}\" ({hint})")]);
    }
}

#[test]
fn slips_of_a_type_that_can_only_mean_one_thing_are_accepted() {
    let world = World::with_tests(Some(Box::new(Scripted(Ok(TestRun { exit_code: Some(0), ..TestRun::default() })))));
    world.put("a", "x(\ny\nz\n");
    let read = |start, count| world.call("read_file", json!({"path": "a", "start_line": start, "line_count": count}));
    assert_eq!(read(json!("2"), json!(1.0)).summary, "a 2-2");
    assert_eq!(read(json!("-1"), json!(" 5 ")).summary, "a 3-3");
    world.good("search", json!({"pattern": "x(", "literal": "True", "lines": "false", "context": "1"}));
    for (filter, command) in [("a b", " a b"), ("[\"a\", \"b\"]", " a b"), ("", ""), ("a[1]", " a[1]")] {
        assert_eq!(world.call("run_tests", json!({ "filter": filter })).tests.unwrap().command, command);
    }
}

#[test]
fn tests_that_ran_are_reported_also_when_they_fail() {
    let run = TestRun {
        command: "pytest".to_owned(),
        exit_code: Some(1),
        ms: 1_400,
        log: "tests-1.log".to_owned(),
        excerpt: "FAILED test_add\n".to_owned(),
        counts: Some(TestCounts { passed: 41, failed: 1, skipped: 0 }),
        ..TestRun::default()
    };
    let world = World::with_tests(Some(Box::new(Scripted(Ok(run)))));
    let seen = world.call("run_tests", json!({"filter": ["-k", "add; rm -rf /"]}));
    assert!(seen.ok, "the call was right, the tests were not");
    assert_eq!(seen.summary, "1 of 42 failed");
    assert_eq!(
        seen.text,
        "1 of 42 failed; failed (exit code 1), 1.4 s: pytest -k add; rm -rf /\nFAILED test_add\nFull log: @logs/tests-1.log"
    );
    assert!(!seen.tests.unwrap().passed());
}

#[test]
fn a_run_of_no_tests_has_not_passed() {
    let run = |excerpt: &str| TestRun { exit_code: Some(0), excerpt: excerpt.to_owned(), ..TestRun::default() };
    let world = World::with_tests(Some(Box::new(Scripted(Ok(run("exit code 0\nOutput:\nRan 0 tests in 0.000s\n"))))));
    let seen = world.call("run_tests", json!({"filter": ["nope"]}));
    assert!(seen.ok);
    assert_eq!(seen.summary, "ran no tests (exit code 0)");
    says(&seen.text, &["ran no tests (exit code 0), 0.0 s:", "The filter matched no test"]);
    says(&world.good("run_tests", json!({})), &["ran no tests", "found no test to run"]);
    let world = World::with_tests(Some(Box::new(Scripted(Ok(run("Ran 2 tests in 0.000s\n"))))));
    says(&world.good("run_tests", json!({"filter": ["a"]})), &["passed (exit code 0)"]);
}

#[test]
fn how_a_run_of_tests_ended_is_always_told() {
    let cases = [
        (TestRun { exit_code: Some(0), ..TestRun::default() }, "passed (exit code 0)"),
        (TestRun { signal: Some(11), ..TestRun::default() }, "killed by signal 11"),
        (
            TestRun { stopped: Some("deadline".to_owned()), signal: Some(9), ..TestRun::default() },
            "stopped at the time limit",
        ),
        (
            TestRun { stopped: Some("idle".to_owned()), exit_code: Some(0), ..TestRun::default() },
            "no output for too long",
        ),
    ];
    for (run, words) in cases {
        let world = World::with_tests(Some(Box::new(Scripted(Ok(run)))));
        let seen = world.call("run_tests", json!({}));
        says(&seen.text, &[words]);
        says(&seen.summary, &[words]);
    }
}

#[test]
fn tests_that_can_not_run_are_told_politely() {
    let none = World::new();
    says(&none.bad("run_tests", json!({})), &["No test command is known"]);
    let broken = World::with_tests(Some(Box::new(Scripted(Err("pytest is not installed".to_owned())))));
    says(&broken.bad("run_tests", json!({})), &["could not be run: pytest is not installed"]);
    says(&broken.bad("run_tests", json!({"filter": ["a\0b"]})), &["NUL"]);
}
