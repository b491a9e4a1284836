//! A temporary view and the folders around it, and how to wait for what happens there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kcode::settings::{Sandbox, TestCommand};
use kcode::tools::TestRun;
use kcode::worker::{Worker, WorkerPlan};
use tempfile::TempDir;

/// Long enough for any machine; nothing waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A view with logs and scratch beside it, and a folder outside that holds a secret.
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    _owner: Option<TempDir>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::within(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    pub(crate) fn within(owner: TempDir) -> Self {
        let world = Self { folder: owner.path().canonicalize().unwrap(), _owner: Some(owner) };
        for folder in ["run/view", "run/logs", "run/scratch", "outside"] {
            fs::create_dir_all(world.folder.join(folder)).unwrap();
        }
        fs::write(world.outside().join("secret"), "hunter2").unwrap();
        world
    }

    pub(crate) fn of_another_process(folder: &str) -> Self {
        Self { folder: folder.into(), _owner: None }
    }

    pub(crate) fn view(&self) -> PathBuf {
        self.folder.join("run/view")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.folder.join("outside")
    }

    pub(crate) fn plan(&self, line: &str) -> WorkerPlan {
        WorkerPlan {
            view: self.view(),
            overlay: None,
            logs: self.folder.join("run/logs"),
            scratch: self.folder.join("run/scratch"),
            readable: Vec::new(),
            tests: Some(TestCommand::shell(line)),
            deadline: PATIENCE,
            idle: PATIENCE,
            child_env: Vec::new(),
            sandbox: Sandbox::Auto,
            program: Some(env!("CARGO_BIN_EXE_kcode").into()),
        }
    }

    pub(crate) async fn worker(&self, line: &str) -> Worker {
        Worker::start(self.plan(line)).await.unwrap().0
    }

    /// What becomes of `line` as the test command; the worker is stopped afterwards.
    pub(crate) async fn run(&self, line: &str) -> TestRun {
        let worker = self.worker(line).await;
        let run = worker.run_tests(&[]).await.unwrap();
        assert_eq!(worker.stop().await.survivors, 0);
        run
    }

    pub(crate) fn log(&self, run: &TestRun) -> String {
        fs::read_to_string(self.folder.join("run/logs").join(&run.log)).unwrap()
    }

    /// The process whose number a command wrote into the view.
    pub(crate) fn pid(&self, file: &str) -> String {
        fs::read_to_string(self.view().join(file)).unwrap().trim().to_owned()
    }

    pub(crate) async fn has(&self, file: &str) {
        let file = self.view().join(file);
        until(&format!("{} to be written", file.display()), || fs::metadata(&file).is_ok_and(|file| file.len() > 0))
            .await;
    }
}

pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn is_alive(pid: &str) -> bool {
    assert!(!pid.is_empty());
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    !matches!(stat.rsplit(") ").next().and_then(|rest| rest.chars().next()), None | Some('Z' | 'X'))
}

/// Leaves a daemon behind that has its own session and holds on to the output.
pub(crate) const DAEMON: &str = "(setsid sh -c 'echo $$ > daemon.pid; exec sleep 1000' &); \
                      while [ ! -s daemon.pid ]; do sleep 0.01; done";
