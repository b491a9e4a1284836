//! What the view shows at a path, told from its two layers.
//!
//! The kernel's marks (<https://docs.kernel.org/filesystems/overlayfs.html>): a character device 0/0 in the upper
//! layer means that nothing is there, and a folder with the attribute `opaque` hides the one below it. Folders that
//! were moved and files whose contents were left below have marks too, but not with the options of our mount.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, FileTypeExt as _, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{OFlags, fgetxattr};
use rustix::io::Errno;

use crate::workspace::file_state::{self, Found};

/// Both layers.
pub(super) struct Layers {
    /// The user's tree.
    pub(super) lower: Dir,
    /// What the run changed.
    pub(super) upper: Dir,
}

/// What decides how the view looks at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Lower,
    Upper,
}

/// What the upper layer has at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Above {
    /// Nothing: the lower layer shows through.
    Nothing,
    /// The mark that nothing is there.
    Whiteout,
    Folder,
    /// A file, a link, or something else that hides all below it.
    Other,
}

impl Above {
    pub(super) fn of(metadata: &Metadata) -> Self {
        if metadata.is_dir() {
            Self::Folder
        } else if metadata.file_type().is_char_device() && metadata.rdev() == 0 {
            Self::Whiteout
        } else {
            Self::Other
        }
    }
}

impl Layers {
    /// What the view shows at `path`, and which layer says so. A link on the way there counts as nothing, as in
    /// [`file_state::look`].
    pub(super) fn look(&self, path: &Path) -> io::Result<(Layer, Found)> {
        let mut parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
        let mut lower_shows = true;
        while let Some(part) = parts.pop() {
            match self.above(part)? {
                Above::Nothing if lower_shows => return Ok((Layer::Lower, file_state::look(&self.lower, path)?)),
                Above::Nothing | Above::Whiteout => return Ok((Layer::Upper, Found::Nothing)),
                Above::Folder if !parts.is_empty() => lower_shows = lower_shows && self.merges(part)?,
                Above::Other if !parts.is_empty() => return Ok((Layer::Upper, Found::Nothing)),
                Above::Folder | Above::Other => {}
            }
        }
        Ok((Layer::Upper, file_state::look_at(&self.upper, path)?))
    }

    /// The layer's own folder.
    pub(super) fn dir(&self, layer: Layer) -> &Dir {
        match layer {
            Layer::Lower => &self.lower,
            Layer::Upper => &self.upper,
        }
    }

    /// Whether the view shows anything at `path`.
    pub(super) fn shows(&self, path: &Path) -> bool {
        self.look(path).is_ok_and(|(_, found)| !matches!(found, Found::Nothing))
    }

    fn above(&self, path: &Path) -> io::Result<Above> {
        match self.upper.symlink_metadata(path) {
            Ok(metadata) => Ok(Above::of(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Above::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Whether a folder of the upper layer shows what the lower one has in the folder of the same path.
    pub(super) fn merges(&self, folder: &Path) -> io::Result<bool> {
        Ok(self.is_folder_below(folder) && !self.is_opaque(folder)?)
    }

    /// Whether the user's tree has a folder at `path`.
    pub(super) fn is_folder_below(&self, path: &Path) -> bool {
        matches!(file_state::look(&self.lower, path), Ok(Found::Folder))
    }

    fn is_opaque(&self, folder: &Path) -> io::Result<bool> {
        let mut value = [0_u8; 8];
        // A handle of a `Dir` may be one that only leads on.
        let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
        let handle = self.upper.open_with(folder, OpenOptions::new().read(true).custom_flags(flags))?;
        match fgetxattr(handle, c"user.overlay.opaque", &mut value) {
            Ok(length) => Ok(value.get(..length) == Some(b"y")),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
