//! The entry point of the sandbox's processes, `kcode __worker`.

use std::process::ExitCode;

use super::messages::say;
use super::serve::HostSetup;
use super::{cgroup, command, confine, proof, serve, supervisor};

/// Runs the part of a worker that the argument after `__worker` names.
#[must_use]
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(2);
    let part = arguments.next();
    let run = match part.as_ref().map(|part| part.to_str()) {
        Some(Some(supervisor::SUPERVISOR)) => supervisor::run(),
        Some(Some(supervisor::HOST)) => HostSetup::of_arguments(arguments).and_then(serve::run).map(ExitCode::from),
        Some(Some(cgroup::JOIN)) => cgroup::join(arguments),
        Some(Some(confine::SCOUT)) => confine::scout(),
        Some(Some(command::ENTER)) => command::enter(),
        Some(Some(command::DOOR)) => command::open(None).map(ExitCode::from),
        Some(Some(proof::PROVE)) => proof::prove(arguments),
        _ => Err(std::io::Error::other("a worker is started by kcode itself and has no use for people")),
    };
    run.unwrap_or_else(|error| {
        say(&format!("kcode {}: {error}", super::SUBCOMMAND));
        ExitCode::FAILURE
    })
}
