//! Which paths the kernel lets the worker see: system and toolchains, never the rest of the home.
//!
//! Landlock can only allow, and what it allows holds for everything below. So nothing is listed
//! here that may hold a secret further down: not `~/.cargo` (credentials) but its `registry`, not
//! `/etc` but those of its entries that any user may read.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Readable as a whole.
const SYSTEM: [&str; 13] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix",
    "/gnu",
    "/snap",
    "/proc",
    "/home/linuxbrew",
];

/// Single entries of directories that also hold what nobody should read.
const SINGLE: [&str; 15] = [
    "/run/systemd/resolve",
    "/run/current-system",
    "/run/opengl-driver",
    "/sys/devices/system", // processors and memory nodes, which runtimes count
    "/sys/fs/cgroup",      // the limits that runtimes adapt to
    "/sys/kernel/mm",
    "/var/cache/fontconfig",
    "/var/lib/alternatives",
    "/var/lib/dpkg",
    "/var/lib/flatpak",
    "/var/lib/gems",
    "/var/lib/ghc",
    "/var/lib/rpm",
    "/var/lib/snapd",
    "/var/lib/texmf",
];

/// In `/etc`: keys of the machine.
const ETC_HIDDEN: [&str; 5] = ["ssh", "ssl", "sudoers.d", "NetworkManager", "wireguard"];
/// And what boots, schedules, logs and packages: no build or test reads it, and showing each takes a mount.
const ETC_UNUSED: [&str; 38] = [
    "PackageKit",
    "apparmor",
    "apparmor.d",
    "apt",
    "bash_completion.d",
    "binfmt.d",
    "cron.d",
    "cron.daily",
    "cron.hourly",
    "cron.monthly",
    "cron.weekly",
    "dbus-1",
    "depmod.d",
    "dhcp",
    "dpkg",
    "grub.d",
    "init.d",
    "initramfs-tools",
    "kernel",
    "logcheck",
    "logrotate.d",
    "modprobe.d",
    "modules-load.d",
    "pam.d",
    "polkit-1",
    "rc0.d",
    "rc1.d",
    "rc2.d",
    "rc3.d",
    "rc4.d",
    "rc5.d",
    "rc6.d",
    "rcS.d",
    "rsyslog.d",
    "systemd",
    "tmpfiles.d",
    "udev",
    "update-motd.d",
];
/// And below `/etc/ssl`, all but `private`.
const ETC_SSL: [&str; 5] =
    ["/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/java"];

/// Toolchains and their caches, below the home.
const HOME: [&str; 55] = [
    ".asdf",
    ".bun",
    ".cabal/bin",
    ".cabal/packages",
    ".cabal/store",
    ".cache/bazelisk",
    ".cache/coursier",
    ".cache/deno",
    ".cache/ms-playwright",
    ".cache/node",
    ".cache/pip",
    ".cache/pnpm",
    ".cache/pypoetry",
    ".cache/uv",
    ".cache/yarn",
    ".cargo/bin",
    ".cargo/config",
    ".cargo/config.toml",
    ".cargo/env",
    ".cargo/git",
    ".cargo/registry",
    ".conda",
    ".deno/bin",
    ".dotnet",
    ".fnm",
    ".gem/ruby",
    ".ghcup",
    ".goenv",
    ".gradle/caches",
    ".gradle/wrapper",
    ".ivy2/cache",
    ".ivy2/local",
    ".jenv",
    ".juliaup",
    ".local/bin",
    ".local/lib",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pipx",
    ".local/share/pnpm",
    ".local/share/uv",
    ".m2/repository",
    ".m2/wrapper",
    ".nodenv",
    ".npm/_npx",
    ".nuget/packages",
    ".nvm",
    ".opam",
    ".pnpm-store",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".sdkman/candidates",
    ".swiftly",
    ".volta",
];
/// The same, where a dot would be missing.
const HOME_PLAIN: [&str; 4] = ["go", "miniconda3", "anaconda3", "miniforge3"];

/// Variables that name a toolchain's folder, wherever a person keeps it.
const VARIABLES: [&str; 22] = [
    "ANDROID_HOME",
    "ASDF_DATA_DIR",
    "CONDA_PREFIX",
    "COURSIER_CACHE",
    "DOTNET_ROOT",
    "FNM_DIR",
    "GOENV_ROOT",
    "GOMODCACHE",
    "GOROOT",
    "JAVA_HOME",
    "MAVEN_HOME",
    "MISE_DATA_DIR",
    "NODENV_ROOT",
    "NUGET_PACKAGES",
    "NVM_DIR",
    "PLAYWRIGHT_BROWSERS_PATH",
    "POETRY_VIRTUALENVS_PATH",
    "PYENV_ROOT",
    "RBENV_ROOT",
    "RUSTUP_HOME",
    "VIRTUAL_ENV",
    "VOLTA_HOME",
];
/// What of `$CARGO_HOME` holds no credentials.
const CARGO: [&str; 6] = ["bin", "config", "config.toml", "env", "git", "registry"];
/// And of each folder of `$GOPATH`, which may hold projects as well.
const GO: [&str; 2] = ["bin", "pkg"];

