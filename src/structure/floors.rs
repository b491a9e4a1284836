//! The floors of the house, held: what each file uses is read from its text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::settings::regex;

/// A path from the crate's root, in any file: its first part is a room.
static FROM_ROOT: LazyLock<Regex> = LazyLock::new(|| regex(r"\bcrate::(\w+)").expect("it is one"));
/// Several rooms at once.
static ROOMS_TOGETHER: LazyLock<Regex> = LazyLock::new(|| regex(r"(?s)\buse crate::\{([^;]*)\};").expect("it is one"));
/// A row of the map in `lib.rs`.
static ROW: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^//! \| (\d+) \| \[?`(\w+)`\]? ").expect("it is one"));

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of the source, relative to it, with its text.
pub(crate) fn files() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the source is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).expect("it can be read");
                files.insert(path.strip_prefix(source()).expect("it is below").to_owned(), text);
            }
        }
    }
    files
}

/// The floor of each room, as the map says.
fn floors() -> BTreeMap<String, u32> {
    let map = fs::read_to_string(source().join("lib.rs")).expect("the map is there");
    let rows = ROW.captures_iter(&map).map(|row| (row[2].to_owned(), row[1].parse().expect("it is a number")));
    rows.collect()
}

/// The rooms that `text` names.
fn rooms_in(text: &str) -> BTreeSet<String> {
    let mut rooms: BTreeSet<String> = FROM_ROOT.captures_iter(text).map(|it| it[1].to_owned()).collect();
    for group in ROOMS_TOGETHER.captures_iter(text) {
        let parts = group[1].split(',').map(|part| part.trim().split("::").next().unwrap_or_default().to_owned());
        rooms.extend(parts.filter(|part| part.chars().all(|it| it.is_alphanumeric() || it == '_')));
    }
    rooms
}

/// Arrows that don't point down.
fn wrong_arrows(files: &BTreeMap<PathBuf, String>, floors: &BTreeMap<String, u32>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in files {
        let Some(room) = path.iter().next().and_then(|it| it.to_str()).filter(|_| path.iter().count() > 1) else {
            continue;
        };
        let Some(own) = floors.get(room) else {
            wrong.push(format!("the map in lib.rs has no {room}"));
            continue;
        };
        let used = rooms_in(text).into_iter().filter(|used| used != room);
        let up = used.filter(|used| floors.get(used).is_some_and(|floor| floor >= own));
        wrong.extend(up.map(|used| format!("{} uses {used}", path.display())));
    }
    wrong
}

#[test]
fn no_room_uses_one_above_or_beside_it() {
    assert_eq!(wrong_arrows(&files(), &floors()), [""; 0]);
}

#[test]
fn an_arrow_up_is_found_however_it_is_written() {
    for line in ["use crate::report::Report;", "use crate::{journal, report};", "crate::report::decide()"] {
        let files = BTreeMap::from([(PathBuf::from("tools/files.rs"), line.to_owned())]);
        assert_eq!(wrong_arrows(&files, &floors()), ["tools/files.rs uses report"], "{line}");
    }
}
