//! The audit of a run: what it reports for a run that kept the laws, and that it finds each breach in a journal that shows one.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::laws::assert_shape;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mender, mending};

/// The audit of the latest run, for programs.
fn audit(world: &World, code: i32) -> Value {
    let ran = world.start(world.kcode(&["audit", "--json"])).wait().code(code);
    let audit = serde_json::from_str(&ran.stdout()).unwrap();
    assert_shape("audit", &audit);
    audit
}

fn each<'a>(rows: &'a Value, figure: &str) -> Vec<&'a Value> {
    rows.as_array().unwrap().iter().map(|row| &row[figure]).collect()
}

#[test]
fn a_run_is_held_against_each_law() {
    let world = World::new();
    let kimi = mender();
    world.fix(&kimi, &[]).code(0);
    let audit = audit(&world, 0);
    assert_eq!(audit["breaches"], json!([]));
    assert_eq!(each(&audit["reasoning"], "is_same"), [true; 3]);
    assert_eq!(each(&audit["reasoning"], "received"), each(&audit["reasoning"], "kept"));
    assert_eq!(each(&audit["reasoning"], "sent_back"), [2, 1, 0], "the first went back with both later requests");
    let sent: Vec<usize> = kimi.requests().iter().map(|request| request.prefix().len()).collect();
    assert_eq!(each(&audit["prefixes"], "bytes"), sent, "what the server got");
    assert_eq!(each(&audit["prefixes"], "proved"), [true; 3]);
    assert_eq!(each(&audit["budget"], "end"), ["reply"; 3]);
    assert_eq!(
        audit["files"],
        json!([{
            "path": "greeting.txt", "tools": { "read_file": 1, "edit_file": 1 }, "turns": [1, 2], "changed": true
        }])
    );
    assert!(each(&audit["wall"], "held").iter().all(|held| **held == true));
    assert_eq!(audit["residue"]["survivors"], 0);
    let verified = |tests: &&Value| tests["purpose"] == "verification" && tests["passed"] == true;
    assert_eq!(audit["tests"].as_array().unwrap().iter().filter(verified).count(), 1);
    let page = world.run(world.kcode(&["audit"])).code(0).stdout();
    for line in ["no breach of a law", "3 of 3 replies as they were received", "3 hashed anew to the same", "nothing"] {
        assert!(page.contains(line), "{line:?} is missing in\n{page}");
    }
    assert!(page.lines().count() <= 60, "it is one page:\n{page}");
}

#[test]
fn what_was_stopped_is_named_and_files_are_not() {
    let world = World::new();
    let inside = world.path("project/greeting.txt");
    let read = |path: &str| Answer::call("read_file", &json!({ "path": path }).to_string());
    let answers = [
        read("/etc/passwd"),
        read("../other"),
        read(".git/config"),
        read(inside.to_str().unwrap()),
        Answer::call("search", r#"{"pattern": "Wrold"}"#),
    ];
    let kimi = MockKimi::script(answers.into_iter().chain(mending()));
    world.fix(&kimi, &[]).code(0);
    let audit = audit(&world, 0);
    assert_eq!(each(&audit["stopped"], "what"), ["/etc/passwd", "../other", ".git/config"]);
    assert_eq!(each(&audit["stopped"], "turn"), [1, 2, 3]);
    assert_eq!(each(&audit["stopped"], "held"), [true; 3]);
    assert_eq!(each(&audit["files"], "path"), ["greeting.txt"]);
    assert_eq!(audit["files"][0]["tools"]["read_file"], 2, "an absolute path below the root is the file there");
    assert_eq!(audit["on_everything"], json!({ "search": 1 }));
}

#[test]
fn of_a_long_run_the_page_shows_what_has_to_be_seen() {
    let world = World::new();
    let looks = (0..20).map(|n| Answer::call("read_file", &json!({ "path": format!("{n}.txt") }).to_string()));
    let kimi = MockKimi::script(looks.chain(mending()));
    world.fix(&kimi, &[]).code(0);
    let page = world.run(world.kcode(&["audit"])).code(0).stdout();
    assert!(page.contains("and 11 more with nothing wrong"), "{page}");
    assert!(page.contains("greeting.txt"), "what the patch changes is always shown:\n{page}");
    assert!(page.lines().count() <= 90, "{page}");
    assert_eq!(each(&audit(&world, 0)["reasoning"], "is_same").len(), 23);
}

#[test]
fn attempts_without_an_answer_are_charged_what_was_reserved() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::overloaded(), Answer::call("edit_file", EDIT), Answer::text("x").mute()]);
    let running = world.start(world.keyed(&kimi, &["fix", TASK]));
    running.wait_for_journal(r#""turn":2,"attempt":1"#);
    running.signal(Signal::KILL);
    running.wait();
    let audit = audit(&world, 0);
    assert_eq!(each(&audit["budget"], "end"), ["failed", "reply", "unanswered"]);
    let last = &audit["budget"][2];
    assert_eq!(last["charged_tokens"], last["reserved_tokens"]);
    assert_eq!(audit["outcome"], "interrupted");
    assert_eq!(audit["residue"], Value::Null);
}

/// A world with a finished run, and its journal.
fn finished() -> (World, PathBuf) {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let journal = world.runs()[0].join("journal.jsonl");
    (world, journal)
}

#[test]
fn each_breach_is_found() {
    let (world, journal) = finished();
    let sound = fs::read_to_string(&journal).unwrap();
    for (from, to, found) in [
        (r#""held":true"#, r#""held":false"#, "law 2: the sandbox did not stop this"),
        (r#"\"reasoning_content\":\""#, r#"\"reasoning_content\":\"But "#, "law 4: the reply of turn 1"),
        (r#""prefix_kept":true"#, r#""prefix_kept":false"#, "law 5: the request of turn 1 did not begin"),
        ("Wrold", "World", "law 5: the request of turn 2 doesn't match the journal's messages"),
        (r#""survivors":0"#, r#""survivors":1"#, "law 10: processes outlived the run: 1"),
        (r#""reserved_tokens":"#, r#""reserved_tokens":1,"was":"#, "law 6: turn 1 was charged"),
    ] {
        let broken = sound.replacen(from, to, 1);
        assert_ne!(broken, sound, "{from:?} is not in the journal");
        fs::write(&journal, broken).unwrap();
        let breaches = audit(&world, 1)["breaches"].to_string();
        assert!(breaches.contains(found), "{found:?} is not in {breaches}");
        let page = world.start(world.kcode(&["audit"])).wait().code(1).stdout();
        assert!(page.contains("BREACH"), "{page}");
    }
}

#[test]
fn bytes_that_another_version_sent_are_not_judged() {
    let (world, journal) = finished();
    let version = format!(r#""version":"{}""#, env!("CARGO_PKG_VERSION"));
    let sound = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, sound.replacen(&version, r#""version":"0.0.0""#, 1)).unwrap();
    let audit = audit(&world, 0);
    assert_eq!(each(&audit["prefixes"], "proved"), [&Value::Null; 3]);
    assert_eq!(each(&audit["reasoning"], "is_same"), [true; 3], "what was kept can be told all the same");
}
