//! `kcode config`: prints every setting and where it comes from.

use clap::Args;

use super::arguments::{Global, Listing};
use super::output;
use crate::journal::Outcome;
use crate::run::Failure;
use crate::settings::{self, Environment, FlagLayer};
use crate::workspace::Repository;

/// See [`Command::Config`](super::command_line::Command::Config).
#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// How to print it
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    pub output: Listing,
}

/// Prints the settings that `fix` would use here. Outside a repository that layer is missing.
pub(super) fn execute(global: &Global, arguments: &ConfigArguments) -> Result<Outcome, Failure> {
    let repository = global.repository_if_any()?;
    let root = repository.as_ref().map(Repository::root);
    let env = Environment::from_process();
    let user_file = global.config.as_deref();
    let (settings, broken) = match settings::load(&FlagLayer::default(), &env, user_file, root) {
        Ok(settings) => (settings, None),
        Err(error) => {
            // An error in a file is no reason to show nothing: print the settings without it.
            let repository = settings::without_repository_file(&env, user_file, root).ok();
            let beside = repository
                .map(|rest| (rest, "without the repository's .kcode.toml"))
                .or_else(|| settings::without_files(&env, root).ok().map(|rest| (rest, "without any settings file")));
            let Some((settings, without)) = beside else { return Err(error.into()) };
            (settings, Some((Failure::from(error), without)))
        }
    };
    if let Some((_, without)) = &broken {
        output::say(&format!("these are the settings {without}:"));
    }
    let rows = settings::describe(&settings);
    match arguments.output {
        Listing::Text => output::page(&settings::table(&rows))?,
        Listing::Json => output::json(&rows)?,
    }
    broken.map_or(Ok(Outcome::Verified), |(failure, _)| Err(failure))
}
