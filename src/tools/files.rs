//! Opens, reads and replaces files beneath the context's directory handles. Paths are never joined: the kernel resolves
//! them beneath the handle, so that a link swapped in at the wrong moment leads nowhere.
//!
//! Refusals state the facts: what is there instead, and what to do.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use cap_tempfile::TempFile;
use rustix::fs::{FileType, OFlags};

use super::place::{ToolPath, shown};
use super::plain_words::{in_words, quoted};
use super::tool::{FatalToolError, ToolError, tell};
use super::tool_context::ToolContext;
use super::walk;
use crate::journal::{Digest, RelPath, is_disk_failure};
use crate::settings::{Opened, Refused};

/// Permission bits, sticky and set-id bits included.
const MODE: u32 = 0o7777;

/// A file that a tool may replace.
pub(super) struct Existing {
    pub bytes: Vec<u8>,
    mode: u32,
}

impl ToolContext {
    /// Reads a regular file of at most `cap` bytes.
    ///
    /// # Errors
    /// A description of what is there instead.
    pub(super) fn read(&self, place: &ToolPath, cap: u64) -> Result<Vec<u8>, ToolError> {
        let (file, size) = self.open(place)?;
        if size > cap {
            return tell(format!(
                "{place} has {size} bytes; files are read and edited up to {cap}. To find lines in it, use search with \
                 path {}.",
                quoted(&place.to_string())
            ));
        }
        self.read_open(place, file, size, cap)
    }

    fn read_open(&self, place: &ToolPath, file: File, size: u64, cap: u64) -> Result<Vec<u8>, ToolError> {
        let mut bytes = Vec::with_capacity(size.min(cap) as usize);
        // The file may grow while it is read.
        file.take(cap).read_to_end(&mut bytes).map_err(|error| self.refusal(place, &error))?;
        Ok(bytes)
    }

    /// Opens a regular file for reading; returns it with its size.
    ///
    /// # Errors
    /// A description of what is there instead: nothing (with the nearest names), a folder, a device, a link that leads
    /// out.
    pub(super) fn open(&self, place: &ToolPath) -> Result<(File, u64), ToolError> {
        match place {
            ToolPath::View(path) => match self.gate.open(path.as_path()) {
                Ok(Opened { file, size }) => Ok((file, size)),
                Err(refused) => Err(self.closed(place, refused)),
            },
            ToolPath::Log(_) => self.open_own(place),
        }
    }

