//! Programs that a repository would have started: in folders that look like a repository, in folders of `$PATH`, through the record of
//! a branch.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::pty::Terminal;
use crate::support::kimi::{Answer, MockKimi};
use crate::support::refusing::{self, Bwrap};
use crate::world::{EDIT, World, mender};

/// Made by whatever runs although it shouldn't.
fn sign(world: &World) -> PathBuf {
    world.path("output/ran")
}

/// A program that leaves the sign.
fn plant(world: &World, at: &Path) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    fs::write(at, format!("#!/bin/sh\ntouch '{}'\ncat\n", sign(world).display())).unwrap();
    fs::set_permissions(at, Permissions::from_mode(0o755)).unwrap();
}

/// The report of the only run with its files, as somebody else gets them.
fn taken_away(world: &World) -> String {
    let folder = world.path("home/taken");
    fs::create_dir(&folder).unwrap();
    for name in ["report.json", "patch.diff", "results.json"] {
        fs::copy(world.runs()[0].join(name), folder.join(name)).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

#[test]
fn files_of_a_patch_that_together_are_a_repository_are_none() {
    let world = World::new();
    plant(&world, &world.path("output/trap"));
    let trap = world.path("output/trap");
    let settings = format!(
        "# one\n[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = {0}\n\
         [filter \"x\"]\n\tclean = {0}\n\tsmudge = {0}\n",
        trap.display()
    );
    world.write("HEAD", "ref: refs/heads/one\n");
    world.write("config", settings);
    world.write("objects/file", "one\n");
    world.write("refs/file", "one\n");
    world.write(".gitattributes", "# one\n* filter=x\n");
    world.commit_all();
    let mut calls = vec![("edit_file", EDIT.to_owned())];
    for file in ["HEAD", "config", "objects/file", "refs/file", ".gitattributes"] {
        calls.push(("edit_file", format!(r#"{{"path": "{file}", "old_text": "one", "new_text": "two"}}"#)));
    }
    let calls: Vec<_> = calls.iter().map(|(name, arguments)| (*name, arguments.as_str())).collect();
    let kimi = MockKimi::script([Answer::calls(calls), Answer::text("Done.")]);
    world.fix(&kimi, &["--no-baseline"]).code(0);
    let report = taken_away(&world);
    // Without the run itself, the patch file is what is put into copies of these files.
    fs::remove_dir_all(world.state()).unwrap();
    let ran = world.run(world.kcode(&["verify", &report]));
    assert!(!sign(&world).exists(), "{}", ran.stderr());
    ran.code(0).says(&["verified"]);
}

/// A `$PATH` in which these come first.
fn path(first: &Path) -> String {
    format!("{}:{}", first.display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_report_is_verified_with_no_git_of_the_repositorys() {
    let world = World::new();
    let bin = world.root().join(".venv/bin");
    plant(&world, &bin.join("git"));
    world.fix(&mender(), &["--no-baseline"]).code(0);
    let report = taken_away(&world);
    fs::remove_dir_all(world.state()).unwrap();
    let mut command = world.kcode(&["verify", &report]);
    command.env("PATH", path(&bin));
    let ran = world.run(command);
    assert!(!sign(&world).exists(), "{}", ran.stderr());
    ran.code(0);
}

#[test]
fn a_repository_in_a_folder_without_git_has_no_git_of_that_folders() {
    let world = World::without_git();
    let bin = world.root().join("bin");
    plant(&world, &bin.join("git"));
    world.write("inner/file", "x\n");
    // One whose index git alone can read.
    world.git(&["-C", "inner", "init", "-q", "--object-format=sha256"]);
    world.git(&["-C", "inner", "add", "."]);
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", "mend it", "--no-baseline"]);
    command.env("PATH", path(&bin));
    let ran = world.run(command);
    assert!(!sign(&world).exists(), "{}", ran.stderr());
    ran.code(0);
}

#[test]
fn where_namespaces_are_refused_bwrap_is_not_the_repositorys() {
    let world = World::new();
    let bin = world.root().join(".venv/bin");
    plant(&world, &bin.join("bwrap"));
    if !refusing::is_installed() || !refusing::can_be_made() {
        return;
    }
    let mut doctor = world.kcode(&["doctor"]);
    doctor.env("PATH", path(&bin));
    let output = refusing::run(&mut refusing::machine(None, &Bwrap::Plain, &doctor));
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!sign(&world).exists(), "{told}");
    assert!(told.contains("bwrap"), "{told}");
}

#[test]
fn neither_pager_nor_editor_is_the_repositorys() {
    let world = World::new();
    let bin = world.root().join(".venv/bin");
    for name in ["less", "vi", "more", "sh"] {
        plant(&world, &bin.join(name));
    }
    world.fix(&mender(), &["--no-baseline"]).code(0);
    // By $PATH, by a path, and by a link outside that leads there.
    let outside = world.path("programs");
    fs::create_dir(&outside).unwrap();
    symlink(bin.join("less"), outside.join("less")).unwrap();
    let by_path = bin.join("less").display().to_string();
    let by_link = outside.join("less").display().to_string();
    let around = world.root().join("docs/../.venv/bin/less").display().to_string();
    for named in [by_path.as_str(), &by_link, &around, ".venv/bin/less", "./.venv/bin/less"] {
        let mut command: Command = world.kcode(&["review"]);
        command.env("PATH", path(&bin)).env("PAGER", named).env("EDITOR", named);
        let mut terminal = Terminal::sized(command, 40, 300);
        terminal.wait_to_see("Enter open");
        terminal.press("p");
        terminal.wait_to_see("set PAGER");
        terminal.press("\r");
        terminal.wait_to_see("+Hello, World!");
        terminal.press("e");
        terminal.wait_to_see("set EDITOR");
        terminal.press("q");
        assert_eq!(terminal.end().0, Some(0), "{named}");
        assert!(!sign(&world).exists(), "{named}");
    }
}

#[test]
fn a_branch_is_recorded_nowhere_else() {
    for (link, on_branch) in
        [("logs/HEAD", None), ("logs/refs/heads/main", None), ("logs/refs/heads/side", Some("side"))]
    {
        for there in [true, false] {
            let world = World::new();
            world.git(&["config", "user.name", "Ada"]);
            world.git(&["config", "user.email", "ada@example.org"]);
            let target = world.path("home/.profile");
            if there {
                fs::write(&target, "mine\n").unwrap();
            }
            let at = world.root().join(".git").join(link);
            let _ = fs::remove_file(&at);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            symlink(&target, &at).unwrap();
            world.fix(&mender(), &["--no-baseline"]).code(0);
            let branch = on_branch.map_or(vec![], |name| vec!["--branch", name]);
            world.start(world.kcode(&[&["apply", "--commit"], &branch[..]].concat())).wait();
            let now = fs::read_to_string(&target).ok();
            assert_eq!(now, there.then(|| "mine\n".to_owned()), "{link}");
        }
    }
}
