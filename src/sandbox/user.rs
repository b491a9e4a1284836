//! The user as toolchains know them: home, variables, and settings files in the home, which are hidden from tests
//! because they may hold passwords.
//!
//! Nothing of a repository is read. A setting is treated like the variable with the same meaning: it is passed on if
//! the variable is, and the folder it names is shown if the variable's would be. For settings that tools find in no
//! other way, a copy that holds only versions is written into the home of commands.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::plain_paths::real;
use crate::journal::read_regular;

/// Bytes read of a settings file.
const MOST: u64 = 256 << 10;
/// Default versions of asdf and mise.
const TOOL_VERSIONS: &str = ".tool-versions";
const MISE: &str = ".config/mise/config.toml";
/// Parts of mise's settings that name versions; `[env]` may hold secrets.
const MISE_PARTS: [&str; 2] = ["alias", "tools"];

#[derive(Debug, Default)]
pub(super) struct User {
    /// Canonical: in the sandbox it has no other name.
    pub(super) home: Option<PathBuf>,
    /// Variables of this process, and those that settings files stand for.
    pub(super) variables: Vec<(OsString, OsString)>,
    /// Maven's local repository, if its settings name one.
    pub(super) maven: Option<PathBuf>,
}

impl User {
    /// The user of this process.
    pub(super) fn of_process() -> Self {
        let home = std::env::home_dir().map(|home| real(&home));
        let mut user = Self { variables: std::env::vars_os().collect(), maven: None, home };
        let Some(home) = user.home.clone() else { return user };
        for (name, value) in configured(&home, |name| user.variable(name)) {
            if user.variable(&name).is_none() {
                user.variables.push((name.into(), value.into()));
            }
        }
        user.maven = text(&home.join(".m2/settings.xml")).and_then(|text| maven(&text, &home));
        user
    }

    pub(super) fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Files for the home of commands, by name.
    pub(super) fn home_files(&self) -> BTreeMap<String, String> {
        let Some(home) = &self.home else { return BTreeMap::new() };
        let versions = text(&home.join(TOOL_VERSIONS)).map(|text| (TOOL_VERSIONS.to_owned(), text));
        let mise = text(&home.join(MISE)).and_then(|text| mise(&text)).map(|text| (MISE.to_owned(), text));
        versions.into_iter().chain(mise).collect()
    }
}

/// Writes them; files that earlier commands of the run left there stay as they are.
pub(super) fn write_into(home: &Path, files: &BTreeMap<String, String>) {
    for (name, text) in files {
        let file = home.join(name);
        // Without the file a tool uses its default version, which is no reason to fail.
        let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| File::create_new(&file));
        let _ = made.and_then(|mut file| file.write_all(text.as_bytes()));
    }
}

fn text(file: &Path) -> Option<String> {
    String::from_utf8(read_regular(file, MOST).ok()?).ok()
}

/// Variables that settings files stand for, the weakest last.
fn configured(home: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Vec<(String, String)> {
    let settings = variable("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
    let lines = |file: PathBuf, by: char| -> Vec<(String, String)> {
        let text = text(&file).unwrap_or_default();
        text.lines().filter_map(|line| line.split_once(by)).map(|(name, value)| (plain(name), plain(value))).collect()
    };
    let named = |file: PathBuf, by: char, names: &'static [(&str, &str)]| {
        lines(file, by).into_iter().filter_map(|(name, value)| {
            let (_, variable) = names.iter().find(|(known, _)| *known == name)?;
            Some(((*variable).to_owned(), at_home(&value, home)))
        })
    };
    // Written by `go env -w` (<https://pkg.go.dev/cmd/go#hdr-Environment_variables>).
    let go = variable("GOENV").filter(|file| file != OsStr::new("off")).map(PathBuf::from);
    let go = lines(go.unwrap_or_else(|| settings.join("go/env")), '=');
    let bundler = named(
        home.join(".bundle/config"),
        ':',
        &[("BUNDLE_PATH", "BUNDLE_PATH"), ("BUNDLE_WITHOUT", "BUNDLE_WITHOUT")],
    );
    // A relative path means a folder of the project, which tests see anyway.
    let bundler = bundler.filter(|(name, value)| name != "BUNDLE_PATH" || Path::new(value).is_absolute());
    let yarn = named(home.join(".yarnrc.yml"), ':', &[("globalFolder", "YARN_GLOBAL_FOLDER")]);
    let ccache = named(settings.join("ccache/ccache.conf"), '=', &[("cache_dir", "CCACHE_DIR")]);
    let poetry = text(&settings.join("pypoetry/config.toml")).and_then(|text| poetry(&text, home));
    let poetry = poetry.map(|folder| ("POETRY_VIRTUALENVS_PATH".to_owned(), folder));
    go.into_iter().chain(bundler).chain(yarn).chain(ccache).chain(poetry).collect()
}

/// Strips whitespace and quotes.
fn plain(text: &str) -> String {
    let text = text.trim();
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).to_owned()
}

