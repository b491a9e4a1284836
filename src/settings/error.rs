//! Why settings can't be used. Every one of these ends a command with exit code 78.

use std::io;

use super::{BaseUrlError, Origin};

/// Settings can't be used. `Display` says what happened and where; [`SettingsError::hint`] what to do.
/// No variant holds a key, nor a URL that might hold one.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A settings file can't be read.
    #[error("{file} can't be read: {source}")]
    Unreadable {
        /// As it should be shown.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A settings file is not TOML, or a value in it has the wrong form.
    #[error("{file}:{line}: {problem}")]
    BadFile {
        /// As it should be shown.
        file: String,
        /// Counts from 1.
        line: usize,
        /// In one line.
        problem: String,
        /// What to write instead.
        hint: String,
    },
    /// A key that kcode doesn't know.
    #[error("{file}:{line}: kcode has no setting `{key}`")]
    UnknownKey {
        /// As it should be shown.
        file: String,
        /// Counts from 1.
        line: usize,
        /// Dotted, from the file's root.
        key: String,
        /// The nearest one that it knows.
        nearest: Option<&'static str>,
    },
    /// An API key, or what looks like one, in a file.
    #[error("{file}:{line}: `{key}` looks like a key, and kcode reads keys from the environment alone")]
    KeyInFile {
        /// As it should be shown.
        file: String,
        /// Counts from 1.
        line: usize,
        /// Dotted, from the file's root.
        key: String,
    },
    /// A setting that the repository's file may not hold.
    #[error(".kcode.toml:{line}: a repository can't set `{key}`, because {why}")]
    NotForRepositories {
        /// Counts from 1.
        line: usize,
        /// Dotted.
        key: &'static str,
        /// Half a sentence.
        why: &'static str,
    },
    /// A limit in the repository's file that is looser than what already holds.
    #[error(".kcode.toml: `{key}` is {value}, looser than the {limit} that holds already ({origin})")]
    Looser {
        /// Dotted.
        key: &'static str,
        /// What the file says.
        value: String,
        /// What holds.
        limit: String,
        /// Who said so.
        origin: Origin,
    },
    /// A value that can't be used.
    #[error("`{name}` can't be used ({origin}): {problem}")]
    BadValue {
        /// As in the files.
        name: &'static str,
        /// Who set it.
        origin: Origin,
        /// What is wrong, with what to write instead.
        problem: String,
    },
    /// A base URL that can't be used.
    #[error("the base URL can't be used ({origin}): {source}")]
    BadBaseUrl {
        /// Who set it.
        origin: Origin,
        /// Why.
        source: BaseUrlError,
    },
    /// A key that no HTTP header can carry.
    #[error("{variable} can't be used: it holds {problem}")]
    BadKey {
        /// The variable.
        variable: &'static str,
        /// Without the key.
        problem: &'static str,
    },
    /// A key whose family has no URL of its own.
    #[error("{variable} is set, but {url_variable} is not, so kcode doesn't know which gateway the key belongs to")]
    NoUrlForKey {
        /// The key's variable.
        variable: &'static str,
        /// The family's variable for the URL.
        url_variable: &'static str,
    },
    /// A base URL that the key doesn't belong to.
    #[error("{variable} is not sent to {host} ({origin}): the key belongs to {own}")]
    KeyForAnotherServer {
        /// The key's variable.
        variable: &'static str,
        /// The family's variable for the URL.
        url_variable: &'static str,
        /// Where it would have gone.
        host: String,
        /// Who set that URL.
        origin: Origin,
        /// Where it may go.
        own: String,
    },
    /// No key at all.
    #[error("no API key is set")]
    NoKey,
    /// Runs would be kept inside the repository.
    #[error("runs would be kept in {path} ({origin}), which is inside the repository")]
    StateInRepository {
        /// Where.
        path: String,
        /// Who said so.
        origin: Origin,
    },
    /// The place for runs isn't the user's alone.
    #[error("runs can't be kept there ({origin}): {problem}")]
    UnsafeState {
        /// Which folder, and what is wrong with it.
        problem: String,
        /// Who said so.
        origin: Origin,
    },
    /// No home folder, and no other place was named.
    #[error("there is no place to keep runs: neither KCODE_HOME nor HOME is set")]
    NoHome,
}

impl SettingsError {
    /// What to do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check its path and permissions, or leave the file out".into(),
            Self::BadFile { hint, .. } => hint.clone(),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownKey { nearest: None, .. } => "`kcode config` lists every setting".into(),
            Self::KeyInFile { .. } => "remove it, replace that key if others could read it, and set KCODE_API_KEY".into(),
            Self::NotForRepositories { key, .. } => {
                format!("remove it; to set `{key}` yourself, use ~/.config/kcode/config.toml, the environment or a flag")
            }
            Self::Looser { key, .. } => {
                format!("a repository's file can only tighten; remove `{key}` there, or loosen it in your own file")
            }
            Self::BadValue { origin: Origin::Flag(flag), .. } => {
                format!("give {flag} another value, or leave it out: `kcode config` shows what holds then")
            }
            Self::BadValue { origin, .. } => format!("correct or unset it where it is set: {origin}"),
            Self::BadBaseUrl { source, .. } => source.hint().into(),
            Self::BadKey { variable, .. } => format!("copy the key again and set {variable} to nothing but the key"),
            Self::NoUrlForKey { variable, url_variable } => {
                format!("set {url_variable}, such as https://ai-gateway.vercel.sh/v1, or unset {variable}")
            }
            Self::KeyForAnotherServer { url_variable, .. } => {
                format!("set KCODE_API_KEY to that server's key, or {url_variable} if the key is its own")
            }
            Self::NoKey => {
                "set KCODE_API_KEY or MOONSHOT_API_KEY (keys: https://platform.kimi.ai), or try `kcode demo`, which needs none"
                    .into()
            }
            Self::UnsafeState { .. } => "look at what is in it; then take the rights of others away (chmod -R go-w; of a folder around it chmod o-w, or chmod +t), or set KCODE_HOME to a \
                 folder of your own".into(),
            Self::StateInRepository { .. } | Self::NoHome => {
                "set KCODE_HOME to a folder outside the repository, such as /var/tmp/kcode".into()
            }
        }
    }
}
