//! The environment of the worker and its commands: an allow-list, built from scratch.
//!
//! Home and temporary folder belong to the run. Toolchains keep their caches in the real home, so their variables point
//! there. A variable named like a secret is dropped unless a person named it, and kcode's own keys are dropped even
//! then.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use super::user::User;

/// Variables that are passed on unchanged.
const PASSED: [&str; 57] = [
    "PATH",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TZ",
    "JAVA_HOME",
    "GOROOT",
    "MAVEN_HOME",
    "DOTNET_ROOT",
    "ANDROID_HOME",
    "BUNDLE_PATH",
    "CONDA_PREFIX",
    "GEM_HOME",
    "VIRTUAL_ENV",
    "NIX_PROFILES",
    // Variables that affect builds: with other values a warm cache would be useless.
    "AR",
    "BUNDLE_WITHOUT",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CC",
    "CFLAGS",
    "CGO_CFLAGS",
    "CGO_ENABLED",
    "CGO_LDFLAGS",
    "CPATH",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "GOAMD64",
    "GOARCH",
    "GOEXPERIMENT",
    "GOFLAGS",
    "GOMODCACHE",
    "GOOS",
    "GOTOOLCHAIN",
    "GOWORK",
    "LDFLAGS",
    "LD_LIBRARY_PATH",
    "LIBRARY_PATH",
    "MAKEFLAGS",
    "NODE_ENV",
    "NODE_PATH",
    "PKG_CONFIG_PATH",
    "PYENV_VERSION",
    "PYTHONPATH",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUST_BACKTRACE",
    "RUST_MIN_STACK",
    "RUST_TEST_THREADS",
    "SOURCE_DATE_EPOCH",
    // Options of sanitizers; LeakSanitizer's are set in `leaks`.
    "ASAN_OPTIONS",
    "GORACE",
    "MSAN_OPTIONS",
    "TSAN_OPTIONS",
    "UBSAN_OPTIONS",
];
/// Prefixes of further variables that are passed on unchanged.
const PASSED_PREFIXES: [&str; 2] = ["LC_", "CARGO_PROFILE_"];