fn at_home(path: &str, home: &Path) -> String {
    path.strip_prefix("~/").map_or_else(|| path.to_owned(), |below| home.join(below).display().to_string())
}

/// Where Poetry keeps virtual environments, according to its settings.
fn poetry(text: &str, home: &Path) -> Option<String> {
    let settings: toml::Table = text.parse().ok()?;
    let cache = settings.get("cache-dir").and_then(toml::Value::as_str);
    let usual = cache.map(|_| "{cache-dir}/virtualenvs");
    let named = settings.get("virtualenvs").and_then(|part| part.get("path")).and_then(toml::Value::as_str);
    let folder = named.or(usual)?;
    let cache = cache.map_or_else(|| home.join(".cache/pypoetry").display().to_string(), |it| at_home(it, home));
    Some(at_home(&folder.replace("{cache-dir}", &cache), home))
}

/// The content of `<localRepository>`; in Maven's default settings it is commented out.
fn maven(text: &str, home: &Path) -> Option<PathBuf> {
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        told.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    told.push_str(rest);
    let named = told.split_once("<localRepository>")?.1.split_once("</localRepository>")?.0.trim();
    let home = home.to_str()?;
    let folder = PathBuf::from(named.replace("${user.home}", home).replace("${env.HOME}", home));
    folder.is_absolute().then_some(folder)
}

/// mise's settings reduced to versions.
fn mise(text: &str) -> Option<String> {
    let mut settings: toml::Table = text.parse().ok()?;
    settings.retain(|part, _| MISE_PARTS.contains(&part));
    (!settings.is_empty()).then(|| settings.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_for_variables() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = home.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write(".config/go/env", "GOMODCACHE=/data/mod\nGOFLAGS=-mod=mod\n");
        write(
            ".bundle/config",
            "---\nBUNDLE_PATH: \"/data/gems\"\nBUNDLE_WITHOUT: \"production\"\nBUNDLE_GEMS__ORG: \"u:secret\"\n",
        );
        write(".yarnrc.yml", "npmAuthToken: secret\nglobalFolder: ~/yarn\n");
        write(".config/pypoetry/config.toml", "[virtualenvs]\npath = \"{cache-dir}/envs\"\n");
        let found: BTreeMap<_, _> = configured(home.path(), |_| None).into_iter().collect();
        let at = |name: &str| home.path().join(name).display().to_string();
        let expected = [
            ("BUNDLE_PATH", "/data/gems".to_owned()),
            ("BUNDLE_WITHOUT", "production".to_owned()),
            ("GOFLAGS", "-mod=mod".to_owned()),
            ("GOMODCACHE", "/data/mod".to_owned()),
            ("POETRY_VIRTUALENVS_PATH", at(".cache/pypoetry/envs")),
            ("YARN_GLOBAL_FOLDER", at("yarn")),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)).into());
        write(".bundle/config", "---\nBUNDLE_PATH: \"vendor/bundle\"\n");
        assert!(!configured(home.path(), |_| None).iter().any(|(name, _)| name == "BUNDLE_PATH"));
    }

    #[test]
    fn mavens_repository_is_where_its_settings_say_and_not_where_a_comment_does() {
        let found = |text: &str| maven(text, Path::new("/home/ada"));
        assert_eq!(
            found("<localRepository>${user.home}/repo</localRepository>"),
            Some(PathBuf::from("/home/ada/repo"))
        );
        assert_eq!(found("<!-- | <localRepository>/path</localRepository> -->"), None);
        assert_eq!(found("<localRepository>repo</localRepository>"), None);
        assert_eq!(found("<settings/>"), None);
    }

    #[test]
    fn of_mises_settings_nothing_but_versions_is_taken() {
        let text = "[tools]\nnode = \"20\"\n\n[env]\nTOKEN = \"secret\"\n\n[hooks]\nenter = \"x\"\n";
        assert_eq!(mise(text).unwrap(), "[tools]\nnode = \"20\"\n");
        assert_eq!(mise("[env]\nTOKEN = \"secret\"\n"), None);
    }

    #[test]
    fn what_lies_in_the_home_of_commands_stays() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), folder.path().join("planted")).unwrap();
        let files = ["planted", "a/new"].map(|name| (name.to_owned(), "text".to_owned())).into();
        write_into(folder.path(), &files);
        assert!(!folder.path().join("elsewhere").exists());
        assert_eq!(fs::read_to_string(folder.path().join("a/new")).unwrap(), "text");
    }
}
