//! Another user, whom root's tests lend their world and their programs to.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

/// An ordinary user who owns nothing on any machine.
pub const NOBODY: u32 = 54_321;

/// Root's tests are made as an ordinary user, too.
pub fn users() -> Vec<Option<u32>> {
    if rustix::process::getuid().is_root() { vec![None, Some(NOBODY)] } else { vec![None] }
}

/// Gives the user `path` and all that is below.
pub fn give(path: &Path, uid: u32) {
    let about = fs::symlink_metadata(path).unwrap();
    // Giving it again would change its times.
    if (about.uid(), about.gid()) != (uid, uid) {
        lchown(path, Some(uid), Some(uid)).unwrap();
    }
    if about.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), uid);
        }
    }
}

/// `path`, when any user may go there.
pub fn reachable(path: &Path) -> Option<PathBuf> {
    let open = |path: &Path| fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o001 != 0);
    path.ancestors().filter(|path| path.parent().is_some()).all(open).then(|| path.to_owned())
}

/// A program where any user can start it: in `folder`, if it isn't so anyway.
pub fn startable(program: &Path, folder: &Path) -> PathBuf {
    reachable(program).unwrap_or_else(|| {
        let copy = folder.join(program.file_name().unwrap());
        if !copy.exists() && fs::hard_link(program, &copy).is_err() {
            fs::copy(program, &copy).unwrap();
        }
        copy
    })
}
