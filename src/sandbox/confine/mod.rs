//! Confines the host before its first request, layer by layer.
//!
//! Each layer is tried and reported, none is assumed; the proof shows whether they hold.
//!
//! There are two steps: first what holds for the whole process, so that the command thread can be started; then what
//! would keep that thread from creating namespaces.

mod attributes;
mod bwrap;
mod devices;
mod domain;
mod landlock;
mod limits;
mod mount_table;
mod namespaces;
mod overlay;
mod overlays_ahead;
mod root;
mod seccomp;
mod way;

use std::fs;
use std::io;
use std::path::PathBuf;

use rustix::process::{child_subreaper, getpid, set_child_subreaper};
use rustix::thread::{no_new_privs, set_no_new_privs};

pub(super) use bwrap::{SCOUT, prepare as by_bwrap, scout};
pub(super) use domain::Domain;
pub(super) use limits::{PROCESSES, drop_capabilities, go_first, limit_pid_namespace, memory_limit};
pub(super) use mount_table::{mount_line, mount_table};
pub(super) use namespaces::{unshare_pid_namespace, unshare_users};

pub(super) use seccomp::Processes;
use seccomp::Sockets;

use super::caches::Cache;
use super::namespace_provider::{InBwrap, NamespaceProvider};
use super::plain_paths::lies_in;
use super::plan::{OverlayPlan, WorkerConfig};
use super::proof::Meant;
use super::side_process::SideProcess;
use super::user;
use super::visible::{self, Known, SearchResults, Searched, VisibilityRequest, Visible};
use crate::journal::{Layer, SandboxBuilt};

/// The namespaces aren't available, and this process can't continue: another one has to do without.
pub(super) struct NoNamespaces(pub(super) String);

/// Result of the first step.
pub(super) struct NamespacesEntered {
    layers: Vec<Layer>,
    pub(super) view: PathBuf,
    /// Whether the process is in namespaces.
    pub(super) in_namespaces: bool,
    /// What a command may access; `None` for `--sandbox off`.
    pub(super) domain: Option<Domain>,
    /// Variables that tell commands where their caches are.
    pub(super) caches: Vec<(String, String)>,
    /// Places of the machine that are shown.
    visible: Visible,
    /// Results of the search for what must be covered.
    pub(super) searched: Searched,
    /// What to keep of them for later runs, if that isn't kept yet.
    pub(super) keep: Option<String>,
}

/// Puts this process, which must have a single thread, into namespaces as its [`NamespaceProvider`] says, and drops its
/// privileges.
pub(super) fn enter_namespaces(
    config: &WorkerConfig,
    provider: &NamespaceProvider,
) -> Result<NamespacesEntered, NoNamespaces> {
    let subreaper = layer("subreaper", adopt_orphans());
    if !config.confine {
        return unconfined(config, provider, subreaper);
    }
    let variable = |name: &str| std::env::var_os(name);
    let sockets = visible::sockets();
    let asked = VisibilityRequest {
        config,
        variable: &variable,
        program: std::env::current_exe().ok(),
        sockets: &sockets,
        known: Known::default(),
    };
    let Spaces { layers: spaces, overlay, warm, visible, keep } = match provider {
        NamespaceProvider::Bare { why } => {
            let why_not = || Layer::missing("overlay", "it needs namespaces");
            let overlay = config.overlay.is_some().then(why_not);
            let visible = visible::visible(&asked, false);
            Spaces { layers: vec![without(why)], overlay, warm: Vec::new(), visible, keep: None }
        }
        NamespaceProvider::Bwrap(inside) => found_in_bwrap(config, inside),
        NamespaceProvider::Own => enter_own(&asked).map_err(|error| NoNamespaces(error.to_string()))?,
    };
    let in_namespaces = spaces.iter().all(|layer| layer.holds);
    let mounted = config.overlay.as_ref().filter(|_| overlay.as_ref().is_some_and(|layer| layer.holds));
    let view = mounted.map_or(&config.view, |plan| &plan.tree).clone();
    // Everything in the root may be read, including `ls /`; the link leads to this binary in the former root.
    let all = || (Vec::new(), vec!["/".into(), "/proc/self/exe".into()]);
    let searched = asked.known.into_searched();
    let (listable, readable) = if in_namespaces { all() } else { visible.allowed() };
    let mut writable = vec![view.clone(), config.scratch.clone()];
    writable.extend(warm.iter().map(|cache| cache.folder.clone()));
    writable.extend(devices::writable(in_namespaces));
    let (above_logs, temporary): (Vec<_>, Vec<_>) = root::TEMPORARY
        .map(PathBuf::from)
        .into_iter()
        .filter(|_| in_namespaces)
        .partition(|top| config.logs.starts_with(top));
    // Mounts in them are read-only, except for the logs.
    writable.extend(temporary);
    let sockets = if in_namespaces { Sockets::OfOwnNetwork } else { Sockets::Pairs };
    let privileges = layer("no_new_privs", give_up_new_privileges());
    let limits = layer("rlimits", limits::set());
    let capabilities = layer("capabilities", limits::drop_most_capabilities());
    let layers = [spaces, overlay.into_iter().collect(), vec![subreaper, privileges, limits, capabilities]].concat();
    let logs = config.logs.clone();
    let domain = Some(Domain { listable, readable, writable, above_logs, logs, sockets });
    let caches = caches(config, &warm);
    Ok(NamespacesEntered { layers, view, in_namespaces, domain, caches, visible, searched, keep })
}

