//! Arguments and commands, one file a command.

use std::process::ExitCode;

use crate::worker;

/// Parses the process's arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == worker::SUBCOMMAND) {
        return worker::host::main();
    }
    ExitCode::SUCCESS
}
