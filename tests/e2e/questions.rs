//! A question is answered by who has seen it: nothing that was typed before counts, and only the keys that it names decide.

use std::sync::mpsc;

use rustix::termios::LocalModes;

use crate::pty::Terminal;
use crate::review::{command, review, reviewed, type_lines};
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{TASK, World, mender, mending, together};

/// What a cat on the keyboard types, and what a person might have meant for another question.
const TYPED: [&str; 7] = ["y", "y\n", "yyyyyyyy", "yes\nyes\n", "\u{1b}[200~y\n\u{1b}[201~", "\u{1b}Oy", "r"];

/// A model that mends the project, but says nothing before the other end allows it.
fn held() -> (MockKimi, mpsc::Sender<()>) {
    let (go, held) = mpsc::channel();
    let mut script = mending().into_iter();
    let kimi = MockKimi::answering(move |_| {
        // A test that failed lets go, too.
        let _ = held.recv();
        script.next().unwrap_or_else(|| Answer::text("Done."))
    });
    (kimi, go)
}

#[test]
fn what_is_typed_while_the_run_works_answers_nothing() {
    together(TYPED, |typed| {
        let (world, (kimi, go)) = (World::new(), held());
        let before = Tree::of(&world.root());
        let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
        terminal.wait_for("waiting for the model");
        terminal.press(typed);
        (0..3).for_each(|_| go.send(()).unwrap());
        terminal.wait_for("apply?");
        // A key that is none of the question's is answered, so that everything typed before was looked at.
        terminal.press("x");
        terminal.wait_for("press y (yes), r (review), n (no)");
        before.assert_same(&Tree::of(&world.root()));
        terminal.press("y");
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(0), "{typed:?}: {screen}");
        assert!(screen.contains("applied to 1 file"), "{screen}");
        assert_eq!(world.read("greeting.txt"), "Hello, World!\n", "the answer to the question counts");
    });
}

#[test]
fn what_is_typed_while_tests_run_answers_nothing() {
    let (world, kimi) = (World::new(), mender());
    let before = Tree::of(&world.root());
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    terminal.wait_for(" edit ");
    terminal.press("y");
    terminal.wait_for("apply?");
    terminal.press("\n");
    terminal.wait_for("press y (yes)");
    before.assert_same(&Tree::of(&world.root()));
    terminal.press("n");
    assert_eq!(terminal.end().0, Some(0));
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn only_its_own_keys_answer_a_question() {
    let others = [
        "\n",
        "\r\n",
        "x",
        " ",
        "\u{1b}",
        "\u{1b}[A",
        "\u{1b}Oy",
        "\u{1b}y",
        "\u{1b}[1;5y",
        "\u{1b}[200~y\r\u{1b}[201~",
        "yes, but",
        "why y",
        "xy",
        "é",
        "\u{1a}",
        "\t",
    ];
    together(others, |other| {
        let (world, kimi) = (World::new(), mender());
        let before = Tree::of(&world.root());
        let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
        terminal.wait_for("apply?");
        terminal.press(other);
        terminal.wait_for("press y (yes), r (review), n (no)");
        terminal.wait_for_times("apply?", 2);
        before.assert_same(&Tree::of(&world.root()));
        terminal.press("y\n");
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(0), "{other:?}: {screen}");
        assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    });
}

#[test]
fn a_large_letter_is_the_same_answer() {
    for (key, told, read) in [("Y", "applied to 1 file", "Hello, World!\n"), ("N", "not applied", "Hello, Wrold!\n")] {
        let (world, kimi) = (World::new(), mender());
        let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
        terminal.wait_for("apply?");
        terminal.press(key);
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(0), "{screen}");
        assert!(screen.contains(told), "{screen}");
        assert_eq!(world.read("greeting.txt"), read);
    }
    let (world, _) = reviewed();
    let mut terminal = review(&world, &["--plain"]);
    type_lines(&mut terminal, &[("which hunk", ""), ("accept?", "Y"), ("accept?", "Q")]);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("your decisions are kept"), "{screen}");
}

