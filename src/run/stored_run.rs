//! What is kept of a run, read and written: its report, its changes, any file of its folder.

use std::path::Path;

use anyhow::Context;

use super::failure::Failure;
use super::out_file::replace;
use crate::journal::{FindError, Outcome, Record, RecoverError, RunFolder, recover};
use crate::report::{self, Report};
use crate::settings::{Environment, Redactor};

/// The report of a run, folded from its journal.
pub(crate) fn load(run: &RunFolder) -> Result<Report, Failure> {
    let journal = run.journal();
    let recovered = recover(&journal).map_err(|error| {
        let failure = Failure::from(error);
        Failure { message: format!("{} can't be read: {}", journal.display(), failure.message), ..failure }
    })?;
    report_of(&recovered.records, run)
}

/// The report of the run with these records, whose folder is `run`.
pub(super) fn report_of(records: &[Record], run: &RunFolder) -> Result<Report, Failure> {
    let mut report = report::fold(records, &run.patch().display().to_string())
        .ok_or_else(|| Failure::internal(format!("{} holds no run", run.journal().display())))?;
    // The journal keeps the model's words byte for byte; nobody else gets them with secrets in them.
    if let Some(said) = &mut report.said {
        Redactor::of(&Environment::from_process()).clean(said);
    }
    Ok(report)
}

/// A part of a run that is no longer what kcode wrote.
pub(crate) fn unreadable(what: &Path, error: &std::io::Error) -> Failure {
    let hint = "something else is in its place; `kcode audit` says what is left of the run";
    Failure::new(Outcome::Internal, format!("{} can't be read: {error}", what.display()), hint)
}

/// Writes `report.json` and `report.md`.
pub(super) fn write_report(folder: &RunFolder, report: &Report) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(report).context("the report can't be written as JSON")?;
    let written = replace(&folder.report_json(), format!("{json}\n").as_bytes())
        .and_then(|()| replace(&folder.report_md(), report::markdown(report).as_bytes()));
    written.map_err(|failure| {
        let (id, place) = (folder.id(), folder.path().display());
        let hint = format!("make space in {place}; `kcode show {id}` folds the report anew from the journal");
        Failure { hint: Some(hint), ..failure }
    })
}

impl From<RecoverError> for Failure {
    fn from(error: RecoverError) -> Self {
        let outcome = if matches!(error, RecoverError::Newer { .. }) { Outcome::Usage } else { Outcome::Internal };
        Self::new(outcome, error.to_string(), error.hint())
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        Self::usage(error.to_string(), "`kcode runs` lists the runs of this repository")
    }
}
