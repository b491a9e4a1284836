//! `read_file`, `write_file` and `edit_file` on real files: what they do, what they refuse, what they leave alone.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;

use super::world::{World, says};

#[test]
fn reading_shows_numbered_lines_and_what_is_unusual() {
    let world = World::new();
    world.put("calc/core.py", "def add(a, b):\n    return a\n").put("dos.txt", "\u{feff}a\r\nb");
    let read = world.call("read_file", json!({"path": "calc/core.py"}));
    assert_eq!(read.summary, "calc/core.py 1-2");
    assert!(read.touched.is_empty());
    says(&read.text, &["calc/core.py lines 1-2 of 2 (sha256 ", "\n1\tdef add(a, b):\n2\t    return a\n"]);
    let digest = read.text.split_once("sha256 ").unwrap().1.split_once(')').unwrap().0;
    assert!(digest.len() == 8 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    says(&world.good("read_file", json!({"path": "dos.txt", "start_line": -1})), &["lines 2-2 of 2", "2\tb"]);
    let dos = world.good("read_file", json!({"path": "./dos.txt"}));
    says(&dos, &["CRLF line ends; byte order mark; no newline at the end)", "\n1\ta\n2\tb\n"]);
}

#[test]
fn a_window_is_what_was_asked_for_and_never_too_much() {
    let world = World::new();
    let lines = (1..=1000).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
    world.put("long.txt", lines).put("wide.txt", format!("{}\nend\n", "x".repeat(100_000)));
    world.put("fat.txt", format!("{}\n", "y".repeat(1_900)).repeat(40)).put("empty.txt", "");
    let text = world.good("read_file", json!({"path": "long.txt"}));
    says(&text, &["lines 1-400 of 1000", "400\tline 400\n"]);
    assert!(!text.contains("line 401"));
    let text = world.good("read_file", json!({"path": "long.txt", "start_line": 990, "line_count": 5}));
    says(&text, &["lines 990-994 of 1000", "990\tline 990\n", "994\tline 994\n"]);
    says(&world.good("read_file", json!({"path": "wide.txt"})), &["line cut, 98000 more bytes", "2\tend"]);
    let text = world.good("read_file", json!({"path": "fat.txt"}));
    says(&text, &["lines 1-17 of 40", "go on with start_line 18"]);
    assert!(text.len() < 40_000);
    says(&world.good("read_file", json!({"path": "empty.txt"})), &["empty.txt is empty"]);
    says(&world.bad("read_file", json!({"path": "long.txt", "start_line": 1001})), &["has 1000 lines", "1001"]);
    says(&world.bad("read_file", json!({"path": "long.txt", "line_count": 0})), &["at least 1"]);
    world.good("read_file", json!({"path": "long.txt", "start_line": 1, "line_count": i64::MAX}));
}

#[test]
fn what_has_not_changed_is_not_shown_twice_unless_asked_again() {
    let world = World::new();
    world.put("a.txt", "one\ntwo\nthree\n");
    let first = world.good("read_file", json!({"path": "a.txt"}));
    let second = world.good("read_file", json!({"path": "a.txt", "start_line": 2}));
    says(&second, &["a.txt is unchanged", "lines 2-3 of 3"]);
    assert_eq!(second.lines().count(), 1);
    assert_eq!(world.good("read_file", json!({"path": "a.txt"})), first, "whoever asks again has lost it");
    world.put("a.txt", "one\ntwo\nfour\n");
    says(&world.good("read_file", json!({"path": "a.txt"})), &["3\tfour"]);
}

#[test]
fn what_is_no_text_is_refused_with_facts() {
    let world = World::new();
    world.put("image.png", b"\x89PNG\r\n\0\0").put("old.txt", b"c\x01f\xE9\n").put("sub/x.rs", "");
    rustix::fs::mknodat(rustix::fs::CWD, world.at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    fs::File::create(world.at("huge.bin")).unwrap().set_len(9 << 20).unwrap();
    for (path, parts) in [
        ("image.png", &["binary: 8 bytes, the first NUL at byte 6"][..]),
        ("old.txt", &["not UTF-8: byte 0xE9 at offset 3 (line 1)"]),
        ("sub", &["is a folder", "list_files"]),
        ("pipe", &["is a named pipe"]),
        ("huge.bin", &["has 9437184 bytes", "search"]),
        ("sub/x.rs/y", &["is a file, not a folder"]),
        ("", &["the path is empty"]),
        ("a\0b", &["NUL"]),
    ] {
        says(&world.bad("read_file", json!({"path": path})), parts);
        world.bad("edit_file", json!({"path": path, "old_text": "a", "new_text": "b"}));
    }
    let name = "n".repeat(300);
    says(&world.bad("read_file", json!({ "path": name })), &["can't be opened"]);
}

#[test]
fn a_missing_file_is_answered_with_the_nearest_names() {
    let world = World::new();
    world.put("src/calc/core.py", "").put("src/main.py", "").put(".gitignore", "ignored/\n").put("ignored/core.py", "");
    says(&world.bad("read_file", json!({"path": "core.py"})), &["There is no core.py.", "Near it: src/calc/core.py."]);
    says(&world.bad("read_file", json!({"path": "src/mian.py"})), &["Near it: src/main.py"]);
    says(&world.bad("read_file", json!({"path": "zzz"})), &["Use list_files"]);
    says(&world.bad("edit_file", json!({"path": "main.py", "old_text": "a", "new_text": "b"})), &["src/main.py"]);
}

#[test]
fn nothing_outside_the_view_is_read_or_written() {
    let world = World::new();
    world.put("in.txt", "inside\n").put(".git/config", "[core]\n").put("sub/.keep", "");
    world
        .link(world.outside("secret"), "absolute")
        .link("../secret", "climbing")
        .link("..", "up")
        .link("gone", "dangling");
    world.link("in.txt", "good").link(".git", "git").link("sub", "folder").link("/", "everything");
    let secret = world.outside("secret");
    let outside = [
        secret.to_str().unwrap(),
        "../secret",
        "sub/../../secret",
        "absolute",
        "climbing",
        "up/secret",
        "everything/etc/passwd",
        ".git/config",
        ".GIT/config",
        "sub/../.git/config",
        "git/config",
        "@logs/../../secret",
        "@logs/..",
    ];
    for path in outside {
        world.bad("read_file", json!({ "path": path }));
        world.bad("write_file", json!({"path": path, "content": "x"}));
        world.bad("edit_file", json!({"path": path, "old_text": "outside", "new_text": "x"}));
        world.bad("search", json!({"path": path, "pattern": "outside"}));
        world.bad("list_files", json!({ "path": path }));
    }
    says(
        &world.bad("read_file", json!({"path": "climbing"})),
        &["leads out of the repository through a symbolic link"],
    );
    says(&world.good("read_file", json!({"path": "good"})), &["1\tinside"]);
    assert_eq!(fs::read(world.outside("secret")).unwrap(), b"outside\n");
    assert_eq!(world.get(".git/config"), b"[core]\n");
}

#[test]
fn links_are_kept_not_followed_when_writing() {
    let world = World::new();
    world
        .put("in.txt", "inside\n")
        .link("in.txt", "link")
        .link("gone", "dangling")
        .put("dir/a.txt", "a\n")
        .link("dir", "other");
    world.good("read_file", json!({"path": "link"}));
    for path in ["link", "dangling", "other/a.txt", "other/new.txt"] {
        says(&world.bad("write_file", json!({"path": path, "content": "x\n"})), &["is a symbolic link to "]);
        world.bad("edit_file", json!({"path": path, "old_text": "i", "new_text": "x"}));
    }
    assert!(fs::symlink_metadata(world.at("link")).unwrap().is_symlink());
    assert!(!world.at("gone").exists() && !world.at("dir/new.txt").exists());
    assert_eq!(world.get("in.txt"), b"inside\n");
}

#[test]
fn absolute_paths_below_the_root_are_the_files_there() {
    let world = World::new();
    world.put("a.txt", "one\n");
    let path = world.at("a.txt").to_str().unwrap().to_owned();
    assert_eq!(world.call("read_file", json!({ "path": path })).summary, "a.txt 1-1");
}

#[test]
fn an_edit_lands_where_it_says_and_keeps_the_mode() {
    let world = World::new();
    world.put("run.sh", "#!/bin/sh\necho one\necho two\n");
    world.set_mode("run.sh", 0o751);
    let edit =
        world.call("edit_file", json!({"path": "run.sh", "old_text": "echo one\n", "new_text": "echo 1\necho 1.5\n"}));
    assert_eq!(edit.summary, "run.sh:2  −1 +2");
    assert_eq!(edit.touched.iter().map(ToString::to_string).collect::<Vec<_>>(), ["run.sh"]);
    says(&edit.text, &["run.sh: −1 +2, now 4 lines", "\n1\t#!/bin/sh\n2\techo 1\n3\techo 1.5\n4\techo two\n"]);
    assert_eq!(world.get("run.sh"), b"#!/bin/sh\necho 1\necho 1.5\necho two\n");
    assert_eq!(world.mode("run.sh"), 0o751);
    let deleted = world.call("edit_file", json!({"path": "run.sh", "old_text": "echo 1\necho 1.5\n", "new_text": ""}));
    assert_eq!(deleted.summary, "run.sh:2  −2 +0");
    says(&deleted.text, &["2\techo two"]);
}

#[test]
fn an_edit_of_many_lines_shows_the_first_and_the_last() {
    let world = World::new();
    world.put("a.txt", "a\nb\nc\n");
    let new = (0..200).map(|n| format!("new {n}\n")).collect::<Vec<_>>().concat();
    let text = world.good("edit_file", json!({"path": "a.txt", "old_text": "b\n", "new_text": new}));
    says(&text, &["−1 +200, now 202 lines", "2\tnew 0\n", "20\tnew 18\n…\n183\tnew 181\n", "201\tnew 199\n"]);
    assert!(text.lines().count() < 50);
}

#[test]
fn an_edit_of_a_long_line_shows_the_change() {
    let world = World::new();
    let (left, right) = ("x".repeat(50_000), "y".repeat(50_000));
    world.put("min.js", format!("{left}needle{right}\nend\n"));
    let text = world.good("edit_file", json!({"path": "min.js", "old_text": "needle", "new_text": "thread"}));
    says(&text, &[&format!("1\t…{}thread{}…\n2\tend", "x".repeat(120), "y".repeat(120))]);
    assert!(text.len() < 600, "{} bytes", text.len());
}

#[test]
fn a_refused_edit_changes_nothing() {
    let world = World::new();
    world.put("a.txt", "one\none\ntwo\n");
    let before = fs::metadata(world.at("a.txt")).unwrap();
    says(
        &world.bad("edit_file", json!({"path": "a.txt", "old_text": "one", "new_text": "x"})),
        &["a.txt is unchanged", "2 times"],
    );
    says(
        &world.bad("edit_file", json!({"path": "a.txt", "old_text": "tow", "new_text": "x"})),
        &["a.txt is unchanged", "3\ttwo"],
    );
    let after = fs::metadata(world.at("a.txt")).unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
}

#[test]
fn an_edit_is_only_called_done_where_its_passage_would_be() {
    let world = World::new();
    let file = "def a(xs):\n    total = sum(xs)\n    return total\n\ndef b(ys):\n    count = len(ys)\n    y = count\n";
    world.put("a.py", file);
    let told = |old: &str, new: &str| world.bad("edit_file", json!({"path": "a.py", "old_text": old, "new_text": new}));
    says(
        &told("    count = size(ys)\n    y = count", "    count = len(ys)\n    y = count"),
        &["at line 6: ", "done already"],
    );
    let cases = [
        ("    county = len(yz)\n", "    return total\n", "it stands elsewhere"),
        ("    y = counts\n", "y", "it is a part of a word"),
        ("import numpy as np\n", "    return total\n", "nothing is like the passage"),
        ("    total = sum(xs)\n    return totals\n", "    total = sum(xs)\n", "nothing of it is new"),
    ];
    for (old, new, why) in cases {
        let text = told(old, new);
        assert!(!text.contains("done already"), "{why}: {text}");
    }
    world.put("a.py", format!("{file}    y = count\n"));
    let text = told("    y = counter\n", "    y = count\n");
    assert!(!text.contains("done already"), "it is there twice: {text}");
}

#[test]
fn an_edit_breaks_a_hard_link_instead_of_writing_through_it() {
    let world = World::new();
    world.put("a.txt", "one\n");
    fs::hard_link(world.at("a.txt"), world.outside("twin")).unwrap();
    world.good("edit_file", json!({"path": "a.txt", "old_text": "one", "new_text": "two"}));
    assert_eq!(fs::read(world.outside("twin")).unwrap(), b"one\n");
    assert_eq!(world.get("a.txt"), b"two\n");
}

#[test]
fn a_new_file_gets_its_folders_and_leaves_nothing_else() {
    let world = World::new();
    let made = world.call("write_file", json!({"path": "a/b/c.txt", "content": "one\ntwo"}));
    assert_eq!(made.summary, "a/b/c.txt  new, 2 lines");
    says(&made.text, &["a/b/c.txt made with 2 lines, 7 bytes", "no newline at the end"]);
    assert_eq!(made.touched.len(), 1);
    assert_eq!(world.get("a/b/c.txt"), b"one\ntwo");
    assert_eq!(fs::read_dir(world.at("a/b")).unwrap().count(), 1, "no temporary file stays");
    // What the model wrote it has read.
    world.good("write_file", json!({"path": "a/b/c.txt", "content": "three\n"}));
    world.good("edit_file", json!({"path": "a/b/c.txt", "old_text": "three", "new_text": "four"}));
    world.good("write_file", json!({"path": "a/b/c.txt", "content": "five\n"}));
    let same = world.call("write_file", json!({"path": "a/b/c.txt", "content": "five\n"}));
    assert!(same.ok && same.touched.is_empty());
}

#[test]
fn a_file_is_only_replaced_by_who_has_read_it_as_it_is() {
    let world = World::new();
    let long = (0..500).map(|n| format!("{n}\n")).collect::<Vec<_>>().concat();
    world.put("a.txt", "one\n").put("long.txt", &long).put("empty.txt", "").put("image.png", b"\0");
    let write = |path: &str| json!({"path": path, "content": "new\n"});
    says(&world.bad("write_file", write("a.txt")), &["exists (4 bytes)", "you have not read it", "edit_file"]);
    world.good("read_file", json!({"path": "a.txt"}));
    world.put("a.txt", "two\n");
    says(&world.bad("write_file", write("a.txt")), &["it has changed since you read it"]);
    world.good("read_file", json!({"path": "long.txt"}));
    says(&world.bad("write_file", write("long.txt")), &["only a part of it"]);
    world.good("read_file", json!({"path": "long.txt", "start_line": 401}));
    world.good("write_file", write("long.txt"));
    world.good("write_file", write("empty.txt"));
    world.bad("write_file", write("image.png"));
    assert_eq!((world.get("a.txt"), world.get("image.png")), (b"two\n".to_vec(), b"\0".to_vec()));
    world.put("wide.txt", format!("{}\n", "x".repeat(5_000)));
    world.good("read_file", json!({"path": "wide.txt"}));
    let text = world.bad("write_file", write("wide.txt"));
    says(&text, &["line 1 is too long to be read whole", "edit_file"]);
    assert!(!text.contains("Read all of it"), "{text}");
}

#[test]
fn a_replaced_file_keeps_its_mode_line_ends_and_mark() {
    let world = World::new();
    world.put("dos.txt", "\u{feff}a\r\nb\r\n").put("mixed.txt", "a\r\nb\n");
    world.set_mode("dos.txt", 0o640);
    for path in ["dos.txt", "mixed.txt"] {
        world.good("read_file", json!({ "path": path }));
    }
    let text = world.good("write_file", json!({"path": "dos.txt", "content": "c\nd\n"}));
    says(&text, &["replaced with 2 lines", "CRLF line ends kept", "byte order mark kept"]);
    assert_eq!(world.get("dos.txt"), "\u{feff}c\r\nd\r\n".as_bytes());
    assert_eq!(world.mode("dos.txt"), 0o640);
    world.good("write_file", json!({"path": "mixed.txt", "content": "c\nd\r\n"}));
    assert_eq!(world.get("mixed.txt"), b"c\nd\r\n");
}

#[test]
fn logs_are_read_but_not_written() {
    let world = World::new();
    world.log("tests-1.log", b"running\nbad byte \xFF\nfailed\n");
    says(&world.good("read_file", json!({"path": "@logs/tests-1.log"})), &["lines 1-3 of 3", "2\tbad byte \u{fffd}"]);
    says(&world.bad("read_file", json!({"path": "@logs/tests-2.log"})), &["Logs: @logs/tests-1.log."]);
    says(&world.bad("write_file", json!({"path": "@logs/tests-1.log", "content": ""})), &["read-only"]);
    world.bad("edit_file", json!({"path": "@logs/tests-1.log", "old_text": "a", "new_text": "b"}));
    says(
        &world.good("search", json!({"path": "@logs/tests-1.log", "pattern": "fail"})),
        &["@logs/tests-1.log\n3:failed"],
    );
}
