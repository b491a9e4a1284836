//! The message and exit code (a shell's) for a command that can't be started.

use std::io;

use super::folder::WorkingFolder;
use crate::sandbox::messages::say;
use crate::settings::Refused;
use crate::tools::in_words;

/// A shell's exit code if a program doesn't exist.
const NOT_FOUND: u8 = 127;

/// Reports on stderr that a command can't be started; returns a shell's exit code.
pub(super) fn not_started(program: &str, error: &io::Error) -> u8 {
    say(&format!("kcode: {program} could not be started: {}", in_words(error)));
    NOT_FOUND
}

/// Reports that the working directory can't be entered; returns a shell's exit code.
pub(super) fn not_entered(folder: &WorkingFolder, refused: &Refused) -> u8 {
    say(&format!("kcode: {}", folder.refusal(refused)));
    NOT_FOUND
}
