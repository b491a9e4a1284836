//! The runs of a command on the start state: as few as tell which tests fail there and which of them always do.
//!
//! One that passes is enough, and one that comes to no test because of something that no edit mends. After another one that fails there is a second: the model's own, when it ran the tests before any edit;
//! else only what failed, where the runner can be told so; else, and where that didn't fail as before, all of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::run_spec::RunSpec;
use crate::journal::{CountedRun, RunFolder, TestPurpose, TestResult, TestsRan};
use crate::planner::tests_ran;
use crate::sandbox::{self, WorkerPlan};
use crate::settings::{Redactor, TestCommand};
use crate::testing::{
    Baseline, BaselineKey, BaselineLock, BaselineRun, Baselines, Session, Surroundings, TrialFolders, Trials,
    failed_again, filter_of_failed, tells_of_renaming,
};
use crate::tools::TestRun;
use crate::workspace::TreeIndex;

/// How often failing tests are run on the start state, to tell those that always fail from flaky ones.
const TIMES: u32 = 2;
/// How often whoever waits for another run's baseline looks whether it is there.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A baseline to be measured, on a task of its own.
pub(super) struct BaselineJob {
    pub trials: Trials,
    /// Why the baseline isn't wanted, if it isn't.
    pub unwanted: Option<String>,
    pub kept: Baselines,
    pub folder: RunFolder,
}

/// State that a waiting baseline watches.
pub(super) struct BaselineWait {
    pub(super) tree: watch::Receiver<Option<Result<Arc<TreeIndex>, String>>>,
    pub(super) asked: watch::Receiver<bool>,
    pub(super) off: watch::Receiver<bool>,
    /// What the model runs, where it may count.
    pub(super) lent: Option<watch::Receiver<Lent>>,
    /// Whether an earlier run's result will do.
    pub(super) may_be_known: bool,
}

/// The model's run of the tests before any edit.
#[derive(Clone, Debug, Default)]
pub(super) enum Lent {
    /// It has run none, or none that counts.
    #[default]
    Nothing,
    /// The model runs these tests now.
    Running,
    Ran(Box<TestRun>),
}

/// Such a run, from its beginning to its end.
pub(super) struct Lending(watch::Sender<Lent>);

impl Lending {
    pub(super) fn begin(lent: watch::Sender<Lent>) -> Self {
        lent.send_replace(Lent::Running);
        Self(lent)
    }

    /// Gives the model's run of the tests to whoever waits for a baseline.
    pub(super) fn end(self, run: &TestRun) {
        self.0.send_replace(Lent::Ran(Box::new(run.clone())));
    }
}

impl Drop for Lending {
    /// One that was ended early counts nothing.
    fn drop(&mut self) {
        self.0.send_if_modified(|lent| {
            let runs = matches!(lent, Lent::Running);
            if runs {
                *lent = Lent::Nothing;
            }
            runs
        });
    }
}

impl BaselineJob {
    /// That of the run that `spec` asks for, in `folder`; `plan` is what its own worker was told.
    pub(super) fn new(spec: &RunSpec<'_>, folder: &RunFolder, plan: WorkerPlan, redactor: &Redactor) -> Self {
        let settings = &spec.settings;
        // Who asks for a test that fails on the start state asks for the start state's tests as well.
        let wanted = settings.baseline.value || spec.options.reproduce;
        let folders = TrialFolders { trials: folder.trials(), blobs: folder.blobs() };
        let trials = Trials::new(&spec.repository, settings, plan, folders, redactor);
        Self {
            trials: Trials { way_back: spec.way_back(), writes: spec.conditions.writes.clone(), ..trials },
            unwanted: (!wanted).then(|| format!("turned off ({})", settings.baseline.origin)),
            kept: Baselines::in_state(&settings.state_dir.value),
            folder: folder.clone(),
        }
    }

