//! What the view shows at a path, derived from its two layers.
//!
//! The kernel's marks (<https://docs.kernel.org/filesystems/overlayfs.html>): a character device 0/0 in the upper layer
//! (a whiteout) means that nothing exists, and a folder with the attribute `opaque` hides the lower one. Moved folders
//! and files whose contents stay in the lower layer have marks too, but not with our mount options.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, FileType, FileTypeExt as _, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{OFlags, fgetxattr};
use rustix::io::Errno;

use crate::workspace::file_state::{self, PathState};
use crate::workspace::{FileMode, FileState, trail::Trail};

pub(super) struct OverlayLayers {
    /// The user's tree.
    pub(super) lower: Dir,
    /// What the run changed.
    pub(super) upper: Dir,
}

/// The layer that provides a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayerState {
    Lower,
    Upper,
}

/// What the upper layer has at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Above {
    /// The mark that nothing exists.
    Whiteout,
    Folder,
    /// A file, a link, or something else that hides the lower layer.
    Other,
}

impl Above {
    fn of(metadata: &Metadata) -> Self {
        Self::of_kind(metadata.file_type(), || Ok(metadata.rdev())).unwrap_or(Self::Other)
    }

    /// `device` is only called for a character device.
    fn of_kind(kind: FileType, device: impl FnOnce() -> io::Result<u64>) -> io::Result<Self> {
        Ok(if kind.is_dir() {
            Self::Folder
        } else if kind.is_char_device() && device()? == 0 {
            Self::Whiteout
        } else {
            Self::Other
        })
    }
}

/// How the view shows a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FolderView {
    /// The entries of both layers.
    Merged,
    /// Only the upper layer's entries.
    Upper,
    /// The lower layer's folder, if it exists.
    Lower,
    Nothing,
}

/// Walks from path to path through both layers.
pub(super) struct Cursor<'l> {
    upper: Trail<'l>,
    lower: Trail<'l>,
    /// For each open folder of the upper layer, whether the lower layer shows through.
    merged: Vec<bool>,
}

impl<'l> Cursor<'l> {
    pub(super) fn through(layers: &'l OverlayLayers) -> Self {
        Self { upper: Trail::at(&layers.upper), lower: Trail::at(&layers.lower), merged: Vec::new() }
    }

    /// Goes to `folder`. A link among its components counts as nothing.
    pub(super) fn enter(&mut self, folder: &Path) -> io::Result<FolderView> {
        let Self { upper, lower, merged } = self;
        let whole = upper.reach_with(folder, |above, folder, dir| {
            merged.truncate(above);
            let shows = merged.last().copied().unwrap_or(true) && lower.reach(folder)? && !is_opaque(dir)?;
            merged.push(shows);
            Ok(())
        });
        merged.truncate(upper.len());
        let shows = merged.last().copied().unwrap_or(true);
        if whole? {
            return Ok(if shows { FolderView::Merged } else { FolderView::Upper });
        }
        let hides = match folder.iter().nth(upper.len()) {
            Some(next) => above(upper.dir()?, next.as_ref())?.is_some(),
            None => true,
        };
        Ok(if shows && !hides { FolderView::Lower } else { FolderView::Nothing })
    }

    /// What the view shows at `path`, and which layer provides it.
    pub(super) fn look(&mut self, path: &Path) -> io::Result<(LayerState, PathState)> {
        let (folder, name) = parts(path)?;
        let shown = self.enter(folder)?;
        match shown {
            FolderView::Nothing => return Ok((LayerState::Upper, PathState::Nothing)),
            FolderView::Lower => return Ok((LayerState::Lower, self.look_below(path)?)),
            FolderView::Merged | FolderView::Upper => {}
        }
        match above(self.upper.dir()?, name)? {
            Some(metadata) if Above::of(&metadata) == Above::Whiteout => Ok((LayerState::Upper, PathState::Nothing)),
            Some(metadata) => Ok((LayerState::Upper, PathState::of(metadata))),
            None if shown == FolderView::Merged => Ok((LayerState::Lower, self.look_below(path)?)),
            None => Ok((LayerState::Upper, PathState::Nothing)),
        }
    }

    /// What the lower layer has at `path`; a link among the parents counts as nothing.
    pub(super) fn look_below(&mut self, path: &Path) -> io::Result<PathState> {
        self.lower.look(path)
    }

    /// The innermost existing parent of `path` in the user's tree.
    pub(super) fn nearest_below(&mut self, path: &Path) -> Option<Metadata> {
        self.lower.reach(path.parent()?).ok()?;
        self.lower.dir().and_then(Dir::dir_metadata).ok()
    }

    /// Returns true when the user's tree has a folder at `path`.
    pub(super) fn is_folder_below(&mut self, path: &Path) -> io::Result<bool> {
        self.lower.reach(path)
    }

    pub(super) fn shows(&mut self, path: &Path) -> bool {
        self.look(path).is_ok_and(|(_, found)| !matches!(found, PathState::Nothing))
    }

    /// Content of the file at `path` in a layer.
    pub(super) fn content(&mut self, layer: LayerState, path: &Path, mode: FileMode) -> io::Result<Vec<u8>> {
        let (folder, name) = parts(path)?;
        file_state::content(self.folder(layer, folder)?, name, mode)
    }

    /// State of the file or link at `path` in a layer; `None` when there is none.
    pub(super) fn state(&mut self, layer: LayerState, path: &Path) -> io::Result<Option<FileState>> {
        let (folder, name) = parts(path)?;
        file_state::state(self.folder(layer, folder)?, name)
    }

    /// `folder` in one layer.
    pub(super) fn folder(&mut self, layer: LayerState, folder: &Path) -> io::Result<&Dir> {
        let (trail, whole) = match layer {
            LayerState::Upper => {
                let shown = self.enter(folder)?;
                (&mut self.upper, matches!(shown, FolderView::Merged | FolderView::Upper))
            }
            LayerState::Lower => {
                let whole = self.lower.reach(folder)?;
                (&mut self.lower, whole)
            }
        };
        if whole { trail.dir() } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// Calls `each` with the name and kind of every entry that the upper layer has in `folder`.
    pub(super) fn entries<E: From<io::Error>>(
        &mut self,
        folder: &Path,
        mut each: impl FnMut(&Path, Above) -> Result<(), E>,
    ) -> Result<(), E> {
        for entry in self.folder(LayerState::Upper, folder)?.read_dir(".")? {
            let entry = entry?;
            let kind = Above::of_kind(entry.file_type()?, || entry.metadata().map(|metadata| metadata.rdev()))?;
            each(entry.file_name().as_ref(), kind)?;
        }
        Ok(())
    }

    /// Number of folders opened so far.
    #[cfg(test)]
    pub(super) fn opened(&self) -> u64 {
        self.upper.opened() + self.lower.opened()
    }
}

/// Splits a path into its parent and its name.
fn parts(path: &Path) -> io::Result<(&Path, &Path)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok((path.parent().unwrap_or(Path::new("")), name.as_ref()))
}

fn above(dir: &Dir, name: &Path) -> io::Result<Option<Metadata>> {
    match dir.symlink_metadata(name) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_opaque(folder: &Dir) -> io::Result<bool> {
    let mut value = [0_u8; 8];
    // The descriptor of a `Dir` may be `O_PATH`, which can't read attributes.
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let handle = folder.open_with(".", OpenOptions::new().read(true).custom_flags(flags))?;
    match fgetxattr(handle, c"user.overlay.opaque", &mut value) {
        Ok(length) => Ok(value.get(..length) == Some(b"y")),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
