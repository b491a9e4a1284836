//! Lists the paths of the view that may differ from the start: what is in the upper layer, and what it hides of the
//! lower one.
//!
//! Commands of the run made the upper layer, so nothing here recurses, and no path is resolved from the top.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::layers::{Above, FolderView, LayerState};
use super::rules::{IgnoreRules, RulesOf};
use crate::workspace::work_limit::{Effort, Enough, MAX_DEPTH, MAX_PATH};
use crate::workspace::{file_state::is_git_name, patch::LeftOutReason};

#[derive(Debug, Default)]
pub(super) struct OverlayFindings {
    /// Files that may differ.
    pub(super) files: BTreeSet<PathBuf>,
    /// Folders that could not be searched.
    pub(super) left_out: BTreeMap<PathBuf, LeftOutReason>,
}

pub(super) fn walk(rules: &mut IgnoreRules<'_>, effort: &mut Effort<'_>) -> Result<OverlayFindings, Enough> {
    let mut walk = OverlayWalk { rules, effort, walked: OverlayFindings::default(), ahead: vec![Ahead::top()] };
    while let Some(next) = walk.ahead.pop() {
        walk.enter(&next)?;
    }
    Ok(walk.walked)
}

struct OverlayWalk<'w, 'g, 's> {
    rules: &'w mut IgnoreRules<'g>,
    effort: &'w mut Effort<'s>,
    walked: OverlayFindings,
    ahead: Vec<Ahead>,
}

/// A folder of the upper layer that is still to be entered.
struct Ahead {
    folder: PathBuf,
    /// Number of folders above it.
    depth: usize,
    /// True when the lower layer shows through.
    merged: bool,
}

impl Ahead {
    fn top() -> Self {
        Self { folder: PathBuf::new(), depth: 0, merged: true }
    }
}

/// Why a folder was not searched to the end.
enum Fault {
    Unreadable,
    Enough(Enough),
}

impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self::Unreadable
    }
}

impl From<Enough> for Fault {
    fn from(enough: Enough) -> Self {
        Self::Enough(enough)
    }
}

