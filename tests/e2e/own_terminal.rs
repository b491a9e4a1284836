//! The user's terminal is the user's: tests neither write on it, nor read what is typed, nor change it, and Ctrl-C
//! reaches kcode alone.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use rustix::termios::LocalModes;

use crate::pty::Terminal;
use crate::running::wait_until;
use crate::support::kimi::MockKimi;
use crate::world::{TASK, World, mender};

/// What hostile tests do to any terminal that they find; each line that they print is a success of theirs.
const SEIZE: &str = include_str!("../support/seize.py");

/// The three ways in which a person's shell may start it.
#[derive(Clone, Copy, Debug)]
enum Started {
    /// As the terminal's first process, as an emulator does with `-e`.
    First,
    /// By a shell that gives each command a process group.
    ByShell,
    /// By a script: in its process group.
    ByScript,
}

/// `kcode` on a terminal that controls it.
fn start(world: &World, kimi: &MockKimi, started: Started, arguments: &[&str]) -> Terminal {
    let kcode = world.keyed(kimi, &[&["fix", TASK, "--dry-run"], arguments].concat());
    let mut command = Command::new("setsid");
    command.arg("--ctty");
    match started {
        Started::First => {}
        Started::ByShell => drop(command.args(["sh", "-c", "set -m; \"$@\"; exit $?", "sh"])),
        Started::ByScript => drop(command.args(["sh", "-c", "\"$@\"; exit $?", "sh"])),
    }
    command.arg(kcode.get_program()).args(kcode.get_args()).current_dir(world.root()).env_clear();
    command.envs(kcode.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Terminal::start(command)
}

/// A project whose test is the attack, and `then` another command. Without a sandbox whatever the user may open by its
/// path is open.
fn hostile(sandbox: &str, then: &str) -> World {
    let world = World::new();
    let places = if sandbox == "off" { "own" } else { "all" };
    world.write_test(&format!("python3 seize.py {places} && {then}"));
    world.write("seize.py", SEIZE);
    world.commit_all();
    world
}

fn logs(world: &World) -> String {
    let runs = world.runs();
    let entries = fs::read_dir(runs[0].join("logs")).into_iter().flatten().map(|entry| entry.unwrap().path());
    let logs = entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("tests-"));
    logs.map(|log| fs::read_to_string(log).unwrap()).collect()
}

#[test]
fn tests_do_not_get_the_terminal_however_kcode_was_started() {
    for started in [Started::First, Started::ByShell, Started::ByScript] {
        for sandbox in ["strict", "off"] {
            let (world, kimi) = (hostile(sandbox, "echo 'ok 1 - greeting'"), mender());
            let mut terminal = start(&world, &kimi, started, &["--sandbox", sandbox]);
            terminal.wait_for("tests ");
            terminal.press("typed by a person\n");
            let before = terminal.modes();
            terminal.wait_for("verified");
            assert_eq!(terminal.window(), (40, 100), "{started:?} {sandbox}");
            assert!(
                terminal.modes().contains(LocalModes::ECHO | LocalModes::ISIG),
                "{started:?} {sandbox}: {before:?}"
            );
            let (code, screen) = terminal.end();
            let logs = logs(&world);
            assert_eq!(code, Some(0), "{screen}\n{logs}");
            assert!(!logs.contains("OPEN"), "{started:?} {sandbox}: {logs}");
            assert!(!screen.contains("]0;OWNED") && !screen.contains("]52;"), "{started:?} {sandbox}: {screen}");
            assert!(logs.contains("session 0\n"), "{started:?} {sandbox}: {logs}");
            let descriptors = "descriptors ['0', '1', '2'] ['/dev/null', 'pipe', 'pipe']";
            assert!(logs.contains(descriptors), "{started:?} {sandbox}: {logs}");
        }
    }
}

#[test]
fn ctrl_c_reaches_kcode_and_not_the_tests() {
    for started in [Started::First, Started::ByShell] {
        let waiting = "{ trap 'echo INTERRUPTED' INT; echo waiting; sleep 1000 & wait; wait; }";
        let (world, kimi) = (hostile("strict", waiting), mender());
        let mut terminal = start(&world, &kimi, started, &["--sandbox", "strict"]);
        wait_until("tests run", || !world.runs().is_empty() && logs(&world).contains("waiting"));
        terminal.press("\x03");
        let (code, screen) = terminal.end();
        assert_eq!(code, Some(130), "{started:?}: {screen}");
        assert!(screen.contains("interrupted"), "{started:?}: {screen}");
        assert!(!logs(&world).contains("INTERRUPTED"), "{started:?}");
    }
}

/// What suites of terminal programs do: a terminal of their own, also as the controlling one.
#[test]
fn tests_may_make_a_terminal_of_their_own() {
    let world = World::new();
    let script = "import os, pty\n\
                  def on_terminal(*argv):\n    \
                      pid, master = pty.fork()\n    \
                      if pid == 0: os.execvp(argv[0], argv)\n    \
                      said = b''\n    \
                      try:\n        \
                          while more := os.read(master, 1000): said += more\n    \
                      except OSError: pass\n    \
                      _, status = os.waitpid(pid, 0)\n    \
                      assert status == 0, (argv, status, said)\n    \
                      return said\n\
                  said = on_terminal('sh', '-c', 'tty; test -t 0 && test -t 2 && echo hello > /dev/tty')\n\
                  assert said == b'/dev/pts/0\\r\\nhello\\r\\n', said\n\
                  said = on_terminal('stty', 'size')\n\
                  assert said == b'0 0\\r\\n', said\n\
                  print('ok 1 - greeting')\n";
    world.write("terminal.py", script);
    world.write_test("grep -q 'Hello, World!' greeting.txt && exec python3 terminal.py");
    world.commit_all();
    let ran = world.fix(&mender(), &["--dry-run", "--sandbox", "strict"]);
    assert_eq!(ran.report()["outcome"], "verified", "{}", logs(&world));
}

/// The kernel sends it to whoever is on the terminal when that goes.
#[test]
fn a_terminal_that_goes_ends_kcode() {
    let (world, kimi) = (World::new(), mender());
    world.write_test("echo waiting; sleep 1000");
    world.commit_all();
    let mut terminal = start(&world, &kimi, Started::First, &[]);
    terminal.wait_for("tests ");
    terminal.hang_up();
    terminal.signal(Signal::CONT);
    assert_eq!(terminal.end().0, Some(130));
}
