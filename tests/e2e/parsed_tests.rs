//! Edits of tests that only a parser tells from what they look like.

use serde_json::json;

use crate::fake_runner::with_tests;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::World;

/// A repository whose runner is content, with this file in it, and a model that makes one edit of it.
fn edited(path: &str, content: &str, old: &str, new: &str) -> (World, MockKimi) {
    let world = with_tests(r#""greets=true""#);
    world.write(path, content);
    world.commit_all();
    let edit = json!({"path": path, "old_text": old, "new_text": new}).to_string();
    let mut turns = vec![Answer::text("Done."), Answer::call("edit_file", &edit)];
    (world, MockKimi::answering(move |_| turns.pop().unwrap_or_else(|| Answer::text("Done."))))
}

const RUST: &str = "#[test]\nfn greets() {\n    assert_eq!(greeting(), \"Hello\");\n}\n";
const GO: &str = "package hello\n\nfunc TestHome(t *testing.T) {\n\tif Home() != `C:\\` {\n\t\tt.Error(`C:\\`)\n\t}\n}\n\nfunc TestGreeting(t *testing.T) {\n\tlines := `a\\`\n\tif Greeting() != \"Hello\" {\n\t\tt.Error(\"greeting\", lines)\n\t}\n}\n";

#[test]
fn a_test_in_a_nested_comment_and_one_behind_a_raw_string_are_seen_to_be_off() {
    let commented = ["/* It was /* a bit */ flaky.\n", RUST, "*/\n"].concat();
    for (path, content, old, new) in [
        ("tests/greeting.rs", RUST, RUST, commented.as_str()),
        ("hello_test.go", GO, "Greeting() != \"Hello\"", "Greeting() == \"\""),
    ] {
        let (world, kimi) = edited(path, content, old, new);
        world.fix(&kimi, &[]).code(7).says(&["refused", path]);
    }
}

#[test]
fn a_comment_that_speaks_of_ignoring_ignores_nothing() {
    let speaking = ["/* Greetings: /* all of them */ and none is\n#[ignore]d\n*/\n", RUST].concat();
    let (world, kimi) = edited("tests/greeting.rs", RUST, RUST, &speaking);
    world.fix(&kimi, &[]).code(0);
}