impl OverlayWalk<'_, '_, '_> {
    fn enter(&mut self, next: &Ahead) -> Result<(), Enough> {
        if next.depth > 0 && !self.rules.is_sane(&next.folder) {
            self.leave_out(&next.folder, LeftOutReason::IgnoreRules);
        }
        let through = self.through(next);
        self.readable(&next.folder, &through)
    }

    /// Records an unreadable folder as left out; other errors end the walk.
    fn readable(&mut self, path: &Path, done: &Result<(), Fault>) -> Result<(), Enough> {
        match done {
            Ok(()) => {}
            Err(Fault::Enough(enough)) => return Err(*enough),
            Err(Fault::Unreadable) => self.leave_out(path, LeftOutReason::Unreadable),
        }
        Ok(())
    }

    fn through(&mut self, next: &Ahead) -> Result<(), Fault> {
        let (effort, mut entries) = (&mut *self.effort, Vec::new());
        self.rules.cursor.entries(&next.folder, |name, kind| {
            effort.entry(next.folder.as_os_str().len() + name.as_os_str().len())?;
            if !is_git_name(name) {
                entries.push((next.folder.join(name), kind));
            }
            Ok::<_, Fault>(())
        })?;
        for (path, kind) in entries {
            self.effort.go_on()?;
            match kind {
                Above::Folder => {
                    let passed = self.folder(&path, next);
                    self.readable(&path, &passed)?;
                }
                Above::Whiteout | Above::Other if next.merged => self.hidden(&path, next.depth)?,
                Above::Whiteout => {}
                Above::Other => self.add(path),
            }
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path, above: &Ahead) -> Result<(), Fault> {
        if self.rules.passes_over(path) {
            return Ok(());
        }
        let depth = above.depth + 1;
        let merged = above.merged && self.rules.cursor.enter(path)? == FolderView::Merged;
        if above.merged && !merged {
            self.hidden(path, above.depth)?;
        }
        if is_too_deep(path, depth) {
            self.leave_out(path, LeftOutReason::TooDeep);
        } else {
            self.ahead.push(Ahead { folder: path.to_owned(), depth, merged });
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf) {
        self.walked.files.insert(path);
    }

    fn leave_out(&mut self, path: &Path, reason: LeftOutReason) {
        self.walked.left_out.insert(path.to_owned(), reason);
    }

    /// Adds `path` and everything that the lower layer has below it, because the view no longer shows that.
    fn hidden(&mut self, path: &Path, depth: usize) -> Result<(), Enough> {
        let mut ahead = Vec::new();
        match self.rules.cursor.is_folder_below(path) {
            Ok(true) => ahead.push((path.to_owned(), depth + 1)),
            Ok(false) => {}
            Err(_) => self.leave_out(path, LeftOutReason::Unreadable),
        }
        while let Some((folder, depth)) = ahead.pop() {
            let gone = self.hidden_folder(&folder, depth, &mut ahead);
            self.readable(&folder, &gone)?;
        }
        self.add(path.to_owned());
        Ok(())
    }

    fn hidden_folder(&mut self, folder: &Path, depth: usize, ahead: &mut Vec<(PathBuf, usize)>) -> Result<(), Fault> {
        if self.rules.ignores(RulesOf::Start, folder, true) && !self.rules.tracks_below(folder) {
            return Ok(());
        }
        if is_too_deep(folder, depth) {
            self.leave_out(folder, LeftOutReason::TooDeep);
            return Ok(());
        }
        for entry in self.rules.cursor.folder(LayerState::Lower, folder)?.read_dir(".")? {
            let entry = entry?;
            let name = entry.file_name();
            self.effort.entry(folder.as_os_str().len() + name.len())?;
            let path = folder.join(&name);
            match entry.file_type()?.is_dir() {
                _ if is_git_name(name.as_ref()) => {}
                true => ahead.push((path, depth + 1)),
                false => self.add(path),
            }
        }
        Ok(())
    }
}

fn is_too_deep(path: &Path, depth: usize) -> bool {
    depth > MAX_DEPTH || path.as_os_str().len() > MAX_PATH
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::AtomicBool;

    use cap_std::ambient_authority;
    use cap_std::fs::Dir;

    use super::*;
    use crate::workspace::{Repository, overlay::layers::OverlayLayers, overlay::rules::ViewRules};

    /// Walks a view of an empty tree with the upper layer that `make` fills. Returns the result and the number of
    /// opened folders.
    fn walked(make: impl FnOnce(&Path), stop: bool) -> (Result<OverlayFindings, Enough>, u64) {
        let world = tempfile::tempdir().expect("a temporary folder");
        let (lower, upper) = (world.path().join("lower"), world.path().join("upper"));
        for layer in [&lower, &upper] {
            fs::create_dir(layer).expect("a layer");
        }
        make(&upper);
        let open = |path: &Path| Dir::open_ambient_dir(path, ambient_authority()).expect("a layer");
        let repository = Repository::open(&lower).expect("a project");
        let view_rules = ViewRules::new(&repository, OverlayLayers { lower: open(&lower), upper: open(&upper) }, &[]);
        let (mut rules, stop) = (IgnoreRules::of(&view_rules), AtomicBool::new(stop));
        let found = walk(&mut rules, &mut Effort::new(&stop));
        (found, rules.cursor.opened())
    }

    /// Nests `depth` folders, each with two files and an empty folder beside the next.
    fn nested(upper: &Path, depth: usize) {
        let mut folder = upper.to_owned();
        for _ in 0..depth {
            folder.push("d");
            fs::create_dir_all(folder.join("empty")).expect("a folder");
            fs::write(folder.join("one"), "").expect("a file");
            fs::write(folder.join("two"), "").expect("a file");
        }
    }

    #[test]
    fn the_work_grows_with_what_there_is_and_not_with_its_depth() {
        let cost = |depth| {
            let (found, opened) = walked(|upper| nested(upper, depth), false);
            // The topmost folder counts too: a file may have been there.
            assert_eq!(found.expect("an end").files.len(), 1 + 2 * depth);
            opened
        };
        let (shallow, deep) = (cost(20), cost(200));
        // Some folders are opened again, because not all descriptors are held. Going from the top each time, it would
        // be a hundred times as many.
        assert!(deep <= 15 * shallow, "{shallow} folders opened for 20 levels, {deep} for 200");
    }

    #[test]
    fn what_is_nested_too_deep_is_left_out_by_name() {
        let (found, _) = walked(|upper| nested(upper, MAX_DEPTH + 5), false);
        let found = found.expect("an end");
        assert_eq!(found.files.len(), 1 + 2 * MAX_DEPTH);
        let reasons: Vec<_> = found.left_out.values().collect();
        // The next folder of the chain, and the empty one beside the last.
        assert_eq!(reasons, [&LeftOutReason::TooDeep; 2]);
    }

    #[test]
    fn it_ends_when_nobody_waits_for_it() {
        assert_eq!(walked(|upper| nested(upper, 1), true).0.err(), Some(Enough::Stopped));
    }
}
