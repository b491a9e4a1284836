//! Git settings that came with a folder: however a repository names a program in them, and whatever kcode is asked to do there,
//! nothing of it runs.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::world::{World, mender};

/// Made by whatever runs outside the sandbox although it shouldn't.
pub fn sign(world: &World) -> PathBuf {
    world.path("output/ran")
}

/// A program that leaves the sign, and hands on what it is given.
pub fn trap(world: &World) -> String {
    let at = world.path("output/trap");
    fs::write(&at, format!("#!/bin/sh\ntouch '{}'\ncat\n", sign(world).display())).unwrap();
    fs::set_permissions(&at, Permissions::from_mode(0o755)).unwrap();
    at.to_str().unwrap().to_owned()
}

/// Adds to a file of git's what `git config` would refuse to write.
pub fn add(file: &Path, text: &[u8]) {
    fs::File::options().append(true).create(true).open(file).and_then(|mut file| file.write_all(text)).unwrap();
}

/// Filters under names that are hard to spell on a command line.
pub fn filters(program: &str) -> Vec<u8> {
    let mut text = Vec::new();
    for name in [&b"a=b"[..], b"x.clean=y", b"sp ace", b"\xff\xfe", b"UPPER", b"q\\\"uote", b"dot.ted", b"plain", b""] {
        for setting in ["clean", "smudge", "process"] {
            text.extend(
                [b"[filter \"", name, b"\"]\n\t", setting.as_bytes(), b" = ", program.as_bytes(), b"\n"].concat(),
            );
        }
        text.extend(b"\trequired = true\n");
    }
    text.extend(format!("[FiLtEr \"mixed\"]\n\tCLEAN = {program}\n[filter.old]\n\tclean = {program}\n").into_bytes());
    text
}

/// Attributes that ask for each of them, on every file.
pub const ATTRIBUTES: &[u8] =
    b"* filter=a=b diff=x merge=x ident\n*.md filter=x.clean=y\n*.txt filter=\xff\xfe\n*.sh filter=UPPER\n\
    *.toml filter=mixed\ndocs/* filter=old\nsrc/* filter=plain\n*.conf filter=dot.ted\n";

/// Everything else that makes git run or write something.
pub fn armed(program: &str, output: &Path) -> String {
    let output = output.display();
    format!(
        "[core]\n\tfsmonitor = {program}\n\thooksPath = {output}/hooks\n\tpager = {program}\n\tsshCommand = {program}\n\
         \tgitProxy = {program}\n\teditor = {program}\n\taskPass = {program}\n\talternateRefsCommand = {program}\n\
         [diff]\n\texternal = {program}\n[diff \"x\"]\n\ttextconv = {program}\n\tcommand = {program}\n\
         [merge \"x\"]\n\tdriver = {program}\n[credential]\n\thelper = !{program}\n[gpg]\n\tprogram = {program}\n\
         [gpg \"ssh\"]\n\tprogram = {program}\n[commit]\n\tgpgSign = true\n[sequence]\n\teditor = {program}\n\
         [alias]\n\tstatus = !{program}\n\tls-files = !{program}\n\tupdate-index = !{program}\n\tadd = !{program}\n\
         [uploadpack]\n\tpackObjectsHook = {program}\n[pager]\n\tstatus = {program}\n[interactive]\n\tdiffFilter = {program}\n\
         [trace2]\n\teventTarget = {output}/ran\n\tnormalTarget = {output}/ran\n\tperfTarget = {output}/ran\n\
         [extensions]\n\tpartialClone = origin\n[remote \"origin\"]\n\turl = ext::{program}\n\tpromisor = true\n\
         \tuploadpack = {program}\n\tvcs = trap\n[protocol]\n\tallow = always\n[url \"ext::{program}\"]\n\tinsteadOf = x\n"
    )
}

pub fn hooks(world: &World, program: &str) {
    let names = [
        "post-index-change",
        "pre-commit",
        "post-commit",
        "post-checkout",
        "reference-transaction",
        "fsmonitor-watchman",
    ];
    for folder in [world.path("output/hooks"), world.root().join(".git/hooks")] {
        fs::create_dir_all(&folder).unwrap();
        for name in names {
            fs::copy(program, folder.join(name)).unwrap();
        }
    }
}

