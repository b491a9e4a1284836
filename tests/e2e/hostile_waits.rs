//! Files that git would wait for, wherever they are: a run and a verification go on without what hangs on them, and signals end
//! whoever waits.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use rustix::fs::{CWD, FileType, OFlags, mknodat};
use rustix::process::Signal;

use crate::ran::Ran;
use crate::running::{Running, wait_until};
use crate::setups::{Kernel, Setup};
use crate::world::{TASK, World, in_turns, mender};

fn pipe(at: &Path) {
    let _ = fs::remove_file(at);
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    mknodat(CWD, at, FileType::Fifo, 0o644.into(), 0).unwrap();
}

/// A run and its verification; both come to an end. What the model was told first, and what people were.
fn run_and_verify(world: &World, what: &str) -> (String, String) {
    let kimi = mender();
    let code = |ran: &Ran| ran.output.status.code();
    let ran = world.start(world.keyed(&kimi, &["fix", TASK, "--no-baseline"])).wait();
    assert_eq!(code(&ran), Some(0), "{what}: {}", ran.stderr());
    let verified = world.start(world.kcode(&["verify"])).wait();
    assert_eq!(code(&verified), Some(0), "{what}: {}", verified.stderr());
    (String::from_utf8(kimi.requests()[0].body.clone()).unwrap(), ran.stderr())
}

/// Git's own files that make it a tree without git when they are no files.
const REFUSED: [&str; 14] = [
    "HEAD",
    "ORIG_HEAD",
    "index",
    "config",
    "packed-refs",
    "shallow",
    "gitdir",
    "commondir",
    "refs/heads/main",
    "info/exclude",
    "info/attributes",
    "objects/info/alternates",
    "objects/pack/pack-1.idx",
    "logs/HEAD",
];

/// What a path is made, by its name.
type Plant<'a> = (&'a str, &'a (dyn Fn(&Path) + Sync));

#[test]
fn what_is_no_file_of_gits_makes_it_a_tree_without_git() {
    let endless = |at: &Path| {
        pipe(at);
        fs::remove_file(at).unwrap();
        symlink("/dev/zero", at).unwrap();
    };
    let plants: [Plant<'_>; 2] = [("a pipe", &pipe), ("endless", &endless)];
    let cases: Vec<_> = REFUSED.iter().flat_map(|file| plants.map(|(kind, plant)| (*file, kind, plant))).collect();
    in_turns(&cases, |(file, kind, plant)| {
        let world = World::new();
        plant(&world.root().join(".git").join(file));
        let (sent, told) = run_and_verify(&world, file);
        assert!(sent.contains("Git: none") && told.contains("git is not used: "), "{kind} as {file}: {told}");
    });
}

#[test]
fn statistics_do_not_wait_for_an_object() {
    let world = World::new();
    world.fix(&mender(), &["--no-baseline"]).code(0);
    world.run_freely(world.kcode(&["apply"])).code(0);
    world.commit_all();
    let tree = world.git(&["rev-parse", "HEAD^{tree}"]);
    pipe(&world.root().join(".git/objects").join(&tree[..2]).join(tree[2..].trim()));
    world.start(world.kcode(&["stats"])).wait().code(0);
}

#[test]
fn nor_for_one_that_is_borrowed() {
    let world = World::new();
    world.fix(&mender(), &["--no-baseline"]).code(0);
    world.run_freely(world.kcode(&["apply"])).code(0);
    world.commit_all();
    let other = world.path("other");
    pipe(&other.join("ab/cdef"));
    pipe(&other.join("info/alternates"));
    for place in [other.display().to_string(), other.join("info/alternates").display().to_string()] {
        world.write(".git/objects/info/alternates", format!("{place}\n"));
        world.start(world.kcode(&["stats"])).wait().code(0);
    }
    pipe(&world.root().join(".git/objects/info/alternates"));
    world.start(world.kcode(&["stats"])).wait().code(0);
}

/// Places of pipes that are planted together.
type Places = &'static [&'static str];

#[test]
fn a_pipe_that_git_has_no_need_of_changes_nothing() {
    // Marks of what is under way, and lists of rules in folders of their own.
    const PLACES: [Places; 2] = [
        &[
            ".git/CHERRY_PICK_HEAD",
            ".git/REVERT_HEAD",
            ".git/BISECT_LOG",
            ".git/BISECT_START",
            ".git/rebase-merge/head-name",
            ".git/rebase-apply/applying",
            ".git/sequencer/todo",
            ".git/refs/heads/other",
            ".git/refs/tags/tag",
            ".git/refs/replace/0123456789012345678901234567890123456789",
            ".git/objects/info/commit-graph",
            ".git/description",
        ],
        &["docs/HEAD", "docs/config", "docs/.gitconfig"],
    ];
    in_turns(&PLACES, |places| {
        let world = World::new();
        places.iter().for_each(|place| pipe(&world.root().join(place)));
        let (sent, told) = run_and_verify(&world, places[0]);
        assert!(sent.contains("Git: branch main") && !told.contains("git is not used"), "{places:?}: {told}");
    });
}

