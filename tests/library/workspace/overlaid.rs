//! A view that a worker has mounted over the project, and a copy that is treated the same way.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use kcode::journal::SandboxBuilt;
use kcode::sandbox::{OverlayPlan, Worker, WorkerFolders, WorkerPlan};
use kcode::settings::{Sandbox, TestCommand};
use kcode::workspace::{ChangeSet, Overlay, View};

use super::world::World;
use crate::support::skipped::{Need, skipped};

pub const DEPENDENCIES: [&str; 2] = ["node_modules", ".venv"];
const PATIENCE: Duration = Duration::from_mins(1);

pub fn dependencies() -> Vec<String> {
    DEPENDENCIES.map(str::to_owned).to_vec()
}

/// An overlay of the project at its own path, and whoever works in it.
pub struct Overlaid {
    pub view: View,
    worker: Option<Worker>,
    runtime: tokio::runtime::Runtime,
    script: PathBuf,
    run: PathBuf,
}

impl Overlaid {
    /// Over the project of `world` with nothing changed; `None` where the kernel has no overlays for us.
    pub fn over(world: &World) -> Option<Self> {
        Self::with(world, ChangeSet::new(Vec::new()))
    }

    /// As [`Overlaid::over`], with the changes of an earlier run.
    pub fn with(world: &World, changes: ChangeSet) -> Option<Self> {
        let (repository, run) = (world.repository(), world.run());
        let overlay = Overlay::prepare(&repository, &run, changes).unwrap();
        let run = run.canonicalize().unwrap();
        let scratch = run.join("scratch");
        let place = View::place(&repository, &run).unwrap();
        let script = scratch.join("script.sh");
        let folders = WorkerFolders { view: place, logs: run.join("logs"), scratch };
        let plan = WorkerPlan {
            overlay: Some(OverlayPlan::of(&overlay)),
            tests: Some(TestCommand::shell(&format!("sh '{}'", script.display()))),
            deadline: PATIENCE,
            idle: PATIENCE,
            program: Some(env!("CARGO_BIN_EXE_kcode").into()),
            ..WorkerPlan::bare(folders, Sandbox::Auto)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (worker, wall) = runtime.block_on(Worker::start(plan)).unwrap();
        if !holds_overlay(&wall) {
            assert!(!wall.network, "namespaces, but no overlay: {wall:?}");
            runtime.block_on(worker.stop());
            skipped(Need::Overlay);
            return None;
        }
        let view = View::over(&repository, &run, &overlay, &dependencies()).unwrap();
        assert_eq!((view.made().kind.as_str(), view.root()), ("overlay", repository.root()));
        Some(Self { view, worker: Some(worker), runtime, script, run })
    }

    /// Runs a script in the view; what it wrote.
    pub fn sh(&self, script: &str) -> String {
        fs::write(&self.script, script).unwrap();
        let worker = self.worker.as_ref().unwrap();
        let run = self.runtime.block_on(worker.run_tests(&[])).unwrap();
        fs::read_to_string(self.run.join("logs").join(run.log)).unwrap()
    }

    /// Ends the worker and leaves the rest where it is.
    pub fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            assert_eq!(self.runtime.block_on(worker.stop()).survivors, 0);
        }
    }
}

impl Drop for Overlaid {
    /// An ordinary user can't remove the kernel's own folder as it is, and a temporary folder doesn't try hard.
    fn drop(&mut self) {
        self.stop();
        View::discard(&self.run).unwrap();
    }
}

fn holds_overlay(wall: &SandboxBuilt) -> bool {
    wall.layers.iter().any(|layer| layer.name == "overlay" && layer.holds)
}

/// Runs a script in a copy; what it wrote.
pub fn sh_in_copy(view: &View, script: &str) -> String {
    let shell = Command::new("sh").args(["-c", script]).current_dir(view.root()).stderr(Stdio::null()).output();
    String::from_utf8_lossy(&shell.unwrap().stdout).into_owned()
}
