//! Keeps open descriptors of the folders on the way to the last path.
//!
//! Resolving each path from the top costs its depth, which for deep trees is quadratic in a whole walk. Neighbouring
//! paths share most of their folders, so a trail goes back to the last shared folder and on from there, one folder at a
//! time and through no link. It holds few descriptors at any depth.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::file_state::{self, PathState, as_path};

/// Descriptors held at once; the limit of a process may be 256.
const HANDLES: usize = 64;

/// A position below `top` with the open folders that lead there.
pub(super) struct Trail<'d> {
    top: &'d Dir,
    /// Path of the current folder.
    path: Vec<u8>,
    steps: Vec<TrailStep>,
    opened: u64,
}

struct TrailStep {
    /// Length of `path` up to and including this folder.
    end: usize,
    /// `None` when it was closed because others were needed.
    dir: Option<Dir>,
}

impl<'d> Trail<'d> {
    pub(super) fn at(top: &'d Dir) -> Self {
        Self { top, path: Vec::new(), steps: Vec::new(), opened: 0 }
    }

    /// Goes to `folder`; returns false when it ends early because a component isn't a folder.
    pub(super) fn reach(&mut self, folder: &Path) -> io::Result<bool> {
        self.reach_with(folder, |_, _, _| Ok(()))
    }

    /// As [`Trail::reach`]. `each` is called for every folder that had to be opened, with its depth, path and
    /// descriptor.
    pub(super) fn reach_with(
        &mut self,
        folder: &Path,
        mut each: impl FnMut(usize, &Path, &Dir) -> io::Result<()>,
    ) -> io::Result<bool> {
        let wanted = folder.as_os_str().as_bytes();
        let common = self.path.iter().zip(wanted).take_while(|(one, other)| one == other).count();
        let is_shared = |end: usize| end <= common && (end == wanted.len() || wanted.get(end) == Some(&b'/'));
        while self.steps.last().is_some_and(|step| !is_shared(step.end)) {
            self.steps.pop();
        }
        self.path.truncate(self.steps.last().map_or(0, |step| step.end));
        for part in folder.components().skip(self.steps.len()) {
            let Component::Normal(name) = part else { return Ok(false) };
            let Some(dir) = self.open(name.as_ref())? else { return Ok(false) };
            let end = self.path.len();
            self.path.extend((end > 0).then_some(b'/').iter().chain(name.as_bytes()));
            if let Err(error) = each(self.steps.len(), as_path(&self.path), &dir) {
                self.path.truncate(end);
                return Err(error);
            }
            self.push(dir);
        }
        Ok(true)
    }

    /// State of `path`. A link among the parents counts as nothing; the last component isn't followed.
    pub(super) fn look(&mut self, path: &Path) -> io::Result<PathState> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let is_there = self.reach(path.parent().unwrap_or(Path::new("")))?;
        if is_there { file_state::look_at(self.dir()?, name.as_ref()) } else { Ok(PathState::Nothing) }
    }

    /// Depth of the current folder below the top.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn dir(&mut self) -> io::Result<&Dir> {
        if self.steps.last().is_some_and(|step| step.dir.is_none()) {
            self.reopen()?;
        }
        Ok(self.steps.last().and_then(|step| step.dir.as_ref()).unwrap_or(self.top))
    }

    /// Number of folders opened so far.
    #[cfg(test)]
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    fn open(&mut self, name: &Path) -> io::Result<Option<Dir>> {
        self.opened += 1;
        open(self.dir()?, name)
    }

    fn push(&mut self, dir: Dir) {
        self.steps.push(TrailStep { end: self.path.len(), dir: Some(dir) });
        if let Some(index) = self.steps.len().checked_sub(HANDLES + 1) {
            self.steps[index].dir = None;
        }
    }

    /// Reopens the last folders: as many as may be held, so that the way back doesn't start at the top each time.
    fn reopen(&mut self) -> io::Result<()> {
        let first = self.steps.iter().rposition(|step| step.dir.is_some()).map_or(0, |open| open + 1);
        let keep_from = self.steps.len().saturating_sub(HANDLES);
        let mut last: Option<Dir> = None;
        for index in first..self.steps.len() {
            let before = index.checked_sub(1).map(|before| &self.steps[before]);
            let start = before.map_or(0, |before| before.end + 1);
            let above = last.as_ref().or_else(|| before.and_then(|before| before.dir.as_ref())).unwrap_or(self.top);
            let name = as_path(&self.path[start..self.steps[index].end]);
            let dir = open(above, name)?.ok_or(io::ErrorKind::NotFound)?;
            self.opened += 1;
            last = if index < keep_from {
                Some(dir)
            } else {
                self.steps[index].dir = Some(dir);
                None
            };
        }
        Ok(())
    }
}

/// The folder `name` in `dir`; `None` when there is none. The descriptor is `O_PATH`, so that unreadable folders can be
/// passed through.
fn open(dir: &Dir, name: &Path) -> io::Result<Option<Dir>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(dir, name, flags, Mode::empty()) {
        Ok(handle) => Ok(Some(Dir::from_std_file(File::from(handle)))),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
