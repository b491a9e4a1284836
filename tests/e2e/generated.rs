//! What commands write is no part of the patch: the model has no shell, and nobody asked for it. It is told apart, and taken
//! along by whoever names it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::laws;
use crate::pty::Terminal;
use crate::ran::Kept;
use crate::review::type_lines;
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World, mender, mending, together};

/// Passes on the mended project, and writes what real runners do: to a tracked log, a report, a lock file, a snapshot; and it
/// removes a file.
const MESSY: &str = "echo ran >> log.txt
mkdir -p coverage/lcov __snapshots__
echo TN: > coverage/lcov/info
echo html > coverage/index.html
echo '{}' > Gemfile.lock
echo snap > __snapshots__/greeting.snap
rm -f old.txt
grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'";

fn messy() -> World {
    let world = World::new();
    world.write("log.txt", "began\n");
    world.write("old.txt", "old\n");
    world.write_test(MESSY);
    world.commit_all();
    world
}

/// The other of two runs.
fn other_than(world: &World, kept: &Kept) -> Kept {
    let other = world.runs().into_iter().map(Kept).find(|run| run.id() != kept.id());
    other.unwrap()
}

/// The files of a patch.
pub fn files(kept: &Kept) -> Vec<String> {
    let report = kept.report();
    let files = report["patch"]["files"].as_array().cloned().unwrap_or_default();
    files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

/// What commands wrote, with what became of it; those in the patch have a plus.
pub fn generated(kept: &Kept) -> Vec<String> {
    let report = kept.report();
    laws::assert_shape("report", &report);
    let told = |file: &Value| {
        let sign = if file["included"] == true { "+" } else { "" };
        format!("{sign}{} {}", file["path"].as_str().unwrap(), file["change"].as_str().unwrap())
    };
    report["generated"]["files"].as_array().unwrap().iter().map(told).collect()
}

const ALL: [&str; 6] = [
    "Gemfile.lock added",
    "__snapshots__/greeting.snap added",
    "coverage/index.html added",
    "coverage/lcov/info added",
    "log.txt modified",
    "old.txt deleted",
];

pub fn settings(world: &World, lines: &str) {
    world.write(".kcode.toml", format!("[test]\ncommand = \"./test.sh\"\n{lines}"));
    world.commit_all();
}

#[test]
fn what_tests_write_is_told_and_not_applied() {
    // The model runs the tests itself as well, so that they have written before anybody verifies.
    let mut answers = mending();
    answers.insert(1, Answer::call("run_tests", "{}"));
    answers.insert(3, Answer::call("run_tests", "{}"));
    for script in [mending(), answers] {
        let world = messy();
        let ran = world.run_freely(world.keyed(&MockKimi::script(script), &["fix", TASK, "--apply"])).code(0);
        assert_eq!(files(&ran.kept()), ["greeting.txt"]);
        assert_eq!(generated(&ran.kept()), ALL);
        assert_eq!(world.git(&["status", "--porcelain"]), " M greeting.txt\n", "only the model's work is applied");
        let ran = ran.says(&[
            "not in the patch, written by commands: Gemfile.lock (added), ",
            "and 1 more",
            "--include-generated",
        ]);
        assert!(ran.kept().read("report.md").contains("not in the patch, written by commands: "), "{}", ran.stderr());
        assert!(!ran.kept().read("patch.diff").contains("log.txt"));
    }
}

#[test]
fn what_is_named_is_taken_along() {
    let named = ["--include-generated", "__snapshots__/**", "--include-generated", "log.txt"];
    let world = messy();
    let kept = world.fix(&mender(), &named).code(0).kept();
    assert_eq!(files(&kept), ["__snapshots__/greeting.snap", "greeting.txt", "log.txt"]);
    assert!(generated(&kept).contains(&"+log.txt modified".to_owned()), "{:?}", generated(&kept));
    let world = messy();
    world.write("Gemfile", "");
    settings(&world, "writes = [\"**/__snapshots__/**\", \"Gemfile.lock\"]\n");
    let kept = world.fix(&mender(), &[]).code(0).kept();
    assert_eq!(files(&kept), ["Gemfile.lock", "__snapshots__/greeting.snap", "greeting.txt"]);
    world.run_freely(world.kcode(&["apply"])).code(0);
    assert_eq!(world.git(&["status", "--porcelain"]).lines().count(), 3);
    world.run_freely(world.kcode(&["undo"])).code(0);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    let world = messy();
    world.configure("[test]\nwrites = [\"coverage\"]");
    let kept = world.fix(&mender(), &[]).code(0).kept();
    assert_eq!(files(&kept), ["coverage/index.html", "coverage/lcov/info", "greeting.txt"]);
}

#[test]
fn a_repository_may_name_snapshots_and_lock_files_alone() {
    for glob in ["**", ".github/**", "*.txt", "src/**", "!a"] {
        let world = messy();
        settings(&world, &format!("writes = [\"{glob}\"]\n"));
        let ran = world.fix(&mender(), &[]).code(78);
        assert!(ran.stderr().contains("test.writes") && world.runs().is_empty(), "{}", ran.stderr());
    }
}

#[test]
fn a_file_that_the_tests_rewrite_is_as_the_model_wrote_it() {
    let world = World::new();
    world.write_test("grep -q 'Hello, World!' greeting.txt && echo formatted > greeting.txt; sed -i 's/$/ /' docs/about.md; echo 'ok 1 - a'");
    world.commit_all();
    let kept = world.fix(&mender(), &[]).code(0).kept();
    assert_eq!(files(&kept), ["greeting.txt"]);
    assert_eq!(generated(&kept), ["docs/about.md modified", "greeting.txt rewritten"]);
    world.run_freely(world.kcode(&["apply"])).code(0);
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
}

#[test]
fn a_file_that_the_tests_move_is_followed() {
    let world = World::new();
    world.write_test(
        "[ -f new.txt ] && mkdir -p kept && mv new.txt kept/new.txt; [ -f kept/new.txt ] && echo 'ok 1 - a'",
    );
    world.commit_all();
    let new = json!({"path": "new.txt", "content": "a text\n"}).to_string();
    let kimi = MockKimi::script([Answer::call("write_file", &new), Answer::text("Done.")]);
    let kept = world.fix(&kimi, &[]).code(0).kept();
    assert_eq!(files(&kept), ["kept/new.txt"]);
}

#[test]
fn a_file_is_followed_to_no_place_where_git_an_editor_or_a_program_obeys_it() {
    together([".github/workflows/ci.yml", ".gitattributes", ".env.local", ".vscode/tasks.json"], |to| {
        let world = World::new();
        let folder = Path::new(to).parent().unwrap().display().to_string();
        world.write_test(&format!("[ -f new.yml ] && mkdir -p ./{folder} && mv new.yml {to}; echo 'ok 1 - a'"));
        world.commit_all();
        let new = json!({"path": "new.yml", "content": "a text\n"}).to_string();
        let kimi = MockKimi::script([Answer::call("write_file", &new), Answer::text("Done.")]);
        let kept = world.fix(&kimi, &[]).code(0).kept();
        assert_eq!(files(&kept), ["new.yml"]);
    });
}

#[test]
fn tests_that_pass_only_with_what_an_earlier_command_left_prove_nothing() {
    let world = World::new();
    // The first run prepares what the second needs.
    world.write_test("[ -f prepared ] && echo 'ok 1 - a' && exit 0; touch prepared; echo 'not ok 1 - a'; exit 1");
    world.commit_all();
    let mut script = vec![mending()[1].clone(), Answer::call("run_tests", "{}"), Answer::call("run_tests", "{}")];
    script.extend((0..6).map(|_| Answer::text("They pass.")));
    let ran = world.fix(&MockKimi::script(script), &[]).code(5);
    assert_eq!(generated(&ran.kept()), ["prepared added"]);
    ran.says(&["not in the patch, written by commands: prepared (added)"]);
}

#[test]
fn a_link_that_only_tests_made_is_in_no_patch() {
    let world = World::new();
    world.write_test("ln -sf /etc/passwd leak; grep -q World greeting.txt && echo 'ok 1 - a'");
    world.commit_all();
    let kept = world.fix(&mender(), &[]).code(0).kept();
    assert_eq!((files(&kept), generated(&kept)), (vec!["greeting.txt".to_owned()], vec!["leak added".to_owned()]));
}

#[test]
fn a_copy_tells_them_apart_as_well() {
    let world = messy();
    let kept = world.fix(&mender(), &["--sandbox", "off"]).code(0).kept();
    assert_eq!((files(&kept), generated(&kept)), (vec!["greeting.txt".to_owned()], ALL.map(str::to_owned).to_vec()));
}

#[test]
fn nothing_but_what_tests_wrote_is_no_change() {
    let world = messy();
    let script = [Answer::call("run_tests", "{}"), Answer::text("Done."), Answer::text("Done."), Answer::text("Done.")];
    let ran = world.fix(&MockKimi::script(script), &[]).code(3);
    assert_eq!((files(&ran.kept()), generated(&ran.kept())), (Vec::new(), ALL.map(str::to_owned).to_vec()));
}

#[test]
fn a_resumed_run_and_a_further_task_keep_to_it() {
    let world = messy();
    let script = [Answer::call("edit_file", EDIT), Answer::call("run_tests", "{}")];
    let limited = ["--max-turns", "2", "--include-generated", "log.txt"];
    let kept = world.fix(&MockKimi::script(script), &limited).code(6).kept();
    assert_eq!(files(&kept), ["greeting.txt", "log.txt"]);
    let done = || MockKimi::script([Answer::text("Done.")]);
    world.run(world.keyed(&done(), &["resume", "--max-turns", "9"])).code(0);
    assert_eq!(files(&kept), ["greeting.txt", "log.txt"]);
    assert!(generated(&kept).contains(&"coverage/index.html added".to_owned()));
    let about = json!({"path": "docs/about.md", "old_text": "A greeting.", "new_text": "One."}).to_string();
    let more = MockKimi::script([Answer::call("edit_file", &about), Answer::text("Done.")]);
    world.run(world.keyed(&more, &["fix", "--resume", &kept.id(), "and the docs"])).code(0);
    assert_eq!(files(&other_than(&world, &kept)), ["docs/about.md", "greeting.txt", "log.txt"]);
}

#[test]
fn verify_replay_and_minimize_agree() {
    let world = messy();
    let kept = world.fix(&mender(), &["--minimize"]).code(0).kept();
    assert_eq!(files(&kept), ["greeting.txt"]);
    world.run(world.kcode(&["verify"])).code(0);
    world.run(world.kcode(&["audit"])).code(0);
    let world = messy();
    let kept = world.fix(&mender(), &["--include-generated", "log.txt"]).code(0).kept();
    world.run(world.kcode(&["replay", &kept.id()])).code(0);
}

#[test]
fn a_review_tells_it_apart() {
    let world = messy();
    world.fix(&mender(), &[]).code(0);
    let mut command = world.kcode(&["review", "--plain"]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::sized(command, 40, 200);
    type_lines(&mut terminal, &[("which hunk", "q")]);
    let screen = terminal.end().1;
    assert!(screen.contains("not in the patch, written by commands: Gemfile.lock (added)"), "{screen}");
    assert!(!screen.contains("log.txt  changed"), "{screen}");
}

/// Whether this machine has that program.
fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_lock_file_that_cargo_writes_is_no_work_of_the_model() {
    assert!(has("cargo"), "it builds this test");
    let world = World::empty();
    world.write("Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    world.write("src/lib.rs", "pub fn two() -> u8 { 1 }\n#[test]\nfn is_two() { assert_eq!(two(), 2) }\n");
    world.write(".gitignore", "/target\n");
    world.git(&["init", "-q", "-b", "main"]);
    world.commit_all();
    let edit = json!({"path": "src/lib.rs", "old_text": "{ 1 }", "new_text": "{ 2 }"}).to_string();
    let fix = |arguments: &[&str]| {
        let kimi = MockKimi::script([Answer::call("edit_file", &edit), Answer::text("Done.")]);
        let mut command = world.keyed(&kimi, &[&["fix", TASK], arguments].concat());
        crate::world::open_rust(&mut command);
        let before = Tree::of(&world.root());
        let ran = world.run_freely(command);
        before.assert_same(&Tree::of(&world.root()));
        ran.code(0);
    };
    fix(&[]);
    let kept = Kept(world.runs().remove(0));
    assert_eq!((files(&kept), generated(&kept)), (vec!["src/lib.rs".to_owned()], vec!["Cargo.lock added".to_owned()]));
    fix(&["--include-generated", "Cargo.lock"]);
    assert_eq!(files(&other_than(&world, &kept)), ["Cargo.lock", "src/lib.rs"]);
}

#[test]
fn tests_that_need_what_commands_wrote_say_which_files() {
    // The first run makes the snapshot and fails, as runners do that are told to write none in silence.
    let script = "if [ ! -f __snapshots__/a.snap ]; then mkdir -p __snapshots__; cp greeting.txt __snapshots__/a.snap; \
                  echo 'not ok 1 - greeting # no snapshot'; exit 1; fi; \
                  grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'";
    let world = World::new();
    world.write_test(script);
    world.commit_all();
    let kimi = MockKimi::script([answers_again(), vec![Answer::text("Done."); 3]].concat());
    let ran = world.fix(&kimi, &[]).code(5);
    let sentence = "tests pass only with generated files: __snapshots__/a.snap";
    let ran = ran.says(&[sentence, "--include-generated GLOB"]);
    let (report, page) = (ran.report(), ran.kept().read("report.md"));
    laws::assert_shape("report", &report);
    assert!(page.contains(sentence), "{page}");
    assert_eq!(report["tests"]["after"]["why"]["cause"]["kind"], "generated");
    let bodies: Vec<String> =
        kimi.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    assert!(
        bodies.iter().any(|body| body.contains("(kcode: tests pass only with generated files: __snapshots__/a.snap"))
    );
    // Whoever names them has what the tests need.
    let world = World::new();
    world.write_test(script);
    world.commit_all();
    let kimi = MockKimi::script(answers_again());
    let ran = world.fix(&kimi, &["--include-generated", "__snapshots__/**"]).code(0);
    assert_eq!(files(&ran.kept()), ["__snapshots__/a.snap", "greeting.txt"]);
}

fn answers_again() -> Vec<Answer> {
    let calls = [("edit_file", EDIT), ("run_tests", "{}"), ("run_tests", "{}")];
    calls.map(|(name, arguments)| Answer::call(name, arguments)).into_iter().chain([Answer::text("Done.")]).collect()
}

#[test]
fn tests_that_fail_with_and_without_what_commands_wrote_blame_no_file() {
    let world = World::new();
    world.write_test("echo more >> log.txt; echo 'not ok 1 - never'; exit 1");
    world.write("log.txt", "");
    world.commit_all();
    let kimi = MockKimi::script([vec![Answer::call("edit_file", EDIT)], vec![Answer::text("Done."); 4]].concat());
    let ran = world.fix(&kimi, &[]).code(5);
    assert!(!ran.stderr().contains("generated files"), "{}", ran.stderr());
}
