//! A value and where it came from, and how one layer goes over another.

use std::fmt;

use super::amounts::Amount;
use super::{Environment, Sandbox, SettingsError};

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

impl<T: Amount> Setting<T> {
    /// What the repository's file says, if it is tighter. What the user set tighter stays; a repository that loosens
    /// what holds by default is told, because its authors can't mean that.
    pub(super) fn tighten(self, key: &'static str, repository: Option<T>) -> Result<Self, SettingsError> {
        match repository {
            Some(value) if value.is_looser_than(&self.value) => match self.origin {
                Origin::Default => {
                    let (value, limit) = (value.shown(), self.value.shown());
                    Err(SettingsError::Looser { key, value, limit, origin: self.origin })
                }
                _ => Ok(self),
            },
            tighter => Ok(self.or(tighter, &Origin::RepositoryFile)),
        }
    }

    /// What an environment variable says, if it is set.
    pub(super) fn or_variable(
        self,
        name: &'static str,
        env: &Environment,
        variable: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Self, SettingsError> {
        let origin = Origin::Environment(variable.to_owned());
        match env.get(variable).map(parse).transpose() {
            Ok(value) => Ok(self.or(value, &origin)),
            Err(problem) => Err(SettingsError::BadValue { name, origin, problem }),
        }
    }

    /// Refuses a limit of nothing: it would end every run before its first step.
    pub(super) fn usable(self, name: &'static str) -> Result<Self, SettingsError> {
        if self.value.is_usable() {
            return Ok(self);
        }
        Err(SettingsError::BadValue { name, origin: self.origin, problem: "it must be more than zero".to_owned() })
    }
}

impl Setting<Sandbox> {
    /// The design's rule: `off` must be typed.
    pub(super) fn not_off(self) -> Result<Self, SettingsError> {
        if self.value != Sandbox::Off {
            return Ok(self);
        }
        let problem = "going without a wall is never a setting; type --sandbox off each time".to_owned();
        Err(SettingsError::BadValue { name: "sandbox", origin: self.origin, problem })
    }
}
