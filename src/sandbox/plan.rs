//! The configuration of a worker: the broker's plan, and the part of it that is sent to the worker.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::caches::{self, Cache};
use super::plain_paths::lies_in;
use super::plain_paths::real;
use super::progress::ProgressListener;
use super::proof::Targets;
use super::user::User;
use crate::settings::{Environment, Sandbox, Settings, TestCommand, linked_secrets_of_home};
use crate::workspace::{Overlay, remove_tree};

/// The file in the state folder that keeps what searches of toolchains found.
const KEPT_SEARCHES: &str = "kept-searches.json";

/// Everything that a worker is started with.
#[derive(Clone, Debug)]
pub struct WorkerPlan {
    /// Root of the private view, the only place where tools work. Unused if the overlay can be mounted: the view is
    /// then [`OverlayPlan::tree`].
    pub view: PathBuf,
    /// The view as an overlay, tried first; `None` for a copy.
    pub overlay: Option<OverlayPlan>,
    /// The user's tree, canonical, to look for files next to it; `None` if that isn't needed.
    pub tree: Option<PathBuf>,
    /// The run's `logs/`, where the worker writes logs of commands.
    pub logs: PathBuf,
    /// An empty folder of the run that becomes home and temporary folder of its commands.
    pub scratch: PathBuf,
    /// Dependency folders of the repository that a copy links to, and folders named in the user's settings; read-only.
    /// Folders that hold only secrets are not shown even then.
    pub readable: Vec<PathBuf>,
    /// Paths outside the repository that it names and nobody allowed; a failure may be due to their absence.
    pub hidden: Vec<PathBuf>,
    /// Folders that the user's settings name as caches: writes to them are discarded with the run.
    pub caches: Vec<PathBuf>,
    /// Folders that are hidden wherever they lie, except for what this plan names in them: kcode's state, and the
    /// user's tree if the view isn't an overlay of it.
    pub private: Vec<PathBuf>,
    /// How tests are run; `None` if unknown.
    pub tests: Option<TestCommand>,
    /// Longest wall time of a test run.
    pub deadline: Duration,
    /// Longest time that a test run may print nothing.
    pub idle: Duration,
    /// Where the results of searching toolchains are kept for later runs; `None` to search all of them.
    pub kept_searches: Option<PathBuf>,
    /// Names of environment variables that commands get in addition to the usual ones.
    pub child_env: Vec<String>,
    /// Globs of secret files that tools may read nevertheless.
    pub readable_secrets: Vec<String>,
    /// What happens if a layer of the sandbox is missing.
    pub sandbox: Sandbox,
    /// Receives the progress of commands.
    pub listener: ProgressListener,
    /// The program to start as a worker; `None` for this binary.
    pub program: Option<PathBuf>,
}

/// Folders of a run that a worker uses; see the fields of the same names in [`WorkerPlan`].
#[derive(Clone, Debug)]
pub struct WorkerFolders {
    /// See [`WorkerPlan::view`].
    pub view: PathBuf,
    /// See [`WorkerPlan::logs`].
    pub logs: PathBuf,
    /// See [`WorkerPlan::scratch`].
    pub scratch: PathBuf,
}

/// A view that shows the user's tree at its own path and stores changes elsewhere. Needs namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverlayPlan {
    /// The user's tree, canonical. It is the lower layer and never written.
    pub tree: PathBuf,
    /// A folder of the run, canonical, that holds the upper layer `upper` and the kernel's `work`.
    pub layers: PathBuf,
    /// Git's own files and folders, canonical, wherever they are; shown read-only.
    pub git: Vec<PathBuf>,
}

impl OverlayPlan {
    /// Removes what earlier mounts left in the layers of the view and of its caches: the kernel marks a `volatile`
    /// overlay, and refuses to mount it again (<https://docs.kernel.org/filesystems/overlayfs.html#volatile-mount>).
    /// Nothing may have them mounted. With a mark that stays, the mount fails and says so.
    pub(super) fn clear_marks(&self) {
        let caches = fs::read_dir(caches::layers_below(&self.layers)).into_iter().flatten().flatten();
        for layers in caches.map(|entry| entry.path()).chain([self.layers.clone()]) {
            let _ = remove_tree(&layers.join("work/work"));
        }
    }
}

