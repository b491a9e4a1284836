//! A person looks at a patch hunk by hunk, on a real terminal, and what they accept is what lands.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::laws;
use crate::pty::Terminal;
use crate::ran::Kept;
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World, mender, mending};

/// A project with two files that a run changes: one hunk that its test needs, and two that it doesn't, one of them of
/// two changes.
pub fn world() -> World {
    let world = World::new();
    let lines: Vec<String> = (1..=20).map(|number| format!("line {number}\n")).collect();
    world.write("notes.txt", lines.concat());
    world.commit_all();
    world
}

/// The conversation that changes it.
pub fn editor_of_three() -> MockKimi {
    let notes = |old: &str, new: &str| {
        json!({"path": "notes.txt", "old_text": format!("line {old}\n"), "new_text": format!("line {new}\n")})
            .to_string()
    };
    MockKimi::script([
        Answer::calls([("edit_file", EDIT)]).reasoning("Hm, a typo.").saying("The greeting is misspelt: I mend it."),
        Answer::calls([
            ("edit_file", &*notes("2", "two")),
            ("edit_file", &*notes("5", "five")),
            ("edit_file", &*notes("18", "eighteen")),
        ])
        .saying("Numbers read better in words."),
        Answer::text("Done."),
    ])
}

/// A finished run of that.
pub fn reviewed() -> (World, Kept) {
    let world = world();
    let kept = world.fix(&editor_of_three(), &[]).code(0).kept();
    (world, kept)
}

pub fn review(world: &World, arguments: &[&str]) -> Terminal {
    Terminal::sized(command(world, arguments), 24, 80)
}

pub fn command(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.kcode(&[&["review"], arguments].concat());
    command.env("NO_COLOR", "1");
    command
}

/// Types a line behind each question.
pub fn type_lines(terminal: &mut Terminal, lines: &[(&str, &str)]) {
    let mut from = 0;
    for (question, line) in lines {
        crate::running::wait_until(&format!("{question:?} is asked"), || {
            terminal.screen().get(from..).is_some_and(|screen| screen.contains(question))
        });
        from = terminal.screen().len();
        terminal.press(&format!("{line}\n"));
    }
}

#[test]
fn line_by_line_what_is_accepted_is_tested_and_lands() {
    let (world, kept) = reviewed();
    let mut terminal = review(&world, &["--plain"]);
    type_lines(
        &mut terminal,
        &[("which hunk", ""), ("accept?", "y"), ("accept?", "n"), ("accept?", "y"), ("apply", "y")],
    );
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("testing what you accepted"), "{screen}");
    assert!(screen.contains("applied to 2 files: 3 hunks: 2 accepted, 1 rejected"), "{screen}");
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    let notes = world.read("notes.txt");
    assert!(notes.contains("line 2\n") && notes.contains("line eighteen\n"), "{notes}");
    let reviewed = kept.events("reviewed").pop().unwrap();
    let decisions: Vec<_> = reviewed["hunks"].as_array().unwrap().iter().map(|hunk| hunk["decision"].clone()).collect();
    assert_eq!(decisions, ["accepted", "rejected", "accepted"]);
    assert_eq!((&reviewed["hunks"][0]["turn"], &reviewed["hunks"][1]["turn"]), (&json!(1), &json!(2)));
    assert_eq!(kept.events("tests_ran").pop().unwrap()["purpose"], "review");
    assert_eq!(kept.report()["applied"], 2);
    assert!(kept.read("patch.diff").contains("+line two"), "the run's own patch stays as it is");
    laws::nothing_is_left(&world);
}

#[test]
fn a_dumb_terminal_is_asked_line_by_line() {
    let (world, _) = reviewed();
    let mut command = command(&world, &[]);
    command.env("TERM", "dumb");
    let mut terminal = Terminal::sized(command, 24, 80);
    type_lines(&mut terminal, &[("which hunk", "2"), ("accept?", "q")]);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0));
    assert!(screen.contains("+line two") && !screen.contains('\u{1b}'), "{screen:?}");
}