/// A shell with jobs of its own on the terminal, which starts `command`.
fn shell(command: &std::process::Command) -> Terminal {
    let mut shell = std::process::Command::new("setsid");
    shell.args(["--ctty", "--wait", "sh", "-i"]).env_clear().current_dir(command.get_current_dir().unwrap());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PS1", "$ ");
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut terminal = Terminal::sized(shell, 24, 80);
    terminal.wait_for("$ ");
    terminal.press(&format!("{}\n", words.join(" ")));
    terminal
}

#[test]
fn ctrl_z_leaves_the_terminal_to_the_shell_and_whoever_comes_back_is_asked_again() {
    let (world, kimi) = (World::new(), mender());
    let before = Tree::of(&world.root());
    let mut terminal = shell(&world.keyed(&kimi, &["fix", TASK]));
    terminal.wait_for("apply?");
    for times in [1, 2] {
        terminal.press("\u{1a}");
        terminal.wait_for_times("Stopped", times);
        let modes = terminal.modes();
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
        terminal.press("echo y; fg\n");
        terminal.wait_for_times("apply?", times + 1);
        before.assert_same(&Tree::of(&world.root()));
    }
    terminal.press("y");
    terminal.wait_for("applied to 1 file");
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    terminal.press("exit\n");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn a_review_that_was_stopped_is_drawn_again() {
    let (world, _) = reviewed();
    let before = Tree::of(&world.root());
    let mut terminal = shell(&command(&world, &[]));
    terminal.wait_to_see("Enter open");
    terminal.press("\u{1a}");
    terminal.wait_for("Stopped");
    let modes = terminal.modes();
    assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "{modes:?}");
    terminal.press("fg\n");
    terminal.wait_for_times("Enter open", 2);
    terminal.wait_to_see("Enter open");
    terminal.press("q");
    terminal.wait_for("not applied");
    // Line by line, what was asked is said again.
    terminal.press(&format!("{} review --plain\n", command(&world, &[]).get_program().to_str().unwrap()));
    terminal.wait_for("which hunk");
    terminal.press("\u{1a}");
    terminal.wait_for_times("Stopped", 2);
    terminal.press("fg\n");
    terminal.wait_for_times("which hunk", 2);
    terminal.press("q\n");
    terminal.wait_for_times("not applied", 2);
    terminal.press("exit\n");
    assert_eq!(terminal.end().0, Some(0));
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn whoever_does_not_say_yes_is_told_how_to_apply_later() {
    type End = fn(&mut Terminal);
    let ends: [(&str, End); 6] = [
        ("no", |terminal| terminal.press("n")),
        ("Ctrl-C", |terminal| terminal.press("\u{3}")),
        ("Ctrl-D", |terminal| terminal.press("\u{4}")),
        ("SIGINT", |terminal| terminal.signal(rustix::process::Signal::INT)),
        ("SIGTERM", |terminal| terminal.signal(rustix::process::Signal::TERM)),
        ("SIGHUP", |terminal| terminal.signal(rustix::process::Signal::HUP)),
    ];
    together(ends, |(name, end)| {
        let (world, kimi) = (World::new(), mender());
        let before = Tree::of(&world.root());
        let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
        terminal.wait_for("apply?");
        end(&mut terminal);
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(0), "{name}: {screen}");
        let later = screen.split("apply?").last().unwrap();
        assert!(later.contains("not applied; later: ") && later.contains(" · kcode apply "), "{name}: {screen}");
        before.assert_same(&Tree::of(&world.root()));
    });
}

