//! Lists of the paths of a machine and of a home that belong to toolchains.
//!
//! Landlock can only allow, and a rule covers everything below. So nothing is listed that may hold a secret further
//! down: not `~/.cargo` (credentials) but its `registry`, not `/etc` but those of its entries that any user may read.

/// Readable with everything below.
pub(super) const SYSTEM: [&str; 15] = [
    "/usr",
    "/usr/local", // which administrators fill, so that it is searched
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/nix/var/nix/profiles",
    "/gnu/store",
    "/snap",
    "/proc",
    "/home/linuxbrew",
];

/// Single entries of folders that also hold private files.
pub(super) const SINGLE: [&str; 16] = [
    "/run/systemd/resolve/resolv.conf", // and not the sockets beside it, which resolve names
    "/run/systemd/resolve/stub-resolv.conf",
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

/// Entries of `/etc` with keys of the machine.
pub(super) const ETC_HIDDEN: [&str; 5] = ["ssh", "ssl", "sudoers.d", "NetworkManager", "wireguard"];
/// Entries of `/etc` for booting, scheduling, logging and packaging: no build or test reads them, and showing each
/// takes a mount.
pub(super) const ETC_UNUSED: [&str; 38] = [
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
/// What is shown of `/etc/ssl`: all but `private`.
pub(super) const ETC_SSL: [&str; 5] =
    ["/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/java"];

/// Toolchains and their caches, below the home; names with a leading dot.
pub(super) const HOME: [&str; 101] = [
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
    ".composer/vendor",
    ".conda",
    ".config/composer/vendor",
    ".config/nvm",
    ".config/yarn/global",
    ".deno/bin",
    ".dotnet",
    ".elan",
    ".fnm",
    ".gem/ruby",
    ".ghcup",
    ".goenv",
    ".gradle/caches",
    ".gradle/wrapper",
    ".hex/packages",
    ".ivy2/cache",
    ".ivy2/local",
    ".jenv",
    ".julia/artifacts",
    ".julia/compiled",
    ".julia/packages",
    ".julia/registries",
    ".juliaup",
    ".konan",
    ".local/bin",
    ".local/lib",
    ".local/share/fnm",
    ".local/share/gem/ruby",
    ".local/share/hatch",
    ".local/share/mamba",
    ".local/share/mise",
    ".local/share/nvm",
    ".local/share/pdm",
    ".local/share/pipx",
    ".local/share/pnpm",
    ".local/share/rtx",
    ".local/share/uv",
    ".local/share/virtualenvs",
    ".m2/repository",
    ".m2/wrapper",
    ".mix",
    ".nimble/bin",
    ".nimble/pkgs2",
    ".nodebrew",
    ".nodenv",
    ".npm/_npx",
    ".nuget/packages",
    ".nvm",
    ".opam",
    ".phpenv",
    ".pixi/bin",
    ".pixi/envs",
    ".plenv",
    ".pnpm-store",
    ".proto/bin",
    ".proto/shims",
    ".proto/tools",
    ".pub-cache/bin",
    ".pub-cache/git",
    ".pub-cache/hosted",
    ".pyenv",
    ".rbenv",
    ".rubies",
    ".rustup",
    ".rvm/bin",
    ".rvm/gems",
    ".rvm/rubies",
    ".rye/py",
    ".rye/self",
    ".rye/shims",
    ".rye/tools",
    ".sbt/boot",
    ".sdkman/candidates",
    ".stack/pantry",
    ".stack/programs",
    ".stack/snapshots",
    ".swiftly",
    ".virtualenvs",
    ".volta",
    ".yarn/berry",
];
/// The same for names without a leading dot. `go/src` holds projects and isn't listed.
pub(super) const HOME_PLAIN: [&str; 8] =
    ["go/bin", "go/pkg", "miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", "perl5"];

/// Variables that name a toolchain's folder, and entries that identify one, of which some must exist. A mere store of
/// packages has no such entries.
pub(super) const VARIABLES: [(&str, &[&str]); 24] = [
    ("ANDROID_HOME", &["platform-tools", "platforms", "build-tools", "licenses"]),
    ("ASDF_DATA_DIR", &["installs", "plugins", "shims", "asdf.sh"]),
    ("BUNDLE_PATH", &["ruby", "gems"]),
    ("CONDA_PREFIX", &["conda-meta"]),
    ("COURSIER_CACHE", &[]),
    ("DOTNET_ROOT", &["dotnet", "sdk", "shared"]),
    ("FNM_DIR", &["node-versions", "aliases"]),
    ("GEM_HOME", &["gems", "specifications"]),
    ("GOENV_ROOT", &["versions", "libexec"]),
    ("GOMODCACHE", &["cache"]),
    ("GOROOT", &["bin/go", "pkg", "VERSION"]),
    ("JAVA_HOME", &["bin/java", "bin/javac", "release"]),
    ("MAVEN_HOME", &["bin/mvn", "boot"]),
    ("MISE_DATA_DIR", &["installs", "shims", "plugins"]),
    ("NODENV_ROOT", &["versions", "libexec"]),
    ("NUGET_PACKAGES", &[]),
    ("NVM_DIR", &["versions", "nvm.sh", "alias"]),
    ("PLAYWRIGHT_BROWSERS_PATH", &[]),
    ("POETRY_VIRTUALENVS_PATH", &[]),
    ("PYENV_ROOT", &["versions", "libexec", "shims"]),
    ("RBENV_ROOT", &["versions", "libexec", "shims"]),
    ("RUSTUP_HOME", &["toolchains", "settings.toml"]),
    ("VIRTUAL_ENV", &["pyvenv.cfg", "bin/activate"]),
    ("VOLTA_HOME", &["tools", "bin/volta"]),
];
/// Parts of `$CARGO_HOME` without credentials.
pub(super) const CARGO: [&str; 6] = ["bin", "config", "config.toml", "env", "git", "registry"];
/// Parts of each `$GOPATH` folder, which may also hold projects.
pub(super) const GO: [&str; 2] = ["bin", "pkg"];
/// Entries that mark the folder around a `$PATH` folder as a complete installation (Python or Conda environment, Go or
/// Java kit) that holds nothing else and is shown completely.
pub(super) const WHOLE: [&str; 5] = ["pyvenv.cfg", "conda-meta", "pkg/tool", "lib/modules", "jre/lib"];
/// Otherwise only these parts of it are shown: a person's projects may lie next to them.
pub(super) const PARTS: [&str; 5] = ["lib", "lib64", "libexec", "include", "share"];