    /// Opens kcode's own files: a log, or a file that a tool has just written.
    fn open_own(&self, place: &ToolPath) -> Result<(File, u64), ToolError> {
        let (dir, path) = self.handle(place);
        let told = |error: io::Error| self.refusal(place, &error);
        // A pipe in the file's place must not block, and only regular files are read.
        let options = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).to_owned();
        let file = dir.open_with(path.as_path(), &options).map_err(told)?;
        let metadata = file.metadata().map_err(told)?;
        if metadata.is_file() {
            Ok((file.into_std(), metadata.len()))
        } else {
            tell(not_a_file(place, FileType::from_raw_mode(metadata.mode())))
        }
    }

    /// Explains the gate's refusal to the model.
    fn closed(&self, place: &ToolPath, refused: Refused) -> ToolError {
        let text = match refused {
            Refused::Io(error) => return self.refusal(place, &error),
            Refused::Outside => leads_out(place),
            Refused::Git => format!("{place} is a link into .git, which belongs to git"),
            Refused::Kind(kind) => not_a_file(place, kind),
            Refused::HardLink => format!("{place} is not shown: {refused}. Work without seeing it."),
            Refused::Secret { real, what } => format!(
                "{place} is not shown: by its name it holds {what}. Tests can use it all the same; work without seeing \
                 it. (The user can allow it: secrets.readable = [{}] in ~/.config/kcode/config.toml.)",
                quoted(&real.display().to_string())
            ),
        };
        ToolError::Tell(text)
    }

    fn handle<'a>(&'a self, place: &'a ToolPath) -> (&'a Dir, &'a RelPath) {
        match place {
            ToolPath::View(path) => (self.view(), path),
            ToolPath::Log(path) => (&self.logs, path),
        }
    }

    /// The folder at `place`, links resolved; `None` if it is a file.
    ///
    /// # Errors
    /// If nothing is there, or a link leads out.
    pub(super) fn folder(&self, place: &ToolPath) -> Result<Option<RelPath>, ToolError> {
        let ToolPath::View(path) = place else { return Ok(None) };
        let found = self.gate.look(path.as_path()).map_err(|refused| self.closed(place, refused))?;
        if found.kind != FileType::Directory {
            return Ok(None);
        }
        match RelPath::from_path(&found.real) {
            Ok(folder) => Ok(Some(folder)),
            Err(_) => tell(format!("{place} is a link to {}; name a folder of the repository.", found.real.display())),
        }
    }

    /// The file that a tool is about to replace; `None` if nothing is at `path`.
    ///
    /// # Errors
    /// A description of what prevents writing: a link anywhere on the path, a folder, a file of more than `cap` bytes.
    pub(super) fn existing(&self, path: &RelPath, cap: u64) -> Result<Option<Existing>, ToolError> {
        self.refuse_links(path)?;
        let place = ToolPath::View(path.clone());
        match self.view().symlink_metadata(path.as_path()) {
            Ok(metadata) => Ok(Some(Existing { bytes: self.read(&place, cap)?, mode: metadata.mode() & MODE })),
            Err(error) if error.kind() == ErrorKind::NotFound => match self.unnamed(&place) {
                // Writing would create another file next to the intended one.
                Some(odd) => tell(odd),
                None => Ok(None),
            },
            Err(error) => Err(self.refusal(&place, &error)),
        }
    }

    /// Writes `bytes` to `path` atomically, with the mode of the replaced file; creates folders and reads the bytes
    /// back.
    ///
    /// # Errors
    /// Why the file can't be written; fatal if no file could be (such as a full disk).
    pub(super) fn store(&self, path: &RelPath, bytes: &[u8], before: Option<&Existing>) -> Result<(), ToolError> {
        let place = ToolPath::View(path.clone());
        let told = |error: io::Error| self.refusal(&place, &error);
        let (parent, name) = self.parent(path).map_err(told)?;
        replace(&parent, name, bytes, before.map(|file| file.mode)).map_err(told)?;
        let (file, size) = self.open_own(&place)?;
        let landed = self.read_open(&place, file, size, bytes.len() as u64 + 1)?;
        if Digest::of(&landed) == Digest::of(bytes) {
            Ok(())
        } else {
            Err(FatalToolError::new(format!("{path} doesn't hold what was just written to it")).into())
        }
    }

    /// The parent folder of `path`, created if necessary, and the file's name.
    fn parent<'a>(&self, path: &'a RelPath) -> io::Result<(Dir, &'a Path)> {
        let name = path.as_path().file_name().map_or(path.as_path(), Path::new);
        match path.as_path().parent().filter(|parent| !parent.as_os_str().is_empty()) {
            None => Ok((self.view().try_clone()?, name)),
            Some(parent) => {
                self.view().create_dir_all(parent)?;
                Ok((self.view().open_dir(parent)?, name))
            }
        }
    }

    /// Refuses links: writing through one would change another file than the one named, and the patch would show
    /// neither correctly.
    fn refuse_links(&self, path: &RelPath) -> Result<(), ToolError> {
        let parts: Vec<_> = path.as_path().ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
        for part in parts.into_iter().rev() {
            let Ok(metadata) = self.view().symlink_metadata(part) else { return Ok(()) };
            if metadata.is_symlink() {
                return tell(format!("{}; links are kept as they are.{}", self.link(part), self.behind(part)));
            }
        }
        Ok(())
    }

    /// Describes the link at `part`; the start of a sentence.
    fn link(&self, part: &Path) -> String {
        let target = self.view().read_link_contents(part).unwrap_or_default();
        format!("{} is a symbolic link to {}", shown(&part.to_string_lossy()), shown(&target.to_string_lossy()))
    }

    /// A sentence on what to do instead of following the link at `part`.
    fn behind(&self, part: &Path) -> String {
        let found = self.gate.look(part).ok();
        let found = found.filter(|found| matches!(found.kind, FileType::RegularFile | FileType::Directory));
        match found.and_then(|found| RelPath::from_path(&found.real).ok()) {
            Some(real) => format!(" Name {} itself.", ToolPath::View(real)),
            _ => " It leads to nothing that is open to you.".to_owned(),
        }
    }

    /// Describes the first broken link on the way to `place`; the start of a sentence.
    fn dangling(&self, place: &ToolPath) -> Option<String> {
        let ToolPath::View(path) = place else { return None };
        let parts: Vec<_> = path.as_path().ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
        let is_link = |part: &&Path| self.view().symlink_metadata(part).is_ok_and(|metadata| metadata.is_symlink());
        let dangles = |part: &&Path| is_link(part) && self.view().metadata(part).is_err();
        parts.into_iter().rev().find(dangles).map(|part| self.link(part))
    }

    /// The refusal if nothing is at `path`, with the nearest names.
    pub(super) fn missing(&self, path: &RelPath) -> ToolError {
        self.refusal(&ToolPath::View(path.clone()), &ErrorKind::NotFound.into())
    }

    /// Explains an I/O error to the model, or stops the run.
    fn refusal(&self, place: &ToolPath, error: &io::Error) -> ToolError {
        if is_disk_failure(error) {
            return FatalToolError::io(&format!("{place} can't be written"), error).into();
        }
        let text = match error.kind() {
            ErrorKind::NotFound => match (self.dangling(place), self.unnamed(place)) {
                (Some(link), _) => format!("{link}, where nothing is. Use list_files to see what is there."),
                (None, Some(odd)) => odd,
                (None, None) => format!("There is no {place}. {}", walk::nearest_names(self, place)),
            },
            // Errors without a number come from the path resolver, not from the kernel.
            ErrorKind::PermissionDenied if error.raw_os_error().is_none() => leads_out(place),
            ErrorKind::NotADirectory => {
                format!("A part of {place} is a file, not a folder; use list_files to see what is there.")
            }
            _ => format!("{place} can't be opened: {}.", in_words(error)),
        };
        ToolError::Tell(text)
    }
}

/// Writes a temporary file next to the target and renames it: no reader sees a partial file, and a hard link is broken
/// instead of followed.
fn replace(parent: &Dir, name: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
    let mut file = TempFile::new(parent)?;
    file.write_all(bytes)?;
    if let Some(mode) = mode {
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
    }
    file.replace(name)
}

fn leads_out(place: &ToolPath) -> String {
    format!("{place} leads out of the repository through a symbolic link; only what is inside is open to you")
}

fn not_a_file(place: &ToolPath, kind: FileType) -> String {
    let what = match kind {
        FileType::Directory => return format!("{place} is a folder; use list_files to see what is in it."),
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::BlockDevice | FileType::CharacterDevice => "a device",
        _ => "not a regular file",
    };
    format!("{place} is {what}; only regular files can be read and written.")
}
