//! The settings of a command, resolved.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::{BaseUrl, Check, Secret, Setting, SettingsError, TestCommand};
use crate::journal::{Bytes, Tokens, Usd};

/// Every value that a person can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The model's id, as the provider knows it.
    pub model: Setting<String>,
    /// Where requests go.
    pub base_url: Setting<BaseUrl>,
    /// The key that goes there; see [`Settings::require_key`].
    pub key: Option<ApiKey>,
    /// Replies of the model in a run.
    pub max_turns: Setting<u32>,
    /// Input and output tokens over all requests of a run.
    pub max_tokens: Setting<Option<Tokens>>,
    /// Money for a run at list price.
    pub max_cost: Setting<Option<Usd>>,
    /// Wall time of a run.
    pub max_time: Setting<Duration>,
    /// Output of one reply, reasoning included.
    pub max_completion_tokens: Setting<Tokens>,
    /// How often a failed request is repeated, at most; some failures are worth fewer attempts.
    pub max_retries: Setting<u32>,
    /// How long the provider may send nothing before an attempt is given up.
    pub max_silence: Setting<Duration>,
    /// How tests are run; `None` leaves it to detection.
    pub test: Setting<Option<TestCommand>>,
    /// What a patch has to pass besides the tests, in the order in which it is run.
    pub checks: Setting<Vec<Check>>,
    /// Wall time of one run of the tests, or of a check.
    pub test_deadline: Setting<Duration>,
    /// How long such a run may be silent.
    pub test_idle: Setting<Duration>,
    /// What of the files that commands write, such as the tests, becomes part of the patch; see [`Writes`](super::Writes).
    pub writes: Setting<Vec<String>>,
    /// Those of them that the repository's file alone names.
    pub repository_writes: Vec<String>,
    /// Whether kcode runs the tests itself at the end.
    pub verify: Setting<bool>,
    /// Whether the tests are also run on the state that the run starts from.
    pub baseline: Setting<bool>,
    /// What happens when a layer of the wall is missing.
    pub sandbox: Setting<Sandbox>,
    /// Names of ignored folders that tests need; they are made visible in the private view, read-only.
    pub dependencies: Setting<Vec<String>>,
    /// Folders and files of the user's, absolute and without `..`, that tests may read beside the view and toolchains.
    pub readable: Setting<Vec<PathBuf>>,
    /// Folders of the user's, absolute, that tests may read and write to, while all that is written goes away with the run.
    pub caches: Setting<Vec<PathBuf>>,
    /// Names of environment variables that the worker's children may see beside the usual ones.
    pub child_env: Setting<Vec<String>>,
    /// Globs of files with secrets that tools may read all the same; see [`SecretFiles`](super::SecretFiles).
    pub readable_secrets: Setting<Vec<String>>,
    /// Where runs are kept; absolute, and never inside the repository.
    pub state_dir: Setting<PathBuf>,
    /// How many runs are kept, how long, and how much of them.
    pub keep: KeepSettings,
    /// A price that the built-in list doesn't know.
    pub price: Setting<Option<CustomPrice>>,
}

/// What is kept of runs that are over; what goes beyond it goes by itself, oldest first.
#[derive(Clone, Debug)]
pub struct KeepSettings {
    /// So many runs.
    pub runs: Setting<u32>,
    /// Runs that ended no longer ago.
    pub age: Setting<Duration>,
    /// The newest runs that fit into so much of the disk.
    pub size: Setting<Bytes>,
}

impl Settings {
    /// The key, for a command that can't do without.
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

/// What happens when a layer of the wall is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sandbox {
    /// No wall; has to be typed.
    Off,
    /// Go on with what there is, and say so.
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
    /// Other input.
    pub input: Usd,
    /// Output, reasoning included.
    pub output: Usd,
    /// Tokens that the model's context window holds; what Kimi's models have when left out.
    #[serde(default = "CustomPrice::usual_window")]
    pub context_window: Tokens,
}

impl CustomPrice {
    const fn usual_window() -> Tokens {
        Tokens(262_144)
    }
}
