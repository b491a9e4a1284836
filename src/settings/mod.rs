//! Every value that a person can set, each with the place it came from.
//!
//! Layers, weakest first: defaults, `~/.config/kcode/config.toml`, `.kcode.toml` at the
//! repository's root, the environment, flags. The repository's file is written by others: it may
//! say how tests are run and tighten limits, and nothing else. Keys come from the environment
//! alone, and a key goes only to the base URL of its own family of variables.

mod base_url;
mod secret;
mod setting;
mod test_command;
mod values;

pub use base_url::BaseUrl;
pub use secret::Secret;
pub use setting::{Origin, Setting};
pub use test_command::{FilterError, FilterStyle, Invocation, TestCommand};
pub use values::{ApiKey, CustomPrice, Sandbox, Settings};
