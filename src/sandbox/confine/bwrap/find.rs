//! Finds bwrap: its path, its version, and whether it is setuid.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::getuid;

use crate::settings::Programs;

/// Where distributions install it. `$PATH` isn't searched: policies that allow bwrap namespaces know it by path, and a
/// folder in `$PATH` may belong to the repository.
const PLACES: [&str; 4] =
    ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/run/wrappers/bin/bwrap", "/run/current-system/sw/bin/bwrap"];
/// Since this version it sets size and mode of a tmpfs.
const OLDEST: (u32, u32) = (0, 6);
/// Since this version it mounts overlays.
const WITH_OVERLAYS: (u32, u32) = (0, 11);
const SETUID: u32 = 0o4000;

/// A usable bwrap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bwrap {
    pub(super) program: PathBuf,
    /// Major and minor version.
    pub(super) version: (u32, u32),
    /// Whether it is setuid root; it refuses some options then.
    pub(super) is_setuid: bool,
}

impl Bwrap {
    /// Finds one that doesn't lie in the tree.
    ///
    /// # Errors
    /// A description, if there is none that can be used.
    pub(super) fn find(tree: &Path) -> Result<Self, String> {
        let programs = Programs::outside(tree);
        let mut places = PLACES.map(PathBuf::from).into_iter().filter(|place| programs.is_trusted(place));
        let found = places.find_map(|path| Some((fs::metadata(&path).ok()?, path)));
        let Some((about, program)) = found else { return Err("bwrap isn't installed".into()) };
        let output = Command::new(&program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
        let said = output.map_err(|error| format!("{}: {error}", program.display()))?.stdout;
        let said = String::from_utf8_lossy(&said);
        let version = version(&said).ok_or_else(|| format!("{} doesn't tell its version", program.display()))?;
        if version < OLDEST {
            return Err(format!("bwrap {} is too old; 0.6 would do", shown(version)));
        }
        let is_setuid = about.permissions().mode() & SETUID != 0 && about.uid() == 0 && !getuid().is_root();
        Ok(Self { program, version, is_setuid })
    }

    pub(super) fn version(&self) -> String {
        let rights = if self.is_setuid { " with root's rights" } else { "" };
        format!("{}{rights}", shown(self.version))
    }

    /// Checks that it mounts overlays.
    ///
    /// # Errors
    /// A description, if it doesn't.
    pub(super) fn overlay(&self) -> Result<(), String> {
        match self {
            Self { is_setuid: true, .. } => Err("bwrap with root's rights mounts none".into()),
            Self { version, .. } if *version < WITH_OVERLAYS => {
                Err(format!("bwrap {} can't mount one; 0.11 can", shown(*version)))
            }
            _ => Ok(()),
        }
    }
}

fn shown((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

/// Parses major and minor version from `bubblewrap 0.8.0`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().rsplit(' ').next()?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version("bubblewrap 0.8.0\n"), Some((0, 8)));
        assert!(
            version("bubblewrap 0.11.1").unwrap() >= WITH_OVERLAYS && version("bubblewrap 0.4.1").unwrap() < OLDEST
        );
        assert_eq!((version(""), version("bwrap")), (None, None));
    }

    #[test]
    fn what_has_roots_rights_or_is_old_mounts_no_overlays() {
        let bwrap = |version, is_setuid| Bwrap { program: PathBuf::new(), version, is_setuid };
        assert_eq!(bwrap((0, 11), false).overlay(), Ok(()));
        assert_eq!(bwrap((0, 9), false).overlay(), Err("bwrap 0.9 can't mount one; 0.11 can".into()));
        assert_eq!(bwrap((0, 11), true).overlay(), Err("bwrap with root's rights mounts none".into()));
        assert_eq!(bwrap((0, 11), true).version(), "0.11 with root's rights");
    }
}
