//! Where a value came from.

use std::fmt;

/// Where a value came from. `Display` is what `kcode config` prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No layer set it.
    Default,
    /// The user's file, as shown to people: `~/.config/kcode/config.toml`, or the argument of `--config`.
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
