//! Rules of what to ignore, which a walk opens by itself: whatever stands in their place, no tool hangs or reads without end.

use std::fs::{self, File};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, FileType, mknodat};
use serde_json::json;

use super::world::World;

const KINDS: [&str; 5] = ["pipe", "link to a pipe", "device", "outside", "huge"];

/// Puts something that is no list of rules at `path`.
fn plant(world: &World, path: &str, kind: &str) {
    let at = world.at(path);
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    let pipe = |name: &str| mknodat(CWD, world.at(name), FileType::Fifo, 0o600.into(), 0).unwrap();
    match kind {
        "pipe" => pipe(path),
        "link to a pipe" => {
            pipe("the-pipe");
            world.link(world.at("the-pipe"), path);
        }
        "device" => drop(world.link("/dev/zero", path)),
        "outside" => {
            fs::write(world.outside("rules"), "*\n").unwrap();
            world.link(world.outside("rules"), path);
        }
        _ => {
            world.put(path, "*\n");
            File::options().write(true).open(at).unwrap().set_len(1 << 31).unwrap();
        }
    }
}

/// What the tools list and find, if they end.
fn seen(world: World) -> String {
    let (done, answer) = mpsc::channel();
    thread::spawn(move || {
        let listed = world.good("list_files", json!({"depth": 9}));
        let found = world.good("search", json!({"pattern": "needle"}));
        let missing = world.call("read_file", json!({"path": "top.tx"})).text;
        drop(done.send(format!("{listed}\n{found}\n{missing}")));
    });
    answer.recv_timeout(Duration::from_mins(1)).unwrap_or_else(|_| panic!("a tool doesn't end"))
}

#[test]
fn rules_that_are_no_ordinary_files_are_not_read() {
    for place in
        [".gitignore", "inner/.gitignore", ".git/info/exclude", ".git", "inner/.git", "inner/.git/info/exclude"]
    {
        for kind in KINDS {
            let world = World::new();
            world.put("top.txt", "needle\n").put("inner/file.txt", "needle\n").put("other/file.txt", "needle\n");
            plant(&world, place, kind);
            let seen = seen(world);
            assert!(seen.contains("top.txt") && seen.contains("other/file.txt"), "{place} is {kind}: {seen}");
            let told = seen.matches("is no ordinary file of the repository: inner/").count();
            assert_eq!(told, if seen.contains("inner/file.txt") { 0 } else { 2 }, "{place} is {kind}: {seen}");
        }
    }
}

#[test]
fn other_rules_count_beside_them() {
    let world = World::new();
    world
        .put(".gitignore", "*.log\n")
        .put("top.txt", "needle\n")
        .put("a.log", "needle\n")
        .put("inner/b.log", "needle\n");
    plant(&world, ".git/info/exclude", "pipe");
    let seen = seen(world);
    assert!(seen.contains("top.txt") && !seen.contains(".log"), "{seen}");
}
