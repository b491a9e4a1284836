//! The working directory of a command: the view, or a folder in it that is resolved anew each time.
//!
//! The repository's author chose the folder's name, and code that ran a moment ago may have replaced it with a link. So
//! the folder is opened beneath the view's handle, and that descriptor is entered.

use std::fmt;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};

use crate::journal::RelPath;
use crate::settings::{Refused, RepositoryGate};
use crate::tools::in_words;

/// The working directory of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkingFolder {
    view: PathBuf,
    below: Option<RelPath>,
}

impl WorkingFolder {
    /// `below` in `view`, or the view itself.
    pub(super) fn new(view: &Path, below: Option<RelPath>) -> Self {
        Self { view: view.to_owned(), below }
    }

    /// The view that the folder lies in.
    pub(super) fn view(&self) -> &Path {
        &self.view
    }

    /// Its path; may be a link that leads elsewhere.
    pub(super) fn named(&self) -> PathBuf {
        self.below.as_ref().map_or_else(|| self.view.clone(), |below| self.view.join(below.as_path()))
    }

    /// Opens it beneath the view.
    pub(super) fn open(&self) -> Result<Dir, Refused> {
        let view = Dir::open_ambient_dir(&self.view, ambient_authority()).map_err(Refused::Io)?;
        match &self.below {
            None => Ok(view),
            Some(below) => RepositoryGate::new(view).folder(below.as_path()),
        }
    }

    /// Makes it this process's working directory.
    pub(super) fn enter(&self) -> Result<(), Refused> {
        Ok(rustix::process::fchdir(self.open()?)?)
    }

    /// Why it can't be entered, for people.
    pub(super) fn refusal(&self, refused: &Refused) -> String {
        let why = match refused {
            Refused::Io(error) => in_words(error),
            refused => refused.to_string(),
        };
        format!("the folder {self} of the test command can't be entered: {why}")
    }
}

impl fmt::Display for WorkingFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.below {
            Some(below) => fmt::Debug::fmt(below.as_str(), f),
            None => fmt::Display::fmt(&self.view.display(), f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_entered_that_is_one_of_the_view() {
        let world = tempfile::tempdir().unwrap();
        let view = world.path().join("view");
        for folder in ["packages/core", ".git/hooks", "../outside"] {
            fs::create_dir_all(view.join(folder)).unwrap();
        }
        fs::write(view.join("file"), "").unwrap();
        let links = [
            ("within", "packages/core"),
            ("out", "../outside"),
            ("absolute", "/etc"),
            ("hooks", ".git/hooks"),
            ("process", "/proc/self/cwd"),
            ("hop", "out"),
            ("round", "round"),
        ];
        for (link, target) in links {
            symlink(target, view.join(link)).unwrap();
        }
        let open = |name: &str| WorkingFolder::new(&view, Some(RelPath::new(name).unwrap())).open();
        assert!(WorkingFolder::new(&view, None).open().is_ok());
        assert!(open("packages/core").is_ok() && open("within").is_ok());
        for refused in ["out", "absolute", "process", "hop"] {
            assert!(matches!(open(refused), Err(Refused::Outside)), "{refused}");
        }
        assert!(matches!(open("hooks"), Err(Refused::Git)) && matches!(open(".git"), Err(Refused::Git)));
        for refused in ["round", "file", "missing"] {
            assert!(matches!(open(refused), Err(Refused::Io(_))), "{refused}");
        }
    }
}
