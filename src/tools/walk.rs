//! Which files there are: the view walked as git sees it, ignored files left out, links never followed.
//!
//! The walk only finds names. What is opened afterwards is opened through the workroom's handle. A folder whose `.gitignore` is
//! no ordinary file isn't entered, as it isn't when the view is made.

use std::fs::FileType;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::WalkBuilder;
use rustix::fs::FileType::RegularFile;
use similar::get_close_matches;

use super::place::{ToolPath, shown};
use super::tool_context::ToolContext;
use crate::journal::{RelPath, RelPathError};
use crate::settings::is_git_name;
use crate::workspace::{escaped, may_enter, use_harmless_rules};

/// Everything that a walk came by.
#[derive(Default)]
pub(super) struct WalkResult {
    /// Sorted by path.
    pub found: Vec<WalkedEntry>,
    /// Files whose names aren't UTF-8, escaped. They can't be named in a call, and so neither read nor edited.
    pub unnamed: Vec<String>,
    /// Folders that weren't entered, because a file of rules or of git's in them is none.
    pub closed: Vec<String>,
}

/// Something that the walk came by.
pub(super) struct WalkedEntry {
    pub path: RelPath,
    pub kind: FileType,
}

/// Everything below `under` (the root, when it is `None`) that git doesn't ignore, sorted. When git ignores `under`
/// itself, everything below it: whoever names an ignored folder wants to see it.
pub(super) fn walk(room: &ToolContext, under: Option<&RelPath>) -> WalkResult {
    let Some(under) = under else { return visit(room.root(), room.root(), None) };
    let found = visit(room.root(), room.root(), Some(under));
    if found.found.iter().any(|found| found.path == *under) {
        return found;
    }
    visit(room.root(), &room.root().join(under.as_path()), None)
}

/// Walks from `start`, which is `base` or below it, and finds what `under` leaves.
fn visit(base: &Path, start: &Path, under: Option<&RelPath>) -> WalkResult {
    let target = under.map(|under| base.join(under.as_path()));
    let mut builder = WalkBuilder::new(start);
    // Rules count from the view's root down: neither the user's global ones, nor ripgrep's, nor those of a folder above; and
    // a folder without git keeps its .gitignore.
    builder.hidden(false).parents(false).git_global(false).ignore(false).require_git(false).follow_links(false);
    // The walker opens the files of rules itself, waits for the other end of a pipe, and reads a device without end.
    let root = base.canonicalize().unwrap_or_else(|_| base.to_owned());
    use_harmless_rules(&mut builder, &root, start);
    let (closed, top) = (Arc::<Mutex<Vec<String>>>::default(), base.to_owned());
    let noticed = Arc::clone(&closed);
    builder.sort_by_file_name(Ord::cmp).filter_entry(move |entry| {
        let on_the_way = |target: &PathBuf| entry.path().starts_with(target) || target.starts_with(entry.path());
        if is_git_name(entry.file_name()) || !target.as_ref().is_none_or(on_the_way) {
            return false;
        }
        let may_enter = may_enter(&root, entry);
        if !may_enter {
            let path = entry.path().strip_prefix(&top).unwrap_or(entry.path());
            noticed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(format!("{}/", escaped(path.as_os_str().as_bytes())));
        }
        may_enter
    });
    let mut walked = WalkResult::default();
    for entry in builder.build().filter_map(Result::ok) {
        let (Ok(path), Some(kind)) = (entry.path().strip_prefix(base), entry.file_type()) else { continue };
        if under.is_some_and(|under| !path.starts_with(under.as_path())) {
            continue;
        }
        match RelPath::from_path(path) {
            Ok(path) => walked.found.push(WalkedEntry { path, kind }),
            Err(RelPathError::NotUtf8(_)) if !kind.is_dir() => {
                walked.unnamed.push(escaped(path.as_os_str().as_bytes()));
            }
            Err(_) => {}
        }
    }
    walked.closed = std::mem::take(&mut *closed.lock().unwrap_or_else(PoisonError::into_inner));
    walked
}

/// Why a folder is among those that weren't entered.
pub(super) const NOT_ENTERED: &str = "their .gitignore or .git is no ordinary file of the repository";

/// What the model may have meant by a path that isn't there, as a sentence.
pub(super) fn nearest_names(room: &ToolContext, place: &ToolPath) -> String {
    let ToolPath::View(path) = place else { return nearest_logs(room) };
    // What is named here can be read: it isn't what was asked for in vain, nor a link to nothing, nor closed.
    let opens = |found: &WalkedEntry| {
        let is_file = || room.gate.look(found.path.as_path()).is_ok_and(|found| found.kind == RegularFile);
        found.path != *path
            && room.gate.secrets().what(found.path.as_path()).is_none()
            && (found.kind.is_file() || is_file())
    };
    let all: Vec<_> = walk(room, None).found.into_iter().filter(opens).map(|found| found.path).collect();
    let name = path.as_path().file_name();
    let namesakes: Vec<_> =
        all.iter().filter(|other| other.as_path().file_name() == name).map(RelPath::as_str).collect();
    let near = if namesakes.is_empty() {
        let names: Vec<_> = all.iter().map(RelPath::as_str).collect();
        get_close_matches(path.as_str(), &names, 3, 0.7)
    } else {
        namesakes.into_iter().take(5).collect()
    };
    if near.is_empty() {
        "Use list_files to see what is there.".to_owned()
    } else {
        let near: Vec<_> = near.into_iter().map(shown).collect();
        format!("Near it: {}.", near.join(", "))
    }
}

fn nearest_logs(room: &ToolContext) -> String {
    let entries = room.logs.entries().into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let names: Vec<_> = names.iter().rev().take(5).map(|name| format!("@logs/{name}")).collect();
    if names.is_empty() { "No log has been written yet.".to_owned() } else { format!("Logs: {}.", names.join(", ")) }
}
