//! The private view of the user's tree that a run works on: an overlay of it, or a copy.
//!
//! It starts as the tree is, uncommitted changes included. The difference from that start is computed from the files,
//! never from what tools report.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::apply::{Doing, apply};
use super::copy::copy;
use super::differences::Differences;
use super::error::io_error;
use super::file_state::{self, PathState};
use super::generated::{Parted, ToolWritten, split};
use super::overlay::OverlayScene;
use super::patch::{self, HunksCache, PatchContext, assemble};
use super::remove::{remove_tree, remove_tree_soon};
use super::repository::ObjectFormat;
use super::scan::ViewDiff;
use super::selection::select;
use super::{ApplyError, Blobs, ChangeSet, Overlay, Patch, Repository, WorkspaceError, ignore_file};
use crate::journal::{RelPath, ViewMade};
use crate::settings::Writes;

/// Number of notes that are listed one by one.
const MAX_NOTES: usize = 20;

/// What may have changed since the last comparison.
#[derive(Clone, Copy, Debug)]
pub enum Touched<'a> {
    /// These files, written by a tool: they count even when ignored.
    Paths(&'a [RelPath]),
    /// Anything, because a command ran.
    Anything,
}

/// A private view. Dropping it keeps it on disk; [`View::remove`] removes it.
pub struct View {
    kind: ViewKind,
    root: PathBuf,
    run: PathBuf,
    object_format: ObjectFormat,
    made: ViewMade,
    /// Which of the files that commands write are part of the patch; `None` means all.
    writes: Option<Writes>,
    progress: Mutex<ViewProgress>,
}

/// Arguments for making a copy.
pub struct Copying<'a> {
    /// The repository that is copied.
    pub repository: &'a Repository,
    /// The run folder; contents of changed files are stored in its `blobs`.
    pub run: &'a Path,
    /// The view's [place](View::place), created before.
    pub place: PathBuf,
    /// Ignored folders to make visible, such as `node_modules`.
    pub dependencies: &'a [String],
    /// Cancels the copy when set.
    pub stop: &'a AtomicBool,
}

enum ViewKind {
    Copy(Box<ViewDiff>),
    Overlay(Box<OverlayScene>),
}

/// State of the comparison so far.
#[derive(Default)]
struct ViewProgress {
    differences: Differences,
    written: ToolWritten,
    cache: HunksCache,
}

impl View {
    /// Creates the empty folder that the view will fill, so that a worker can be confined to it meanwhile:
    /// `run/view/NAME`, where `NAME` is that of the project folder. Returns its canonical path.
    ///
    /// # Errors
    /// When it can't be created, or exists already.
    pub fn place(repository: &Repository, run: &Path) -> Result<PathBuf, WorkspaceError> {
        let holder = run.join("view");
        DirBuilder::new().recursive(true).mode(0o700).create(run).map_err(io_error("make", run))?;
        DirBuilder::new().mode(0o700).create(&holder).map_err(io_error("make", &holder))?;
        let holder = fs::canonicalize(&holder).map_err(io_error("find", &holder))?;
        let view_root = holder.join(repository.root().file_name().unwrap_or("project".as_ref()));
        DirBuilder::new().mode(0o700).create(&view_root).map_err(io_error("make", &view_root))?;
        Ok(view_root)
    }

    /// Makes the view in its [place](View::place); contents of changed files are stored in `run/blobs`. `dependencies`
    /// names ignored folders to make visible, such as `node_modules`. Blocks; on an error nothing of the view is left.
    ///
    /// # Errors
    /// When the view can't be written. What can't be read of the user's tree is left out, with a note.
    pub fn create(repository: &Repository, run: &Path, dependencies: &[String]) -> Result<Self, WorkspaceError> {
        let place = Self::place(repository, run)?;
        Self::fill(&Copying { repository, run, place, dependencies, stop: &AtomicBool::new(false) })
    }

    /// As [`View::create`], in a place that was created before, and cancellable.
    ///
    /// # Errors
    /// As [`View::create`], and [`WorkspaceError::Stopped`] when cancelled.
    pub fn fill(copying: &Copying<'_>) -> Result<Self, WorkspaceError> {
        let holder = copying.place.parent().unwrap_or(&copying.place);
        Self::copied(copying).inspect_err(|_| drop(remove_tree_soon(holder)))
    }

