//! Law 2: nothing that a repository or its tests set up is run by kcode itself: no hook, filter, monitor or driver of git,
//! and no program that only calls itself git.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::world::{TASK, World, mender};

/// Created by anything that runs outside the sandbox although it shouldn't.
fn sign(world: &World) -> PathBuf {
    world.path("output/ran")
}

/// A program that leaves the sign.
fn trap(world: &World, at: &Path) {
    fs::write(at, format!("#!/bin/sh\ntouch '{}'\n", sign(world).display())).unwrap();
    fs::set_permissions(at, Permissions::from_mode(0o755)).unwrap();
}

/// All settings of git that make it run something.
fn armed(program: &str) -> Vec<[String; 2]> {
    [
        ("core.fsmonitor", ""),
        ("core.hooksPath", "HOOKS"),
        ("core.pager", ""),
        ("core.sshCommand", ""),
        ("core.gitProxy", ""),
        ("diff.external", ""),
        ("diff.x.textconv", ""),
        ("diff.x.command", ""),
        ("filter.x.clean", ""),
        ("filter.x.smudge", ""),
        ("filter.x.process", ""),
        ("filter.x.required", "true"),
        ("merge.x.driver", ""),
        ("credential.helper", ""),
        ("alias.status", "!"),
        ("alias.ls-files", "!"),
        ("interactive.diffFilter", ""),
        ("uploadpack.packObjectsHook", ""),
        ("gpg.program", ""),
    ]
    .map(|(name, value)| {
        let value = match value {
            "" => program.to_owned(),
            "!" => format!("!{program}"),
            "HOOKS" => Path::new(program).parent().unwrap().display().to_string(),
            other => other.to_owned(),
        };
        [name.to_owned(), value]
    })
    .to_vec()
}

#[test]
fn settings_of_the_users_repository_run_nothing() {
    let world = World::new();
    let program = world.path("output/trap");
    trap(&world, &program);
    for hook in ["post-index-change", "pre-commit", "post-checkout", "reference-transaction", "fsmonitor-watchman"] {
        trap(&world, &world.path("output").join(hook));
        fs::create_dir_all(world.root().join(".git/hooks")).unwrap();
        trap(&world, &world.root().join(".git/hooks").join(hook));
    }
    world.write(".gitattributes", "* diff=x filter=x merge=x\n");
    world.write("docs/about.md", "changed\n");
    for [name, value] in armed(program.to_str().unwrap()) {
        world.git(&["config", &name, &value]);
    }
    world.fix(&mender(), &[]).code(0);
    world.run_freely(world.kcode(&["apply"])).code(0);
    assert!(!sign(&world).exists());
}

#[test]
fn settings_that_tests_make_in_the_view_run_nothing() {
    let world = World::new();
    let program = world.path("output/trap");
    trap(&world, &program);
    let settings: Vec<_> = armed(program.to_str().unwrap())
        .into_iter()
        .map(|[name, value]| format!("git config {name} '{value}'"))
        .collect();
    world.write_test(&format!(
        "git init -q . 2> /dev/null\n{}\necho '* diff=x filter=x' > .gitattributes\nexit 0",
        settings.join("\n")
    ));
    world.fix(&mender(), &[]).code(0);
    world.run_freely(world.kcode(&["apply"]));
    assert!(!sign(&world).exists());
}

#[test]
fn a_program_that_calls_itself_git_is_not_taken_from_the_repository() {
    let world = World::new();
    fs::create_dir(world.root().join("bin")).unwrap();
    for name in ["git", "bin/git"] {
        trap(&world, &world.root().join(name));
    }
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!(".:bin::{}:{path}", world.root().join("bin").display()));
    let ran = world.run(command).code(0);
    assert!(!sign(&world).exists());
    assert!(ran.report()["head"].is_string(), "the right one is found all the same");
}
