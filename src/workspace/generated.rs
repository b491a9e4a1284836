//! Separates what commands of a run wrote from what tools wrote. Only the latter becomes the patch, with what the user
//! names.
//!
//! Where a command also changed what a tool wrote, the patch has the tool's version; where it only moved the file, the
//! patch follows it to its new name. Of what the user names, only contents of regular files are taken: see
//! [`takings`](super::generated_rules).

use std::collections::BTreeMap;
use std::path::Path;

use super::differences::Differences;
use super::generated_rules::{Takings, may_move};
use super::patch::LeftOutReason;
use super::{ChangedFile, FileState};
use crate::journal::{Digest, GeneratedChange, GeneratedFile, NotTaken, RelPath};
use crate::settings::Writes;

/// State of each file right after a tool wrote it; `None` means as at the start.
pub(super) type ToolWritten = BTreeMap<RelPath, Option<ChangedFile>>;

/// The two kinds of changes.
#[derive(Default)]
pub(super) struct Parted {
    /// What tools wrote, and what the user named.
    pub(super) patch: Differences,
    pub(super) generated: Vec<GeneratedFile>,
    /// See [`Writes::naming_nothing`].
    pub(super) named_nothing: Vec<String>,
}

impl Parted {
    fn tell(&mut self, path: &Path, change: GeneratedChange, included: bool, not_taken: Option<NotTaken>) {
        let path = path.to_string_lossy().into_owned();
        self.generated.push(GeneratedFile { path, change, included, not_taken });
    }
}

/// Splits `found` into the patch and what commands wrote. `named` selects what of the latter joins the patch;
/// `is_there` answers which files the tree had at the start.
pub(super) fn split(
    found: &Differences,
    written: &ToolWritten,
    named: &Writes,
    is_there: &dyn Fn(&Path) -> bool,
) -> Parted {
    let moved = moves(found, written);
    let takings = Takings { named, written, is_there };
    let patch = Differences { explicit: found.explicit.clone(), ..Differences::default() };
    let mut parted = Parted { patch, ..Parted::default() };
    for (path, change) in &found.files {
        let is_followed = moved.iter().any(|(from, to)| from == path || to == path);
        let tool = written.get(path);
        if is_followed || tool.is_some_and(|tool| tool.as_ref() == Some(change)) {
            parted.patch.files.insert(path.clone(), change.clone());
            continue;
        }
        let taken = takings.take(change);
        let is_taken = matches!(taken, Ok(Some(_)));
        if let Ok(Some(taken)) = &taken {
            parted.patch.files.insert(path.clone(), taken.clone());
        } else if let Some(Some(tool)) = tool {
            parted.patch.files.insert(path.clone(), tool.clone());
        }
        let told = if tool.is_some() { GeneratedChange::Rewritten } else { told(change) };
        parted.tell(path.as_path(), told, is_taken, taken.err());
    }
    // A tool's file that is back at its start state or no longer readable was changed by a command.
    for (path, tool) in written.iter().filter_map(|(path, tool)| Some((path, tool.as_ref()?))) {
        if !found.files.contains_key(path) && moved.iter().all(|(from, _)| from != path) {
            let is_readable = !found.left_out.contains_key(path.as_path());
            let back = takings.take_back(tool);
            let is_taken = is_readable && back == Ok(true);
            if !is_taken {
                parted.patch.files.insert(path.clone(), tool.clone());
            }
            parted.tell(path.as_path(), GeneratedChange::Rewritten, is_taken, back.err());
        }
    }
    for (path, reason) in &found.left_out {
        let is_of_a_tool =
            found.is_explicit(path) && !RelPath::from_path(path).is_ok_and(|path| written.contains_key(&path));
        if is_of_a_tool || is_unsearched(*reason) || named.word(path).is_some() {
            parted.patch.left_out.insert(path.clone(), *reason);
        } else {
            parted.tell(path, GeneratedChange::Other, false, None);
        }
    }
    parted.generated.sort_by(|one, other| one.path.cmp(&other.path));
    parted.generated.dedup_by(|one, other| one.path == other.path);
    let changed = found.files.keys().chain(written.keys()).map(RelPath::as_path);
    parted.named_nothing = named.naming_nothing(&changed.chain(found.left_out.keys().map(|path| &**path)));
    parted
}

/// Returns true for reasons that mean nobody knows what lies there; these are always listed as left out.
const fn is_unsearched(reason: LeftOutReason) -> bool {
    matches!(
        reason,
        LeftOutReason::TooManyFiles
            | LeftOutReason::Unnamed
            | LeftOutReason::TooMany
            | LeftOutReason::TooDeep
            | LeftOutReason::IgnoreRules
    )
}

const fn told(change: &ChangedFile) -> GeneratedChange {
    match (change.before, change.after) {
        (None, _) => GeneratedChange::Added,
        (_, None) => GeneratedChange::Deleted,
        _ => GeneratedChange::Modified,
    }
}

