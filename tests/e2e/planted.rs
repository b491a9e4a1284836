//! What somebody planted in the state folder, in a run or beside a report: told with a hint, in bounded time, never followed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, mknodat};

use crate::world::{TASK, World, mender, together};

/// Puts something that isn't a file in the place of `path`.
fn plant(path: &Path, what: &str) {
    let _ = fs::remove_file(path);
    match what {
        "pipe" => mknodat(CWD, path, FileType::Fifo, 0o600.into(), 0).unwrap(),
        "folder" => fs::create_dir(path).unwrap(),
        target => symlink(target, path).unwrap(),
    }
}

const PLANTED: [&str; 4] = ["pipe", "/dev/zero", "/proc/self/fd/0", "folder"];

#[test]
fn a_run_whose_files_are_no_files_is_told_by_every_command() {
    together(PLANTED, |what| {
        for (file, commands) in [
            (
                "journal.jsonl",
                &["show", "diff", "apply", "review", "audit", "export", "replay", "resume", "verify"][..],
            ),
            ("patch.diff", &["diff"]),
            ("changes.json", &["apply", "review"]),
            ("results.json", &["verify"]),
        ] {
            let world = World::new();
            world.fix(&mender(), &[]).code(0);
            let run = world.runs().remove(0);
            plant(&run.join(file), what);
            let name = run.file_name().unwrap().to_str().unwrap().to_owned();
            for command in commands {
                let ran = world.start(world.keyed(&mender(), &[*command, &name])).wait();
                let told = ran.stderr();
                assert!(told.contains("error") && told.contains("hint"), "{command} on {file} as {what}: {told}");
            }
            world.start(world.kcode(&["stats"])).wait();
            world.start(world.kcode(&["runs"])).wait().code(0);
        }
    });
}

#[test]
fn a_report_whose_files_are_no_files_is_told() {
    together(PLANTED, |what| {
        for file in ["report.json", "patch.diff", "results.json"] {
            let world = World::new();
            world.fix(&mender(), &[]).code(0);
            let report = world.path("report");
            fs::create_dir(&report).unwrap();
            for name in ["report.json", "patch.diff", "results.json"] {
                fs::copy(world.runs()[0].join(name), report.join(name)).unwrap();
            }
            plant(&report.join(file), what);
            let named = report.join("report.json");
            let ran = world.start(world.kcode(&["verify", named.to_str().unwrap()])).wait();
            let told = ran.stderr();
            assert!(told.contains("error") && told.contains("hint"), "{file} as {what}: {told}");
        }
        let world = World::new();
        plant(&world.path("config.toml"), what);
        let config = world.path("config.toml");
        let named = ["--config", config.to_str().unwrap(), "config"];
        world.start(world.kcode(&named)).wait().code(78).says(&["can't be read", "hint: "]);
    });
}

/// What the refusal says, and what is done to the state folder.
type Planted = (&'static str, fn(&World));

#[test]
fn a_state_folder_that_others_can_write_to_is_refused() {
    let runs: [Planted; 5] = [
        ("can be written by other users", |world| {
            fs::set_permissions(world.state(), Permissions::from_mode(0o777)).unwrap();
        }),
        ("can be written by other users", |world| {
            fs::set_permissions(world.state().join("runs"), Permissions::from_mode(0o720)).unwrap();
        }),
        ("is a symbolic link", |world| {
            fs::rename(world.state().join("runs"), world.path("elsewhere")).unwrap();
            symlink(world.path("elsewhere"), world.state().join("runs")).unwrap();
        }),
        ("is not a folder", |world| {
            fs::write(world.state().join("baselines"), "")
                .or_else(|_| {
                    fs::remove_dir_all(world.state().join("baselines"))?;
                    fs::write(world.state().join("baselines"), "")
                })
                .unwrap();
        }),
        ("belongs to another user", |world| {
            chown(world.state(), Some(1), Some(1)).unwrap();
        }),
    ];
    // Only root can give a folder away.
    let cases = if rustix::process::geteuid().is_root() { 5 } else { 4 };
    together(runs.into_iter().take(cases), |(words, change)| {
        let world = World::new();
        world.fix(&mender(), &[]).code(0);
        change(&world);
        for arguments in [&["fix", TASK][..], &["runs"], &["show"]] {
            let kimi = mender();
            let ran = world.start(world.keyed(&kimi, arguments)).wait().code(78);
            assert!(ran.stderr().contains(words) && ran.stderr().contains("hint"), "{words}: {}", ran.stderr());
            assert!(kimi.requests().is_empty());
        }
    });
}

#[test]
fn what_kcode_keeps_is_for_its_owner_alone() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let run = world.runs().remove(0);
    assert_eq!([&world.state(), &world.state().join("runs"), &run].map(|path| mode(path)), [0o700; 3]);
    assert_eq!(mode(&run.join("journal.jsonl")), 0o600);
}

#[test]
fn a_planted_link_is_no_run() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let run = world.runs().remove(0);
    let other = world.path("planted");
    fs::rename(&run, &other).unwrap();
    symlink(&other, &run).unwrap();
    let name = run.file_name().unwrap().to_str().unwrap().to_owned();
    world.start(world.kcode(&["show", &name])).wait().code(2).says(&["there is no run"]);
}
