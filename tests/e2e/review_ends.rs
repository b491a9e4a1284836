//! How a review can end besides well: the terminal is as it was, nothing is applied, and decisions are kept.

use serde_json::json;

use crate::laws;
use crate::pty::Terminal;
use crate::ran::Kept;
use crate::review::{command, review, reviewed, type_lines};
use crate::tree::Tree;
use crate::world::{World, mender, together};

#[test]
fn the_terminal_is_as_it_was_after_a_signal() {
    let (world, _) = reviewed();
    let terminal = review(&world, &[]);
    terminal.wait_to_see("Enter open");
    terminal.signal(rustix::process::Signal::TERM);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130));
    assert!(screen.contains("\u{1b}[?1049l") && screen.contains("\u{1b}[?25h"), "{screen:?}");
}

#[test]
fn what_moved_on_since_is_not_overwritten() {
    let (world, _) = reviewed();
    world.write("notes.txt", "mine\n");
    let mut terminal = review(&world, &["--plain"]);
    type_lines(&mut terminal, &[("which hunk", "2"), ("accept?", "y"), ("accept?", "c"), ("apply", "y")]);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(7), "{screen}");
    assert!(screen.contains("notes.txt (changed) changed since the run began"), "{screen}");
    assert_eq!(world.read("notes.txt"), "mine\n");
}

#[test]
fn without_a_terminal_there_is_no_review() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    world.run(world.kcode(&["review"])).code(2).says(&["a review needs a terminal, or answers", "hint: `kcode diff"]);
}

/// A review in which the first hunk was accepted, at the second.
fn begun() -> (World, Kept, Terminal) {
    let (world, kept) = reviewed();
    let mut terminal = review(&world, &[]);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    terminal.wait_to_see("1/3 ·");
    terminal.press("y");
    terminal.wait_to_see("2/3 ·");
    (world, kept, terminal)
}

fn is_kept(kept: &Kept) {
    let reviewed = kept.events("reviewed").pop().unwrap();
    assert_eq!((&reviewed["concluded"], &reviewed["hunks"][0]["decision"]), (&json!(false), &json!("accepted")));
    assert_eq!(kept.events("applied").len(), 0);
}

#[test]
fn however_it_is_broken_off_decisions_are_kept() {
    type End = fn(&mut Terminal);
    let ends: [(&str, End); 4] = [
        ("Ctrl-C", |terminal| terminal.press("\u{3}")),
        ("SIGINT", |terminal| terminal.signal(rustix::process::Signal::INT)),
        ("SIGHUP", |terminal| terminal.signal(rustix::process::Signal::HUP)),
        ("a terminal that is gone", Terminal::hang_up),
    ];
    together(ends, |(name, end)| {
        let (world, kept, mut terminal) = begun();
        let before = Tree::of(&world.root());
        end(&mut terminal);
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(130), "{name}: {screen}");
        is_kept(&kept);
        before.assert_same(&Tree::of(&world.root()));
        laws::nothing_is_left(&world);
    });
}

#[test]
fn the_end_of_the_input_is_no_answer() {
    let (world, kept) = reviewed();
    let mut terminal = review(&world, &["--plain"]);
    type_lines(&mut terminal, &[("which hunk", "1"), ("accept?", "y"), ("accept?", "\u{4}")]);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    is_kept(&kept);
}

#[test]
fn answers_may_come_from_a_pipe() {
    let (world, kept) = reviewed();
    let mut piped = assert_cmd::Command::from_std(command(&world, &["--no-verify"]));
    let ran = piped.write_stdin("1\ny\nn\ne\nc\ny\n").assert().code(0);
    let said = String::from_utf8_lossy(&ran.get_output().stderr).into_owned();
    assert!(said.contains("need a terminal") && !said.contains('\u{1b}'), "{said}");
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    assert!(world.read("notes.txt").contains("line 2\n"));
    assert_eq!(kept.events("applied").pop().unwrap()["partial"], true);
    let (world, kept) = reviewed();
    let mut broken_off = assert_cmd::Command::from_std(command(&world, &[]));
    broken_off.write_stdin("1\ny\n").assert().code(130);
    is_kept(&kept);
}

#[test]
fn nothing_is_applied_by_who_ends_the_tests() {
    let (world, kept) = reviewed();
    // As if they took forever without the rest.
    let before = {
        world.write_test("grep -q two notes.txt || while :; do sleep 1; done");
        Tree::of(&world.root())
    };
    let mut terminal = review(&world, &["--plain"]);
    type_lines(&mut terminal, &[("which hunk", "1"), ("accept?", "y"), ("accept?", "c"), ("apply", "y")]);
    terminal.wait_for("testing what you accepted");
    terminal.signal(rustix::process::Signal::INT);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(130), "{screen}");
    assert!(screen.contains("not applied"), "{screen}");
    assert_eq!(kept.events("applied").len(), 0);
    before.assert_same(&Tree::of(&world.root()));
    laws::nothing_is_left(&world);
}

#[test]
fn a_part_has_to_pass_the_checks_too() {
    let world = crate::review::world();
    let check = "[test]\ncommand = \"./test.sh\"\n[[check]]\nname = \"words\"\ncommand = \"grep -q two notes.txt\"\n";
    world.write(".kcode.toml", check);
    world.commit_all();
    let kept = world.fix(&crate::review::editor_of_three(), &[]).code(0).kept();
    let mut terminal = review(&world, &["--plain"]);
    let lines = [("which hunk", "1"), ("accept?", "y"), ("accept?", "c"), ("apply", "y"), ("doesn't pass", "n")];
    type_lines(&mut terminal, &lines);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(5), "{screen}");
    assert!(screen.contains("words: grep -q two notes.txt fails"), "{screen}");
    let check = kept.events("check_ran").pop().unwrap();
    assert_eq!((&check["purpose"], &check["passed"]), (&json!("review"), &json!(false)));
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n");
}

#[test]
fn a_part_is_told_in_the_report_and_can_be_undone() {
    let (world, kept) = reviewed();
    let mut terminal = review(&world, &["--plain"]);
    let lines = [("which hunk", "1"), ("accept?", "y"), ("accept?", "n"), ("accept?", "y"), ("apply", "y")];
    type_lines(&mut terminal, &lines);
    assert_eq!(terminal.end().0, Some(0));
    let told = &kept.report()["review"];
    assert_eq!((&told["hunks"], &told["accepted"], &told["rejected"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!((&told["passed"], &told["applied"]), (&json!(true), &json!(true)));
    laws::assert_shape("report", &kept.report());
    let shown = world.run(world.kcode(&["show"])).code(0).stdout();
    assert!(shown.contains("**Reviewed**: 2 of 3 hunks accepted, tested on their own: pass."), "{shown}");
    let trailers = world.run(world.kcode(&["show", "--trailers"])).code(0).stdout();
    assert!(trailers.contains("Kcode-Review: 2 of 3 hunks accepted"), "{trailers}");
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert_eq!(kept.report()["review"]["applied"], false);
}
