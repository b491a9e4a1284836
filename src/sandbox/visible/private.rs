//! What is never shown, whatever names it: folders of secrets, and folders that hold much more than toolchains.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Folders of keys, tokens and histories, by the ends of their paths. They are matched wherever the folder lies: no
/// toolchain has such a name.
const SECRET: [&str; 30] = [
    ".android/adbkey",
    ".aws",
    ".azure",
    ".chef",
    ".config",
    ".docker",
    ".electrum",
    ".gcloud",
    ".git",
    ".gnupg",
    ".helm",
    ".kube",
    ".local/share/gnome-keyring",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".local/state",
    ".mozilla",
    ".netrc",
    ".oci",
    ".password-store",
    ".pki",
    ".putty",
    ".ssh",
    ".step",
    ".subversion",
    ".terraform.d",
    ".thunderbird",
    ".var",
    ".vault-token",
    "corefx/cryptography", // of .NET, in its own folder
];
/// Only what the lists name is shown of these.
const KERNEL: [&str; 6] = ["/boot", "/dev", "/proc", "/run", "/sys", "/var/run"];
/// Folders of a home that are never shown completely, because they hold other things than toolchains.
const MIXED: [&str; 7] = [".cabal", ".cache", ".cargo", ".config", ".deno", ".local", ".local/share"];
/// Folders of a machine that are never shown completely.
const MACHINE: [&str; 9] = ["/etc", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/tmp"];

/// Folders that a variable, `$PATH` or a setting can't make visible.
pub(super) struct Private<'a> {
    /// Canonical, like all paths here.
    pub(super) home: Option<&'a Path>,
    pub(super) cargo: Option<&'a Path>,
    /// kcode's own folders and the tree.
    pub(super) own: &'a [PathBuf],
    /// The run's folders.
    pub(super) run: &'a [&'a Path],
}

impl Private<'_> {
    /// Whether the folder holds secrets or more than one toolchain.
    pub(super) fn refuses(&self, folder: &Path) -> bool {
        self.why(folder).is_some()
    }

    /// Why it is refused, as the rest of a sentence; `None` if it isn't.
    pub(super) fn why(&self, folder: &Path) -> Option<&'static str> {
        let of_home = |home: &Path| home.starts_with(folder);
        let is_of_home = |home: &Path| MIXED.iter().any(|mixed| folder == home.join(mixed));
        if folder.parent().is_none() {
            Some("it is the whole machine")
        } else if is_secret(folder) {
            Some("it is, or lies in, a folder of secrets")
        } else if KERNEL.iter().any(|top| folder.starts_with(top)) {
            Some("it is one of the kernel's folders")
        } else if self.home.is_some_and(of_home) {
            Some("it is or holds your home")
        } else if self.own.iter().any(|own| own.starts_with(folder)) {
            Some("it is or holds the repository or kcode's own folders")
        } else if self.run.iter().any(|own| own.starts_with(folder)) {
            Some("it is or holds kcode's own folders")
        } else if self.cargo == Some(folder) || self.home.is_some_and(is_of_home) {
            Some("it contains secrets next to toolchains")
        } else if MACHINE.iter().any(|mixed| folder == Path::new(mixed)) {
            Some("much more lies in it than any tests need")
        } else {
            None
        }
    }

    /// Like [`Self::refuses`], and also for anything in kcode's own folders or the tree, which only the plan may name.
    pub(super) fn refuses_named(&self, folder: &Path) -> bool {
        self.refuses(folder) || self.own.iter().any(|own| folder.starts_with(own))
    }
}

/// Whether it is a folder of secrets, or lies in one.
#[must_use]
pub fn is_secret(path: &Path) -> bool {
    let plain: PathBuf = path.components().collect();
    let bytes = plain.as_os_str().as_bytes();
    let mut ends = memchr::memchr_iter(b'/', bytes).chain([bytes.len()]);
    ends.any(|end| ends_in_secret(&bytes[..end]))
}

/// Whether the normalised path ends in the name of a folder of secrets; its parents aren't checked.
pub(super) fn is_named_secret(path: &Path) -> bool {
    ends_in_secret(path.as_os_str().as_bytes())
}

fn ends_in_secret(path: &[u8]) -> bool {
    let ends_in = |name: &str| {
        path.strip_suffix(name.as_bytes()).is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
    };
    SECRET.iter().any(|secret| ends_in(secret))
}

/// The folders of secrets in a home.
pub(in crate::sandbox) fn secrets_of(home: &Path) -> impl Iterator<Item = PathBuf> {
    SECRET.iter().map(|secret| home.join(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_secrets_are_known_wherever_they_stand() {
        for secret in ["/home/u/.ssh", "/home/u/.ssh/bin", "/data/other/.aws/x", "/h/.local/share/keyrings"] {
            assert!(is_secret(Path::new(secret)), "{secret}");
        }
        for other in ["/home/u/.nvm", "/home/u/ssh", "/usr/lib/aws", "/h/.local/share/mise"] {
            assert!(!is_secret(Path::new(other)), "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_path_is_secret_where_one_of_its_folders_is_called_so(
            parts in proptest::collection::vec("(\\.ssh|\\.local|share|keyrings|corefx|cryptography|\\.git|x|\\.\\.|\\.|)", 0..6),
        ) {
            let path = parts.join("/");
            let is_one = Path::new(&path).ancestors().any(|above| SECRET.iter().any(|secret| above.ends_with(secret)));
            proptest::prop_assert_eq!(is_secret(Path::new(&path)), is_one, "{}", path);
        }
    }

    #[test]
    fn what_holds_a_home_the_tree_or_kcodes_state_is_refused() {
        let own = [PathBuf::from("/home/u/projects/p"), PathBuf::from("/opt/state")];
        let private = Private { home: Some(Path::new("/home/u")), cargo: None, own: &own, run: &[] };
        for refused in ["/", "/home", "/home/u", "/home/u/projects", "/opt", "/dev/x", "/run/user", "/home/u/.cache"] {
            assert!(private.refuses(Path::new(refused)), "{refused}");
        }
        assert!(!private.refuses(Path::new("/home/u/jdk")) && !private.refuses(Path::new("/home/u/projects/p/venv")));
        assert!(private.refuses_named(Path::new("/home/u/projects/p/venv")));
    }
}