/// Folders of toolchains: the variable, and the default folder in the real home.
const TOOLCHAINS: [(&str, &str); 26] = [
    ("ASDF_DATA_DIR", ".asdf"),
    ("BUN_INSTALL", ".bun"),
    ("CARGO_HOME", ".cargo"),
    ("COURSIER_CACHE", ".cache/coursier/v1"),
    ("FNM_DIR", ".local/share/fnm"),
    ("GOENV_ROOT", ".goenv"),
    ("GOPATH", "go"),
    ("HEX_HOME", ".hex"),
    ("MAVEN_USER_HOME", ".m2"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("MIX_HOME", ".mix"),
    ("NODENV_ROOT", ".nodenv"),
    ("NVM_DIR", ".nvm"),
    ("PIPX_HOME", ".local/share/pipx"),
    ("PLAYWRIGHT_BROWSERS_PATH", ".cache/ms-playwright"),
    ("PNPM_HOME", ".local/share/pnpm"),
    ("POETRY_VIRTUALENVS_PATH", ".cache/pypoetry/virtualenvs"),
    ("PUB_CACHE", ".pub-cache"),
    ("PYENV_ROOT", ".pyenv"),
    ("PYTHONUSERBASE", ".local"),
    ("RBENV_ROOT", ".rbenv"),
    ("RUSTUP_HOME", ".rustup"),
    ("RYE_HOME", ".rye"),
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"),
    ("UV_TOOL_DIR", ".local/share/uv/tools"),
    ("VOLTA_HOME", ".volta"),
];

/// Set for every command: nobody can answer, see colours or download.
const SET: [(&str, &str); 18] = [
    ("CI", "1"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("CARGO_NET_OFFLINE", "true"),
    ("UV_OFFLINE", "1"),
    ("MISE_OFFLINE", "1"),
    // Go checked modules against the checksum database when it downloaded them, and would ask again for each that no
    // go.sum names.
    ("GOSUMDB", "off"),
    ("RUSTUP_AUTO_INSTALL", "0"),
    ("COMPOSER_NO_INTERACTION", "1"),
    // Root has no privileges in the sandbox; Composer would refuse to run as root without this.
    ("COMPOSER_ALLOW_SUPERUSER", "1"),
    ("COREPACK_ENABLE_AUTO_PIN", "0"),
    ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
    ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"),
    ("DOTNET_NOLOGO", "1"),
    ("PIPENV_NOSPIN", "1"),
    // There is no network: without this npm would retry for a minute.
    ("npm_config_fetch_retries", "0"),
];

const LEAKS: &str = "LSAN_OPTIONS";

/// Variables from which kcode reads its own keys.
const OWN_KEYS: [&str; 4] = ["KCODE_API_KEY", "AI_GATEWAY_API_KEY", "MOONSHOT_API_KEY", "KIMI_API_KEY"];

/// Builds the environment of a worker.
///
/// `scratch` holds its private `home` and `tmp`; `named` are variables that a person allowed.
pub(super) fn build(user: &User, scratch: &Path, named: &[String]) -> Vec<(OsString, OsString)> {
    let (parent, home) = (&user.variables, user.home.as_deref());
    let mut environment: Vec<(OsString, OsString)> =
        parent.iter().filter(|(name, _)| is_passed(name, named)).cloned().collect();
    let has = |environment: &[(OsString, OsString)], name: &str| environment.iter().any(|(known, _)| known == name);
    for (name, folder) in TOOLCHAINS {
        let real = home.map(|home| home.join(folder)).filter(|folder| folder.is_dir());
        if let Some(folder) = real.filter(|_| !has(&environment, name)) {
            environment.push((name.into(), folder.into()));
        }
    }
    if let Some(gems) = home.and_then(gems).filter(|_| !has(&environment, "GEM_PATH")) {
        environment.push(("GEM_PATH".into(), gems));
    }
    let private =
        [("HOME", "home"), ("TMPDIR", "tmp")].map(|(name, folder)| (name.into(), scratch.join(folder).into()));
    let fixed = SET.map(|(name, value)| (name.into(), value.into()));
    let leaks = leaks(parent);
    for (name, value) in private.into_iter().chain(fixed).chain([leaks]) {
        if !environment.iter().any(|(known, _)| *known == name) {
            environment.push((name, value));
        }
    }
    environment
}

/// LeakSanitizer traces the process and fails a passing test if that is forbidden. AddressSanitizer includes it and
/// reads this variable after its own.
fn leaks(parent: &[(OsString, OsString)]) -> (OsString, OsString) {
    let mut value = OsString::new();
    for (_, given) in parent.iter().filter(|(name, given)| name == LEAKS && !given.is_empty()) {
        value.push(given);
        value.push(":");
    }
    value.push("detect_leaks=0");
    (LEAKS.into(), value)
}

/// Where a user's gems are, for each Ruby version: Ruby looks for them below `HOME`.
fn gems(home: &Path) -> Option<OsString> {
    let stores = [".gem/ruby", ".local/share/gem/ruby"].map(|store| fs::read_dir(home.join(store)));
    let mut versions: Vec<_> = stores.into_iter().flatten().flatten().flatten().map(|entry| entry.path()).collect();
    versions.sort_unstable();
    (!versions.is_empty()).then(|| std::env::join_paths(versions).ok()).flatten()
}

/// Names of the variables that commands of this user's worker get.
pub(super) fn names(user: &User, named: &[String]) -> Vec<String> {
    let built = build(user, Path::new(""), named);
    built.into_iter().filter_map(|(name, _)| name.into_string().ok()).collect()
}

fn is_passed(name: &OsStr, named: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    if OWN_KEYS.contains(&name) {
        return false;
    }
    let toolchain = TOOLCHAINS.iter().any(|(variable, _)| *variable == name);
    named.iter().any(|allowed| allowed == name)
        || PASSED.contains(&name)
        || toolchain
        || PASSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(parent: &[(&str, &str)], named: &[&str]) -> Vec<(String, String)> {
        let variables = parent.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let user = User { variables, ..User::default() };
        let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
        let text = |value: OsString| value.into_string().unwrap();
        build(&user, Path::new("/s"), &named).into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn only_what_is_allowed_passes() {
        let parent = [("PATH", "/bin"), ("LC_ALL", "C"), ("GITHUB_TOKEN", "t"), ("SSH_AUTH_SOCK", "/s"), ("FOO", "1")];
        let names: Vec<String> = built(&parent, &[]).into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"PATH".into()) && names.contains(&"LC_ALL".into()));
        for name in ["GITHUB_TOKEN", "SSH_AUTH_SOCK", "FOO"] {
            assert!(!names.contains(&name.into()), "{name}");
        }
    }

    #[test]
    fn a_person_can_let_names_in_but_never_kcodes_own_keys() {
        let parent = [("FOO", "1"), ("DB_PASSWORD", "2"), ("MOONSHOT_API_KEY", "sk-3")];
        let environment = built(&parent, &["FOO", "DB_PASSWORD", "MOONSHOT_API_KEY"]);
        assert!(environment.contains(&("FOO".into(), "1".into())));
        assert!(environment.contains(&("DB_PASSWORD".into(), "2".into())));
        assert!(!environment.iter().any(|(_, value)| value == "sk-3"));
    }

    #[test]
    fn leaks_are_not_looked_for_and_other_options_stay() {
        let value = |parent: &[(&str, &str)]| {
            let found = built(parent, &["LSAN_OPTIONS"]).into_iter().find(|(name, _)| name == "LSAN_OPTIONS");
            found.unwrap().1
        };
        assert_eq!(value(&[]), "detect_leaks=0");
        assert_eq!(
            built(&[("LSAN_OPTIONS", "suppressions=x")], &[]).last().unwrap().1,
            "suppressions=x:detect_leaks=0"
        );
        assert_eq!(value(&[("LSAN_OPTIONS", "detect_leaks=1")]), "detect_leaks=1", "a person let it in as it is");
    }

    #[test]
    fn home_and_temporary_folder_are_the_runs_own() {
        let environment = built(&[("HOME", "/root"), ("TMPDIR", "/tmp")], &[]);
        assert!(environment.contains(&("HOME".into(), "/s/home".into())));
        assert!(environment.contains(&("TMPDIR".into(), "/s/tmp".into())));
    }
}
