//! What a person sees in a review, state by state, on a terminal of 80 columns and 24 rows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use vt100::Color;

use crate::pty::Terminal;
use crate::ran::steady;
use crate::review::{command, review, reviewed, type_lines};
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::World;

/// Presses `key`, and holds what is seen once `sign` is there against the snapshot of that name.
fn page(terminal: &mut Terminal, key: &str, sign: &str, name: &str) {
    terminal.press(key);
    let seen = terminal.wait_to_see(sign);
    insta::assert_snapshot!(format!("review_{name}"), steady(&seen));
}

#[test]
fn each_page_on_a_small_terminal() {
    let (world, _) = reviewed();
    let before = Tree::of(&world.root());
    let mut terminal = review(&world, &[]);
    page(&mut terminal, "", "Enter open", "files");
    page(&mut terminal, "\r", "-Hello, Wrold!", "hunk");
    page(&mut terminal, "t", "┃", "two_columns");
    page(&mut terminal, "w", "I mend it.", "why");
    page(&mut terminal, "?", "rewrite it in your editor", "help");
    page(&mut terminal, "/eigh", "/eigh_", "search");
    page(&mut terminal, "\r", "+line eighteen", "found");
    page(&mut terminal, ",", "+line five", "two_changes");
    page(&mut terminal, "s", "split into 2", "split");
    page(&mut terminal, "c", "y test and apply", "summary");
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(0));
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn a_part_of_a_patch_is_tested_before_it_lands() {
    let (world, _) = reviewed();
    let before = Tree::of(&world.root());
    let mut terminal = review(&world, &[]);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    terminal.wait_to_see("1/3 ·");
    terminal.press("y");
    terminal.wait_to_see("2/3 ·");
    terminal.press("c");
    page(&mut terminal, "", "is tested on its own", "part");
    before.assert_same(&Tree::of(&world.root()));
    terminal.press("y");
    let (code, seen) = terminal.last_sight();
    assert_eq!(code, Some(0), "{seen}");
    insta::assert_snapshot!("review_applied", steady(&seen));
}

#[test]
fn what_moved_on_meanwhile_is_a_conflict() {
    let (world, _) = reviewed();
    let mut terminal = review(&world, &[]);
    terminal.wait_to_see("Enter open");
    for (key, sign) in [("\r", "1/3 ·"), ("y", "2/3 ·"), ("y", "3/3 ·"), ("y", "The whole patch is accepted")] {
        terminal.press(key);
        terminal.wait_to_see(sign);
    }
    world.write("notes.txt", "mine\n");
    let before = Tree::of(&world.root());
    terminal.press("y");
    let (code, seen) = terminal.last_sight();
    assert_eq!(code, Some(7), "{seen}");
    insta::assert_snapshot!("review_conflict", steady(&seen));
    before.assert_same(&Tree::of(&world.root()));
}

/// An editor that shows the file, waits for a line, and then does `command` to it.
fn editor(world: &World, command: &str) -> String {
    let editor = world.path("an editor");
    let script = format!("#!/bin/sh\necho 'the editor has:'\ncat \"$1\"\nread go\n{command}\n");
    fs::write(&editor, script).unwrap();
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
    format!("'{}'", editor.display())
}

