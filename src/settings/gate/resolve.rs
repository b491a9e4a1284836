//! Resolves a path to a descriptor: in one kernel call (`openat2`) without links, component by component with links.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, readlinkat, statat};
use rustix::io::Errno;

use super::{Refused, RepositoryGate};

/// As many links on one path as the kernel follows.
const MOST_LINKS: usize = 40;
/// Looks without opening.
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Opens what was seen to be a regular file. A pipe or a terminal that was swapped in does no harm.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// The checked end of a path.
pub(super) struct ResolvedPath {
    /// The folder that it is in; `None` for the root's own descriptor.
    parent: Option<OwnedFd>,
    /// Its name there, which isn't a link; `.` for the folder itself.
    name: OsString,
    /// Without links, relative to the root.
    pub(super) real: PathBuf,
    pub(super) stat: Stat,
}

impl ResolvedPath {
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }
}

impl RepositoryGate {
    /// Resolves `path`, following and checking links.
    pub(super) fn resolve(&self, path: &Path) -> Result<ResolvedPath, Refused> {
        PathWalk::new(self, path)?.end()
    }

    /// Opens the regular file at the end of `path`.
    pub(super) fn open_resolved(&self, path: &Path) -> Result<(OwnedFd, Stat), Refused> {
        let file = match self.open_plain(path) {
            Err(Refused::Io(error)) if is_for_the_long_way(&error) => {
                let place = self.resolve(path)?;
                if place.kind() != FileType::RegularFile {
                    return Err(Refused::Kind(place.kind()));
                }
                let parent = place.parent.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
                openat(parent, &place.name, READ, Mode::empty())?
            }
            opened => opened?,
        };
        let stat = fstat(&file)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok((file, stat)),
            kind => Err(Refused::Kind(kind)),
        }
    }

    /// Opens a path without links by the kernel alone. Only its name has to be checked.
    fn open_plain(&self, path: &Path) -> Result<OwnedFd, Refused> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(Errno::LOOP.into());
        }
        let path: PathBuf = path.components().collect();
        let seen = openat2(&self.root, &path, LOOK, Mode::empty(), beneath)?;
        // Opening a device may have effects; looking at it doesn't.
        let kind = FileType::from_raw_mode(fstat(&seen)?.st_mode);
        if kind == FileType::Symlink {
            return Err(Errno::LOOP.into());
        }
        self.judge(&path, kind != FileType::Directory)?;
        if kind != FileType::RegularFile {
            return Err(Refused::Kind(kind));
        }
        Ok(openat2(&self.root, &path, READ, Mode::empty(), beneath)?)
    }

    /// Opens the folder at the end of `path`.
    pub(super) fn open_folder(&self, path: &Path) -> Result<OwnedFd, Refused> {
        let place = self.resolve(path)?;
        let parent = place.parent.as_ref().map_or(self.root.as_fd(), AsFd::as_fd);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(parent, &place.name, flags, Mode::empty())?)
    }
}

/// Errors after which the path is walked component by component: a link, a path that the kernel refuses to resolve
/// beneath the root, or a kernel without `openat2`.
fn is_for_the_long_way(error: &std::io::Error) -> bool {
    let odd = [Errno::LOOP, Errno::AGAIN, Errno::XDEV, Errno::NOSYS, Errno::PERM, Errno::INVAL];
    error.raw_os_error().is_some_and(|number| odd.iter().any(|errno| errno.raw_os_error() == number))
}

/// A path being resolved from the root to its end.
struct PathWalk<'a> {
    gate: &'a RepositoryGate,
    /// The folders that were entered, outermost first, without the root.
    entered: Vec<OwnedFd>,
    at: PathBuf,
    /// Components still to resolve, the next one last.
    rest: Vec<OsString>,
    links: usize,
}

impl<'a> PathWalk<'a> {
    fn new(gate: &'a RepositoryGate, path: &Path) -> Result<Self, Refused> {
        let mut walk = Self { gate, entered: Vec::new(), at: PathBuf::new(), rest: Vec::new(), links: 0 };
        walk.queue(path)?;
        Ok(walk)
    }

    fn queue(&mut self, path: &Path) -> Result<(), Refused> {
        for part in path.components().rev() {
            match part {
                Component::Normal(name) => self.rest.push(name.to_owned()),
                Component::ParentDir => self.rest.push("..".into()),
                Component::CurDir => {}
                Component::RootDir | Component::Prefix(_) => return Err(Refused::Outside),
            }
        }
        Ok(())
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.entered.last().map_or(self.gate.root.as_fd(), AsFd::as_fd)
    }

    fn end(mut self) -> Result<ResolvedPath, Refused> {
        while let Some(name) = self.rest.pop() {
            if name == ".." {
                self.entered.pop().ok_or(Refused::Outside)?;
                self.at.pop();
                continue;
            }
            let next = self.at.join(&name);
            let stat = statat(self.here(), &name, AtFlags::SYMLINK_NOFOLLOW)?;
            let kind = FileType::from_raw_mode(stat.st_mode);
            // A link's name counts like that of any file; folders may have any name.
            self.gate.judge(&next, self.rest.is_empty() && kind != FileType::Directory)?;
            match kind {
                FileType::Symlink => self.follow(&name)?,
                FileType::Directory => {
                    let folder = openat(self.here(), &name, LOOK | OFlags::DIRECTORY, Mode::empty())?;
                    self.entered.push(folder);
                    self.at = next;
                }
                _ if self.rest.is_empty() => {
                    return Ok(ResolvedPath { parent: self.entered.pop(), name, real: next, stat });
                }
                _ => return Err(Errno::NOTDIR.into()),
            }
        }
        let stat = fstat(self.here())?;
        Ok(ResolvedPath { parent: self.entered.pop(), name: ".".into(), real: self.at, stat })
    }

    /// Replaces a link's name by its target.
    fn follow(&mut self, name: &OsStr) -> Result<(), Refused> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::LOOP.into());
        }
        let target = readlinkat(self.here(), name, Vec::new())?;
        self.queue(Path::new(&OsString::from_vec(target.into_bytes())))
    }
}
