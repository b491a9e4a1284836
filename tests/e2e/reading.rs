//! What people read: lines that break between words, words in place of identifiers, each thing said once, in their own time.

use std::process::Command;

use console::measure_text_width;

use crate::pty::Terminal;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{TASK, World, mender};

/// Everything that a command shows on a terminal of so many columns, without what colours it.
fn shown(command: Command, columns: u16) -> String {
    let (_, screen) = Terminal::sized(command, 200, columns).end();
    console::strip_ansi_codes(&screen).replace('\r', "")
}

#[test]
fn lines_are_broken_between_words() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let unknown = ["diff", "nothing"];
    let settings =
        ["fix", TASK, "--test", "sh -c 'a command that has a great many words and will not fit at all in sixty'"];
    for arguments in [&unknown[..], &settings[..], &["show"], &["audit"], &["stats"], &["undo"], &["fix"]] {
        for columns in [80, 40] {
            let told = shown(world.kcode(arguments), columns);
            for line in told.lines() {
                let fits = measure_text_width(line) <= usize::from(columns);
                assert!(fits || line.trim().split(' ').count() <= 2, "{columns}: {line:?}\n{told}");
            }
        }
    }
}

#[test]
fn a_report_is_drawn_on_a_terminal_and_markdown_elsewhere() {
    let world = World::new();
    let ran = world.fix(&mender(), &[]).code(0);
    let drawn = shown(world.kcode(&["show"]), 80);
    assert!(drawn.starts_with("kcode run ") && drawn.contains("│ the greeting is misspelt"), "{drawn}");
    assert!(!drawn.contains("**") && !drawn.contains("|--") && !drawn.contains('`'), "{drawn}");
    assert!(shown(world.kcode(&["show", "--markdown"]), 80).starts_with("# kcode run "));
    assert_eq!(world.run(world.kcode(&["show"])).stdout(), ran.kept().read("report.md"));
}

#[test]
fn outcomes_are_words_and_an_error_is_said_once() {
    let world = World::new();
    let told = world.fix(&MockKimi::script([Answer::quota()]), &[]).code(69).stderr();
    let error = told.lines().find_map(|line| line.strip_prefix("error: ")).unwrap();
    assert_eq!(told.matches(error).count(), 1, "{told}");
    assert!(told.contains("rejected by the provider") && !told.contains("model_rejected"), "{told}");
    let listed = world.run(world.kcode(&["runs"])).stdout();
    assert!(listed.contains("rejected by the provider"), "{listed}");
    assert!(world.run(world.kcode(&["runs", "--json"])).stdout().contains("\"model_rejected\""));
}

#[test]
fn q_closes_the_help_of_a_review_and_no_other_key_decides_there() {
    let world = World::new();
    let id = world.fix(&mender(), &[]).code(0).kept().id();
    let mut terminal = Terminal::start(world.kcode(&["review", &id]));
    terminal.wait_to_see("Enter open");
    for key in ["q", "y", "a", "c"] {
        terminal.press("?");
        terminal.wait_to_see("rewrite it in your editor");
        terminal.press(key);
        let seen = terminal.wait_to_see("Enter open");
        assert!(seen.contains("0 accepted"), "{key}: {seen}");
    }
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn times_are_told_in_the_time_zone_of_whoever_reads() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let runs = |zone: &str, json: bool| {
        let mut command = world.kcode(if json { &["runs", "--json"] } else { &["runs"] });
        command.env("TZ", zone);
        world.run(command).stdout()
    };
    assert!(runs("UTC", false).contains("when (UTC)"));
    assert!(runs("XYZ-9", false).contains("when (+09:00)"));
    assert_eq!(runs("XYZ-9", true), runs("UTC", true));
    assert!(runs("no such zone", false).contains("when ("));
}

#[test]
fn a_locale_that_is_not_utf_8_gets_plain_letters() {
    for locale in ["C", "POSIX", "uk_UA.KOI8-U", ""] {
        let world = World::new();
        let kimi = mender();
        let mut command = world.keyed(&kimi, &["fix", TASK, "--dry-run"]);
        command.env("LANG", locale);
        let (code, screen) = Terminal::start(command).end();
        assert_eq!(code, Some(0), "{screen}");
        let told = console::strip_ansi_codes(&screen);
        assert!(screen.is_ascii() && told.contains("files ok"), "{locale}: {screen:?}");
        for arguments in [&["show"][..], &["runs"], &["stats"], &["audit"]] {
            let mut command = world.kcode(arguments);
            command.env("LANG", locale).env("TERM", "");
            let (_, screen) = Terminal::start(command).end();
            assert!(screen.is_ascii() && !screen.contains('\u{1b}'), "{locale} {arguments:?}: {screen:?}");
        }
    }
}
