//! `kcode config`: every setting and where it comes from.

use super::arguments::{ConfigArguments, Global, Listing};
use super::failure::Failure;
use super::output;
use crate::journal::Outcome;
use crate::settings::{self, Environment, FlagLayer};
use crate::workspace::Repository;

/// Prints the settings that `fix` would use here. Outside a repository the repository's layer is simply missing.
pub fn execute(global: &Global, arguments: &ConfigArguments) -> Result<Outcome, Failure> {
    let repository = global.repository_if_any()?;
    let root = repository.as_ref().map(Repository::root);
    let env = Environment::from_process();
    let settings = settings::load(&FlagLayer::default(), &env, global.config.as_deref(), root)?;
    let rows = settings::describe(&settings);
    match arguments.output {
        Listing::Text => output::page(&settings::table(&rows))?,
        Listing::Json => output::json(&rows)?,
    }
    Ok(Outcome::Verified)
}