/// Files that a tool wrote and a command moved byte for byte, as pairs of old and new path.
fn moves(found: &Differences, written: &ToolWritten) -> Vec<(RelPath, RelPath)> {
    let is_proof = |state: &FileState| !state.mode.is_symlink() && state.sha256 != Digest::of([]);
    let mut moves: Vec<(RelPath, RelPath)> = Vec::new();
    for (path, tool) in written {
        let Some(state) = tool.as_ref().and_then(|tool| tool.after).filter(is_proof) else { continue };
        if found.files.get(path).is_some_and(|now| now.after.is_some()) || found.left_out.contains_key(path.as_path()) {
            continue;
        }
        // A changed file that is back at its start state wasn't moved.
        if !found.files.contains_key(path) && tool.as_ref().is_some_and(|tool| tool.before.is_some()) {
            continue;
        }
        let to = found.files.values().find(|file| {
            let is_new = file.before.is_none() && file.after == Some(state) && !written.contains_key(&file.path);
            is_new && may_move(path.as_path(), file.path.as_path()) && moves.iter().all(|(_, to)| *to != file.path)
        });
        moves.extend(to.map(|to| (path.clone(), to.path.clone())));
    }
    moves
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::workspace::FileMode;

    fn path(name: &str) -> RelPath {
        RelPath::new(name).expect("a path")
    }

    fn change(name: &str, before: Option<&str>, after: Option<&str>) -> ChangedFile {
        let state = |text: &str| FileState { mode: FileMode::Regular, sha256: Digest::of(text) };
        ChangedFile { path: path(name), before: before.map(state), after: after.map(state) }
    }

    fn found(changes: &[ChangedFile]) -> Differences {
        let files = changes.iter().map(|change| (change.path.clone(), change.clone())).collect();
        Differences { files, ..Differences::default() }
    }

    fn written(changes: &[ChangedFile]) -> ToolWritten {
        changes.iter().map(|change| (change.path.clone(), Some(change.clone()))).collect()
    }

    /// The changes in the patch, and the paths of generated files with whether they are included.
    fn parts(now: &[ChangedFile], tools: &[ChangedFile], named: &[&str]) -> (Vec<ChangedFile>, Vec<(String, bool)>) {
        let named: Vec<String> = named.iter().map(|glob| (*glob).to_owned()).collect();
        let parted = split(&found(now), &written(tools), &Writes::of(&named), &|_| false);
        let told = |file: GeneratedFile| (format!("{} {}", file.path, file.change.told()), file.included);
        (parted.patch.files.into_values().collect(), parted.generated.into_iter().map(told).collect())
    }

    #[test]
    fn only_what_tools_wrote_or_somebody_named_is_the_patch() {
        let edit = change("a.rs", Some("1"), Some("2"));
        let log = change("log.txt", Some("x"), Some("xy"));
        let lock = change("Cargo.lock", None, Some("lock"));
        let gone = change("old.txt", Some("o"), None);
        let now = [edit.clone(), log, lock.clone(), gone];
        let (patch, told) = parts(&now, slice::from_ref(&edit), &["Cargo.lock"]);
        assert_eq!(patch, [lock, edit]);
        let expected = [("Cargo.lock added", true), ("log.txt changed", false), ("old.txt removed", false)];
        assert_eq!(told, expected.map(|(told, included)| (told.to_owned(), included)));
    }

    #[test]
    fn a_file_that_a_command_rewrote_is_as_the_tool_wrote_it() {
        let tool = change("a.rs", Some("1"), Some("2"));
        let told = |included| vec![("a.rs rewritten after the model's edit".to_owned(), included)];
        for now in [vec![change("a.rs", Some("1"), Some("formatted"))], vec![change("a.rs", Some("1"), None)], vec![]] {
            assert_eq!(parts(&now, slice::from_ref(&tool), &[]), (vec![tool.clone()], told(false)));
            assert_eq!(parts(&now, slice::from_ref(&tool), &["*.rs"]), (now, told(true)));
        }
    }

    #[test]
    fn a_file_that_a_command_moved_is_followed() {
        let tool = change("new.rs", None, Some("text"));
        let to = change("sub/new.rs", None, Some("text"));
        assert_eq!(parts(slice::from_ref(&to), slice::from_ref(&tool), &[]), (vec![to.clone()], Vec::new()));
        let edit = change("a.rs", Some("1"), Some("2"));
        let (from, to) = (change("a.rs", Some("1"), None), change("b.rs", None, Some("2")));
        assert_eq!(parts(&[from.clone(), to.clone()], &[edit], &[]), (vec![from, to], Vec::new()));
        let copy = change("copy.rs", None, Some("text"));
        let (patch, told) = parts(&[tool.clone(), copy], slice::from_ref(&tool), &[]);
        assert_eq!((patch, told.len()), (vec![tool], 1), "a copy is none");
    }
}
