//! What the host takes away from itself before its first request, layer by layer.
//!
//! Each layer is tried and reported; none is assumed. What the layers add up to is probed: the
//! files are called guarded only when writing outside was tried and refused.

mod files;
mod landlock;
mod limits;

use std::fs;
use std::io;
use std::path::Path;

use rustix::process::{child_subreaper, getpid, set_child_subreaper};
use rustix::thread::{no_new_privs, set_no_new_privs};

pub(super) use landlock::enter_command_domain;

use super::plan::Charge;
use crate::journal::{Layer, WallBuilt};

/// Confines this process and all that it will start. Only the calling thread is confined, so it
/// has to be the only one.
pub(super) fn confine(charge: &Charge) -> WallBuilt {
    let subreaper = layer("subreaper", adopt_orphans());
    if !charge.confine {
        let off = Layer { name: "landlock".into(), holds: false, detail: "switched off by --sandbox off".into() };
        return WallBuilt { layers: vec![subreaper, off], ..WallBuilt::default() };
    }
    let privileges = layer("no_new_privs", give_up_new_privileges());
    let limits = layer("rlimits", limits::set());
    let capabilities = layer("capabilities", limits::drop_capabilities());
    let kernel = landlock::enter_host_domain(charge);
    let writes = layer("write probe", probe_writes(charge));
    let network = Layer {
        name: "network".into(),
        holds: false,
        detail: "open: TCP, UDP and the sockets of this machine can be reached".into(),
    };
    let tree = kernel.files && writes.holds;
    let process = kernel.signals && subreaper.holds && privileges.holds && capabilities.holds;
    let layers = vec![subreaper, privileges, limits, capabilities, kernel.layer, writes, network];
    WallBuilt { tree, process, network: false, layers, ms: 0 }
}

fn layer(name: &str, tried: io::Result<String>) -> Layer {
    let holds = tried.is_ok();
    Layer { name: name.into(), holds, detail: tried.unwrap_or_else(|error| error.to_string()) }
}

fn adopt_orphans() -> io::Result<String> {
    set_child_subreaper(Some(getpid()))?;
    match child_subreaper()? {
        Some(_) => Ok("daemons stay below the worker and end with it".into()),
        None => Err(io::Error::other("the kernel took the request and ignored it")),
    }
}

fn give_up_new_privileges() -> io::Result<String> {
    set_no_new_privs(true)?;
    if no_new_privs()? { Ok("set".into()) } else { Err(io::Error::other("the kernel took the request and ignored it")) }
}

/// Tries to make a file where none may be made: beside the view, and in the home.
fn probe_writes(charge: &Charge) -> io::Result<String> {
    let beside = charge.view.parent().map(Path::to_owned);
    let places: Vec<_> = beside.into_iter().chain(charge.home.clone()).filter(|place| place.is_dir()).collect();
    for place in &places {
        let probe = place.join(format!(".kcode-probe-{}", getpid()));
        if fs::File::create_new(&probe).is_ok() {
            fs::remove_file(&probe)?;
            return Err(io::Error::other(format!("a file could be made in {}", place.display())));
        }
    }
    Ok(format!("refused in {} places outside the view", places.len()))
}
