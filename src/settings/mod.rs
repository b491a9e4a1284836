//! Every value that a user can set, each with the place it came from.
//!
//! Layers, weakest first: defaults, `~/.config/kcode/config.toml`, `.kcode.toml` at the repository's root, the
//! environment, flags ([`load()`]). Others write the repository's file, so it may only set test commands and tighten
//! limits. Keys come from the environment alone, and a key goes only to the base URL of its own family of variables.
//! [`KEYS`] lists every key that a file may contain.
//!
//! [`TestCommand`] and [`RepositoryFiles`] live here because modules of several layers share them.

mod amounts;
mod base_url;
mod check;
mod ci;
mod describe;
mod environment;
mod error;
mod family;
mod file;
mod gate;
mod keys;
mod load;
mod origin;
mod places;
mod policy;
mod programs;
mod readable;
mod redaction;
mod regexes;
mod reporting;
mod repository_files;
mod runs_alone;
mod seal;
mod secret;
mod secret_files;
mod setting;
mod snapshot_files;
mod test_command;
mod values;
mod writes;
mod written;

pub use amounts::{parse_bytes, parse_duration, parse_tokens, parse_usd};
pub use base_url::{BaseUrl, BaseUrlError, is_loopback};
pub use check::Check;
pub use ci::{CiActor, CiForks, CiSettings, CiTrigger};
pub use describe::{SettingRow, describe, table};
pub use environment::Environment;
pub use error::SettingsError;
pub use family::key_variables;
pub use gate::{
    GateTarget, HardLinks, Opened, Refused, RepositoryGate, is_git_name, is_of_git, linked_secrets_of_home,
};
pub use keys::{KEYS, SettingKey};
pub use load::{FlagLayer, load, without_files, without_repository_file};
pub use origin::Origin;
pub use policy::{PathVerdicts, PolicySettings};
pub use programs::{NoProgram, Programs};
pub use readable::without_dots;
pub use redaction::{RedactedStream, Redactor, holds_marker};
pub use regexes::{bytes_regex, count, regex};
pub use reporting::{REPORTS, Reporting};
pub use repository_files::{Beginning, RepositoryFiles};
pub use runs_alone::{keep, state_dir, wrong_beside_state_dir};
pub use seal::seal_environment;
pub use secret::Secret;
pub use secret_files::SecretFiles;
pub use setting::Setting;
pub(crate) use snapshot_files::{is_snapshot, manifests};
pub use test_command::{FilterError, FilterStyle, Invocation, TOOL_FOLDERS, TestCommand};
pub use values::{ApiKey, CustomPrice, KeepSettings, Sandbox, Settings};
pub use writes::{WriteAuthority, Writes};
