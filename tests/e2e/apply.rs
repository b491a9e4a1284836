//! What reaches the user's tree: verified changes, byte for byte, all files or none.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::kimi::{Answer, MockKimi};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World, first_then, mender};

fn mode(world: &World, name: &str) -> u32 {
    fs::metadata(world.root().join(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_verified_patch_is_written() {
    let world = World::new();
    let index = fs::read(world.root().join(".git/index")).unwrap();
    let git = Tree::of(&world.root().join(".git"));
    let ran = world.run_freely(world.keyed(&mender(), &["fix", TASK, "--apply"])).code(0);
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    assert_eq!(fs::read(world.root().join(".git/index")).unwrap(), index);
    git.assert_same(&Tree::of(&world.root().join(".git")));
    assert_eq!(world.git(&["status", "--porcelain"]), " M greeting.txt\n");
    assert_eq!(ran.report()["applied"], 1);
    assert_eq!(ran.stdout(), "", "what was applied needn't be handed over");
    ran.says(&["applied to 1 file"]);
}

#[test]
fn bytes_modes_and_new_folders_land_as_they_are_in_the_patch() {
    let world = World::new();
    world.write("run.sh", "#!/bin/sh\r\necho Wrold");
    fs::set_permissions(world.root().join("run.sh"), Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(world.root().join("greeting.txt"), Permissions::from_mode(0o640)).unwrap();
    world.commit_all();
    let kimi = MockKimi::script([
        Answer::calls([
            ("edit_file", EDIT),
            ("edit_file", r#"{"path": "run.sh", "old_text": "echo Wrold", "new_text": "echo World"}"#),
            ("write_file", r#"{"path": "new/deep folder/näme.txt", "content": "one\r\ntwo\u0001\u00e9"}"#),
        ]),
        Answer::text("Done."),
    ]);
    world.run_freely(world.keyed(&kimi, &["fix", TASK, "--apply"])).code(0);
    assert_eq!(world.read("run.sh"), "#!/bin/sh\r\necho World");
    assert_eq!(world.read("new/deep folder/näme.txt"), "one\r\ntwo\u{1}é");
    assert_eq!((mode(&world, "run.sh"), mode(&world, "greeting.txt")), (0o750, 0o640));
    assert_eq!(mode(&world, "new/deep folder/näme.txt") & 0o111, 0);
}

/// Edits two files; `meanwhile` happens before the model ends its turn.
fn two_edits(meanwhile: impl Fn() + Send + 'static) -> MockKimi {
    let mut turn = 0;
    MockKimi::answering(move |_| {
        turn += 1;
        if turn == 1 {
            let about = r##"{"path": "docs/about.md", "old_text": "# About", "new_text": "# About us"}"##;
            return Answer::calls([("edit_file", EDIT), ("edit_file", about)]);
        }
        meanwhile();
        Answer::text("Done.")
    })
}

#[test]
fn a_file_that_changed_meanwhile_stops_all_of_it() {
    let world = World::new();
    let file = world.root().join("greeting.txt");
    let kimi = two_edits(move || fs::write(&file, "Hello, Wrold! (mine)\n").unwrap());
    let ran = world.run_freely(world.keyed(&kimi, &["fix", TASK, "--apply"])).code(7);
    assert_eq!(world.read("greeting.txt"), "Hello, Wrold! (mine)\n");
    assert_eq!(world.read("docs/about.md"), "# About\n\nA greeting.\n");
    let names: Vec<_> = fs::read_dir(world.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with(".kcode-apply")), "{names:?}");
    assert_eq!((&ran.report()["outcome"], &ran.report()["applied"]), (&json!("refused"), &json!(null)));
    assert!(ran.stdout().contains("+Hello, World!"), "the patch is handed over instead");
    ran.says(&[
        "greeting.txt (changed) changed since the run began; nothing was applied",
        "hint: your changes are safe",
    ]);
}

#[test]
fn a_file_that_went_or_changed_its_mode_meanwhile_stops_it_too() {
    let world = World::new();
    let file = world.root().join("greeting.txt");
    let kimi = two_edits(move || fs::remove_file(&file).unwrap());
    let ran = world.run_freely(world.keyed(&kimi, &["fix", TASK, "--apply"])).code(7);
    ran.says(&["greeting.txt (gone)"]);
    assert_eq!(world.read("docs/about.md"), "# About\n\nA greeting.\n");

    let world = World::new();
    let file = world.root().join("docs/about.md");
    let kimi = two_edits(move || fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap());
    world.run_freely(world.keyed(&kimi, &["fix", TASK, "--apply"])).code(7).says(&["docs/about.md (of another mode)"]);
}

#[test]
fn other_files_may_change_meanwhile() {
    let world = World::new();
    let (changed, new) = (world.root().join(".gitignore"), world.root().join("new.txt"));
    let kimi = two_edits(move || {
        fs::write(&changed, "mine\n").unwrap();
        fs::write(&new, "mine\n").unwrap();
    });
    world.run_freely(world.keyed(&kimi, &["fix", TASK, "--apply"])).code(0);
    let read = |name| world.read(name);
    assert_eq!([".gitignore", "new.txt", "greeting.txt"].map(read), ["mine\n", "mine\n", "Hello, World!\n"]);
}

#[test]
fn what_is_not_verified_is_not_applied() {
    for (arguments, code) in [(&["--test", "false"][..], 5), (&["--no-verify"], 4), (&["--max-turns", "2"], 6)] {
        let world = World::new();
        let later = if code == 6 { Answer::call("list_files", "{}") } else { Answer::text("Done.") };
        let kimi = first_then(Answer::call("edit_file", EDIT), later);
        let ran = world.run(world.keyed(&kimi, &[&["fix", TASK, "--apply"], arguments].concat())).code(code);
        assert_eq!(ran.report()["applied"], json!(null));
        assert!(ran.stdout().contains("+Hello, World!"), "{arguments:?}");
    }
}

#[test]
fn a_kept_run_is_applied_by_name_and_only_once() {
    let world = World::new();
    let ran = world.fix(&mender(), &[]).code(0);
    let id = ran.kept().id();
    let applied = world.run_freely(world.kcode(&["apply", &id[..5]])).code(0);
    applied.says(&[&format!("applied run {id}: 1 file")]);
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
    assert_eq!(ran.kept().events("applied").len(), 1);
    world.run(world.kcode(&["apply", &id])).code(7).says(&["was applied already"]);
}

#[test]
fn a_kept_run_does_not_overwrite_what_came_since() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    world.write("greeting.txt", "Hello, Wrold! (mine)\n");
    world.run(world.kcode(&["apply"])).code(7).says(&["changed since the run began", "hint: "]);
}

#[test]
fn a_run_without_a_patch_has_nothing_to_apply() {
    let world = World::new();
    world.fix(&MockKimi::answering(|_| Answer::text("All is well.")), &[]).code(3);
    for command in ["apply", "diff"] {
        world.run(world.kcode(&[command])).code(3).says(&["has no patch"]);
    }
}

#[test]
fn the_patch_of_a_dirty_tree_fits_that_tree() {
    let world = World::new();
    world.write("greeting.txt", "Mine first.\nHello, Wrold!\n");
    world.write("untracked.txt", "Wrold\n");
    let edit = r#"{"path": "untracked.txt", "old_text": "Wrold", "new_text": "World"}"#;
    let kimi = MockKimi::script([Answer::calls([("edit_file", EDIT), ("edit_file", edit)]), Answer::text("Done.")]);
    let ran = world.fix(&kimi, &[]).code(0);
    fs::write(world.path("p.diff"), ran.stdout()).unwrap();
    world.git(&["apply", world.path("p.diff").to_str().unwrap()]);
    assert_eq!(world.read("greeting.txt"), "Mine first.\nHello, World!\n");
    assert_eq!(world.read("untracked.txt"), "World\n");
}

#[test]
fn other_names_of_a_file_keep_what_it_was_and_are_named() {
    for at_once in [true, false] {
        let world = World::new();
        let elsewhere = world.path("elsewhere.txt");
        fs::hard_link(world.root().join("greeting.txt"), &elsewhere).unwrap();
        let ran = if at_once {
            world.run_freely(world.keyed(&mender(), &["fix", TASK, "--apply"])).code(0)
        } else {
            world.fix(&mender(), &[]).code(0);
            world.run_freely(world.kcode(&["apply"])).code(0)
        };
        ran.says(&["greeting.txt had other names (hard links), which keep the old content"]);
        assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "Hello, Wrold!\n");
        world.run_freely(world.kcode(&["undo"])).code(0).says(&["greeting.txt stays a file of its own"]);
        assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n");
    }
    let world = World::new();
    let ran = world.run_freely(world.keyed(&mender(), &["fix", TASK, "--apply"])).code(0);
    assert!(!ran.stderr().contains("hard links"), "{}", ran.stderr());
}
