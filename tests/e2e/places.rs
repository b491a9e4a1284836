//! Where kcode may be run: any repository, whatever its shape, and no place that is no project.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World, mender};

fn in_folder(mut command: Command, folder: std::path::PathBuf) -> Command {
    command.current_dir(folder);
    command
}

#[track_caller]
fn assert_mended(ran: Ran) -> Ran {
    let ran = ran.code(0);
    assert!(ran.stdout().contains("--- a/greeting.txt\n+++ b/greeting.txt\n"), "{}", ran.stdout());
    ran
}

#[test]
fn a_subfolder_works_on_the_whole_repository() {
    let world = World::new();
    let kimi = mender();
    let command = world.keyed(&kimi, &["fix", TASK]);
    assert_mended(world.run(in_folder(command, world.root().join("docs"))));
}

#[test]
fn another_folder_can_be_named() {
    let world = World::new();
    for flag in ["-C", "--repo"] {
        let kimi = mender();
        let command = world.keyed(&kimi, &["fix", TASK, flag, world.root().join("docs").to_str().unwrap()]);
        let ran = world.run(in_folder(command, world.path("home"))).code(0);
        assert!(ran.stdout().contains("+++ b/greeting.txt"));
    }
}

#[test]
fn a_linked_worktree_is_a_repository() {
    let world = World::new();
    let linked = world.path("linked");
    world.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    let before = Tree::of(&linked);
    let kimi = mender();
    let command = world.keyed(&kimi, &["fix", TASK]);
    let ran = assert_mended(world.run(in_folder(command, linked.clone())));
    before.assert_same(&Tree::of(&linked));
    assert_eq!(ran.report()["repository"], linked.to_str().unwrap());
}

#[test]
fn a_plain_folder_is_enough() {
    let world = World::without_git();
    let ran = assert_mended(world.fix(&mender(), &[]));
    assert_eq!(ran.report()["head"], serde_json::Value::Null);
    fs::write(world.path("p.diff"), ran.stdout()).unwrap();
    world.git(&["apply", world.path("p.diff").to_str().unwrap()]);
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
}

#[test]
fn an_unborn_branch_is_enough() {
    let world = World::without_git();
    world.git(&["init", "-q"]);
    let ran = assert_mended(world.fix(&mender(), &[]));
    assert_eq!(ran.report()["head"], serde_json::Value::Null);
}

#[test]
fn a_detached_head_and_a_stash_stay_as_they_are() {
    let world = World::new();
    world.write("docs/about.md", "Stashed.\n");
    world.git(&["-c", "user.name=A", "-c", "user.email=a@example.org", "stash", "-q"]);
    world.git(&["checkout", "-q", "--detach"]);
    assert_mended(world.fix(&mender(), &[]));
    assert!(world.git(&["stash", "list"]).contains("stash@{0}"));
}

