//! Lists the view's files as git sees it: without ignored files, never following links.
//!
//! The walk only collects names; files are opened through the context's handles. A folder whose `.gitignore` isn't a
//! regular file isn't entered, as when the view is made.

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

#[derive(Default)]
pub(super) struct WalkResult {
    /// Sorted by path.
    pub found: Vec<WalkedEntry>,
    /// Files whose names aren't UTF-8, escaped. They can't be named in a call, so they can't be read or edited.
    pub unnamed: Vec<String>,
    /// Folders that weren't entered because their `.gitignore` or `.git` isn't a regular file.
    pub closed: Vec<String>,
}

pub(super) struct WalkedEntry {
    pub path: RelPath,
    pub kind: FileType,
}

/// Everything below `under` (`None`: the root) that git doesn't ignore, sorted. If git ignores `under` itself,
/// everything below it: a call that names an ignored folder wants to see it.
pub(super) fn walk(room: &ToolContext, under: Option<&RelPath>) -> WalkResult {
    let Some(under) = under else { return visit(room.root(), room.root(), None) };
    let found = visit(room.root(), room.root(), Some(under));
    if found.found.iter().any(|found| found.path == *under) {
        return found;
    }
    visit(room.root(), &room.root().join(under.as_path()), None)
}

/// Walks from `start`, which is `base` or below it, and keeps what is below `under`.
fn visit(base: &Path, start: &Path, under: Option<&RelPath>) -> WalkResult {
    let target = under.map(|under| base.join(under.as_path()));
    let mut builder = WalkBuilder::new(start);
    // Only rules from the view's root down count: not the user's global ones, nor ripgrep's, nor those of parent
    // folders. A folder without git keeps its .gitignore.
    builder.hidden(false).parents(false).git_global(false).ignore(false).require_git(false).follow_links(false);
    // The walker opens rule files itself; it would block on a pipe and read a device without end.
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

/// The reason shown for folders that weren't entered.
pub(super) const NOT_ENTERED: &str = "their .gitignore or .git is no ordinary file of the repository";

/// A sentence with paths that the model may have meant by one that doesn't exist.
pub(super) fn nearest_names(room: &ToolContext, place: &ToolPath) -> String {
    let ToolPath::View(path) = place else { return nearest_logs(room) };
    // Only readable files are suggested: not the requested path itself, no broken link, no secrets.
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
