//! What the model is answered, whatever it asks for: plain words, and no advice that fails at once.

use std::fs;

use kcode::tools::{self, TestRun};
use regex::Regex;
use serde_json::{Value, json};

use super::world::{Scripted, World};

/// What gives our types away, or the system's own numbers.
const RUST: &str =
    r"os error|\b[A-Z]\w*\(|\b(?:Some|None|Ok|Err)\b|[A-Z]\w* \{ |\w::\w|Error\b|\b\w+: \w+\(|NotFound|Errno";

/// A world with one of everything that is odd.
fn world() -> World {
    let run = TestRun { exit_code: Some(0), command: "true".to_owned(), ..TestRun::default() };
    let world = World::with_tests(Some(Box::new(Scripted(Ok(run)))));
    world.put("file.txt", "one\ntwo\n").put("folder/inner.txt", "three\n").put("binary.bin", b"\x7fELF\0\0");
    world.put("latin.txt", b"caf\xe9\n").put(".env", "TOKEN=abc\n").put(".git/config", "[core]\n").put("empty", "");
    world.put("wide.txt", b"\xff\xfea\0\n\0").put("locked.txt", "closed\n").put("locked/inner.txt", "closed\n");
    fs::File::create(world.at("huge.txt")).unwrap().set_len(9 << 20).unwrap();
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"bad\xff.txt");
    fs::write(world.at(".").join(name), "x\n").unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, world.at("pipe"), fifo, 0o600.into(), 0).unwrap();
    world.link("gone", "dangling").link("dangling", "dangling2").link("loop2", "loop1").link("loop1", "loop2");
    world.link("/etc/passwd", "outside").link("..", "up").link(".git", "git").link("folder", "to_folder");
    world.link("file.txt", "to_file").link("pipe", "to_pipe").link(".env", "to_secret").link("self/x", "self");
    world
}

const PATHS: [&str; 40] = [
    "file.txt",
    "folder",
    "binary.bin",
    "latin.txt",
    ".env",
    ".git/config",
    ".git",
    "empty",
    "wide.txt",
    "huge.txt",
    "pipe",
    "dangling",
    "dangling2",
    "dangling/x",
    "loop1",
    "loop1/x",
    "self",
    "outside",
    "up",
    "up/secret",
    "git",
    "git/config",
    "to_folder",
    "to_folder/inner.txt",
    "to_file",
    "to_pipe",
    "to_secret",
    "file.txt/below",
    "missing.txt",
    "missing/deep",
    "",
    ".",
    "/",
    "/etc/passwd",
    "..",
    "../secret",
    "a\0b",
    "@logs/none",
    "bad\u{fffd}.txt",
    "tab\tname",
];

/// Every tool with this path, and what it needs besides.
fn calls(path: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("read_file", json!({ "path": path })),
        ("read_file", json!({ "path": path, "start_line": 900 })),
        ("edit_file", json!({ "path": path, "old_text": "nowhere", "new_text": "b" })),
        ("edit_file", json!({ "path": path, "old_text": "", "new_text": "" })),
        ("list_files", json!({ "path": path, "depth": -1 })),
        ("search", json!({ "path": path, "pattern": "nowhere" })),
        ("search", json!({ "glob": path, "pattern": "(" })),
        ("search", json!({ "glob": path, "pattern": "x" })),
        ("run_tests", json!({ "filter": [path] })),
        ("write_file", json!({ "path": path, "content": "new\n" })),
    ]
}

fn assert_plain(what: &str, text: &str) {
    let rust = Regex::new(RUST).unwrap();
    // Patterns are regexes, and what the model sent comes back between quotes.
    let found = rust.find(text).map(|found| found.as_str().to_owned());
    assert_eq!(found, None, "{what} is answered with a value of ours:\n{text}");
    assert!(text.len() < 2_000, "{what}: {} bytes", text.len());
}

/// What an answer advises has to work, as far as it is a call.
fn assert_advice_works(world: &World, what: &str, path: &str, text: &str) {
    if let Some((_, near)) = text.split_once("Near it: ") {
        for near in near.trim_end_matches('.').split(", ") {
            assert_ne!(near, path, "{what} advises what has just failed: {text}");
            world.good("read_file", json!({ "path": near }));
        }
    }
    if let Some((_, named)) = text.split_once(" Name ") {
        let named = named.split(" itself").next().unwrap();
        let call = if world.at(named).is_dir() { "list_files" } else { "read_file" };
        world.good(call, json!({ "path": named }));
    }
    for (advice, tool) in [("use list_files to see what is in it", "list_files"), ("Use list_files", "")] {
        if text.contains(advice) {
            world.good("list_files", json!({ "path": if tool.is_empty() { "" } else { path } }));
        }
    }
    if text.contains("Read all of it first") {
        world.good("read_file", json!({ "path": path }));
    }
    if text.contains("use search with path") {
        world.good("search", json!({ "path": path, "pattern": "x" }));
    }
}

