//! The prover: a process that was started as a command is, and tells what it could do.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use super::attempts::attempts;
use crate::journal::Proof;

/// The argument that makes a worker process the prover; its targets as JSON follow.
pub(in crate::sandbox) const PROVE: &str = "prove";

/// Makes all attempts and writes them to standard output, as JSON.
///
/// # Errors
/// When the argument is no targets, or nobody listens.
pub(in crate::sandbox) fn prove(mut arguments: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    let targets = arguments.next().and_then(|json| json.into_string().ok()).unwrap_or_default();
    let proofs = attempts(&serde_json::from_str(&targets)?);
    io::stdout().write_all(&serde_json::to_vec(&proofs)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What a prover wrote.
///
/// # Errors
/// When it is something else.
pub(in crate::sandbox) fn read(output: &[u8]) -> Result<Vec<Proof>, String> {
    serde_json::from_slice(output).map_err(|_| {
        let said = String::from_utf8_lossy(output).trim().chars().take(200).collect::<String>();
        if said.is_empty() { "the prover said nothing".to_owned() } else { format!("the prover said {said:?}") }
    })
}
