//! A value and where it came from.

use std::fmt;

/// Where a value came from. `Display` is what `kcode config` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The user's file, as it should be shown: `~/.config/kcode/config.toml`, or what `--config` named.
    UserFile(String),
    /// `.kcode.toml` at the repository's root.
    RepositoryFile,
    /// An environment variable, by name.
    Environment(String),
    /// A flag, with its dashes.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::UserFile(path) => f.write_str(path),
            Self::RepositoryFile => f.write_str(".kcode.toml"),
            Self::Environment(variable) => write!(f, "${variable}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Which layer set it.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// What holds when no layer says anything.
    #[must_use]
    pub const fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// What a stronger layer says, if it says anything.
    #[must_use]
    pub fn or(self, stronger: Option<T>, origin: &Origin) -> Self {
        match stronger {
            Some(value) => Self { value, origin: origin.clone() },
            None => self,
        }
    }
}