#[test]
fn an_editor_and_a_pager_have_the_terminal_to_themselves() {
    let (world, _) = reviewed();
    let mut command = command(&world, &[]);
    command.env("EDITOR", editor(&world, "sed -i s/World/Earth/ \"$1\"")).env("PAGER", "sh -c 'cat; read go <&2'");
    let mut terminal = Terminal::sized(command, 24, 80);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    terminal.wait_to_see("+Hello, World!");
    terminal.press("e");
    terminal.wait_for("the editor has:\r\nHello, World!");
    insta::assert_snapshot!("review_editor", steady(&terminal.sight()));
    page(&mut terminal, "\n", "+Hello, Earth!", "edited");
    terminal.press("p");
    terminal.wait_for("3/3 · notes.txt");
    terminal.wait_for("+line eighteen");
    let shown = terminal.sight();
    assert!(shown.contains("line 20") && !shown.contains("Enter open"), "{shown}");
    terminal.press("\n");
    terminal.wait_to_see("1/3 ✎");
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn an_editor_that_fails_changes_nothing() {
    let (world, _) = reviewed();
    let mut command = command(&world, &[]);
    // Messages name the program, and the path of this one is as long as that of the temporary folder.
    let editor = format!("sh {}", editor(&world, "echo spoilt > \"$1\"; exit 3"));
    command.env("EDITOR", editor).env("PAGER", "no-such-pager");
    let mut terminal = Terminal::sized(command, 24, 80);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    terminal.wait_to_see("+Hello, World!");
    terminal.press("e");
    terminal.wait_for("the editor has:");
    terminal.press("\n");
    terminal.wait_to_see("nothing was rewritten");
    terminal.press("p");
    terminal.wait_to_see("no-such-pager is not installed");
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn words_that_differ_and_words_of_the_language_have_their_colours() {
    let world = World::new();
    world.write("core.py", "# adds\ndef add(a, b):\n    return a - b\n");
    world.commit_all();
    let edit = json!({"path": "core.py", "old_text": "return a - b", "new_text": "return a + b"}).to_string();
    let kimi = MockKimi::script([Answer::call("edit_file", &edit), Answer::text("Done.")]);
    world.fix(&kimi, &["--no-verify"]).code(4);
    let mut command = command(&world, &[]);
    command.env_remove("NO_COLOR");
    let mut terminal = Terminal::sized(command, 24, 80);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    let seen = terminal.wait_to_see("+    return a + b");
    let screen = terminal.cells();
    let cell = |row: &str, text: &str| {
        let (at, line) = seen.lines().enumerate().find(|(_, line)| line.contains(row)).unwrap();
        let column = line.chars().position(|char| line.ends_with(text) && char == text.chars().next().unwrap());
        let found = line.find(text).map(|byte| line[..byte].chars().count()).or(column).unwrap();
        screen.cell(at.try_into().unwrap(), found.try_into().unwrap()).unwrap().clone()
    };
    assert_eq!(cell("+    return", "return").fgcolor(), Color::Idx(5), "a keyword");
    assert_eq!(cell("  def add", "add").fgcolor(), Color::Idx(4), "a name");
    assert!(cell("# adds", "# adds").italic(), "a comment");
    assert!(cell("+    return", "+ b").inverse() && cell("-    return", "- b").inverse(), "what differs");
    assert!(!cell("+    return", "return").inverse(), "what doesn't");
    assert_eq!(cell("+    return", "+ b").fgcolor(), Color::Idx(2), "it comes");
    terminal.press("q");
    terminal.end();
}

#[test]
fn a_window_that_changes_its_size_is_drawn_anew() {
    let (world, _) = reviewed();
    let mut terminal = review(&world, &[]);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    terminal.wait_to_see("+Hello, World!");
    terminal.resize(10, 44);
    let narrow = terminal.wait_to_see("e edit  ?");
    assert!(narrow.contains("y accept") && !narrow.contains("t columns"), "{narrow}");
    terminal.resize(40, 120);
    let wide = terminal.wait_to_see("/ search");
    assert_eq!(wide.lines().count(), 40);
    terminal.press("q");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn line_by_line_it_reads_as_well() {
    let (world, _) = reviewed();
    let mut terminal = review(&world, &["--plain"]);
    let lines = [
        ("which hunk", "2"),
        ("accept?", "s"),
        ("accept?", "w"),
        ("[b]ack", "b"),
        ("accept?", "/eighteen"),
        ("accept?", "y"),
        ("accept?", "c"),
        ("apply", "q"),
    ];
    type_lines(&mut terminal, &lines);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    insta::assert_snapshot!("review_plain", steady(&screen.replace('\r', "")));
}

/// Whether each word of `text` is seen whole.
fn is_whole(seen: &str, text: &str) {
    let words: Vec<&str> = seen.split_whitespace().collect();
    for word in text.split_whitespace() {
        assert!(words.contains(&word), "{word:?} is broken in:\n{seen}");
    }
}

#[test]
fn words_are_whole_on_narrow_terminals() {
    let (world, _) = reviewed();
    for columns in [40, 47, 63, 80] {
        let mut terminal = Terminal::sized(command(&world, &[]), 60, columns);
        let seen = terminal.wait_to_see("undecided");
        is_whole(&seen, "3 hunks: 0 accepted, 0 rejected, 3 undecided");
        terminal.press("y");
        is_whole(
            &terminal.wait_to_see("open a hunk"),
            "open a hunk first (Enter), or decide about a whole file with a or d",
        );
        terminal.press("?");
        let seen = terminal.wait_to_see("this help");
        is_whole(&seen, "why: the turn that made it, and what the model said there");
        is_whole(&seen, "leave; what you decided is kept for the next review");
        is_whole(&seen, "old and new side by side, or in one column");
        terminal.press("q");
        terminal.wait_to_see("greeting.txt");
        terminal.press("\r");
        let seen = terminal.wait_to_see("1/3");
        assert!(seen.trim_end().lines().last().unwrap().contains('?'), "the key of the help is seen: {seen}");
        terminal.press("w");
        is_whole(&terminal.wait_to_see("mend it."), "The greeting is misspelt: I mend it.");
        terminal.press("q");
        // A key that was pressed before the page was there would be forgotten.
        terminal.wait_to_see("+Hello, World!");
        terminal.press("q");
        terminal.wait_for("not applied");
        assert_eq!(terminal.end().0, Some(0));
    }
}

#[test]
fn line_by_line_words_are_whole_as_well() {
    let (world, _) = reviewed();
    let mut terminal = Terminal::sized(command(&world, &["--plain"]), 60, 40);
    type_lines(&mut terminal, &[("help:", "?"), ("[b]ack", "b"), ("help:", "q")]);
    let (_, screen) = terminal.end();
    is_whole(&screen, "which hunk [1-3], [c]onclude, [q]uit, [?] help:");
    is_whole(&screen, "why: the turn that made it, and what the model said there");
    assert!(screen.lines().all(|line| line.trim_end().chars().count() <= 40), "{screen}");
}
