//! Namespaces made by bwrap (<https://github.com/containers/bubblewrap>), where kcode may not make its own.
//!
//! Distributions that deny user namespaces to unknown programs (Ubuntu, through AppArmor) allow bwrap; others install
//! it setuid root. The policy equals kcode's own: differences are reported, and the same proof tests it. bwrap can't
//! give each command a PID namespace, because its children may not create any, so commands share the worker's.
//!
//! | File | What it is about |
//! |---|---|
//! | `find` | which program, and what it can do |
//! | `policy` | the root that it is to make, as arguments |
//! | `scout` | a process that looks, before the host, whether that root serves |

mod find;
mod policy;
mod scout;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use find::Bwrap;
use policy::BwrapPolicy;
pub(in crate::sandbox) use scout::{SCOUT, scout};

use crate::sandbox::plan::{OverlayPlan, WorkerConfig};
use crate::sandbox::visible::{self, Known, VisibilityRequest};
use crate::sandbox::{SUBCOMMAND, namespace_provider::InBwrap};

/// Namespaces that bwrap makes and that were tested.
pub(in crate::sandbox) struct Inside {
    program: PathBuf,
    arguments: Vec<OsString>,
    /// Facts that are passed to the host.
    pub(in crate::sandbox) provider: InBwrap,
}

impl Inside {
    /// A command that starts a worker process in them; its arguments have to be added.
    pub(in crate::sandbox) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }
}

/// Finds out how bwrap can start a host, with an overlay or without. `why` says why kcode's own namespaces failed.
///
/// # Errors
/// A description, if it can't.
pub(in crate::sandbox) fn prepare(config: &WorkerConfig, why: &str) -> Result<Inside, String> {
    let tree = config.overlay.as_ref().map_or(&config.view, |overlay| &overlay.tree);
    let bwrap = Bwrap::find(tree)?;
    // In bwrap's process the link in `/proc` would name bwrap.
    let worker = std::env::current_exe().map_err(|error| format!("kcode's own file can't be found: {error}"))?;
    let variable = |name: &str| std::env::var_os(name);
    let sockets = visible::sockets();
    let cold = WorkerConfig { caches: Vec::new(), ..config.clone() };
    let asked = VisibilityRequest {
        config: &cold,
        variable: &variable,
        program: Some(worker.clone()),
        sockets: &sockets,
        known: Known::default(),
    };
    let attempt = |overlay: Option<&OverlayPlan>| {
        let visible = visible::visible(&asked, overlay.is_some());
        let policy = BwrapPolicy::new(config, overlay, &bwrap, &visible).map_err(|error| error.to_string())?;
        let places = policy.places();
        let arguments = policy.arguments([worker.as_os_str(), SUBCOMMAND.as_ref()]);
        look(&bwrap.program, &arguments)?;
        let provider = InBwrap { version: bwrap.version(), why: why.to_owned(), places, visible, no_overlay: None };
        Ok::<_, String>(Inside { program: bwrap.program.clone(), arguments, provider })
    };
    let no_overlay = match &config.overlay {
        None => None,
        Some(plan) => match bwrap.overlay().and_then(|()| attempt(Some(plan))) {
            Ok(inside) => return Ok(inside),
            Err(why) => Some(why),
        },
    };
    let mut inside = attempt(None).map_err(|why| format!("bwrap {}: {why}", bwrap.version()))?;
    inside.provider.no_overlay = no_overlay;
    Ok(inside)
}

/// Runs a scout in them.
fn look(program: &Path, arguments: &[OsString]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).arg(SCOUT).stdin(Stdio::null()).stdout(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it ended without a word");
    Err(last.trim_start_matches("bwrap: ").chars().take(300).collect())
}