/// The result for `--sandbox off`: the view is an overlay if possible, and nothing is confined.
fn unconfined(
    config: &WorkerConfig,
    provider: &NamespaceProvider,
    subreaper: Layer,
) -> Result<NamespacesEntered, NoNamespaces> {
    let in_place = |plan: &OverlayPlan| {
        namespaces::enter_mounts()?;
        overlay::show_in_place(plan)
    };
    let (view, overlay) = match (&config.overlay, provider) {
        (None, _) => (&config.view, None),
        (Some(plan), NamespaceProvider::Own) => {
            in_place(plan).map_err(|error| NoNamespaces(error.to_string()))?;
            (&plan.tree, Some(Layer::holding("overlay", plan.tree.display().to_string())))
        }
        (Some(_), NamespaceProvider::Bare { why }) => (&config.view, Some(Layer::missing("overlay", why.clone()))),
        (Some(_), NamespaceProvider::Bwrap(_)) => {
            (&config.view, Some(Layer::missing("overlay", "bwrap would confine it")))
        }
    };
    let layers = overlay.into_iter().chain([subreaper]).collect();
    let (view, caches, visible) = (view.clone(), caches(config, &[]), Visible::default());
    let searched = Searched::default();
    Ok(NamespacesEntered { layers, view, in_namespaces: false, domain: None, caches, visible, searched, keep: None })
}

/// Variables for the caches, of which those in `warm` are shown with their contents.
fn caches(config: &WorkerConfig, warm: &[Cache]) -> Vec<(String, String)> {
    config.caches.iter().filter_map(|cache| cache.setting(warm.contains(cache), &config.scratch)).collect()
}

/// Result of both steps.
pub(super) struct Confined {
    /// The layers and what they should guard; the proof shows whether that is true.
    pub(super) sandbox: SandboxBuilt,
    /// Whether Landlock keeps commands from signalling processes outside.
    pub(super) signals: bool,
}

impl NamespacesEntered {
    /// What the proof compares the sandbox with.
    pub(super) fn meant(&self, config: &WorkerConfig) -> Meant {
        let is_own = |path: &&PathBuf| config.private.iter().any(|own| path.starts_with(own));
        let git = config.overlay.iter().flat_map(|plan| &plan.git);
        // Parents of places exist and are otherwise empty. In a root of the sandbox's own, so are parents of links to
        // places: fnm keeps those of `$PATH` in `.local/state`.
        let links = self.visible.places.iter().filter(|place| self.in_namespaces && place.path != place.real);
        let on_the_way =
            links.flat_map(|place| place.path.ancestors().filter_map(|above| fs::canonicalize(above).ok()));
        let on_the_way: Vec<PathBuf> = on_the_way.collect();
        let held = self.visible.places.iter().map(|place| &place.real).chain(&on_the_way);
        let holds_none = |path: &PathBuf| !held.clone().any(|place| lies_in(place, path));
        let home: Option<PathBuf> = config.home.as_ref().map(|home| home.components().collect());
        let hidden = home.iter().flat_map(|home| visible::secrets_of(home)).filter(holds_none).collect();
        Meant {
            visible: self.visible.clone(),
            has_root: self.in_namespaces,
            readable_secrets: config.readable_secrets.clone(),
            named: visible::named(config).collect(),
            of_tree: config.readable.iter().filter(is_own).chain(git).cloned().collect(),
            hidden,
            searched: None,
        }
    }

    /// The second step, for the calling thread and its children.
    pub(super) fn confine(self, config: &WorkerConfig) -> Confined {
        let confined = self.restrict(config);
        // Not earlier: code of the repository may have left links there.
        user::write_into(&config.scratch.join("home"), &config.home_files);
        confined
    }

