//! The last step before a command: the process that becomes it closes the door behind itself.
//!
//! It takes the place of code between `fork` and `exec`, which can't be written safely.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::worker::confine;

/// The argument that makes a worker process the entrance of a command; view, scratch, `confined` or `open`, and the
/// command follow.
pub(in crate::worker) const ENTER: &str = "enter";
/// Enter the command's own domain first.
pub(super) const CONFINED: &str = "confined";
/// There are no domains: `--sandbox off`.
pub(super) const OPEN: &str = "open";
/// What a shell answers when a program isn't there.
const NOT_FOUND: u8 = 127;

/// Becomes the command.
///
/// # Errors
/// When `arguments` are not what [`ENTER`] promises, or the domain can't be entered.
pub(in crate::worker) fn enter(arguments: &[OsString]) -> io::Result<ExitCode> {
    let [view, scratch, confinement, program, rest @ ..] = arguments else {
        return Err(io::Error::other("enter needs a view, a scratch folder, a confinement and a command"));
    };
    // The thread that started this one lives as long as the command; when it dies, so does the command.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if confinement == CONFINED {
        confine::enter_command_domain(Path::new(view), Path::new(scratch))?;
    }
    let error = Command::new(program).args(rest).exec();
    crate::worker::host::say(&format!("kcode: {} could not be started: {error}", program.to_string_lossy()));
    Ok(ExitCode::from(NOT_FOUND))
}
