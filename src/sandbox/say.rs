//! What the processes of a worker say to people.

use std::io::Write as _;

/// Says something on stderr: the broker quotes it when the worker dies, a command's log keeps it.
pub(super) fn say(line: &str) {
    // Without a stderr there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
