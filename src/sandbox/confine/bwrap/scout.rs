//! A process that tests the root that bwrap made before a host is started in it.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::sandbox::confine::{namespaces, overlay};

/// The argument that starts the scout.
pub(in crate::sandbox) const SCOUT: &str = "scout";

/// Checks the network and writes to the view, which is the current folder.
///
/// # Errors
/// If a check fails.
pub(in crate::sandbox) fn scout() -> io::Result<ExitCode> {
    namespaces::look_at_network()?;
    overlay::try_out(Path::new("."))?;
    Ok(ExitCode::SUCCESS)
}
