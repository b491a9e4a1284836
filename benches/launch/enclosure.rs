//! The worker, its wall with all proofs, and the view: without a request, without a survey.

use std::path::Path;
use std::time::{Duration, Instant};

use kcode::settings::Sandbox;
use kcode::worker::{OverlayPlan, Worker, WorkerPlan};
use kcode::workspace::{ChangeSet, Overlay, Repository, View};

use super::launch::KCODE;

/// From nothing to a confined worker in an overlay of `root` and the view of it. All is taken down again.
pub fn until_enclosed(root: &Path) -> Duration {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let run = folder.path().canonicalize().expect("its path");
    let repository = Repository::open(root).expect("the repository");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let began = Instant::now();
    let overlay = Overlay::prepare(&repository, &run, ChangeSet::new(Vec::new())).expect("layers");
    let plan = plan(&run, View::place(&repository, &run).expect("a place"), &overlay);
    let (worker, wall) = runtime.block_on(Worker::start(plan)).expect("a worker");
    assert!(wall.layers.iter().any(|layer| layer.name == "overlay" && layer.holds), "no overlay: {wall:?}");
    let view = View::over(&repository, &run, &overlay, &[]).expect("a view");
    let took = began.elapsed();
    runtime.block_on(worker.stop());
    view.remove().expect("it can be removed");
    took
}

fn plan(run: &Path, view: std::path::PathBuf, overlay: &Overlay) -> WorkerPlan {
    let overlay = OverlayPlan {
        tree: overlay.tree().to_owned(),
        layers: overlay.layers().to_owned(),
        git: overlay.git().to_vec(),
    };
    WorkerPlan {
        view,
        overlay: Some(overlay),
        logs: run.join("logs"),
        scratch: run.join("scratch"),
        readable: Vec::new(),
        tests: None,
        deadline: Duration::ZERO,
        idle: Duration::ZERO,
        child_env: Vec::new(),
        readable_secrets: Vec::new(),
        sandbox: Sandbox::Auto,
        program: Some(KCODE.into()),
    }
}