#[test]
fn uncommitted_work_is_part_of_the_start() {
    let world = World::new();
    world.write("docs/about.md", "Staged.\n");
    world.git(&["add", "docs/about.md"]);
    world.write("docs/about.md", "Staged, then changed.\n");
    world.write("untracked.txt", "Not added.\n");
    world.write("build/ignored.txt", "Ignored.\n");
    fs::remove_file(world.root().join("link.txt")).unwrap();
    let look = ["docs/about.md", "untracked.txt", "build/ignored.txt", "link.txt"];
    let looks = look.map(|path| format!(r#"{{"path": "{path}"}}"#));
    let kimi = MockKimi::script([
        Answer::calls(looks.iter().map(|arguments| ("read_file", arguments.as_str()))),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let ran = assert_mended(world.fix(&kimi, &[]));
    let answers = ran.kept().answers();
    assert!(answers[0].contains("Staged, then changed."), "{}", answers[0]);
    assert!(answers[1].contains("Not added."), "{}", answers[1]);
    // What git ignores isn't copied, and an overlay shows the tree itself.
    let is_overlay = ran.kept().events("view_made")[0]["kind"] == "overlay";
    assert_eq!(answers[2].contains("Ignored."), is_overlay, "{}", answers[2]);
    assert!(!answers[3].contains("Wrold"), "{}", answers[3]);
    assert_eq!(ran.stdout().matches("diff --git").count(), 1, "{}", ran.stdout());
}

#[test]
fn a_file_with_crlf_keeps_it() {
    let world = World::new();
    world.write("greeting.txt", "One.\r\nHello, Wrold!\r\nmixed\nlast");
    world.commit_all();
    let kimi = MockKimi::script([
        Answer::call(
            "edit_file",
            r#"{"path": "greeting.txt", "old_text": "One.\nHello, Wrold!\n", "new_text": "One.\nTwo.\nHello, World!\n"}"#,
        ),
        Answer::text("Done."),
    ]);
    let ran = world.run_freely(world.keyed(&kimi, &["fix", TASK, "--apply"])).code(0);
    assert_eq!(world.read("greeting.txt"), "One.\r\nTwo.\r\nHello, World!\r\nmixed\nlast");
    let patch = ran.kept().read("patch.diff");
    assert!(patch.contains("-Hello, Wrold!\r\n+Two.\r\n+Hello, World!\r\n mixed\n"), "{patch:?}");
}

#[test]
fn names_with_blanks_quotes_and_other_letters_work() {
    let world = World::new();
    let name = "a \"b\"\t'ü\u{1f600}.txt";
    world.write(name, "Wrold\n");
    world.commit_all();
    let path = serde_json::to_string(name).unwrap();
    let kimi = MockKimi::script([
        Answer::call("edit_file", &format!(r#"{{"path": {path}, "old_text": "Wrold", "new_text": "World"}}"#)),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    fs::write(world.path("p.diff"), ran.stdout()).unwrap();
    world.git(&["apply", world.path("p.diff").to_str().unwrap()]);
    assert_eq!(world.read(name), "World\n");
}

#[test]
fn a_link_is_no_way_out() {
    let world = World::new();
    fs::write(world.path("home/secret.txt"), "hunter2").unwrap();
    symlink(world.path("home/secret.txt"), world.root().join("out.txt")).unwrap();
    symlink(world.path("home"), world.root().join("out")).unwrap();
    let calls = [
        ("read_file", r#"{"path": "out.txt"}"#),
        ("read_file", r#"{"path": "out/secret.txt"}"#),
        ("search", r#"{"pattern": "hunter"}"#),
        ("write_file", r#"{"path": "out/new.txt", "content": "x"}"#),
        ("edit_file", r#"{"path": "out.txt", "old_text": "hunter2", "new_text": "x"}"#),
    ];
    let kimi = MockKimi::script([Answer::calls(calls), Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    let ran = world.fix(&kimi, &[]).code(0);
    assert!(!ran.kept().answers().concat().contains("hunter2"), "{:?}", ran.kept().answers());
    assert_eq!(fs::read_to_string(world.path("home/secret.txt")).unwrap(), "hunter2");
    assert!(!world.path("home/new.txt").exists());
}

#[test]
fn a_place_that_is_no_project_is_refused() {
    let world = World::new();
    let home = world.path("home");
    fs::create_dir(home.join("inner")).unwrap();
    for (place, words) in [("/", "/"), (home.to_str().unwrap(), "home"), ("no/such/folder", "no/such/folder")] {
        let kimi = mender();
        let before = Tree::of(&home);
        let ran = world.run(world.keyed(&kimi, &["fix", TASK, "-C", place]));
        let code = ran.output.status.code();
        assert!(matches!(code, Some(2 | 7 | 78)), "{place}: {code:?} {}", ran.stderr());
        ran.says(&["error: ", words, "hint: "]);
        assert_eq!((kimi.requests().len(), world.runs().len()), (0, 0));
        before.assert_same(&Tree::of(&home));
    }
}

#[test]
fn a_repository_of_the_home_folder_itself_is_refused() {
    let world = World::new();
    let home = world.path("home");
    world.git_in(&home, &["init", "-q"]);
    fs::create_dir(home.join("inner")).unwrap();
    let kimi = mender();
    let command = world.keyed(&kimi, &["fix", TASK]);
    let ran = world.run(in_folder(command, home.join("inner")));
    assert_ne!(ran.output.status.code(), Some(0), "{}", ran.stderr());
    ran.says(&["error: ", "hint: "]);
}

#[test]
fn a_submodule_is_there_to_be_read_and_tested() {
    let inner = World::new();
    let world = World::new();
    let from = inner.root();
    world.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", from.to_str().unwrap(), "inner"]);
    world.commit_all();
    world.write_test("test -e inner/greeting.txt && grep -q 'Hello, World!' greeting.txt");
    assert_mended(world.fix(&mender(), &[]));
}

#[test]
fn dependencies_that_git_ignores_are_there_and_read_only() {
    let world = World::new();
    world.write(".gitignore", "node_modules/\n");
    world.write("node_modules/dep/index.js", "exports.x = 1\n");
    world.write_test("cat node_modules/dep/index.js || exit 1; echo y > node_modules/dep/index.js; exit 0");
    let ran = assert_mended(world.fix(&mender(), &[]));
    assert_eq!(world.read("node_modules/dep/index.js"), "exports.x = 1\n");
    assert!(ran.kept().read("logs/tests-1.log").contains("exports.x = 1"));
}