    fn copied(copying: &Copying<'_>) -> Result<Self, WorkspaceError> {
        let Copying { repository, run, place, dependencies, stop } = copying;
        let started = Instant::now();
        if stop.load(Ordering::Relaxed) {
            return Err(WorkspaceError::Stopped);
        }
        let mut selection = select(repository, dependencies);
        let dependencies = std::mem::take(&mut selection.dependencies);
        let mut copied = copy(repository.root(), place, selection, stop)?;
        for folder in &dependencies {
            folder.link(repository.root(), place).map_err(io_error("link", &folder.path))?;
            copied.notes.extend(folder.note(repository.root()));
        }
        shorten(&mut copied.notes);
        let open = |path: &Path| Dir::open_ambient_dir(path, ambient_authority()).map_err(io_error("open", path));
        let scene = ViewDiff {
            view: open(place)?,
            origin: open(repository.root())?,
            manifest: copied.manifest,
            dependencies: dependencies.iter().map(|folder| folder.path.clone()).collect(),
            exclude: ignore_file::of_file(place, repository.exclude_file()),
            blobs: Blobs::at(&run.join("blobs")),
            view_root: place.clone(),
        };
        let made = ViewMade {
            kind: "copy".to_owned(),
            files: copied.files,
            bytes: copied.bytes,
            ms: started.elapsed().as_millis() as u64,
            notes: copied.notes,
        };
        Ok(Self {
            kind: ViewKind::Copy(Box::new(scene)),
            root: place.clone(),
            run: run.to_path_buf(),
            object_format: repository.object_format,
            made,
            writes: None,
            progress: Mutex::default(),
        })
    }

    /// The view that a worker has mounted from `overlay`. Blocks.
    ///
    /// # Errors
    /// When the layers can't be opened, or contents of the changes they hold already can't be stored.
    pub fn over(
        repository: &Repository,
        run: &Path,
        overlay: &Overlay,
        dependencies: &[String],
    ) -> Result<Self, WorkspaceError> {
        let started = Instant::now();
        let scene = overlay.scene(repository, run, dependencies).map_err(io_error("open", overlay.layers()))?;
        let view = Self {
            kind: ViewKind::Overlay(Box::new(scene)),
            root: repository.root().to_owned(),
            run: run.to_owned(),
            object_format: repository.object_format,
            made: ViewMade {
                kind: "overlay".to_owned(),
                ms: started.elapsed().as_millis() as u64,
                ..ViewMade::default()
            },
            writes: None,
            progress: Mutex::default(),
        };
        if !overlay.changes().is_empty() {
            view.see_restored(overlay.changes())?;
        }
        Ok(view)
    }

    /// Canonical top of the view as its worker sees it. For an overlay this is the path of the user's own tree for
    /// everybody else.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the run that it belongs to.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// Inserts sentences before the view's other notes.
    pub fn note_first(&mut self, notes: Vec<String>) {
        self.made.notes.splice(0..0, notes);
    }

    /// The journal's description of the view.
    #[must_use]
    pub fn made(&self) -> &ViewMade {
        &self.made
    }

