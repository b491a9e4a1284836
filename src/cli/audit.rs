//! `kcode audit`: checks a run against the laws, from its journal alone.

use clap::Args;

use super::arguments::{Global, Listing, ListingForm, RunArgument};
use super::{kept_runs, output};
use crate::journal::{Event, Outcome, RunStarted, recover};
use crate::report;
use crate::run::{Failure, Inherited};

/// See [`Command::Audit`](super::command_line::Command::Audit).
#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    #[command(flatten)]
    pub run: RunArgument,
    #[command(flatten)]
    pub form: ListingForm,
}

/// Prints the audit of a run. A breach of a law is a bug in kcode, and ends with that exit code.
pub(super) fn execute(global: &Global, arguments: &AuditArguments) -> Result<Outcome, Failure> {
    let folder = kept_runs::find(global, &arguments.run)?;
    let journal = folder.journal();
    let records = recover(&journal)?.records;
    let earlier = match records.first().map(|record| &record.event) {
        Some(Event::RunStarted(RunStarted { follows: Some(follows), .. })) => {
            Inherited::reopen(&folder, follows)?.records
        }
        _ => Vec::new(),
    };
    let audit = report::audit(&earlier, &records)
        .ok_or_else(|| Failure::internal(format!("{} holds no run", journal.display())))?;
    match arguments.form.listing() {
        Listing::Json => output::json(&audit)?,
        Listing::Text => output::page(&report::audit_page(&audit))?,
    }
    Ok(if audit.breaches.is_empty() { Outcome::Verified } else { Outcome::Internal })
}
