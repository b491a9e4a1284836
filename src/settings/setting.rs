//! A value and where it came from, and how layers override each other.

use super::amounts::Amount;
use super::{Environment, Origin, Sandbox, SettingsError};

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// The layer that set it.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// The value when no layer sets one.
    #[must_use]
    pub const fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// Replaces the value by that of a stronger layer, if it has one.
    #[must_use]
    pub fn or(self, stronger: Option<T>, origin: &Origin) -> Self {
        match stronger {
            Some(value) => Self { value, origin: origin.clone() },
            None => self,
        }
    }
}

impl<T: Amount> Setting<T> {
    /// Applies the repository's value if it is tighter. A looser one is ignored when the user set the value; when it
    /// loosens a default, it is an error, because its authors can't mean that.
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

    /// Replaces the value by that of an environment variable, if it is set.
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

    /// Refuses a limit of zero, which would end every run before its first step.
    pub(super) fn usable(self, name: &'static str) -> Result<Self, SettingsError> {
        if self.value.is_usable() {
            return Ok(self);
        }
        Err(SettingsError::BadValue { name, origin: self.origin, problem: "it must be more than zero".to_owned() })
    }
}

impl Setting<Sandbox> {
    /// `off` has to be typed as a flag; it can't be a setting.
    pub(super) fn not_off(self) -> Result<Self, SettingsError> {
        if self.value != Sandbox::Off {
            return Ok(self);
        }
        let problem = "going without a sandbox is never a setting; type --sandbox off each time".to_owned();
        Err(SettingsError::BadValue { name: "sandbox", origin: self.origin, problem })
    }
}
