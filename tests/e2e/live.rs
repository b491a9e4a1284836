//! The live line on a real terminal: it moves by itself, shows how far tests are, fits, and goes.

use rustix::process::Signal;

use crate::pty::Terminal;
use crate::running::wait_until;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mending};

/// A run whose test command reports two tests, and then nothing forever.
fn stuck(world: &World, rows: u16, columns: u16) -> Terminal {
    let key = MockKimi::KEY;
    world.write_test(&format!(
        "printf 'ok 1 - adds\\nnot ok 2 - \\033[31msubtracts\\033[0m\\033]0;t\\007 {key} 日本語日本語\\n'; sleep 300"
    ));
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::call("run_tests", "{}")]);
    let terminal = Terminal::sized(world.keyed(&kimi, &["fix", TASK, "--no-baseline"]), rows, columns);
    wait_until("the tests are on the line", || terminal.sight().contains("ests: 1 passed, 1"));
    terminal
}

/// The row of the live line.
fn line(terminal: &Terminal) -> String {
    let sight = terminal.sight();
    sight.lines().find(|row| row.contains("ests: 1 passed")).unwrap_or_default().to_owned()
}

#[test]
fn the_clock_moves_while_nothing_happens() {
    let world = World::new();
    let terminal = stuck(&world, 40, 100);
    let clock = regex::Regex::new(r"\b(\d\d:\d\d) of \d\d:\d\d").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    wait_until("the clock has moved twice", || {
        seen.extend(clock.captures(&line(&terminal)).map(|found| found[1].to_owned()));
        seen.len() >= 3
    });
    terminal.signal(Signal::INT);
    assert_eq!(terminal.end().0, Some(130));
}

#[test]
fn how_far_tests_are_is_shown_clean_and_in_the_columns_there_are() {
    let clock = regex::Regex::new(r" · \d\d:\d\d of \d\d:\d\d$").unwrap();
    for columns in [100, 80] {
        let world = World::new();
        let terminal = stuck(&world, 40, columns);
        let line = line(&terminal);
        assert!(line.contains("tests: 1 passed, 1 failed · not ok 2"), "{line}");
        assert!(clock.is_match(&line), "{line}");
        terminal.signal(Signal::INT);
        let (_, screen) = terminal.end();
        assert!(!screen.contains(MockKimi::KEY) && !screen.contains("\u{1b}]0;"), "{screen:?}");
    }
}

#[test]
fn a_narrow_terminal_gets_one_row_with_its_clock() {
    let world = World::new();
    world.write_test("echo 'ok 1 - adds'; echo 'ok 2 - 日本語の長い名前のテストが実行されています'; sleep 300");
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::call("run_tests", "{}")]);
    let terminal = Terminal::sized(world.keyed(&kimi, &["fix", TASK, "--no-baseline"]), 60, 40);
    let is_line = regex::Regex::new(r"(?m)^. tests: 2 p.*\d\d:\d\d$").unwrap();
    wait_until("the line stands on one row", || is_line.is_match(&terminal.sight()));
    assert_eq!(is_line.find_iter(&terminal.sight()).count(), 1, "{}", terminal.sight());
    terminal.signal(Signal::INT);
    assert_eq!(terminal.end().0, Some(130));
}

#[test]
fn after_ctrl_c_the_line_is_gone_and_the_outcome_is_said_once() {
    let world = World::new();
    let terminal = stuck(&world, 60, 100);
    terminal.signal(Signal::INT);
    let (code, sight) = terminal.last_sight();
    assert_eq!(code, Some(130));
    assert!(!sight.contains("ests: 1 passed") && !sight.contains("finishing"), "{sight}");
    assert_eq!(sight.matches("interrupted").count(), 1, "{sight}");
}

#[test]
fn a_run_that_goes_on_shows_what_it_has_cost_so_far() {
    let world = World::new();
    let kimi = MockKimi::script(mending());
    world.run(world.keyed(&kimi, &["fix", TASK, "--max-turns", "1"])).code(6);
    let silent = MockKimi::script([Answer::text("Never said.").mute()]);
    let terminal = Terminal::start(world.keyed(&silent, &["resume", "--max-turns", "5"]));
    let cost = regex::Regex::new(r"turn 2 · waiting for the model · .* · \$0\.0\d*[1-9]\d* of \$").unwrap();
    wait_until("the cost so far is shown", || cost.is_match(&terminal.sight()));
    terminal.signal(Signal::INT);
    let (_, screen) = terminal.end();
    assert!(!screen.contains("$0.00 of "), "it never began anew: {screen:?}");
}

#[test]
fn nothing_is_redrawn_where_nothing_can_be() {
    for term in ["dumb", ""] {
        let world = World::new();
        let kimi = MockKimi::script(mending());
        let mut command = world.keyed(&kimi, &["fix", TASK, "--dry-run"]);
        command.env("TERM", term);
        let (code, screen) = Terminal::start(command).end();
        assert_eq!(code, Some(0), "{screen}");
        assert!(!screen.contains('\u{1b}') && !screen.contains("waiting for the model"), "{screen:?}");
    }
    let world = World::new();
    let ran = world.fix(&MockKimi::script(mending()), &["--dry-run"]);
    let told = ran.stderr();
    assert!(!told.contains('\u{1b}') && !told.contains('\r') && !told.contains("waiting for the model"), "{told:?}");
}
