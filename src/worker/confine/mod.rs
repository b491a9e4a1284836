//! What the host takes away from itself before its first request, layer by layer.
//!
//! Each layer is tried and reported; none is assumed. What the layers add up to is probed: the
//! files are called guarded only when writing outside was tried and refused.

mod files;
mod landlock;
mod limits;
mod namespaces;
mod overlay;
mod root;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{child_subreaper, getpid, set_child_subreaper};
use rustix::thread::{no_new_privs, set_no_new_privs};

pub(super) use landlock::enter_command_domain;

use super::plan::Charge;
use crate::journal::{Layer, WallBuilt};

/// What came of it.
pub(super) struct Confined {
    /// For the journal.
    pub(super) wall: WallBuilt,
    /// Where the view is.
    pub(super) view: PathBuf,
    /// Where commands may write.
    pub(super) writable: Vec<PathBuf>,
}

/// The namespaces that were tried can't be had, and this process can't go on: another one has to do without.
pub(super) struct NoNamespaces(pub(super) String);

/// Confines this process and all that it will start. Only the calling thread is confined, so it has to be the only
/// one. `without_namespaces` says why they aren't to be tried.
pub(super) fn confine(charge: &Charge, without_namespaces: Option<String>) -> Result<Confined, NoNamespaces> {
    let subreaper = layer("subreaper", adopt_orphans());
    if !charge.confine {
        let off = Layer { name: "landlock".into(), holds: false, detail: "switched off by --sandbox off".into() };
        let wall = WallBuilt { layers: vec![subreaper, off], ..WallBuilt::default() };
        let writable = vec![charge.view.clone(), charge.scratch.clone()];
        return Ok(Confined { wall, view: charge.view.clone(), writable });
    }
    let mut readable = files::readable(charge.home.as_deref(), |name| std::env::var_os(name));
    readable.extend(charge.readable.iter().cloned());
    // This binary, to start commands with, wherever it lies.
    readable.extend(std::env::current_exe());
    let (spaces, overlay) = match without_namespaces {
        Some(why) => (vec![without(&why), open_network()], charge.overlay.is_some().then(no_root_for_overlay)),
        None => enter_namespaces(charge, &readable).map_err(|error| NoNamespaces(error.to_string()))?,
    };
    let enclosed = spaces.iter().all(|layer| layer.holds);
    let mounted = charge.overlay.as_ref().filter(|_| overlay.as_ref().is_some_and(|layer| layer.holds));
    let view = mounted.map_or(&charge.view, |plan| &plan.tree).clone();
    let mut writable = vec![view.clone(), charge.scratch.clone()];
    if enclosed {
        writable.extend(private_temporary(&charge.logs));
        // All that is there may be read, `ls /` included; the link leads to this binary in the root that was left.
        readable = vec!["/".into(), "/proc/self/exe".into()];
    }
    let privileges = layer("no_new_privs", give_up_new_privileges());
    let limits = layer("rlimits", limits::set());
    let capabilities = layer("capabilities", limits::drop_capabilities());
    let all_writable = writable.iter().chain([&charge.logs]).cloned().collect();
    let kernel = landlock::enter_host_domain(readable, all_writable);
    let writes = layer("write probe", probe_writes(&view, charge.home.as_deref(), &writable));
    let wall = WallBuilt {
        tree: kernel.files && writes.holds,
        process: kernel.signals && subreaper.holds && privileges.holds && capabilities.holds,
        network: enclosed,
        layers: [
            spaces,
            overlay.into_iter().collect(),
            vec![subreaper, privileges, limits, capabilities, kernel.layer, writes],
        ]
        .concat(),
        ms: 0,
    };
    Ok(Confined { wall, view, writable })
}

/// The private temporary folders that commands may write as a whole. What is shown in them is on read-only mounts, but
/// for the logs, which the host does write.
fn private_temporary(logs: &Path) -> Vec<PathBuf> {
    root::TEMPORARY.into_iter().filter(|folder| !logs.starts_with(folder)).map(PathBuf::from).collect()
}

/// Namespaces, the root in them, and the network: all of them, or none. And the overlay, when one is wanted.
fn enter_namespaces(charge: &Charge, readable: &[PathBuf]) -> io::Result<(Vec<Layer>, Option<Layer>)> {
    let failed = |name: &str| {
        let name = name.to_owned();
        move |error| io::Error::other(format!("{name}: {error}"))
    };
    let held = |name: &str, detail: String| Layer { name: name.into(), holds: true, detail };
    namespaces::enter().map_err(failed("namespaces"))?;
    let network = namespaces::isolate_network().map_err(failed("network"))?;
    let places = root::Places {
        readable: readable.iter().cloned().chain(files::devices()).collect(),
        overlay: charge.overlay.as_ref(),
        view: &charge.view,
        writable: &[charge.scratch.clone(), charge.logs.clone()],
    };
    let root = root::enter(places).map_err(failed("root"))?;
    let overlay = charge.overlay.as_ref().map(|plan| {
        let shown = root.no_overlay.map_or(Ok(plan.tree.display().to_string()), Err);
        layer("overlay", shown)
    });
    let spaces = held("namespaces", "user, mount, network, IPC".into());
    Ok((vec![spaces, held("root", root.detail), held("network", network)], overlay))
}

fn no_root_for_overlay() -> Layer {
    Layer { name: "overlay".into(), holds: false, detail: "it needs namespaces".into() }
}

fn without(why: &str) -> Layer {
    let detail = format!("{why}; modes and times of the user's own files stay unguarded");
    Layer { name: "namespaces".into(), holds: false, detail }
}

fn open_network() -> Layer {
    let detail = "open: TCP, UDP and the sockets of this machine can be reached".into();
    Layer { name: "network".into(), holds: false, detail }
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

/// Tries to make a file where none may be made: beside the view, in the home, and among the system's programs.
fn probe_writes(view: &Path, home: Option<&Path>, writable: &[PathBuf]) -> io::Result<String> {
    let places = view.parent().into_iter().chain(home).chain([Path::new("/usr/bin")]).map(Path::to_owned);
    let is_outside = |place: &PathBuf| place.is_dir() && !writable.iter().any(|open| place.starts_with(open));
    let places: Vec<PathBuf> = places.filter(is_outside).collect();
    for place in &places {
        let probe = place.join(format!(".kcode-probe-{}", getpid()));
        if fs::File::create_new(&probe).is_ok() {
            fs::remove_file(&probe)?;
            return Err(io::Error::other(format!("a file could be made in {}", place.display())));
        }
    }
    Ok(format!("refused in {} places outside the view", places.len()))
}
