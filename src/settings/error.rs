//! Why settings can't be used. Each of these ends a command with exit code 78.

use std::io;

use super::{BaseUrlError, Origin};

/// An error in the settings. `Display` says what happened and where; [`SettingsError::hint`] what to do. No variant
/// contains a key, nor a URL that might contain one.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A settings file can't be read.
    #[error("{file} can't be read: {source}")]
    Unreadable {
        /// Path as shown to people.
        file: String,
        /// Error of the operating system, or why the content can't be used.
        source: io::Error,
    },
    /// A settings file isn't TOML, or a value in it has the wrong form.
    #[error("{file}:{line}: {problem}")]
    BadFile {
        /// Path as shown to people.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// What the parser reports, in one line.
        problem: String,
        /// What to write instead.
        hint: String,
    },
    /// A key that kcode doesn't know.
    #[error("{file}:{line}: kcode has no setting `{key}`")]
    UnknownKey {
        /// Path as shown to people.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Dotted, from the file's root.
        key: String,
        /// The most similar known key, if one is similar.
        nearest: Option<&'static str>,
    },
    /// A file contains an API key, or a name that looks like one.
    #[error("{file}:{line}: `{key}` looks like a key, and kcode reads keys from the environment alone")]
    KeyInFile {
        /// Path as shown to people.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Dotted, from the file's root.
        key: String,
    },
    /// A setting that the repository's file may not contain.
    #[error(".kcode.toml:{line}: a repository can't set `{key}`, because {why}")]
    NotForRepositories {
        /// Line, counted from 1.
        line: usize,
        /// Dotted.
        key: &'static str,
        /// A clause that completes "because …".
        why: &'static str,
    },
    /// A limit in the repository's file is looser than the one in force.
    #[error(".kcode.toml: `{key}` is {value}, looser than the {limit} that holds already ({origin})")]
    Looser {
        /// Dotted.
        key: &'static str,
        /// The value in the file.
        value: String,
        /// The limit in force.
        limit: String,
        /// Who set that limit.
        origin: Origin,
    },
    /// A value can't be used.
    #[error("`{name}` can't be used ({origin}): {problem}")]
    BadValue {
        /// Key as in the files.
        name: &'static str,
        /// Who set it.
        origin: Origin,
        /// What is wrong, and what to write instead.
        problem: String,
    },
    /// A base URL can't be used.
    #[error("the base URL can't be used ({origin}): {source}")]
    BadBaseUrl {
        /// Who set it.
        origin: Origin,
        /// The reason.
        source: BaseUrlError,
    },
    /// A key that no HTTP header can carry.
    #[error("{variable} can't be used: it holds {problem}")]
    BadKey {
        /// Variable that holds the key.
        variable: &'static str,
        /// What the key contains; never the key itself.
        problem: &'static str,
    },
    /// A key whose family has no default URL.
    #[error("{variable} is set, but {url_variable} is not, so kcode doesn't know which gateway the key belongs to")]
    NoUrlForKey {
        /// Variable that holds the key.
        variable: &'static str,
        /// The family's variable for the URL.
        url_variable: &'static str,
    },
    /// The base URL belongs to another server than the key.
    #[error("{variable} is not sent to {host} ({origin}): the key belongs to {own}")]
    KeyForAnotherServer {
        /// Variable that holds the key.
        variable: &'static str,
        /// The family's variable for the URL.
        url_variable: &'static str,
        /// Host of the base URL.
        host: String,
        /// Who set that URL.
        origin: Origin,
        /// The hosts that the key may be sent to.
        own: String,
    },
    /// No key is set.
    #[error("no API key is set")]
    NoKey,
    /// The state folder would be inside the repository.
    #[error("runs would be kept in {path} ({origin}), which is inside the repository")]
    StateInRepository {
        /// The folder.
        path: String,
        /// Who set it.
        origin: Origin,
    },
    /// The state folder isn't the user's alone.
    #[error("runs can't be kept there ({origin}): {problem}")]
    UnsafeState {
        /// The folder, and what is wrong with it.
        problem: String,
        /// Who set it.
        origin: Origin,
    },
    /// There is no home folder, and no state folder was set.
    #[error("there is no place to keep runs: neither KCODE_HOME nor HOME is set")]
    NoHome,
}

impl SettingsError {
    /// Whether it is about a flag of this very command.
    #[must_use]
    pub const fn is_of_a_flag(&self) -> bool {
        matches!(
            self,
            Self::BadValue { origin: Origin::Flag(_), .. } | Self::BadBaseUrl { origin: Origin::Flag(_), .. }
        )
    }

    /// What the user can do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check its path and permissions, or leave the file out".into(),
            Self::BadFile { hint, .. } => hint.clone(),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownKey { nearest: None, .. } => "`kcode config` lists every setting".into(),
            Self::KeyInFile { .. } => "remove it, replace that key if others could read it, and set KCODE_API_KEY".into(),
            Self::NotForRepositories { key, .. } => {
                format!("remove it; to set `{key}` yourself, use ~/.config/kcode/config.toml")
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