/// What may be read and executed, beside the run's own folders. Paths that aren't there are left out.
///
/// `variable` is the worker's environment.
pub(in crate::worker) fn readable(home: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = SYSTEM.iter().chain(&SINGLE).chain(&ETC_SSL).map(PathBuf::from).collect();
    paths.extend(public_entries(Path::new("/etc")));
    if let Some(home) = home {
        paths.extend(HOME.iter().chain(&HOME_PLAIN).map(|folder| home.join(folder)));
    }
    let cargo = variable("CARGO_HOME").map(PathBuf::from);
    let mixed = Mixed { home, cargo: cargo.as_deref() };
    paths.extend(cargo.iter().flat_map(|cargo| CARGO.map(|part| cargo.join(part))));
    let go = variable("GOPATH").unwrap_or_default();
    paths.extend(std::env::split_paths(&go).flat_map(|folder| GO.map(|part| folder.join(part))));
    paths.extend(
        VARIABLES.iter().filter_map(|name| variable(name)).map(PathBuf::from).filter(|path| !mixed.holds(path)),
    );
    let programs: Vec<PathBuf> = std::env::split_paths(&variable("PATH").unwrap_or_default()).collect();
    paths.extend(programs.iter().flat_map(|folder| mixed.toolchain_of(folder)));
    paths.retain(|path| path.is_absolute() && path.exists());
    paths
}

/// Entries that any user may read: what only root can see stays out of sight for root's tests as well.
fn public_entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_left_out = |name: OsString| ETC_HIDDEN.iter().chain(&ETC_UNUSED).any(|known| name == *known);
    let shown = entries.filter(|entry| !is_left_out(entry.file_name()));
    let is_public = |path: &PathBuf| fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o004 != 0);
    shown.map(|entry| entry.path()).filter(is_public).collect()
}

/// Folders that are never shown as a whole, because other things than toolchains lie in them.
struct Mixed<'a> {
    home: Option<&'a Path>,
    cargo: Option<&'a Path>,
}

impl Mixed<'_> {
    /// The root, the home and what lies above it, and some folders of the home.
    fn holds(&self, path: &Path) -> bool {
        let of_home = |home: &Path| {
            let folders = [".cabal", ".cache", ".cargo", ".config", ".deno", ".local", ".local/share"];
            home.starts_with(path) || folders.iter().any(|folder| path == home.join(folder))
        };
        path.parent().is_none() || self.cargo == Some(path) || self.home.is_some_and(of_home)
    }

    /// A folder of `$PATH`, and what it belongs to: `…/miniconda3` for `…/miniconda3/bin`.
    fn toolchain_of(&self, folder: &Path) -> Vec<PathBuf> {
        if !folder.is_absolute() || self.holds(folder) {
            return Vec::new();
        }
        let prefix = folder.parent().filter(|prefix| folder.ends_with("bin") && !self.holds(prefix));
        std::iter::once(folder).chain(prefix).map(Path::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_variable_opens_toolchains_and_never_a_home() {
        let mixed = Mixed { home: Some(Path::new("/home/ada")), cargo: Some(Path::new("/data/cargo")) };
        let opened = |folder: &str| {
            mixed
                .toolchain_of(Path::new(folder))
                .iter()
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(opened("/home/ada/miniconda3/bin"), "/home/ada/miniconda3/bin /home/ada/miniconda3");
        assert_eq!(opened("/home/ada/bin"), "/home/ada/bin");
        assert_eq!(opened("/data/cargo/bin"), "/data/cargo/bin");
        assert_eq!(opened("/home/ada/.cargo/bin"), "/home/ada/.cargo/bin");
        assert_eq!(opened("/home/ada/.local/bin"), "/home/ada/.local/bin");
        for too_much in ["/home/ada", "/home", "/", ".", ""] {
            assert_eq!(opened(too_much), "", "{too_much}");
        }
    }

    #[test]
    fn secrets_of_home_and_machine_are_not_listed() {
        let home = tempfile::tempdir().unwrap();
        for folder in [".ssh", ".aws", ".cargo/registry", ".config"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        let java = home.path().join("jdk/17");
        fs::create_dir_all(&java).unwrap();
        let variable = |name: &str| match name {
            "JAVA_HOME" => Some(java.clone().into_os_string()),
            "VIRTUAL_ENV" => Some(home.path().into()),
            _ => None,
        };
        let readable = readable(Some(home.path()), variable);
        let opens = |path: &Path| readable.iter().any(|open| path.starts_with(open));
        assert!(opens(&home.path().join(".cargo/registry/src")) && opens(&java.join("bin/java")));
        for hidden in [".ssh/id", ".aws/credentials", ".netrc", ".cargo/credentials.toml", ".config/kcode/config.toml"]
        {
            assert!(!opens(&home.path().join(hidden)), "{hidden}");
        }
        for hidden in
            ["/etc/shadow", "/etc/ssh/ssh_host_rsa_key", "/etc/ssl/private/key", "/run/secrets/token", "/dev/sda"]
        {
            assert!(!opens(Path::new(hidden)), "{hidden}");
        }
    }
}
