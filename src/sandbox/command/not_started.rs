//! What is said of a command that can't be started, and its exit code, which is a shell's.

use std::io;

use super::folder::WorkingFolder;
use crate::sandbox::say::say;
use crate::settings::Refused;
use crate::tools::in_words;

/// What a shell answers when a program isn't there.
const NOT_FOUND: u8 = 127;

/// Says on stderr that a command can't be started, and answers as a shell would.
pub(super) fn not_started(program: &str, error: &io::Error) -> u8 {
    say(&format!("kcode: {program} could not be started: {}", in_words(error)));
    NOT_FOUND
}

/// The same when it can't begin in its folder.
pub(super) fn not_entered(folder: &WorkingFolder, refused: &Refused) -> u8 {
    say(&format!("kcode: {}", folder.refusal(refused)));
    NOT_FOUND
}
