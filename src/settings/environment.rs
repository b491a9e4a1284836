//! The environment as a value: read once at the edge, then passed down.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

static AT_START: OnceLock<Environment> = OnceLock::new();

/// Names and values of environment variables. An empty value counts as unset.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment that this process was started with; `HOME` is looked up when it isn't set. It is read once,
    /// because keys are removed from the real environment afterwards.
    #[must_use]
    pub fn from_process() -> Self {
        AT_START.get_or_init(Self::read).clone()
    }

    fn read() -> Self {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        let mut all: Self = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        if let (None, Ok(home)) = (all.get("HOME"), etcetera::home_dir()) {
            all.0.insert("HOME".to_owned(), text(home.into()));
        }
        all
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with these variables, whatever they were before.
    #[must_use]
    pub fn with<'a>(mut self, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.0.extend(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        self
    }

    /// The value of `name`; `None` when unset or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    /// Prints only names, because values may be keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