#[test]
fn what_fails_without_the_rest_is_not_applied_unless_a_person_says_so() {
    for (answer, code) in [("n", Some(5)), ("y", Some(0))] {
        let (world, kept) = reviewed();
        let before = Tree::of(&world.root());
        let mut terminal = review(&world, &["--plain"]);
        let lines = [("which hunk", "1"), ("accept?", "n"), ("accept?", "a"), ("apply", "y"), ("doesn't pass", answer)];
        type_lines(&mut terminal, &lines);
        let (ended, screen) = terminal.end();
        assert_eq!(ended, code, "{screen}");
        if code == Some(5) {
            before.assert_same(&Tree::of(&world.root()));
            assert_eq!(kept.events("applied").len(), 0);
        } else {
            assert!(world.read("notes.txt").contains("line two") && world.read("greeting.txt").contains("Wrold"));
        }
    }
}

/// A check that fails is run once more. The log of the run that doesn't count stays in the run's folder, too.
#[test]
fn no_log_of_what_was_accepted_holds_a_secret() {
    const PASSWORD: &str = "tulip garden 7";
    let world = world();
    world.write("login.txt", PASSWORD);
    let check = "[[check]]\nname = \"login\"\ncommand = \"cat login.txt; false\"\nrequired = false\n";
    world.write(".kcode.toml", format!("[test]\ncommand = \"./test.sh\"\n{check}"));
    world.commit_all();
    let kimi = editor_of_three();
    let mut fix = world.keyed(&kimi, &["fix", TASK]);
    fix.env("DEPLOY_PASSWORD", PASSWORD);
    let kept = world.run(fix).code(0).kept();
    let mut review = command(&world, &["--plain"]);
    review.env("DEPLOY_PASSWORD", PASSWORD);
    let mut terminal = Terminal::sized(review, 24, 80);
    type_lines(&mut terminal, &[("which hunk", "1"), ("accept?", "y"), ("accept?", "c"), ("apply", "y")]);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    let logs = fs::read_dir(kept.0.join("logs/review")).unwrap().map(|entry| entry.unwrap().path());
    let logs: Vec<String> = logs.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap()).collect();
    assert_eq!(logs.iter().filter(|log| log.contains("[redacted:environment]")).count(), 2, "{logs:?}");
    assert!(logs.iter().all(|log| !log.contains(PASSWORD)), "{logs:?}");
}

#[test]
fn no_verify_runs_no_tests() {
    let (world, kept) = reviewed();
    let mut terminal = review(&world, &["--plain", "--no-verify"]);
    type_lines(&mut terminal, &[("which hunk", "2"), ("accept?", "y"), ("accept?", "c"), ("apply", "y")]);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("not tested"), "{screen}");
    assert!(world.read("notes.txt").contains("line two"));
    assert!(kept.events("tests_ran").iter().all(|ran| ran["purpose"] != "review"));
}

#[test]
fn a_hunk_goes_in_as_it_was_rewritten_in_an_editor() {
    let (world, kept) = reviewed();
    let editor = world.path("an editor");
    std::fs::write(&editor, "#!/bin/sh\nsed -i s/World/Earth/ \"$2\"\n").unwrap();
    std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = command(&world, &["--no-verify"]);
    command.env("VISUAL", format!("'{}' --wait", editor.display()));
    let mut terminal = Terminal::sized(command, 24, 80);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    terminal.wait_to_see("+Hello, World!");
    terminal.press("e");
    terminal.wait_to_see("+Hello, Earth!");
    terminal.press("c");
    terminal.wait_to_see("y test and apply");
    terminal.press("y");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(world.read("greeting.txt"), "Hello, Earth!\n");
    assert!(!world.read("notes.txt").contains("two"), "what is undecided stays out");
    let hunk = kept.events("reviewed").pop().unwrap()["hunks"][0].clone();
    assert_eq!((&hunk["decision"], &hunk["changed_by_hand"]), (&json!("edited"), &json!(2)));
    laws::nothing_is_left(&world);
}

