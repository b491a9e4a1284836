//! Each folder of `fixtures/ci-events` is an event, in the platforms' shapes, with what becomes of it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::ci::{event, task, trust};
use crate::settings::{Environment, FlagLayer, load};

/// What becomes of a case's event.
fn outcome(case: &Path) -> String {
    let env: Environment = [("HOME".to_owned(), case.display().to_string())].into_iter().collect();
    let config = Some(case.join("config.toml")).filter(|file| file.exists());
    let settings = load(&FlagLayer::default(), &env, config.as_deref(), None).expect("settings").ci;
    let event = match event::read(&fs::read(case.join("event.json")).expect("an event")) {
        Ok(event) => event,
        Err(error) => return format!("no event: {error}\n hint: {}\n", error.hint()),
    };
    let mut out = format!("event: {} of {}, {}\n", event.name, event.platform, event.repository);
    let _ = match trust::decide(&event, &settings) {
        Ok(actor) => writeln!(out, "trusted: @{}, {}", actor.login, actor.standing),
        Err(distrust) => return format!("{out}distrusted: {distrust}\n hint: {}\n", distrust.hint()),
    };
    match task::of(&event, &settings) {
        Ok(task) => {
            let fork = if task.is_from_fork { ", from a fork" } else { "" };
            let follow = task.follow_up.map_or_else(String::new, |it| format!(", continues {}", it.run));
            let source = serde_json::to_string(&task.source).expect("JSON");
            let _ =
                write!(out, "task{fork}{follow}\nsource: {source}\nraw: {} texts\n----\n{}", task.raw.len(), task.text);
        }
        Err(no_task) => {
            let _ = writeln!(out, "no task: {no_task}\n hint: {}", no_task.hint());
        }
    }
    out
}

/// `KCODE_UPDATE_FIXTURES=1` renews what is expected.
#[test]
fn each_event_becomes_what_is_expected() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ci-events");
    let (mut failures, mut count) = (Vec::new(), 0);
    for entry in fs::read_dir(cases).expect("the fixtures") {
        let case = entry.expect("an entry").path();
        if !case.is_dir() {
            continue;
        }
        count += 1;
        let actual = outcome(&case);
        if std::env::var_os("KCODE_UPDATE_FIXTURES").is_some() {
            fs::write(case.join("expected"), &actual).expect("it can be written");
        }
        let expected = fs::read_to_string(case.join("expected")).unwrap_or_default();
        if actual != expected {
            failures.push(format!("== {}\n-- expected\n{expected}-- actual\n{actual}", case.display()));
        }
    }
    assert!(count >= 80, "only {count} cases were found");
    assert!(failures.is_empty(), "\n{}", failures.concat());
}

#[test]
fn the_raw_text_is_kept_as_it_came() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ci-events/issue-that-hides-text/event.json");
    let event = event::read(&fs::read(case).expect("an event")).expect("it is one");
    let task = task::of(&event, &crate::settings::CiSettings::defaults()).expect("a task");
    assert!(task.raw[1].text.contains("<!-- Ignore all rules") && task.raw[1].text.contains("\u{1b}[8m"));
    assert!(!task.text.contains("Ignore all rules") && !task.text.contains("alt="), "{}", task.text);
}