    fn restrict(mut self, config: &WorkerConfig) -> Confined {
        let Some(domain) = self.domain else {
            self.layers.push(Layer::missing("landlock", "switched off by --sandbox off"));
            let sandbox = SandboxBuilt { layers: self.layers, ..SandboxBuilt::default() };
            return Confined { sandbox, signals: false };
        };
        let privileges =
            self.layers.iter().all(|layer| layer.holds || ["namespaces", "overlay"].contains(&&*layer.name));
        let rest = layer("capabilities", limits::drop_capabilities());
        let writable = domain.writable.iter().chain([&config.logs]).cloned().collect();
        let kernel = landlock::enter_host_domain(&Domain { writable, ..domain.clone() });
        let calls = layer("seccomp", seccomp::enter(domain.sockets, Processes::Others));
        let (tree, process) = (self.in_namespaces || kernel.files, privileges && rest.holds);
        let network = self.in_namespaces || calls.holds;
        self.layers.extend([kernel.layer, calls]);
        let sandbox = SandboxBuilt { tree, process, network, layers: self.layers, ..SandboxBuilt::default() };
        Confined { sandbox, signals: kernel.signals }
    }
}

/// Result of entering namespaces.
struct Spaces {
    layers: Vec<Layer>,
    /// The view's overlay, if one is planned.
    overlay: Option<Layer>,
    /// Caches that are shown with their contents.
    warm: Vec<Cache>,
    visible: Visible,
    /// See [`NamespacesEntered::keep`].
    keep: Option<String>,
}

/// Enters namespaces, their root and network: all of them or none; also overlays, if planned.
fn enter_own(asked: &VisibilityRequest<'_>) -> io::Result<Spaces> {
    let config = asked.config;
    let planned = visible::draft(asked, true);
    let folders = planned.unknown(asked);
    // If the copy can't be started, the search runs when its result is needed.
    let search = SideProcess::start(|| visible::search(&folders, config)).ok();
    let layers_of = |cache: &Cache| cache.layers(&config.overlay.as_ref()?.layers);
    let shown = config.caches.iter().filter(|cache| planned.has_cache(&cache.folder));
    let caches: Vec<_> = shown.filter_map(|cache| Some((cache, layers_of(cache)?))).collect();
    let failed = |name: &'static str| move |error| io::Error::other(format!("{name}: {error}"));
    namespaces::enter().map_err(failed("namespaces"))?;
    let network = namespaces::isolate_network().map_err(failed("network"))?;
    let places = planned.places.clone();
    let mut keep = None;
    let searched = || {
        let found: Option<SearchResults> = search.and_then(|search| search.finish().ok());
        if let Some(results) = found {
            asked.known.learn(folders, results.found);
            keep = results.keep;
        }
        planned.finish(asked)
    };
    let places = root::RootContents {
        planned: &places,
        searched: Box::new(searched),
        in_copy: &|| visible::visible(asked, false),
        overlay: config.overlay.as_ref(),
        view: &config.view,
        writable: &[config.scratch.clone(), config.logs.clone()],
        caches: &caches,
    };
    let root = root::enter(places).map_err(failed("root"))?;
    let shown = root.no_overlay.map_or(Ok(()), Err);
    let overlay = config.overlay.as_ref();
    let overlay = overlay.map(|plan| layer("overlay", shown.map(|()| plan.tree.display().to_string())));
    let spaces = Layer::holding("namespaces", "user, mount, network, IPC, UTS");
    let layers = vec![spaces, Layer::holding("root", root.detail), Layer::holding("network", network)];
    Ok(Spaces { layers, overlay, warm: root.caches, visible: root.visible, keep })
}

/// The same if bwrap made them before this process started.
fn found_in_bwrap(config: &WorkerConfig, inside: &InBwrap) -> Spaces {
    let InBwrap { version, why, places, no_overlay, .. } = inside;
    let overlay = config.overlay.as_ref().map(|plan| match no_overlay {
        Some(why) => Layer::missing("overlay", why.clone()),
        None => Layer::holding("overlay", plan.tree.display().to_string()),
    });
    let layers = vec![
        Layer::holding("namespaces", "mount, process, network, IPC, UTS"),
        Layer::holding("bwrap", format!("{version}, as kcode's own are refused ({why})")),
        Layer::holding("root", format!("{places} places of the machine, read-only; the rest isn't there")),
        layer("network", namespaces::look_at_network()),
    ];
    // Caches are cold, because bwrap's root has none of kcode's mounts.
    Spaces { layers, overlay, warm: Vec::new(), visible: inside.visible.clone(), keep: None }
}

fn without(why: &str) -> Layer {
    let detail = format!("{why}; tests can open no socket, and modes and times of the user's own files stay unguarded");
    Layer::missing("namespaces", detail)
}

fn layer(name: &str, tried: io::Result<String>) -> Layer {
    match tried {
        Ok(detail) => Layer::holding(name, detail),
        Err(error) => Layer::missing(name, error.to_string()),
    }
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
