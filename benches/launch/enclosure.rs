//! The worker, its wall with all proofs, and the view: without a request, without a survey.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kcode::sandbox::{OverlayPlan, Worker, WorkerFolders, WorkerPlan};
use kcode::settings::{Sandbox, TestCommand};
use kcode::workspace::{ChangeSet, Copying, Overlay, Repository, View};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::launch::KCODE;

/// What the view is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Overlay,
    Copy,
}

/// A worker in a view.
pub struct Enclosure {
    /// From nothing to both.
    pub took: Duration,
    /// What of it the attempts to break out took.
    pub proof: Duration,
    runtime: Runtime,
    worker: Worker,
    view: View,
    _run: TempDir,
}

impl Enclosure {
    /// Of `root`; its test command is `tests`.
    pub fn new(root: &Path, kind: Kind, tests: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let run = folder.path().canonicalize().expect("its path");
        let repository = Repository::open(root).expect("the repository");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let began = Instant::now();
        let overlay = (kind == Kind::Overlay)
            .then(|| Overlay::prepare(&repository, &run, ChangeSet::new(Vec::new())).expect("layers"));
        let place = View::place(&repository, &run).expect("a place");
        let plan = WorkerPlan { tests: Some(TestCommand::shell(tests)), ..plan(&run, place.clone(), overlay.as_ref()) };
        let (worker, wall) = runtime.block_on(Worker::start(plan)).expect("a worker");
        let view = match &overlay {
            Some(overlay) => View::over(&repository, &run, overlay, &[]),
            None => View::fill(&Copying {
                repository: &repository,
                run: &run,
                place,
                dependencies: &[],
                stop: &false.into(),
            }),
        };
        let (took, view) = (began.elapsed(), view.expect("a view"));
        let is_mounted = wall.layers.iter().any(|layer| layer.name == "overlay" && layer.holds);
        assert_eq!(is_mounted, kind == Kind::Overlay, "another view than was asked for: {wall:?}");
        Self { took, proof: Duration::from_millis(wall.proof_ms), runtime, worker, view, _run: folder }
    }

    /// From asking for a run of the tests to its result.
    pub fn run_tests(&self) -> Duration {
        let began = Instant::now();
        let run = self.runtime.block_on(self.worker.run_tests(&[])).expect("a run");
        let took = began.elapsed();
        assert!(run.passed(), "{}", run.excerpt);
        took
    }

    /// Takes all down again.
    pub fn remove(self) {
        self.runtime.block_on(self.worker.stop());
        self.view.remove().expect("it can be removed");
    }
}

/// The same command without a wall, its output read to the end.
pub fn plainly(line: &str) -> Duration {
    let began = Instant::now();
    let output = Command::new("sh").args(["-c", line]).stdin(Stdio::null()).output().expect("it starts");
    let took = began.elapsed();
    assert!(output.status.success());
    took
}

fn plan(run: &Path, view: PathBuf, overlay: Option<&Overlay>) -> WorkerPlan {
    let folders = WorkerFolders { view, logs: run.join("logs"), scratch: run.join("scratch") };
    WorkerPlan {
        overlay: overlay.map(OverlayPlan::of),
        deadline: Duration::from_mins(1),
        idle: Duration::from_mins(1),
        program: Some(KCODE.into()),
        ..WorkerPlan::bare(folders, Sandbox::Auto)
    }
}
