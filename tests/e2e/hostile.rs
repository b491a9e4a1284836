//! Law 9: what a repository, a test or the model writes never drives a terminal, a runner or a parser.
//!
//! That no control character reaches standard error is held for every run; here is the text that tries to.

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, first_then, mender};

/// Clears the screen, sets the title, turns text around, rings, and speaks to GitHub's runner.
const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}txt.exe\r\u{8}\n::set-env name=PATH::/evil\n##[error]x";

#[test]
fn output_of_tests() {
    let world = World::new();
    world.write("says", HOSTILE);
    world.write_test("cat says; printf 'FAIL '; cat says; exit 1");
    let kimi = first_then(Answer::calls([("edit_file", EDIT), ("run_tests", "{}")]), Answer::text("Done."));
    let ran = world.fix(&kimi, &["-v"]).code(5);
    clean(&ran.stderr());
    clean(&ran.kept().read("report.md"));
    let told: String = kimi.requests().iter().map(|request| request.last_text().to_owned()).collect();
    assert!(!told.contains('\u{1b}'), "the model is spared it, too: {told:?}");
}

#[test]
fn words_of_the_model() {
    let world = World::new();
    let odd = |text: &str| serde_json::to_string(text).unwrap();
    let arguments = format!(r#"{{"path": {}, "start_line": {}}}"#, odd(HOSTILE), odd(HOSTILE));
    let kimi = MockKimi::script([
        Answer::call(HOSTILE, "{}").ids([HOSTILE]).lax(),
        Answer::call("read_file", &arguments).saying(HOSTILE).reasoning(HOSTILE),
        Answer::call("edit_file", EDIT),
        Answer::text(HOSTILE),
    ]);
    let ran = world.fix(&kimi, &["-v"]).code(0);
    clean(&ran.stderr());
    clean(&ran.kept().read("report.md"));
    let shown = world.run(world.kcode(&["show"])).code(0);
    clean(&shown.stdout());
}

#[test]
fn names_of_files() {
    let world = World::new();
    let name = "a\u{1b}[31m\u{202e}b\n::error::c.txt";
    world.write(name, "Wrold\n");
    world.commit_all();
    let path = serde_json::to_string(name).unwrap();
    let kimi = MockKimi::script([
        Answer::calls([("list_files", "{}"), ("search", r#"{"pattern": "Wrold"}"#)]),
        Answer::call("edit_file", &format!(r#"{{"path": {path}, "old_text": "Wrold", "new_text": "World"}}"#)),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &["-v"]).code(0);
    clean(&ran.stderr());
    clean(&ran.kept().read("report.md"));
    assert_eq!(ran.stdout().matches("diff --git").count(), 2);
    assert!(!ran.stdout().contains('\u{1b}'), "git quotes such names");
    std::fs::write(world.path("p.diff"), ran.stdout()).unwrap();
    world.git(&["apply", "--check", world.path("p.diff").to_str().unwrap()]);
}

#[test]
fn words_of_the_provider() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::error(400, HOSTILE, HOSTILE).header("X-Request-Id", "a\u{9b}31mb")]);
    clean(&world.fix(&kimi, &[]).code(69).stderr());
}

#[test]
fn words_of_the_task_and_the_settings() {
    let (world, kimi) = (World::new(), mender());
    let ran = world.run(world.keyed(&kimi, &["fix", &format!("{TASK} {HOSTILE}")])).code(0);
    clean(&ran.stderr());
    clean(&world.run(world.kcode(&["runs"])).code(0).stdout());
    world.write(".kcode.toml", "\"\\u001b[31m\" = 1\n");
    clean(&world.run(world.keyed(&kimi, &["fix", TASK])).code(78).stderr());
}

#[test]
fn a_conversation_that_talks_like_a_patch_is_none() {
    let world = World::new();
    world.write("docs/about.md", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n");
    world.commit_all();
    let edit = r#"{"path": "docs/about.md", "old_text": "-a\n+b", "new_text": "-- a\n++ c"}"#;
    let kimi = MockKimi::script([Answer::calls([("edit_file", EDIT), ("edit_file", edit)]), Answer::text("Done.")]);
    let ran = world.fix(&kimi, &[]).code(0);
    std::fs::write(world.path("p.diff"), ran.stdout()).unwrap();
    world.git(&["apply", world.path("p.diff").to_str().unwrap()]);
    assert!(world.read("docs/about.md").ends_with("-- a\n++ c\n"));
}

fn clean(text: &str) {
    let found: Vec<char> = text
        .chars()
        .filter(|c| (c.is_control() && !"\n\t".contains(*c)) || ('\u{202a}'..='\u{202e}').contains(c))
        .collect();
    assert!(found.is_empty(), "{found:?} in {text}");
    let commands = |line: &str| line.trim_start_matches(['>', ' ']).starts_with("::") || line.contains("##[");
    assert!(!text.lines().any(commands), "{text}");
}
