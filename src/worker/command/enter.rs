//! The last step before a command: the process that becomes it closes the door behind itself.
//!
//! It takes the place of code between `fork` and `exec`, which can't be written safely.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::worker::confine;

/// The argument that makes a worker process the entrance of a command: the folders that it may write follow, then
/// [`COMMAND`], then the command. Without folders there are no domains: `--sandbox off`.
pub(in crate::worker) const ENTER: &str = "enter";
/// Stands before the command.
pub(super) const COMMAND: &str = "--";
/// What a shell answers when a program isn't there.
const NOT_FOUND: u8 = 127;

/// Becomes the command.
///
/// # Errors
/// When `arguments` are not what [`ENTER`] promises, or the domain can't be entered.
pub(in crate::worker) fn enter(arguments: &[OsString]) -> io::Result<ExitCode> {
    let mut parts = arguments.splitn(2, |argument| argument == COMMAND);
    let (Some(writable), Some([program, rest @ ..])) = (parts.next(), parts.next()) else {
        return Err(io::Error::other("enter needs folders, a divider and a command"));
    };
    // The thread that started this one lives as long as the command; when it dies, so does the command.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if !writable.is_empty() {
        confine::enter_command_domain(writable.iter().map(PathBuf::from).collect())?;
    }
    let error = Command::new(program).args(rest).exec();
    crate::worker::host::say(&format!("kcode: {} could not be started: {error}", program.to_string_lossy()));
    Ok(ExitCode::from(NOT_FOUND))
}
