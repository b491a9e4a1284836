//! A temporary view and the folders around it, and how to wait for what happens there.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kcode::sandbox::{Worker, WorkerFolders, WorkerPlan};
use kcode::settings::{Sandbox, TestCommand};
use kcode::tools::TestRun;
use tempfile::TempDir;

/// Long enough for any machine; nothing waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A view with its logs and scratch folders, and a folder outside that holds a secret.
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
        let folder = |name| self.folder.join("run").join(name);
        let folders = WorkerFolders { view: self.view(), logs: folder("logs"), scratch: folder("scratch") };
        WorkerPlan {
            tests: Some(TestCommand::shell(line)),
            deadline: PATIENCE,
            idle: PATIENCE,
            program: Some(env!("CARGO_BIN_EXE_kcode").into()),
            ..WorkerPlan::bare(folders, Sandbox::Auto)
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

    /// Shell words that leave a daemon behind: it has its own session and holds on to the output.
    pub(crate) fn daemon(&self) -> String {
        format!(
            "(setsid sh -c 'echo > daemon; while :; do sleep 1000; done' {} &); \
             while [ ! -e daemon ]; do sleep 0.01; done",
            self.folder.display()
        )
    }

    /// Processes that bear this world's folder in their arguments or variables: the worker's own, daemons.
    pub(crate) fn living(&self) -> Vec<Living> {
        let folder = self.folder.to_str().unwrap();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // The dead have neither.
        let says = |pid: &u32, what: &str| {
            let said = fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
            String::from_utf8_lossy(&said).into_owned()
        };
        pids.filter(|pid| says(pid, "cmdline").contains(folder) || says(pid, "environ").contains(folder))
            .map(|pid| Living { pid, arguments: says(&pid, "cmdline") })
            .collect()
    }

    /// The worker's process that serves calls.
    pub(crate) fn host(&self) -> u32 {
        let is_host = |living: &&Living| living.arguments.contains("__worker\0host\0");
        self.living().iter().find(is_host).unwrap().pid
    }

    /// Those of [`World::living`] that a command left behind.
    pub(crate) fn daemons(&self) -> usize {
        self.living().iter().filter(|living| living.arguments.starts_with("sh\0")).count()
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

/// A process that is alive.
pub(crate) struct Living {
    pub(crate) pid: u32,
    /// Each ends with a null character.
    pub(crate) arguments: String,
}
