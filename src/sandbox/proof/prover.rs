//! The prover: a process that is started like a command and reports what it could do.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use super::attempts::attempts;
use crate::journal::Proof;

/// The argument that starts the prover; its targets as JSON follow.
pub(in crate::sandbox) const PROVE: &str = "prove";

/// Makes all attempts and writes the results to standard output as JSON.
///
/// # Errors
/// If the argument holds no targets, or nobody reads the output.
pub(in crate::sandbox) fn prove(mut arguments: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    let targets = arguments.next().and_then(|json| json.into_string().ok()).unwrap_or_default();
    let proofs = attempts(&serde_json::from_str(&targets)?);
    io::stdout().write_all(&serde_json::to_vec(&proofs)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Parses the prover's output.
///
/// # Errors
/// If it is something else.
pub(in crate::sandbox) fn read(output: &[u8]) -> Result<Vec<Proof>, String> {
    serde_json::from_slice(output).map_err(|_| {
        let said = String::from_utf8_lossy(output).trim().chars().take(200).collect::<String>();
        if said.is_empty() { "the prover said nothing".to_owned() } else { format!("the prover said {said:?}") }
    })
}
