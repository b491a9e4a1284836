//! What a person sees on a real terminal: a live line, a diff for eyes, a question before anything is written.

use std::time::Duration;

use crate::pty::Terminal;
use crate::ran::Kept;
use crate::support::kimi::MockKimi;
use crate::tree::Tree;
use crate::world::{TASK, World, mender, mending};

fn start(world: &World, kimi: &MockKimi, arguments: &[&str]) -> Terminal {
    Terminal::start(world.keyed(kimi, &[&["fix", TASK], arguments].concat()))
}

/// Without what colours and moves.
fn plain(screen: &str) -> String {
    regex::Regex::new("\u{1b}\\[[0-9;?]*[a-zA-Z]").unwrap().replace_all(screen, "").replace('\r', "")
}

#[test]
fn a_yes_applies_the_patch() {
    let (world, kimi) = (World::new(), mender());
    let mut terminal = start(&world, &kimi, &[]);
    terminal.wait_for("apply?");
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n", "nothing is written before the answer");
    terminal.press("y");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    assert!(plain(&screen).contains("applied to 1 file"), "{screen}");
}

#[test]
fn a_yes_that_cannot_be_followed_is_the_outcome() {
    let (world, kimi) = (World::new(), mender());
    let mut terminal = start(&world, &kimi, &[]);
    terminal.wait_for("apply?");
    world.write("greeting.txt", "Hello, Wrold! (mine)\n");
    terminal.press("y");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(7), "{screen}");
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold! (mine)\n");
    let kept = Kept(world.runs().remove(0));
    assert_eq!((&kept.report()["outcome"], &kept.report()["exit_code"]), (&"refused".into(), &7.into()));
    assert_eq!(kept.journal().pop().unwrap()["outcome"], "refused", "journal and report agree");
}

#[test]
fn a_no_keeps_the_run_and_changes_nothing() {
    let (world, kimi) = (World::new(), mender());
    let before = Tree::of(&world.root());
    let mut terminal = start(&world, &kimi, &[]);
    terminal.wait_for("apply?");
    terminal.press("n");
    assert_eq!(terminal.end().0, Some(0));
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn a_dry_run_asks_nothing() {
    let (world, kimi) = (World::new(), mender());
    let (code, screen) = start(&world, &kimi, &["--dry-run"]).end();
    assert_eq!(code, Some(0));
    assert!(!screen.contains("apply?"), "{screen}");
}

#[test]
fn the_diff_is_drawn_for_eyes() {
    let (world, kimi) = (World::new(), mender());
    let (_, screen) = start(&world, &kimi, &["--dry-run"]).end();
    let text = plain(&screen);
    assert!(text.contains("greeting.txt\n   1 │ -Hello, Wrold!\n     │ +Hello, World!\n"), "{text}");
    assert!(screen.contains("\u{1b}[31m") && screen.contains("\u{1b}[32m"), "{screen:?}");
    assert!(text.contains("verified") && text.contains("cost $") && text.contains("kept: "), "{text}");
}

#[test]
fn a_live_line_tells_turn_tokens_cost_and_time() {
    let world = World::new();
    let mut answers = mending();
    answers[1] = answers[1].clone().reasoning(&"I wonder. ".repeat(12)).pieces_of(2).pace(Duration::from_millis(20));
    let kimi = MockKimi::script(answers);
    let terminal = start(&world, &kimi, &["--dry-run"]);
    terminal.wait_for("turn 2 · ");
    terminal.wait_for("thinking… ");
    terminal.wait_for(" of $1.00 · 00:0");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0));
    let last = plain(&screen);
    assert!(!last.lines().last().unwrap().contains("turn"), "the line is gone at the end: {last}");
}

#[test]
fn no_color_is_honoured() {
    let (world, kimi) = (World::new(), mender());
    let mut command = world.keyed(&kimi, &["fix", TASK, "--dry-run"]);
    command.env("NO_COLOR", "1");
    let (_, screen) = Terminal::start(command).end();
    assert!(!regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().is_match(&screen), "{screen:?}");
}

#[test]
fn quiet_has_no_live_line() {
    let (world, kimi) = (World::new(), mender());
    let (_, screen) = start(&world, &kimi, &["-q", "--dry-run"]).end();
    assert!(!screen.contains("turn 1"), "{screen:?}");
}

#[test]
fn a_kept_patch_is_drawn_for_eyes_too() {
    let world = World::new();
    let ran = world.fix(&mender(), &[]).code(0);
    let (code, screen) = Terminal::start(world.kcode(&["diff", &ran.kept().id()])).end();
    assert_eq!(code, Some(0));
    assert!(plain(&screen).contains("1 │ -Hello, Wrold!"), "{screen}");
}