/// The part of a plan that is sent to the worker as its first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerConfig {
    /// See [`WorkerPlan::view`].
    pub view: PathBuf,
    /// See [`WorkerPlan::overlay`].
    pub overlay: Option<OverlayPlan>,
    /// See [`WorkerPlan::logs`].
    pub logs: PathBuf,
    /// See [`WorkerPlan::scratch`].
    pub scratch: PathBuf,
    /// See [`WorkerPlan::readable`].
    pub readable: Vec<PathBuf>,
    /// Links to files next to the tree, for a view that is a copy.
    #[serde(default)]
    pub(super) beside: Vec<PathBuf>,
    /// See [`WorkerPlan::private`].
    #[serde(default)]
    pub private: Vec<PathBuf>,
    /// See [`WorkerPlan::kept_searches`].
    #[serde(default)]
    pub kept_searches: Option<PathBuf>,
    /// The user's home, of which only toolchains stay readable.
    pub home: Option<PathBuf>,
    /// Files to write into the home of commands, by name.
    #[serde(default)]
    pub(super) home_files: BTreeMap<String, String>,
    /// Caches of the user's toolchains, whose changes are discarded.
    #[serde(default)]
    pub(super) caches: Vec<Cache>,
    /// See [`WorkerPlan::tests`].
    pub tests: Option<TestCommand>,
    /// See [`WorkerPlan::deadline`].
    pub deadline: Duration,
    /// See [`WorkerPlan::idle`].
    pub idle: Duration,
    /// See [`WorkerPlan::readable_secrets`].
    pub readable_secrets: Vec<String>,
    /// Inodes of secrets in the user's home that have hard links.
    #[serde(default)]
    pub linked_secrets: Vec<u64>,
    /// Bytes of memory at which the processes of a command are ended; `None` to use what the machine can spare.
    #[serde(default)]
    pub(super) memory: Option<u64>,
    /// False only for `--sandbox off`.
    pub confine: bool,
    /// Targets of the proof; without them there is no proof, and no guard counts as holding.
    pub(super) targets: Option<Targets>,
}

impl OverlayPlan {
    /// The plan for prepared layers.
    #[must_use]
    pub fn of(overlay: &Overlay) -> Self {
        Self { tree: overlay.tree().to_owned(), layers: overlay.layers().to_owned(), git: overlay.git().to_vec() }
    }
}

impl WorkerPlan {
    /// A plan for a worker that runs nothing and sees only toolchains of the machine.
    #[must_use]
    pub fn bare(folders: WorkerFolders, sandbox: Sandbox) -> Self {
        let WorkerFolders { view, logs, scratch } = folders;
        Self {
            view,
            overlay: None,
            tree: None,
            logs,
            scratch,
            readable: Vec::new(),
            hidden: Vec::new(),
            caches: Vec::new(),
            private: Vec::new(),
            tests: None,
            deadline: Duration::ZERO,
            idle: Duration::ZERO,
            kept_searches: None,
            child_env: Vec::new(),
            readable_secrets: Vec::new(),
            sandbox,
            listener: ProgressListener::default(),
            program: None,
        }
    }

    /// The plan according to `settings`; doesn't look at the repository.
    #[must_use]
    pub fn new(settings: &Settings, folders: WorkerFolders) -> Self {
        Self {
            // If there can be no overlay, a cache is shown read-only.
            readable: [&settings.readable.value[..], &settings.caches.value].concat(),
            caches: settings.caches.value.clone(),
            private: vec![settings.state_dir.value.clone()],
            kept_searches: Some(settings.state_dir.value.join(KEPT_SEARCHES)),
            deadline: settings.test_deadline.value,
            idle: settings.test_idle.value,
            child_env: settings.child_env.value.clone(),
            readable_secrets: settings.readable_secrets.value.clone(),
            ..Self::bare(folders, settings.sandbox.value)
        }
    }