    /// Runs `command` in a trial of that name, unless it is known how it goes.
    pub(super) async fn measure(
        &self,
        trial: &str,
        command: &TestCommand,
        found: BaselineWait,
    ) -> Result<Baseline, String> {
        let BaselineWait { mut tree, mut asked, off, lent, may_be_known } = found;
        let mut called_off = off.clone();
        let id = async {
            asked.wait_for(|asked| *asked).await.ok()?;
            tree.wait_for(Option::is_some).await.ok()?.clone()?.ok()
        };
        let index = tokio::select! {
            index = id => index,
            _ = called_off.wait_for(|off| *off) => return Err("cancelled".to_owned()),
        };
        let mut key = match &index {
            Some(index) => self.key(index, command).await,
            None => None,
        };
        let _turn = match key.as_ref().filter(|_| may_be_known) {
            Some(key) => match self.known_or_turn(key, &mut called_off).await? {
                Ok(known) => return Ok(known.cached()),
                Err(turn) => turn,
            },
            None => None,
        };
        let tree = index.as_ref().map(|index| index.start().to_owned());
        let runs = async |lent| {
            let (tree, off) = (tree.clone(), off.clone());
            BaselineRuns { job: self, trial, command, tree, off, lent, session: None }.all().await
        };
        let mut all = runs(lent).await?;
        if self.begins_to_copy(&all) {
            all = runs(None).await?;
            if self.failed_to_rename(&all) {
                self.trials.copies.forget();
            }
            key = match &index {
                Some(index) => self.key(index, command).await,
                None => None,
            };
        }
        let runs = all;
        let baseline = Baseline::new(runs);
        if let (Some(key), Some(index)) = (key.filter(|_| baseline.is_lasting()), &index)
            // Somebody may have worked on what tests read while they ran.
            && self.key(index, command).await.is_some_and(|now| now == key)
        {
            // The next run measures anew, then.
            let _ = self.kept.keep(&key, &baseline);
        }
        Ok(baseline)
    }

    /// Whether an overlay let the tests fail. From now on views are copies, then.
    fn begins_to_copy(&self, runs: &[BaselineRun]) -> bool {
        self.trials.copies.begin_if(self.trials.plan.overlay.is_some(), || self.failed_to_rename(runs))
    }

    fn failed_to_rename(&self, runs: &[BaselineRun]) -> bool {
        let Some(TestsRan { log, result, .. }) = runs.last().map(|run| &run.ran) else { return false };
        let failed = !result.passed && result.stopped.is_none() && !log.is_empty();
        failed && tells_of_renaming(&self.folder.logs().join(log))
    }

    /// What is known under `key`, from earlier runs or from one that measures just now; else whose turn it is, so that others wait
    /// for this one. Who waited in vain measures beside the others that did.
    async fn known_or_turn(
        &self,
        key: &BaselineKey,
        off: &mut watch::Receiver<bool>,
    ) -> Result<Result<Baseline, Option<BaselineLock>>, String> {
        let until = Instant::now() + self.trials.plan.deadline * TIMES;
        let mut waited = false;
        loop {
            let claimed = self.kept.claim(key).unwrap_or(None);
            if let Some(known) = self.kept.find(key) {
                return Ok(Ok(known));
            }
            if claimed.is_some() || Instant::now() > until {
                return Ok(Err(claimed.filter(|_| !waited)));
            }
            waited = true;
            if timeout(LOOK_AGAIN, off.wait_for(|off| *off)).await.is_ok() {
                return Err("cancelled".to_owned());
            }
        }
    }

    /// Under what a baseline of that tree is kept.
    async fn key(&self, index: &Arc<TreeIndex>, command: &TestCommand) -> Option<BaselineKey> {
        let (index, command) = (Arc::clone(index), command.clone());
        let Trials { repository, plan, copies, .. } = &self.trials;
        let root = repository.root().to_owned();
        let variables = sandbox::variables(&plan.child_env);
        let view = if copies.are_needed() { "copy" } else { "" };
        let policy = format!("{}\0{:?}\0{:?}\0{view}", plan.sandbox, plan.readable, plan.caches);
        let readable: Vec<PathBuf> = plan.readable.iter().filter(|path| !path.starts_with(&root)).cloned().collect();
        let look = move || {
            let tree = index.paths().ok()?;
            let surroundings = Surroundings { root: &root, tree: &tree, variables: &variables, readable: &readable };
            BaselineKey::new(index.start(), &command, &surroundings, &policy)
        };
        tokio::task::spawn_blocking(look).await.ok().flatten()
    }
}

struct BaselineRuns<'a> {
    job: &'a BaselineJob,
    /// The name of the trial, and of the folder of its logs.
    trial: &'a str,
    command: &'a TestCommand,
    tree: Option<String>,
    off: watch::Receiver<bool>,
    lent: Option<watch::Receiver<Lent>>,
    /// View and worker of the runs; `None` while kept results suffice.
    session: Option<Session>,
}

