//! Arguments and commands, one file a command.

use std::process::ExitCode;

/// Parses the process's arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