#[test]
fn a_terminal_that_goes_is_no_yes() {
    let (world, kimi) = (World::new(), mender());
    let before = Tree::of(&world.root());
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    terminal.wait_for("apply?");
    terminal.hang_up();
    assert_eq!(terminal.end().0, Some(0));
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn the_terminal_is_as_it_was_after_a_question() {
    let (world, kimi) = (World::new(), mender());
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    let before = terminal.mode();
    terminal.wait_for("apply?");
    assert_ne!(terminal.mode(), before, "keys are read one by one");
    terminal.press("n");
    terminal.wait_for("not applied");
    crate::running::wait_until("the terminal is as it was", || terminal.mode() == before);
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn a_patch_that_fails_asks_for_its_own_keys_alone() {
    let insists = (0..5).map(|_| Answer::text("The greeting is right; the test isn't."));
    let (world, kimi) = (World::new(), MockKimi::script(mending().into_iter().chain(insists)));
    world.write_test("exit 1");
    world.commit_all();
    let before = Tree::of(&world.root());
    let mut terminal = Terminal::start(world.keyed(&kimi, &["fix", TASK]));
    terminal.wait_for("[r]eview the patch all the same?");
    terminal.press("y");
    terminal.wait_for("press r (review), n (no)");
    terminal.press("n");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(5), "{screen}");
    assert!(screen.contains("not applied; later: kcode review "), "{screen}");
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn a_review_takes_no_key_for_a_page_that_was_not_seen() {
    let (world, kept) = reviewed();
    let before = Tree::of(&world.root());
    let mut terminal = review(&world, &[]);
    terminal.wait_to_see("Enter open");
    terminal.press("\r");
    terminal.wait_to_see("1/3 ·");
    // Four yeses at once: the first is about the hunk that is shown.
    terminal.press("yyyy");
    terminal.wait_to_see("2/3 ·");
    terminal.press("c");
    let seen = terminal.wait_to_see("y test and apply");
    assert!(seen.contains("1 accepted, 0 rejected, 2 undecided"), "{seen}");
    for key in ["\r", "c"] {
        terminal.press(key);
        terminal.wait_to_see("y applies it, b goes back");
        // Goes and comes back, so that what is said next was said to the next key.
        terminal.press("b");
        terminal.wait_to_see("2/3 ·");
        terminal.press("c");
        terminal.wait_to_see("y test and apply");
    }
    before.assert_same(&Tree::of(&world.root()));
    terminal.press("q");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("not applied; your decisions are kept: kcode review "), "{screen}");
    assert_eq!(kept.events("applied").len(), 0);
}

#[test]
fn line_by_line_nothing_counts_that_was_typed_ahead() {
    let (world, kept) = reviewed();
    let before = Tree::of(&world.root());
    let mut terminal = review(&world, &["--plain"]);
    terminal.wait_for("which hunk");
    terminal.press("1\ny\ny\ny\ny\ny\n");
    let asked = [("accept?", "y"), ("accept?", "c"), ("[b]ack [q]uit", ""), ("[b]ack [q]uit", "q")];
    type_lines(&mut terminal, &asked);
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("1 accepted, 0 rejected, 2 undecided"), "{screen}");
    assert!(screen.contains("y applies it, b goes back"), "Enter alone decides nothing: {screen}");
    assert_eq!(kept.events("applied").len(), 0);
    before.assert_same(&Tree::of(&world.root()));
}

#[test]
fn what_is_typed_while_a_part_is_tested_does_not_overrule_the_tests() {
    for manner in [&["--plain"][..], &[]] {
        let (world, kept) = reviewed();
        // The part lacks what the test needs, and fails slowly.
        world.write_test("grep -q World greeting.txt && echo 'ok 1 - greeting' || { sleep 1; exit 1; }");
        let before = Tree::of(&world.root());
        let mut terminal = Terminal::sized(command(&world, manner), 24, 80);
        if manner.is_empty() {
            terminal.wait_to_see("Enter open");
            for (key, sign) in [("\r", "1/3 ·"), ("n", "2/3 ·"), ("y", "3/3 ·"), ("y", "y test and apply")] {
                terminal.press(key);
                terminal.wait_to_see(sign);
            }
            terminal.press("y");
        } else {
            type_lines(&mut terminal, &[("which hunk", "1"), ("accept?", "n"), ("accept?", "a"), ("apply", "y")]);
        }
        terminal.wait_for("testing what you accepted");
        terminal.press("y\ny\ny");
        terminal.wait_for("doesn't pass");
        terminal.press("\n");
        terminal.wait_for("press y (yes), b (back), n (no)");
        before.assert_same(&Tree::of(&world.root()));
        terminal.press("n");
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(5), "{screen}");
        assert!(screen.contains("not applied; your decisions are kept: kcode review "), "{screen}");
        assert_eq!(kept.events("applied").len(), 0);
        before.assert_same(&Tree::of(&world.root()));
    }
}
