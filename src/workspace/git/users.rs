//! The user's own git settings that apply: line end conversion, and global ignore and attribute files. Filters and
//! other programs don't: not even the user's own run on a repository's files.

use std::path::{Path, PathBuf};

use git2::{Config, ConfigLevel};

use super::facts::GitSettings;
use super::plain::{self, TEXT};

const CONVERSIONS: [&str; 2] = ["core.autocrlf", "core.eol"];

/// Settings for line ends, as lines of a config file.
pub(super) fn conversions() -> String {
    let Some(settings) = settings() else { return String::new() };
    let told = CONVERSIONS.map(|name| Some(super::facts::line(name, &settings.get_string(name).ok()?)));
    let text: String = told.into_iter().flatten().collect();
    GitSettings::parse(text.as_bytes()).map(|facts| facts.passed_on()).unwrap_or_default()
}

/// Paths of the user's ignore and attribute files; `/dev/null` where there is none.
pub(super) fn rules() -> [(&'static str, PathBuf); 2] {
    [("excludesFile", excludes_file()), ("attributesFile", rule_file("core.attributesfile", "attributes"))]
        .map(|(name, file)| (name, file.unwrap_or_else(|| PathBuf::from("/dev/null"))))
}

/// The user's ignore file, if it is an ordinary file.
pub(in crate::workspace) fn excludes_file() -> Option<PathBuf> {
    rule_file("core.excludesfile", "ignore")
}

fn rule_file(setting: &str, otherwise: &str) -> Option<PathBuf> {
    let named = settings().and_then(|settings| settings.get_path(setting).ok());
    let file = match named {
        Some(file) => file,
        None => config_folder()?.join("git").join(otherwise),
    };
    plain::open(&file, TEXT).ok().map(|_| file)
}

fn config_folder() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    named.or_else(|| Some(std::env::home_dir()?.join(".config")))
}

fn settings() -> Option<Config> {
    let files = match std::env::var_os("GIT_CONFIG_GLOBAL") {
        Some(file) => vec![PathBuf::from(file)],
        None => [
            config_folder().map(|folder| folder.join("git/config")),
            std::env::home_dir().map(|home| home.join(".gitconfig")),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    let mut settings = Config::new().ok()?;
    let levels = [ConfigLevel::XDG, ConfigLevel::Global];
    let is_plain = |file: &Path| plain::open(file, TEXT).is_ok();
    for (file, level) in files.iter().zip(levels).filter(|(file, _)| is_plain(file)) {
        // An unreadable file sets nothing.
        let _ = settings.add_file(file, level, false);
    }
    Some(settings)
}
