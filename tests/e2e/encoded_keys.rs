//! kcode's own key, written otherwise: a repository that somehow holds it encoded, and tests that print it. No form of it
//! reaches the model, the journal, logs, reports, the terminal or the events. Test code never has the key; this is about what it may
//! have come by.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World};

/// By what it is called, the key as somebody may have written it.
fn forms() -> Vec<(&'static str, String)> {
    let key = MockKimi::KEY;
    let each = |write: fn(char) -> String| key.chars().map(write).collect::<String>();
    vec![
        ("base64", STANDARD.encode(key)),
        ("in a header", STANDARD.encode(format!("user:{key}"))),
        ("in a longer text", URL_SAFE_NO_PAD.encode(format!("{{\"api_key\":\"{key}\",\"n\":1}}"))),
        ("hex", each(|c| format!("{:02x}", u32::from(c)))),
        ("upper hex", each(|c| format!("{:02X}", u32::from(c)))),
        ("spaced hex", each(|c| format!("{:02x} ", u32::from(c)))),
        ("url", each(|c| format!("%{:02X}", u32::from(c)))),
        ("escaped", each(|c| format!("\\x{:02x}", u32::from(c)))),
        ("unicode", each(|c| format!("\\u{:04x}", u32::from(c)))),
        ("entities", each(|c| format!("&#{};", u32::from(c)))),
        ("upper", key.to_uppercase()),
        ("zero width", each(|c| format!("{c}\u{200b}"))),
        ("joined", each(|c| format!("{c}\u{2060}\u{feff}"))),
        ("spaced", each(|c| format!("{c} "))),
        ("dashed", each(|c| format!("{c}-"))),
        ("reversed", key.chars().rev().collect()),
        ("octal", each(|c| format!("{:o} ", u32::from(c)))),
        ("padded octal", each(|c| format!("{:03o} ", u32::from(c)))),
        ("binary", each(|c| format!("{:08b} ", u32::from(c)))),
        (
            "hex, reversed before",
            key.chars().rev().map(|c| format!("{:02x}", u32::from(c))).collect::<Vec<_>>().concat(),
        ),
        ("base64, reversed before", STANDARD.encode(key.chars().rev().collect::<String>())),
        ("base64 of UTF-16", STANDARD.encode(key.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<u8>>())),
        ("reversed base64", STANDARD.encode(key).chars().rev().collect()),
    ]
}

/// A project that holds them all, tests that print them, and a model that reads and searches them and says one.
pub fn world() -> (World, MockKimi) {
    let world = World::new();
    let lines: Vec<_> = forms().iter().map(|(name, form)| format!("{name} = <{form}>\n")).collect();
    world.write("forms.txt", lines.concat());
    world.write_test("cat forms.txt; cat forms.txt >&2; grep -q 'Hello, World!' greeting.txt");
    world.commit_all();
    let kimi = MockKimi::script([
        Answer::calls([
            ("read_file", r#"{"path": "forms.txt"}"#),
            ("search", r#"{"pattern": "= <", "lines": true}"#),
            ("run_tests", "{}"),
            ("edit_file", r#"{"path": "forms.txt", "old_text": "nothing like it", "new_text": "x"}"#),
        ]),
        Answer::call("edit_file", EDIT),
        Answer::call("run_tests", "{}"),
        Answer::call("read_file", r#"{"path": "@logs/tests-1.log"}"#),
        Answer::text("Done."),
    ]);
    (world, kimi)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

pub fn assert_clean(place: &str, text: &str) {
    let said = text.replace("\\u200b", "\u{200b}").replace("\\u2060", "\u{2060}").replace("\\ufeff", "\u{feff}");
    for (name, form) in forms() {
        // In JSON a backslash is written twice.
        let found = [form.clone(), form.replace('\\', "\\\\")].iter().any(|form| said.contains(form.trim_end()));
        assert!(!found, "{name} in {place}: {text}");
    }
}

#[test]
fn no_form_of_it_reaches_the_model_or_anything_that_is_kept() {
    let (world, kimi) = world();
    let ran = world.run(world.keyed(&kimi, &["fix", TASK, "-v"])).code(0);
    assert_clean("stderr", &ran.stderr());
    assert_clean("stdout", &ran.stdout());
    for command in ["show", "diff", "audit"] {
        let shown = world.run(world.keyed(&kimi, &[command]));
        assert_clean(command, &(shown.stdout() + &shown.stderr()));
    }
    // Blobs are the user's own files as they were, for undoing.
    for file in files(&ran.kept().0).into_iter().filter(|file| !file.iter().any(|part| part == "blobs")) {
        assert_clean(&file.display().to_string(), &String::from_utf8_lossy(&fs::read(&file).unwrap()));
    }
    assert!(kimi.requests().len() >= 5);
    for request in kimi.requests() {
        assert_clean("a request", &String::from_utf8_lossy(&request.body));
    }
    let log = ran.kept().read("logs/tests-1.log");
    assert_eq!(log.matches("[redacted:api-key]").count(), 2 * forms().len(), "{log}");
}

#[test]
fn nor_the_events_that_are_read_along() {
    let (world, kimi) = world();
    let ran = world.run(world.keyed(&kimi, &["fix", TASK, "--output", "jsonl"])).code(0);
    assert_clean("events", &ran.stdout());
    assert_clean("stderr", &ran.stderr());
    assert!(ran.stdout().contains("[redacted:api-key]"));
}