    /// Makes this a plan for the tree at `root`, of which only what the plan names is shown.
    pub fn work_on(&mut self, root: &Path) {
        if self.tree.as_deref() != Some(root) {
            self.private.push(root.to_owned());
            self.tree = Some(root.to_owned());
        }
    }

    /// Whether a worker started with `other` shows and covers the same as one with this plan. Only the readable folders
    /// may differ; with an overlay the whole tree is shown anyway.
    #[must_use]
    pub fn shows_the_same_as(&self, other: &Self, in_overlay: bool) -> bool {
        if self.readable == other.readable {
            return true;
        }
        let tree = self.tree.as_deref().filter(|_| in_overlay);
        let caches = caches::of_user(&User::of_process(), &self.caches);
        let is_in_view = |path: &&PathBuf| {
            let is_cache =
                || caches.iter().any(|cache| cache.folder.starts_with(path) || path.starts_with(&cache.folder));
            tree.is_some_and(|tree| lies_in(path, tree)) && !is_cache()
        };
        let beside = |plan: &Self| plan.readable.iter().filter(|path| !is_in_view(path)).cloned().collect::<Vec<_>>();
        beside(self) == beside(other)
    }

    pub(super) fn config(&self, user: &User, targets: Option<Targets>) -> WorkerConfig {
        WorkerConfig {
            view: real(&self.view),
            overlay: self.overlay.as_ref().map(|plan| OverlayPlan { layers: real(&plan.layers), ..plan.clone() }),
            logs: real(&self.logs),
            scratch: real(&self.scratch),
            readable: self.readable.clone(),
            beside: Vec::new(),
            private: self.private.clone(),
            kept_searches: self.kept_searches.clone(),
            home: user.home.clone(),
            home_files: user.home_files(),
            caches: caches::of_user(user, &self.caches),
            tests: self.tests.clone(),
            deadline: self.deadline,
            idle: self.idle,
            readable_secrets: self.readable_secrets.clone(),
            linked_secrets: linked_secrets_of_home(&Environment::from_process()),
            memory: lowered_memory(),
            confine: self.sandbox != Sandbox::Off,
            targets,
        }
    }
}

/// A lower limit for tests, so that they needn't exhaust a machine. Release builds ignore it (see `journal::crash`).
fn lowered_memory() -> Option<u64> {
    let lowered = if cfg!(debug_assertions) { std::env::var("KCODE_TEST_MEMORY").ok() } else { None };
    lowered?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(readable: &[&str], caches: &[&str]) -> WorkerPlan {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        let folders =
            WorkerFolders { view: "/run/view".into(), logs: "/run/logs".into(), scratch: "/run/scratch".into() };
        let bare = WorkerPlan::bare(folders, Sandbox::Auto);
        WorkerPlan { tree: Some("/home/u/tree".into()), readable: paths(readable), caches: paths(caches), ..bare }
    }

    #[test]
    fn an_overlay_shows_the_trees_own_folders_and_nothing_else_untold() {
        let shows =
            |told: &[&str], now: &[&str], in_overlay| plan(now, &[]).shows_the_same_as(&plan(told, &[]), in_overlay);
        assert!(shows(&["/x"], &["/x"], false));
        assert!(shows(&["/x"], &["/x", "/home/u/tree/node_modules"], true));
        assert!(!shows(&["/x"], &["/x", "/home/u/tree/node_modules"], false), "a copy doesn't have it");
        for beside in ["/home/u/lib", "/home/u/tree-lib", "/home/u"] {
            assert!(!shows(&["/x"], &["/x", beside], true), "{beside}");
        }
        let cached = plan(&["/home/u/tree/cache/x"], &["/home/u/tree/cache"]);
        assert!(!cached.shows_the_same_as(&plan(&[], &["/home/u/tree/cache"]), true), "it is searched otherwise");
    }
}
