//! Messages of the worker's processes to people.

use std::io::Write as _;

/// Writes a line to stderr: the broker quotes it if the worker dies, and a command's log keeps it.
pub(super) fn say(line: &str) {
    // Without stderr nobody can be told.
    let _ = writeln!(std::io::stderr(), "{line}");
}