/// Everything that a person does with a run, each seen to have run nothing.
fn through_a_life(world: &World, what: &str) {
    let kimi = mender();
    let has_run = |step: &str| assert!(!sign(world).exists(), "{what}: {step} ran what the repository names");
    let fixed = world.fix(&kimi, &[]);
    has_run("fix");
    let id = fixed.code(0).report()["run"].as_str().unwrap().to_owned();
    for (step, arguments) in [
        ("doctor", &["doctor"][..]),
        ("verify", &["verify"]),
        ("diff", &["diff"]),
        ("review", &["review"]),
        ("apply", &["apply"]),
        ("undo", &["undo"]),
        ("apply --index", &["apply", &id, "--index"]),
        ("undo of the index", &["undo", &id]),
        ("apply --commit --branch", &["apply", &id, "--commit", "--branch", "side"]),
        ("stats", &["stats"]),
        ("replay", &["replay", &id]),
    ] {
        let ran = world.run_freely(world.kcode(arguments));
        has_run(step);
        // That it went through shows that there was something to run.
        if step == "apply" || step == "undo" {
            ran.code(0);
        }
    }
}

fn with(what: &str, plant: impl FnOnce(&World, &str)) {
    let world = World::new();
    world.git(&["config", "user.name", "Ada"]);
    world.git(&["config", "user.email", "ada@example.org"]);
    world.write("docs/about.md", "changed\n");
    world.write("new.txt", "new\n");
    plant(&world, &trap(&world));
    through_a_life(&world, what);
}

#[test]
fn filters_under_any_name() {
    with("the repository's own settings", |world, program| {
        world.write(".gitattributes", "");
        add(&world.root().join(".gitattributes"), ATTRIBUTES);
        add(&world.root().join(".git/config"), &filters(program));
    });
}

#[test]
fn programs_of_every_kind() {
    with("settings of every kind", |world, program| {
        hooks(world, program);
        world.write(".gitattributes", "* diff=x merge=x\n");
        add(&world.root().join(".git/config"), armed(program, &world.path("output")).as_bytes());
    });
}

#[test]
fn settings_that_are_included() {
    with("included settings", |world, program| {
        world.write(".gitattributes", "");
        add(&world.root().join(".gitattributes"), ATTRIBUTES);
        let text = [filters(program), armed(program, &world.path("output")).into_bytes()].concat();
        world.write("settings", "");
        add(&world.root().join("settings"), &text);
        let include = "[include]\n\tpath = ../settings\n[includeIf \"gitdir:**\"]\n\tpath = ../settings\n\
                       [includeIf \"onbranch:**\"]\n\tpath = ../settings\n";
        add(&world.root().join(".git/config"), include.as_bytes());
    });
}

#[test]
fn settings_of_the_work_tree() {
    with("settings of the work tree", |world, program| {
        world.git(&["config", "core.repositoryformatversion", "1"]);
        world.git(&["config", "extensions.worktreeConfig", "true"]);
        let text = [filters(program), armed(program, &world.path("output")).into_bytes()].concat();
        add(&world.root().join(".git/config.worktree"), &text);
        add(&world.root().join(".git/info/attributes"), ATTRIBUTES);
    });
}

#[test]
fn attributes_from_elsewhere() {
    with("attributes from elsewhere", |world, program| {
        world.write("rules", "");
        add(&world.root().join("rules"), ATTRIBUTES);
        world.git(&["add", "rules"]);
        world.git(&["commit", "-q", "-m", "rules"]);
        let settings = format!("[attr]\n\ttree = HEAD\n[core]\n\tattributesFile = {}/rules\n", world.root().display());
        add(&world.root().join(".git/config"), &[settings.as_bytes(), &filters(program)].concat());
    });
}

#[test]
fn a_submodule_and_a_bare_repository_with_settings_of_their_own() {
    with("repositories in the tree", |world, program| {
        let inner = world.root().join("inner");
        fs::create_dir(&inner).unwrap();
        world.git(&["-C", "inner", "init", "-q"]);
        world.write("inner/code.txt", "one\n");
        world.git(&["-C", "inner", "add", "."]);
        let ada = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
        world.git(&[&["-C", "inner"], &ada[..], &["commit", "-q", "-m", "start"]].concat());
        world.git(&["-c", "advice.addEmbeddedRepo=false", "add", "inner"]);
        world.git(&["commit", "-q", "-m", "with a repository in it"]);
        world.write("inner/code.txt", "two!\n");
        let text = [filters(program), armed(program, &world.path("output")).into_bytes()].concat();
        add(&inner.join(".git/config"), &text);
        add(&inner.join(".git/info/attributes"), ATTRIBUTES);
        fs::create_dir(world.root().join("bare")).unwrap();
        world.git(&["-C", "bare", "init", "-q", "--bare"]);
        add(&world.root().join("bare/config"), &text);
    });
}
