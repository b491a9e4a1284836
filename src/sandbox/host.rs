//! Inside the wall: the processes of `kcode __worker`.

use std::io::Write;
use std::process::ExitCode;

use super::{cgroup, command, confine, proof, serve, supervisor};

/// Runs the part of a worker that the arguments after `__worker` name: the supervisor when there are none.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(2);
    let part = arguments.next();
    let run = match part.as_ref().map(|part| part.to_str()) {
        None => supervisor::run(),
        Some(Some(supervisor::HOST)) => serve::run(arguments),
        Some(Some(cgroup::JOIN)) => cgroup::join(arguments),
        Some(Some(confine::SCOUT)) => confine::scout(),
        Some(Some(command::ENTER)) => command::enter(),
        Some(Some(command::DOOR)) => command::open(),
        Some(Some(command::INIT)) => command::keep(),
        Some(Some(proof::PROVE)) => proof::prove(arguments),
        Some(Some(proof::LINGER)) => proof::linger(),
        Some(_) => Err(std::io::Error::other("a worker is started by kcode itself and has no use for people")),
    };
    run.unwrap_or_else(|error| {
        say(&format!("kcode {}: {error}", super::SUBCOMMAND));
        ExitCode::FAILURE
    })
}

/// Says something on stderr: the broker quotes it when the worker dies, a command's log keeps it.
pub(super) fn say(line: &str) {
    // Without a stderr there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
