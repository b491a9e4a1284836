//! Attempts to reach the user's terminal, and to use inherited descriptors.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::process::Pid;
use rustix::termios::isatty;

use super::attempts::AttemptResult;
use crate::sandbox::session;

/// Opens without waiting for a line and without acquiring a controlling terminal.
const HARMLESS: i32 = libc::O_NOCTTY | libc::O_NONBLOCK;

/// `broker` is `None` if it isn't visible.
pub(super) fn attempts(broker: Option<Pid>, mut add: impl FnMut(&str, AttemptResult)) {
    add("open a terminal", open_one());
    add("belong to the user's terminal", belong(broker));
    add("inherit an open file", inherit());
}

fn refusal(words: &str) -> AttemptResult {
    Err(io::Error::other(words.to_owned()))
}

/// Opens a terminal of the machine: tests make their own if they need one, and none has yet.
fn open_one() -> AttemptResult {
    let numbered = fs::read_dir("/dev/pts").into_iter().flatten().flatten().map(|entry| entry.path());
    let places = ["/dev/tty", "/dev/console"].map(PathBuf::from).into_iter().chain(numbered);
    let opened = |place: &Path| OpenOptions::new().read(true).custom_flags(HARMLESS).open(place);
    for place in places.filter(|place| place.file_name().is_some_and(|name| name != "ptmx")) {
        if opened(&place).is_ok() {
            return Ok("it worked");
        }
    }
    refusal("there is none, or it may not be opened")
}

fn belong(broker: Option<Pid>) -> AttemptResult {
    if session::without_terminal().is_err() {
        return Ok("it controls this process");
    }
    if isatty(rustix::stdio::stdin()) || isatty(rustix::stdio::stdout()) || isatty(rustix::stdio::stderr()) {
        return Ok("it is open");
    }
    if broker.is_some_and(session::is_shared_with) {
        return Ok("the session is kcode's");
    }
    refusal("the session is another one, without a terminal")
}

/// Uses every descriptor except standard input, output and error.
fn inherit() -> AttemptResult {
    let list = fs::read_dir("/proc/self/fd")?;
    let is_list = |place: &Path| fs::read_link(place).is_ok_and(|to| to.starts_with("/proc") && to.ends_with("fd"));
    let standard = ["0", "1", "2"].map(|number| Path::new("/proc/self/fd").join(number));
    let more = list.flatten().map(|entry| entry.path()).filter(|place| !standard.contains(place) && !is_list(place));
    if more.count() > 0 {
        return Ok("one more than standard input, output and error is open");
    }
    refusal("there are standard input, output and error")
}