    /// Where contents of changed files are stored, as [`apply`](super::apply()) needs them.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        match &self.kind {
            ViewKind::Copy(scene) => &scene.blobs,
            ViewKind::Overlay(scene) => &scene.blobs,
        }
    }

    /// Brings a copy to the state of an earlier view of the same run: all of `changes`, or none. An overlay gets them
    /// from [`Overlay::prepare`] instead.
    ///
    /// # Errors
    /// When a file is no longer what it was when that run began.
    pub fn restore(&self, changes: &ChangeSet) -> Result<(), ApplyError> {
        let failed = |source| ApplyError::Write { path: self.root().to_owned(), source, doing: Doing::Apply };
        let ViewKind::Copy(scene) = &self.kind else {
            return Err(failed(io::Error::other("an overlay is restored before it is mounted")));
        };
        apply(&scene.view_root, changes, &scene.blobs)?;
        self.see_restored(changes).map_err(|error| failed(io::Error::other(error)))
    }

    /// Restored changes were made by a tool, so they count even when ignored.
    fn see_restored(&self, changes: &ChangeSet) -> Result<(), WorkspaceError> {
        let paths: Vec<RelPath> = changes.entries.iter().map(|entry| entry.path.clone()).collect();
        self.patch(Touched::Paths(&paths)).map(drop)
    }

    /// Stores the start content of `path`; called before a tool changes it. Cheap when it is stored already.
    ///
    /// # Errors
    /// When the content can't be stored.
    pub fn keep(&self, path: &RelPath) -> Result<(), WorkspaceError> {
        let kept = match &self.kind {
            ViewKind::Copy(scene) => scene.keep(path),
            ViewKind::Overlay(scene) => scene.keep(path.as_path()),
        };
        kept.map_err(io_error("keep", path.as_path()))
    }

    /// The current difference from the start. With [`Touched::Paths`] only these files are compared again; for the rest
    /// the last result holds. Blocks.
    ///
    /// # Errors
    /// When contents of changed files can't be stored or read back.
    pub fn patch(&self, touched: Touched<'_>) -> Result<Patch, WorkspaceError> {
        self.patch_unless(touched, &AtomicBool::new(false))
    }

    /// As [`View::patch`]; returns soon after `stop` is set, whatever commands of the run have made.
    ///
    /// # Errors
    /// As [`View::patch`], and [`WorkspaceError::Stopped`].
    pub fn patch_unless(&self, touched: Touched<'_>, stop: &AtomicBool) -> Result<Patch, WorkspaceError> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let ViewProgress { differences, cache, written } = &mut *progress;
        let looked = match (&self.kind, touched) {
            (ViewKind::Copy(scene), Touched::Paths(paths)) => scene.look_at(paths, differences),
            (ViewKind::Overlay(scene), Touched::Paths(paths)) => scene.look_at(paths, differences),
            (ViewKind::Copy(scene), Touched::Anything) => scene.look_around(differences, stop).map(|()| Vec::new()),
            (ViewKind::Overlay(scene), Touched::Anything) => scene.look_around(differences, stop).map(|()| Vec::new()),
        };
        let looked = match looked {
            Err(_) if stop.load(Ordering::Relaxed) => return Err(WorkspaceError::Stopped),
            looked => looked.map_err(io_error("compare", self.root()))?,
        };
        for path in looked {
            if differences.left_out.contains_key(path.as_path()) {
                written.remove(&path);
            } else {
                let now = differences.files.get(&path).cloned();
                written.insert(path, now);
            }
        }
        let contents = match &self.kind {
            ViewKind::Copy(scene) => scene.contents(),
            ViewKind::Overlay(scene) => scene.contents(),
        };
        let making = PatchContext { format: self.object_format, stop };
        let Some(writes) = &self.writes else { return assemble(contents, making, differences, cache) };
        let is_there = |path: &Path| {
            let found = file_state::look(contents.origin, path);
            matches!(found, Ok(PathState::File(mode, _)) if !mode.is_symlink())
        };
        let Parted { patch, generated, named_nothing } = split(differences, written, writes, &is_there);
        Ok(Patch { generated, named_nothing, ..assemble(contents, making, &patch, cache)? })
    }

    /// From now on the patch has what tools wrote, and of what commands write only the files that `writes` names.
    pub fn tell_commands_from_tools(&mut self, writes: Writes) {
        self.writes = Some(writes);
    }

    /// Rebases `patch`: from the tree below this view to the tree before `since`, which led to it. Blocks.
    ///
    /// # Errors
    /// When contents of `since` aren't in the blobs.
    pub fn restate(&self, patch: Patch, since: &ChangeSet) -> Result<Patch, WorkspaceError> {
        patch::restate(self.blobs(), self.object_format, patch, since)
    }

    /// Removes the view that a killed run left in its folder, if any.
    ///
    /// # Errors
    /// When a part of it can't be removed.
    pub fn discard(run: &Path) -> Result<(), WorkspaceError> {
        let remove = |folder: PathBuf| remove_tree(&folder).map_err(io_error("remove", &folder));
        remove(run.join("view")).and(remove(run.join("overlay")))
    }

    /// Removes the view from disk; the patch and the stored contents stay. Its worker must have ended.
    ///
    /// # Errors
    /// When a part of it can't be removed.
    pub fn remove(self) -> Result<(), WorkspaceError> {
        Self::discard(&self.run)
    }
}

/// A tree can give thousands of notes; nobody reads more than a few.
fn shorten(notes: &mut Vec<String>) {
    if notes.len() > MAX_NOTES {
        let more = notes.split_off(MAX_NOTES).len();
        notes.push(format!("and {more} more"));
    }
}
