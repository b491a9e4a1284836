//! What a worker is started with: the broker's side of it, and the part that crosses the wall.

use std::collections::BTreeMap;
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
use crate::workspace::Overlay;

/// Everything that a worker needs to know.
#[derive(Clone, Debug)]
pub struct WorkerPlan {
    /// The root of the private view; tools work here and nowhere else. With an overlay that can be mounted, this
    /// folder isn't used: the view is then [`OverlayPlan::tree`].
    pub view: PathBuf,
    /// The view as an overlay, to be tried first.
    pub overlay: Option<OverlayPlan>,
    /// The user's tree, canonical, as far as something beside it may have to be found.
    pub tree: Option<PathBuf>,
    /// The run's `logs/`.
    pub logs: PathBuf,
    /// An empty folder of the run that becomes home and temporary folder of its commands.
    pub scratch: PathBuf,
    /// Dependency folders of the repository that a copy links to, and what the user's settings name; readable, never
    /// writable. What holds secrets as a whole isn't shown even then.
    pub readable: Vec<PathBuf>,
    /// What the repository names outside of itself and nobody allowed, so that a failure may be due to it.
    pub hidden: Vec<PathBuf>,
    /// Folders that the user's own settings call caches: what is written to them goes away with the run.
    pub caches: Vec<PathBuf>,
    /// Folders of which nothing is shown, wherever they lie, but what this plan names in them: kcode's state, and the
    /// user's tree where the view isn't an overlay of it.
    pub private: Vec<PathBuf>,
    /// How tests are run, when it is known.
    pub tests: Option<TestCommand>,
    /// Wall time of one run of the tests.
    pub deadline: Duration,
    /// How long a run of the tests may be silent.
    pub idle: Duration,
    /// Names of environment variables that commands may see beside the usual ones.
    pub child_env: Vec<String>,
    /// Globs of files with secrets that tools may read all the same.
    pub readable_secrets: Vec<String>,
    /// What happens when a layer of the wall is missing.
    pub sandbox: Sandbox,
    /// Who is told how far its commands are.
    pub listener: ProgressListener,
    /// The program to start as a worker; `None` is this very binary.
    pub program: Option<PathBuf>,
}

/// Folders of a run that a worker uses; see the fields of the same names in [`WorkerPlan`].
#[derive(Clone, Debug)]
pub struct WorkerFolders {
    /// The private view.
    pub view: PathBuf,
    /// Logs of commands.
    pub logs: PathBuf,
    /// Home and temporary folder of commands.
    pub scratch: PathBuf,
}

/// A view that shows the user's tree at its own path and takes down changes elsewhere. Needs namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverlayPlan {
    /// The user's tree, canonical. Nothing writes to it.
    pub tree: PathBuf,
    /// A folder of the run, canonical, with the folders `upper` (what differs from the tree) and `work` (the kernel's own)
    /// in it.
    pub layers: PathBuf,
    /// Git's own files and folders, canonical, wherever they are: readable, never writable.
    pub git: Vec<PathBuf>,
}

/// The part of a plan that the worker is told: the first message it reads.
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
    /// Links to what lies beside the tree, for a view that is a copy.
    #[serde(default)]
    pub(super) beside: Vec<PathBuf>,
    /// See [`WorkerPlan::private`].
    #[serde(default)]
    pub private: Vec<PathBuf>,
    /// The user's home, of which only toolchains stay readable.
    pub home: Option<PathBuf>,
    /// For the home of commands, by their names in it.
    #[serde(default)]
    pub(super) home_files: BTreeMap<String, String>,
    /// Of the user's toolchains, to be written to without any effect outside.
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
    /// Inodes of secrets in the user's home that have several names.
    #[serde(default)]
    pub linked_secrets: Vec<u64>,
    /// Bytes of memory at which all of a command's processes together are ended; `None`: what the machine can spare.
    #[serde(default)]
    pub(super) memory: Option<u64>,
    /// False only when a person typed `--sandbox off`.
    pub confine: bool,
    /// What the proof is aimed at; without it there is none, and nothing counts as held.
    pub(super) targets: Option<Targets>,
}

impl OverlayPlan {
    /// Of layers that were prepared.
    #[must_use]
    pub fn of(overlay: &Overlay) -> Self {
        Self { tree: overlay.tree().to_owned(), layers: overlay.layers().to_owned(), git: overlay.git().to_vec() }
    }
}

impl WorkerPlan {
    /// A worker that runs nothing and is shown nothing of the machine but toolchains.
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
            child_env: Vec::new(),
            readable_secrets: Vec::new(),
            sandbox,
            listener: ProgressListener::default(),
            program: None,
        }
    }

    /// What `settings` say, without a look at the repository.
    #[must_use]
    pub fn new(settings: &Settings, folders: WorkerFolders) -> Self {
        Self {
            // Where no overlay can be had, a cache is shown as it is, read-only.
            readable: [&settings.readable.value[..], &settings.caches.value].concat(),
            caches: settings.caches.value.clone(),
            private: vec![settings.state_dir.value.clone()],
            deadline: settings.test_deadline.value,
            idle: settings.test_idle.value,
            child_env: settings.child_env.value.clone(),
            readable_secrets: settings.readable_secrets.value.clone(),
            ..Self::bare(folders, settings.sandbox.value)
        }
    }

    /// Has it be a plan for the tree at `root`, of which nothing is shown but by what the plan says.
    pub fn work_on(&mut self, root: &Path) {
        if self.tree.as_deref() != Some(root) {
            self.private.push(root.to_owned());
            self.tree = Some(root.to_owned());
        }
    }

    /// Whether a worker that was told `other` shows and covers what one with this plan would: the plans may differ in what is
    /// readable. Where the view is an overlay, all of the tree is there anyway.
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

/// What tests lower the limit to, so that they needn't use up a machine. Releases have no such way (see `journal::crash`).
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
