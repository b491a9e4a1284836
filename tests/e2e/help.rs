//! Each command's help, where little can be shown.

use crate::pty::Terminal;
use crate::world::World;

const COMMANDS: [&str; 20] = [
    "fix", "resume", "replay", "export", "demo", "config", "doctor", "diff", "show", "review", "audit", "ci", "apply",
    "policy", "publish", "undo", "verify", "runs", "stats", "gc",
];

fn pages() -> impl Iterator<Item = Vec<&'static str>> {
    let of = |flag| COMMANDS.into_iter().map(move |command| vec![command, flag]).chain([vec![flag]]);
    of("--help").chain(of("-h"))
}

fn shown(world: &World, arguments: &[&str], term: &str) -> String {
    let mut command = world.kcode(arguments);
    command.env("TERM", term).env("LANG", "C");
    let (code, screen) = Terminal::sized(command, 24, 40).end();
    assert_eq!(code, Some(0), "{screen}");
    screen
}

#[test]
fn it_fits_forty_columns_in_plain_letters() {
    let world = World::new();
    let listed = world.run(world.kcode(&["help"])).code(0).stdout();
    assert!(COMMANDS.iter().all(|command| listed.contains(&format!("\n  {command} "))), "{listed}");
    let commands = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    assert_eq!(commands.filter(|line| !line.trim().starts_with('-')).count(), COMMANDS.len() + 1, "{listed}");
    for page in pages() {
        for term in ["", "dumb"] {
            let screen = shown(&world, &page, term);
            assert!(screen.is_ascii() && !screen.contains('\u{1b}'), "{page:?} {term:?}: {screen:?}");
            let wide = screen.lines().find(|line| line.trim_end().len() > 40);
            assert_eq!(wide, None, "{page:?}: {screen}");
        }
    }
    assert!(shown(&world, &["fix", "--help"], "xterm").contains('\u{1b}'));
}

#[test]
fn what_every_command_takes_stands_behind_its_own() {
    let world = World::new();
    for command in COMMANDS {
        let page = world.run(world.kcode(&[command, "--help"])).code(0).stdout();
        let (own, everywhere) = page.split_once("Options of every command:").unwrap();
        let globals = ["--repo", "--config", "--quiet", "--verbose", "--color"];
        let has = |text: &str, flag: &str| text.split([' ', '\n', ',']).any(|word| word == flag);
        assert!(globals.iter().all(|flag| has(everywhere, flag) && !has(own, flag)), "{page}");
        assert_eq!(everywhere.matches("\n  -").count() + everywhere.matches("\n      --").count(), 5, "{page}");
    }
}
