//! `kcode audit`: whether a run kept the laws, from its journal alone.

use anyhow::Context;

use super::arguments::{AuditArguments, Global, Listing};
use super::failure::Failure;
use super::{output, runs};
use crate::journal::{Outcome, recover};
use crate::report;

/// Prints the audit of a run. A breach of a law is a bug in kcode, and ends so.
pub fn execute(global: &Global, arguments: &AuditArguments) -> Result<Outcome, Failure> {
    let journal = runs::find(global, &arguments.run)?.journal();
    let recovered = recover(&journal).with_context(|| format!("{} can't be read", journal.display()))?;
    let audit = report::audit(&recovered.records)
        .ok_or_else(|| Failure::internal(format!("{} holds no run", journal.display())))?;
    match arguments.form.listing() {
        Listing::Json => output::json(&audit)?,
        Listing::Text => output::data(report::audit_page(&audit).as_bytes())?,
    }
    Ok(if audit.breaches.is_empty() { Outcome::Verified } else { Outcome::Internal })
}
