//! The resolved settings of a command.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::amounts::Amount;
use super::{BaseUrl, Check, CiSettings, PolicySettings, Secret, Setting, SettingsError, TestCommand};
use crate::journal::{Bytes, Tokens, Usd};

/// Every value that a user can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The provider's id of the model.
    pub model: Setting<String>,
    /// Base URL of the provider.
    pub base_url: Setting<BaseUrl>,
    /// Key for that URL; `None` when none is set. See [`Settings::require_key`].
    pub key: Option<ApiKey>,
    /// Maximum number of model replies in a run.
    pub max_turns: Setting<u32>,
    /// Maximum input and output tokens of all requests of a run.
    pub max_tokens: Setting<Option<Tokens>>,
    /// Maximum cost of a run in USD at list price.
    pub max_cost: Setting<Option<Usd>>,
    /// Maximum wall time of a run.
    pub max_time: Setting<Duration>,
    /// Maximum output tokens of one reply, reasoning included.
    pub max_completion_tokens: Setting<Tokens>,
    /// Maximum number of retries of a failed request; some failures get fewer.
    pub max_retries: Setting<u32>,
    /// How long the provider may send nothing before an attempt is aborted.
    pub max_silence: Setting<Duration>,
    /// The test command; `None` leaves it to detection.
    pub test: Setting<Option<TestCommand>>,
    /// Checks that a patch has to pass besides the tests, in the order in which they run.
    pub checks: Setting<Vec<Check>>,
    /// Maximum wall time of a test run, or of a check.
    pub test_deadline: Setting<Duration>,
    /// How long such a run may print nothing.
    pub test_idle: Setting<Duration>,
    /// Globs of files written by commands that become part of the patch; see [`Writes`](super::Writes).
    pub writes: Setting<Vec<String>>,
    /// Those of the globs that only the repository's file names.
    pub repository_writes: Vec<String>,
    /// True when kcode runs the tests itself at the end.
    pub verify: Setting<bool>,
    /// True when the tests also run on the state before the patch.
    pub baseline: Setting<bool>,
    /// What happens when a layer of the sandbox is missing.
    pub sandbox: Setting<Sandbox>,
    /// Names of ignored folders that tests need; they are visible in the private view, read-only.
    pub dependencies: Setting<Vec<String>>,
    /// Absolute folders and files of the user's that tests may read besides the view and toolchains.
    pub readable: Setting<Vec<PathBuf>>,
    /// Absolute folders of the user's that tests may read and write; what they write is discarded with the run.
    pub caches: Setting<Vec<PathBuf>>,
    /// Names of environment variables that the worker's children get besides the usual ones.
    pub child_env: Setting<Vec<String>>,
    /// Globs of files with secrets that tools may read all the same; see [`SecretFiles`](super::SecretFiles).
    pub readable_secrets: Setting<Vec<String>>,
    /// The state folder; absolute, and never inside the repository.
    pub state_dir: Setting<PathBuf>,
    /// Limits for kept runs.
    pub keep: KeepSettings,
    /// What a patch may touch.
    pub policy: PolicySettings,
    /// Price of a model that the built-in list doesn't contain.
    pub price: Setting<Option<CustomPrice>>,
    /// Who may start a run of `kcode ci`, and by what.
    pub ci: CiSettings,
}

/// Limits for runs that are over; runs beyond them are removed, oldest first.
#[derive(Clone, Debug)]
pub struct KeepSettings {
    /// Maximum number of runs.
    pub runs: Setting<u32>,
    /// Maximum time since a run ended.
    pub age: Setting<Duration>,
    /// Maximum bytes of all kept runs.
    pub size: Setting<Bytes>,
}

impl Settings {
    /// The key, for a command that needs one.
    ///
    /// # Errors
    /// When none is set.
    pub fn require_key(&self) -> Result<&ApiKey, SettingsError> {
        self.key.as_ref().ok_or(SettingsError::NoKey)
    }
}

/// A key, and where it came from.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The key.
    pub secret: Secret,
    /// The variable that held it, such as `MOONSHOT_API_KEY`.
    pub variable: String,
    /// The family of variables it belongs to, such as `MOONSHOT`.
    pub family: String,
}

/// What happens when a layer of the sandbox is missing; weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sandbox {
    /// No sandbox; has to be typed.
    Off,
    /// Continue with the available layers, and say so.
    #[default]
    Auto,
    /// Refuse to start.
    Strict,
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Auto => "auto",
            Self::Strict => "strict",
        })
    }
}

impl FromStr for Sandbox {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Off, Self::Auto, Self::Strict]
            .into_iter()
            .find(|mode| mode.to_string() == text)
            .ok_or_else(|| format!("{text:?} is none of strict, auto, off"))
    }
}

/// The price of a model, in USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(expecting = "a table")]
pub struct CustomPrice {
    /// Input that the provider's cache served.
    pub cached_input: Usd,
    /// Input that no cache served.
    pub input: Usd,
    /// Output, reasoning included.
    pub output: Usd,
    /// Size of the model's context window in tokens; that of Kimi's models when left out.
    #[serde(default = "CustomPrice::usual_window")]
    pub context_window: Tokens,
}

impl CustomPrice {
    const fn usual_window() -> Tokens {
        Tokens(262_144)
    }
}

impl Amount for Sandbox {
    fn shown(&self) -> String {
        self.to_string()
    }
    fn is_looser_than(&self, other: &Self) -> bool {
        self < other
    }
}

impl Amount for CustomPrice {
    fn shown(&self) -> String {
        let Self { cached_input, input, output, .. } = self;
        format!("{input} in, {cached_input} cached, {output} out per million tokens")
    }
}