#[test]
fn decisions_outlive_a_review_that_was_left() {
    let (world, kept) = reviewed();
    let mut terminal = review(&world, &[]);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    terminal.wait_to_see("1/3 ·");
    terminal.press("y");
    terminal.wait_to_see("2/3 ·");
    terminal.press("q");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("decisions are kept: kcode review"), "{screen}");
    assert_eq!(kept.events("reviewed").pop().unwrap()["concluded"], false);
    let mut terminal = review(&world, &[]);
    let seen = terminal.wait_to_see("Enter open");
    assert!(seen.contains("3 hunks: 1 accepted, 0 rejected, 2 undecided"), "{seen}");
    terminal.press("\u{3}");
    assert_eq!(terminal.end().0, Some(130));
}

#[test]
fn nothing_in_a_patch_drives_the_terminal() {
    let world = World::new();
    let hostile = json!({"path": "new.txt", "content": "a\u{1b}]0;owned\u{7}b\u{202e}c\u{9b}2J\n"}).to_string();
    let kimi = MockKimi::script([
        Answer::calls([("edit_file", EDIT), ("write_file", &*hostile)]).saying("look\u{1b}[2J\u{202e}here"),
        Answer::text("Done."),
    ]);
    world.fix(&kimi, &[]).code(0);
    for manner in [&["--plain"][..], &[]] {
        let mut terminal = review(&world, manner);
        if manner.is_empty() {
            let keys = [("Enter open", "\r"), ("1/2 ·", "."), ("2/2 ·", "w"), ("the model said", "q"), ("e edit", "q")];
            for (sign, key) in keys {
                terminal.wait_to_see(sign);
                terminal.press(key);
            }
        } else {
            type_lines(
                &mut terminal,
                &[("which hunk", ""), ("accept?", "."), ("accept?", "w"), ("[b]ack", "q"), ("accept?", "q")],
            );
        }
        let screen = terminal.end().1;
        for hostile in ["\u{1b}]0;", "\u{202e}", "\u{9b}", "\u{7}"] {
            assert!(!screen.contains(hostile), "{hostile:?} in {screen:?}");
        }
        assert!(screen.contains("⟨U+202E⟩"), "{screen}");
    }
}

#[test]
fn it_is_offered_at_the_end_of_a_run() {
    let (world, kimi) = (World::new(), mender());
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    terminal.wait_for("[r]eview");
    terminal.press("r");
    terminal.wait_to_see("Enter open");
    terminal.press("a");
    terminal.press("c");
    terminal.wait_to_see("The whole patch is accepted");
    terminal.press("y");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    assert!(!screen.contains("testing what you accepted"), "the run's own evidence is about the whole patch: {screen}");
}

#[test]
fn a_patch_that_fails_is_offered_for_review_alone() {
    let insists = (0..5).map(|_| Answer::text("The greeting is right; the test isn't."));
    let (world, kimi) = (World::new(), MockKimi::script(mending().into_iter().chain(insists)));
    world.write_test("exit 1");
    world.commit_all();
    let before = Tree::of(&world.root());
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    terminal.wait_for("[r]eview the patch all the same?");
    assert!(!terminal.screen().contains("apply? [y]es"), "{}", terminal.screen());
    terminal.press("r");
    assert!(terminal.wait_to_see("Enter open").contains("tests failing"));
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(5));
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn a_hunk_of_a_task_before_says_so() {
    let about =
        json!({"path": "docs/about.md", "old_text": "A greeting.", "new_text": "A greeting, mended."}).to_string();
    let more = [Answer::call("edit_file", &about), Answer::text("Said so.")];
    let (world, kimi) = (World::new(), MockKimi::script(mending().into_iter().chain(more)));
    let first = world.fix(&kimi, &[]).code(0).kept().id();
    world.run(world.keyed(&kimi, &["fix", "--resume", &first, "say so in the docs"])).code(0);
    let mut terminal = review(&world, &["--plain"]);
    type_lines(&mut terminal, &[("which hunk", "1"), ("accept?", "2"), ("accept?", "y"), ("accept?", "q")]);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("turn 1, edit_file"), "{screen}");
    assert!(screen.contains("turn 2 of a task before, edit_file"), "{screen}");
}
