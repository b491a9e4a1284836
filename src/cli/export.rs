//! `kcode export`: a run as one file, without secrets.

use anyhow::Context as _;

use serde_json::Value;

use super::arguments::{ExportArguments, ExportFormat, Global};
use super::failure::Failure;
use super::{fix, output, runs};
use crate::journal::Outcome;
use crate::replay::{Archive, Recording};
use crate::report;
use crate::settings::{Environment, Redactor};

/// Runs the command.
pub fn execute(global: &Global, arguments: &ExportArguments) -> Result<Outcome, Failure> {
    if let Some(path) = arguments.out.as_deref().filter(|path| !arguments.force && path.symlink_metadata().is_ok()) {
        let message = format!("{} is there already; nothing was written", path.display());
        return Err(Failure::usage(message, "give --out another name, or replace the file with --force"));
    }
    let folder = runs::find(global, &arguments.run)?;
    let recording = Recording::of_run(&folder).map_err(|error| runs::unreadable(folder.path(), &error))?;
    let redactor = Redactor::of(&Environment::from_process());
    let archive = Archive::pack(&recording, &redactor).context("the run can't be exported")?;
    for digest in &archive.left_out {
        output::say(&format!("export: content {} is left out: it holds a secret, or is gone", digest.short()));
    }
    if archive.redacted > 0 {
        output::say("export: secrets were taken out; what held them can't be replayed elsewhere");
    }
    let value = match arguments.format {
        ExportFormat::Run => serde_json::to_value(&archive),
        ExportFormat::Atif => Ok(report::trajectory(&archive.journal).unwrap_or_default()),
    };
    let value = value.map_err(anyhow::Error::from)?;
    match &arguments.out {
        Some(path) => fix::replace(path, written(&value)?.as_bytes())?,
        None => output::data(written(&value)?.as_bytes())?,
    }
    Ok(Outcome::Verified)
}

/// Escapes as JSON does what a terminal would act upon, which changes no value.
fn written(value: &Value) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
    Ok(crate::text::sanitise_json(&text).into_owned() + "\n")
}