#[test]
fn a_pipe_among_rules_and_in_repositories_in_the_tree_holds_nobody_up() {
    const PLACES: [Places; 5] = [
        &[".gitmodules", ".gitignore", "docs/.gitignore"],
        &[".gitattributes", "docs/.gitattributes"],
        &["inner/.git/HEAD", "other/.git/config", "third/.git"],
        &["inner/.git/index", "other/.git/info/exclude", "third/.git/packed-refs", "fourth/.git/commondir"],
        &["inner/.git/refs/heads/main"],
    ];
    in_turns(&PLACES, |places| {
        let world = World::new();
        for folder in ["inner", "other", "third", "fourth"]
            .iter()
            .filter(|name| places[0].starts_with("inner") && places.iter().any(|place| place.starts_with(**name)))
        {
            world.write(&format!("{folder}/file"), "x\n");
            world.git(&["-C", folder, "init", "-q", "-b", "main"]);
            let commit =
                ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", "x"];
            world.git(&[&["-C", folder], &commit[..]].concat());
        }
        for place in *places {
            let at = world.root().join(place);
            if at.is_dir() {
                fs::remove_dir_all(&at).unwrap();
            }
            pipe(&at);
        }
        run_and_verify(&world, places[0]);
    });
}

#[test]
fn rules_and_settings_of_the_users_that_are_no_file_are_none() {
    for kernel in [Kernel::Namespaces, Kernel::Landlock] {
        // In a copy the tree is walked for what is to be copied.
        let world = World::new().used_by(Setup { uid: None, kernel });
        for file in [".gitconfig", ".config/git/config", ".config/git/ignore", ".config/git/attributes"] {
            pipe(&world.path("home").join(file));
        }
        run_and_verify(&world, "the user's rules");
    }
}

#[test]
fn rules_of_the_users_count_in_a_copy() {
    let world = World::new().used_by(Setup { uid: None, kernel: Kernel::Landlock });
    fs::create_dir_all(world.path("home/.config/git")).unwrap();
    fs::write(world.path("home/.config/git/ignore"), "*.swp\n/docs/own\n").unwrap();
    for file in ["kept.txt", "greeting.swp", "docs/own", "deeper/docs/own"] {
        world.write(file, "x\n");
    }
    world.write_test("ls -A . docs deeper/docs; grep -q World greeting.txt");
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK, "--no-baseline"]);
    command.env_remove("GIT_CONFIG_GLOBAL");
    let log = world.run(command).code(0).kept().read("logs/tests-1.log");
    assert!(log.contains("kept.txt") && !log.contains("greeting.swp"), "{log}");
    assert_eq!(log.matches("own").count(), 1, "a rule that begins with a slash is about the top: {log}");
}

/// A command in a tree of which git reads a pipe: returns once git does, with the end that it waits for.
fn waiting(world: &World, arguments: &[&str]) -> (Running, fs::File) {
    let at = world.root().join("docs/.gitignore");
    pipe(&at);
    let kimi = mender();
    let running = world.start(world.keyed(&kimi, arguments));
    let mut end = None;
    // Opening this end fails as long as nobody has opened the other.
    wait_until("git reads the pipe", || {
        let mut options = fs::OpenOptions::new();
        end = options.write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(&at).ok();
        end.is_some()
    });
    (running, end.unwrap())
}

/// Git's folders that are left.
fn left(world: &World) -> usize {
    let entries = fs::read_dir(world.path("tmp")).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with("kcode-git-")).count()
}

#[test]
fn a_signal_ends_whoever_waits_for_git() {
    for arguments in [&["fix", TASK][..], &["verify"]] {
        for signal in [Signal::INT, Signal::TERM] {
            let world = World::new();
            world.fix(&mender(), &["--no-baseline"]).code(0);
            let (running, _end) = waiting(&world, arguments);
            running.signal(signal);
            let status = running.wait().output.status;
            // Whoever holds nothing yet ends as any program does.
            let is_ended = status.code() == Some(130) || status.signal() == Some(signal.as_raw());
            assert!(is_ended, "{arguments:?}: {status}");
        }
    }
}

#[test]
fn what_a_killed_process_left_goes_with_the_next() {
    let world = World::new();
    let (running, end) = waiting(&world, &["fix", TASK]);
    assert_ne!(left(&world), 0);
    running.signal(Signal::KILL);
    running.wait();
    assert_ne!(left(&world), 0);
    drop(end);
    fs::remove_file(world.root().join("docs/.gitignore")).unwrap();
    world.fix(&mender(), &["--no-baseline"]);
    assert_eq!(left(&world), 0);
}
