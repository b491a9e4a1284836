//! `kcode export`: writes a run to one file, without secrets.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::arguments::{Global, RunArgument};
use super::latest::{self, Purpose};
use super::output;
use crate::journal::Outcome;
use crate::replay::{Archive, Recording};
use crate::report;
use crate::run::{self, Failure, out_file};
use crate::settings::{Environment, Redactor};

/// See [`Command::Export`](super::command_line::Command::Export).
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    pub run: RunArgument,
    /// Write to FILE instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace FILE if it is there already
    #[arg(long, requires = "out")]
    pub force: bool,
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "run")]
    pub format: ExportFormat,
}

/// See [`ExportArguments::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// Everything that `kcode replay FILE` needs but the repository (kcode.run/1)
    Run,
    /// A trajectory for Harbor, Terminal-Bench and others (ATIF-v1.6)
    Atif,
}

pub(super) fn execute(global: &Global, arguments: &ExportArguments) -> Result<Outcome, Failure> {
    if let Some(path) = &arguments.out {
        out_file::check(path, "--out")?;
        if !arguments.force && path.symlink_metadata().is_ok() {
            let message = format!("{} is there already; nothing was written", path.display());
            return Err(Failure::usage(message, "give --out another name, or replace the file with --force"));
        }
    }
    let folder = latest::find(global, arguments.run.run.as_deref(), Purpose::Export)?;
    let recording = Recording::of_run(&folder).map_err(|error| run::unreadable(folder.path(), &error))?;
    let redactor = Redactor::of(&Environment::from_process());
    let archive = Archive::pack(&recording, &redactor).context("the run can't be exported")?;
    for digest in &archive.left_out {
        output::say(&format!("export: content {} is left out: it holds a secret, or is gone", digest.short()));
    }
    if archive.redacted > 0 {
        output::say("export: secrets were removed; the parts that contained them can't be replayed elsewhere");
    }
    let value = match arguments.format {
        ExportFormat::Run => serde_json::to_value(&archive),
        ExportFormat::Atif => Ok(report::trajectory(&archive.journal).unwrap_or_default()),
    };
    let value = value.map_err(anyhow::Error::from)?;
    match &arguments.out {
        Some(path) => run::replace(path, written(&value)?.as_bytes())?,
        None => output::data(written(&value)?.as_bytes())?,
    }
    Ok(Outcome::Verified)
}

/// Escapes, as JSON allows, what a terminal would interpret; no value changes.
fn written(value: &Value) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
    Ok(crate::text::sanitise_json(&text).into_owned() + "\n")
}
