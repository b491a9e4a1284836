//! A process that looks whether the root that bwrap made serves, so that a host is started only where it does.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::sandbox::confine::{namespaces, overlay};

/// The argument that makes a worker process the scout.
pub(in crate::sandbox) const SCOUT: &str = "scout";

/// Looks at the network and writes to the view, which is the current folder.
///
/// # Errors
/// When one of them isn't as it has to be.
pub(in crate::sandbox) fn scout() -> io::Result<ExitCode> {
    namespaces::look_at_network()?;
    overlay::try_out(Path::new("."))?;
    Ok(ExitCode::SUCCESS)
}