impl BaselineRuns<'_> {
    /// As many as it takes; nothing of them is left.
    async fn all(mut self) -> Result<Vec<BaselineRun>, String> {
        let runs = self.as_many_as_it_takes().await;
        if let Some(session) = self.session {
            session.close().await;
        }
        runs
    }

    async fn as_many_as_it_takes(&mut self) -> Result<Vec<BaselineRun>, String> {
        let mut runs: Vec<BaselineRun> = Vec::new();
        while runs.len() < TIMES as usize {
            if runs.last().is_some_and(|run| says_all(&run.ran.result)) {
                break;
            }
            match (self.lent().await?, runs.last()) {
                (Some(own), _) => runs.push(self.as_baseline(own, true)),
                (None, Some(first)) => {
                    let again = self.again(first).await?;
                    runs.extend(again);
                }
                (None, None) => runs.push(self.run(&[]).await?),
            }
        }
        Ok(with_counted(runs))
    }

    /// The model's run, if it has one or is about to.
    async fn lent(&mut self) -> Result<Option<TestRun>, String> {
        let Some(mut lent) = self.lent.take() else { return Ok(None) };
        let mut off = self.off.clone();
        tokio::select! {
            known = lent.wait_for(|lent| !matches!(lent, Lent::Running)) => match known.as_deref() {
                Ok(Lent::Ran(run)) => return Ok(Some((**run).clone())),
                Ok(_) => {}
                // The run is over.
                Err(_) => return Err("cancelled".to_owned()),
            },
            _ = off.wait_for(|off| *off) => return Err("cancelled".to_owned()),
        }
        // There may be one later.
        self.lent = Some(lent);
        Ok(None)
    }

    /// What failed in `first`, alone where that is possible and says the same. Where it says something else, tests may depend on
    /// others or fail by turns: only a whole run tells which.
    async fn again(&mut self, first: &BaselineRun) -> Result<Vec<BaselineRun>, String> {
        let mut again = Vec::new();
        let known = first.results.as_ref();
        if let Some((known, filter)) = known.and_then(|known| Some((known, filter_of_failed(self.command, known)?))) {
            let mut only = self.run(&filter).await?;
            only.ran.only_failed = true;
            let is_confirmed = only.results.as_ref().is_some_and(|results| failed_again(known, results));
            // Of the others it says nothing new.
            only.results = is_confirmed.then(|| known.clone());
            if is_confirmed {
                only.ran.result.counts = first.ran.result.counts;
                return Ok(vec![only]);
            }
            again.push(only);
        }
        again.push(self.run(&[]).await?);
        Ok(again)
    }

    async fn run(&mut self, filter: &[String]) -> Result<BaselineRun, String> {
        let BaselineJob { trials, .. } = self.job;
        let session = if let Some(session) = self.session.take() {
            session
        } else {
            let plan = WorkerPlan { tests: Some(self.command.clone()), ..trials.plan.clone() };
            let trials = Trials { plan, ..trials.clone() };
            Session::open(trials, self.trial, self.off.clone()).await.map_err(|error| error.to_string())?
        };
        let ran = session.run(filter).await;
        self.session = Some(session);
        Ok(self.as_baseline(ran.map_err(|error| error.to_string())?, false))
    }

    fn as_baseline(&self, run: TestRun, is_own: bool) -> BaselineRun {
        let results = run.results.clone();
        let ran = TestsRan { tree: self.tree.clone(), ..tests_ran(run, TestPurpose::Baseline, None) };
        BaselineRun { ran, results, is_own }
    }
}

/// Whether another run would say nothing new: it passed, kcode ended it, or something keeps every test from running.
fn says_all(result: &TestResult) -> bool {
    let cause = result.why.as_ref().and_then(|why| why.cause.as_ref());
    result.passed || result.stopped.is_some() || cause.is_some_and(|cause| cause.blocks)
}

/// The journal tells of the model's run where it tells of another one, too.
fn with_counted(mut runs: Vec<BaselineRun>) -> Vec<BaselineRun> {
    let own = runs.iter().find(|run| run.is_own);
    let counted = own.map(|own| CountedRun { log: own.ran.log.clone(), passed: own.ran.result.passed });
    if let Some(other) = runs.iter_mut().find(|run| !run.is_own) {
        other.ran.counted = counted;
    } else if let Some(own) = runs.first_mut() {
        // It alone: it is told as the baseline that it is.
        (own.ran.counted, own.is_own) = (counted, false);
    }
    runs
}
