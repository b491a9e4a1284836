//! Finds the folders and links that another root needs so that a path exists there under the same name.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Longer chains of links are loops (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Something to create in the other root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RootStep {
    /// A folder, to pass through or as a mount point.
    Folder(PathBuf),
    /// A file, as a mount point.
    File(PathBuf),
    Link {
        at: PathBuf,
        target: PathBuf,
    },
}

impl RootStep {
    pub(super) fn at(&self) -> &Path {
        match self {
            Self::Folder(at) | Self::File(at) | Self::Link { at, .. } => at,
        }
    }

    pub(super) fn into_at(self) -> PathBuf {
        match self {
            Self::Folder(at) | Self::File(at) | Self::Link { at, .. } => at,
        }
    }
}

/// All steps to a path, from the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Steps of a way that ends early are needed too: links may lead to what is shown already.
    pub(super) steps: Vec<RootStep>,
    /// The canonical path; `None` if nothing is there or it is shown already.
    pub(super) to: Option<PathBuf>,
}

/// The way to `path` in the former root at `old`, or to the first shown place on it.
pub(super) fn way(old: &str, path: &Path, is_shown: impl Fn(&Path) -> bool) -> io::Result<Way> {
    let (mut ahead, mut steps) = (names(path), Vec::new());
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        // Everything above was checked on the way here.
        if is_shown(&next) {
            return Ok(Way { steps, to: None });
        }
        let Ok(about) = fs::symlink_metadata(within(old, &next)) else { return Ok(Way { steps, to: None }) };
        if about.is_symlink() {
            links += 1;
            let target = fs::read_link(within(old, &next))?;
            let mut behind = std::mem::replace(&mut ahead, names(&target));
            ahead.append(&mut behind);
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            steps.push(RootStep::Link { at: next, target });
        } else {
            at = next;
            steps.push(if about.is_dir() { RootStep::Folder(at.clone()) } else { RootStep::File(at.clone()) });
        }
        if links > MOST_LINKS {
            return Ok(Way::default());
        }
    }
    Ok(Way { steps, to: Some(at) })
}

/// `path` below `root`.
pub(super) fn within(root: &str, path: &Path) -> PathBuf {
    Path::new(root).join(path.strip_prefix("/").unwrap_or(path))
}

/// The components of a path, `..` included.
fn names(path: &Path) -> VecDeque<OsString> {
    let names = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    names.map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_keep_the_way_up() {
        assert_eq!(names(Path::new("/a/./../b")), ["a", "..", "b"]);
    }

    #[test]
    fn links_are_followed_and_named() {
        let old = tempfile::tempdir().unwrap();
        fs::create_dir_all(old.path().join("usr/bin")).unwrap();
        fs::write(old.path().join("usr/bin/sh"), "").unwrap();
        symlink("usr/bin", old.path().join("bin")).unwrap();
        symlink("loop", old.path().join("loop")).unwrap();
        let old = old.path().to_str().unwrap();
        let of = |path: &str| way(old, Path::new(path), |_| false).unwrap();
        let folder = |path: &str| RootStep::Folder(path.into());
        let link = RootStep::Link { at: "/bin".into(), target: "usr/bin".into() };
        let steps = vec![link.clone(), folder("/usr"), folder("/usr/bin"), RootStep::File("/usr/bin/sh".into())];
        assert_eq!(of("/bin/sh"), Way { steps, to: Some("/usr/bin/sh".into()) });
        assert_eq!((of("/usr/none").to, of("/loop").to), (None, None));
        let shown = way(old, Path::new("/bin/sh"), |at| at == Path::new("/usr")).unwrap();
        assert_eq!(shown, Way { steps: vec![link], to: None });
    }
}