#[test]
fn every_answer_is_in_plain_words_and_advises_nothing_that_fails() {
    for path in PATHS {
        for (tool, arguments) in calls(path) {
            let (world, what) = (world(), format!("{tool} {arguments}"));
            let seen = world.call(tool, arguments);
            if !seen.ok {
                assert_plain(&what, &seen.text);
                assert_plain(&what, &seen.summary);
            }
            assert_advice_works(&world, &what, path, &seen.text);
        }
    }
}

#[test]
fn wrong_arguments_are_answered_in_plain_words() {
    let world = world();
    let odd = [
        "",
        "null",
        "[]",
        "3",
        "\"x\"",
        "{",
        "{\"path\":",
        "{\"path\": 1}",
        "{\"path\": null}",
        "{\"path\": [\"a\"]}",
        "{\"path\": {\"a\": 1}}",
        "{\"nothing\": true}",
        "{\"path\": \"a\", \"start_line\": 1e99}",
        "{\"filter\": [1]}",
        "{\"filter\": [\"a\\u0000b\"]}",
        "{\"pattern\": \"[\"}",
        "{\"pattern\": \"\"}",
        "{\"pattern\": \"a\\nb\"}",
        "{\"pattern\": \"a\", \"glob\": \"[\"}",
        "{\"pattern\": \"a{99999999}\"}",
        "{\"pattern\": \"\\\\p{Nope}\"}",
        "\u{0}",
        "{\"path\": \"\\ud800\"}",
        "{\"depth\": \"deep\"}",
    ];
    for name in tools::names().chain(["nothing", "a\u{1b}[0m", "Some(x)"]) {
        for arguments in odd {
            let seen = tools::call(&world.room, name, arguments).unwrap();
            if !seen.ok && name != "Some(x)" {
                assert_plain(&format!("{name} {arguments}"), &seen.text);
            }
        }
    }
}

#[test]
fn files_without_permission_are_named_so() {
    // Root reads everything; for another user of the file system, one thread is enough.
    let odd = world();
    fs::set_permissions(odd.outside("."), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    odd.set_mode("locked.txt", 0);
    odd.set_mode("locked", 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // SAFETY: changes nothing but the identity that the kernel checks this thread's file accesses by.
            #[expect(unsafe_code, reason = "no library offers it")]
            let _ = unsafe { libc::syscall(libc::SYS_setfsuid, 65_534) };
            for path in ["locked.txt", "locked/inner.txt"] {
                for (tool, arguments) in calls(path) {
                    let what = format!("{tool} {arguments}");
                    let seen = odd.call(tool, arguments);
                    if !seen.ok {
                        assert_plain(&what, &seen.text);
                    }
                    let is_opened = ["read_file", "edit_file"].contains(&tool);
                    assert!(!is_opened || seen.text.contains("permission is denied"), "{what}: {}", seen.text);
                }
            }
        });
    });
}

#[test]
fn links_are_told_as_what_they_are() {
    let world = world();
    let read = |path: &str| world.bad("read_file", json!({ "path": path }));
    assert!(read("dangling").starts_with("dangling is a symbolic link to gone, where nothing is."));
    assert!(read("dangling/x").starts_with("dangling is a symbolic link to gone, where nothing is."));
    assert!(read("loop1").contains("form a loop"), "{}", read("loop1"));
    let write = |path: &str| world.bad("write_file", json!({ "path": path, "content": "x" }));
    assert!(write("to_file").ends_with("Name file.txt itself."), "{}", write("to_file"));
    for path in ["dangling", "loop1", "outside", "git"] {
        assert!(write(path).ends_with("It leads to nothing that is open to you."), "{}", write(path));
    }
}

#[test]
fn what_people_see_of_a_refusal_is_cut_between_words_and_says_so() {
    let path = format!("{}/{}", "folder ".repeat(30).trim_end(), "x".repeat(20));
    let seen = world().call("read_file", json!({ "path": path }));
    assert!(seen.summary.ends_with("folder…") && seen.summary.len() < 130, "{}", seen.summary);
    assert!(!world().call("read_file", json!({ "path": "folder" })).summary.contains('…'));
}
