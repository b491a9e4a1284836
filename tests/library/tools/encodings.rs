//! Files that aren't UTF-8, and names that aren't: read, searched and edited where every byte comes back, else told.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use super::world::{World, says};

/// `これは古いファイルです。\n名前=値\n` in Shift_JIS, with CRLF.
const SJIS: &[u8] =
    b"\x82\xb1\x82\xea\x82\xcd\x8c\xc3\x82\xa2\x83t\x83@\x83C\x83\x8b\x82\xc5\x82\xb7\x81B\r\n\x96\xbc\x91O=\x92l\r\n";

#[test]
fn a_legacy_file_is_read_searched_and_edited_and_no_other_byte_moves() {
    let world = World::new();
    world.put("old.ini", SJIS).put("caf.txt", b"caf\xe9 du coin\nd\xe9j\xe0 vu\n");
    says(&world.good("read_file", json!({"path": "old.ini"})), &["Shift_JIS", "CRLF", "2\t名前=値"]);
    says(&world.good("search", json!({"pattern": "名前"})), &["old.ini\n2:名前=値"]);
    says(&world.good("search", json!({"pattern": "déjà"})), &["caf.txt\n2:déjà vu"]);
    world.good("edit_file", json!({"path": "old.ini", "old_text": "値", "new_text": "新しい値"}));
    let end = SJIS.len() - 4;
    let expected = [&SJIS[..end], b"\x90V\x82\xb5\x82\xa2\x92l\r\n"].concat();
    assert_eq!(world.get("old.ini"), expected);
    says(&world.good("read_file", json!({"path": "caf.txt"})), &["windows-1252", "1\tcafé du coin"]);
    world.good("edit_file", json!({"path": "caf.txt", "old_text": "vu", "new_text": "lu à l'été"}));
    assert_eq!(world.get("caf.txt"), b"caf\xe9 du coin\nd\xe9j\xe0 lu \xe0 l'\xe9t\xe9\n");
}

#[test]
fn a_replaced_file_keeps_its_encoding() {
    let world = World::new();
    world.put("old.ini", SJIS).put("wide.txt", b"\xff\xfea\0\n\0");
    for path in ["old.ini", "wide.txt"] {
        world.good("read_file", json!({ "path": path }));
    }
    says(
        &world.good("write_file", json!({"path": "old.ini", "content": "値\n"})),
        &["Shift_JIS kept", "CRLF line ends kept"],
    );
    assert_eq!(world.get("old.ini"), b"\x92l\r\n");
    world.good("write_file", json!({"path": "wide.txt", "content": "b\n"}));
    assert_eq!(world.get("wide.txt"), b"\xff\xfeb\0\n\0");
}

#[test]
fn what_an_encoding_can_not_hold_is_refused_by_its_name() {
    let world = World::new();
    world.put("caf.txt", b"caf\xe9 du coin, d\xe9j\xe0 vu\n").put("data", b"\x01\x02\xff\xfe\x80 some");
    says(
        &world.bad("edit_file", json!({"path": "caf.txt", "old_text": "vu", "new_text": "日本"})),
        &["windows-1252", "no character \"日\""],
    );
    world.good("read_file", json!({"path": "caf.txt"}));
    says(&world.bad("write_file", json!({"path": "caf.txt", "content": "→"})), &["no character \"→\""]);
    assert_eq!(world.get("caf.txt"), b"caf\xe9 du coin, d\xe9j\xe0 vu\n");
    says(&world.bad("read_file", json!({"path": "data"})), &["not UTF-8", "without loss"]);
    world.put("half", b"\xff\xfea");
    says(&world.bad("read_file", json!({"path": "half"})), &["UTF-16"]);
}

#[test]
fn names_that_are_not_utf_8_are_listed_and_counted() {
    let world = World::new();
    world.put("sub/good.txt", "needle\n");
    fs::write(world.at("sub").join(OsStr::from_bytes(b"bad\xff.txt")), "needle\n").unwrap();
    fs::create_dir(world.at(".").join(OsStr::from_bytes(b"d\xfe"))).unwrap();
    fs::write(world.at(".").join(OsStr::from_bytes(b"d\xfe/inner")), "needle\n").unwrap();
    let listed = world.good("list_files", json!({}));
    says(
        &listed,
        &["the repository: 3 files", "bad\\xFF.txt (its name is not UTF-8", "d\\xFE/  1 file", "inner (its name"],
    );
    says(&world.good("list_files", json!({"path": "sub"})), &["sub/: 2 files", "bad\\xFF.txt"]);
    let found = world.good("search", json!({"pattern": "needle"}));
    says(&found, &["1 matching line", "Not searched, because their names are not UTF-8: d\\xFE/inner and 1 more"]);
}

#[test]
fn a_name_that_no_call_can_hold_is_told_as_such_by_every_tool() {
    let world = World::new();
    world.put("good.txt", "needle\n");
    fs::write(world.at(".").join(OsStr::from_bytes(b"caf\xe9.txt")), "needle\n").unwrap();
    fs::create_dir(world.at(".").join(OsStr::from_bytes(b"d\xfe"))).unwrap();
    fs::write(world.at(".").join(OsStr::from_bytes(b"d\xfe/inner.txt")), "needle\n").unwrap();
    for path in ["caf\\xE9.txt", "caf\u{fffd}.txt", "d\\xFE/inner.txt", "d\\xFE"] {
        for (tool, arguments) in [
            ("read_file", json!({"path": path})),
            ("edit_file", json!({"path": path, "old_text": "needle", "new_text": "x"})),
            ("write_file", json!({"path": path, "content": "x"})),
            ("list_files", json!({"path": path})),
            ("search", json!({"pattern": "needle", "path": path})),
        ] {
            let told = world.bad(tool, arguments);
            assert!(told.contains("isn't UTF-8") && told.contains("the user can rename it"), "{tool} {path}: {told}");
            assert!(!told.contains("There is no"), "{tool} {path}: {told}");
        }
    }
    // Others are what they were.
    assert!(world.bad("read_file", json!({"path": "caf\\xE8.txt"})).contains("There is no"));
    world.good("write_file", json!({"path": "new\\x41.txt", "content": "x"}));
}
