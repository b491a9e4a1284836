//! The state that the run started from: git's id of it, and how its tests and checks went. Found out while the model thinks,
//! one command at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::test_runs;
use crate::evidence::{Baseline, BaselineRun, Baselines, Key, Surroundings, TestResults, Trials, Turn};
use crate::journal::{Event, Residue, RunFolder, StartSeen, TestPurpose, TestsRan};
use crate::planner::tests_ran;
use crate::settings::{Redactor, TestCommand};
use crate::tools::TestRun;
use crate::worker::{self, WorkerPlan};
use crate::workspace::{Blobs, ChangeSet, TreeIds, TreeIndex, remove_tree};

/// How often failing tests are run on the start state, to tell those that always fail from flaky ones.
const TIMES: u32 = 2;
/// The name of the trial, and of the folder of its logs.
const NAME: &str = "baseline";
/// How often whoever waits for another run's baseline looks whether it is there.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Nobody could wait longer.
const NOT_YET: &str = "it was not measured when the time of the run was up";

/// What is being found out.
pub struct StartState {
    tree: watch::Receiver<Option<Result<Arc<TreeIndex>, String>>>,
    /// True once that was told.
    told: bool,
    indexing: JoinHandle<()>,
    inquiry: Arc<Inquiry>,
    /// Turns true with the first request, or when it can't wait for that.
    begun: watch::Sender<bool>,
    measured: Vec<Measured>,
    /// Held by the command that runs.
    turn: Arc<Semaphore>,
    off: watch::Sender<bool>,
    passing: [PathBuf; 2],
    blobs: Blobs,
    residue: Arc<Mutex<Residue>>,
}

/// How one command went on the start state.
struct Measured {
    /// The check's name; `None` for the tests.
    name: Option<String>,
    command: TestCommand,
    /// Of the trial, and of the folder of its logs.
    trial: String,
    measuring: Option<JoinHandle<Result<Baseline, String>>>,
    known: Option<Result<Baseline, String>>,
}

/// What is to be found out.
pub struct Inquiry {
    /// How to run tests beside the run.
    pub trials: Trials,
    /// Why the baseline isn't wanted, if it isn't.
    pub unwanted: Option<String>,
    /// Where baselines are kept.
    pub kept: Baselines,
    /// Where the run is kept.
    pub folder: RunFolder,
    /// Takes known secrets out of what tests print.
    pub redactor: Redactor,
}

/// What a measurement waits for.
struct Found {
    tree: watch::Receiver<Option<Result<Arc<TreeIndex>, String>>>,
    asked: watch::Receiver<bool>,
    off: watch::Receiver<bool>,
    /// Whether an earlier run's result will do.
    may_be_known: bool,
}

impl StartState {
    /// Begins once `asked` turns true; which commands are measured, [`StartState::measure`] says.
    pub fn find_out(inquiry: Inquiry, asked: watch::Receiver<bool>) -> Self {
        let (off, (told, tree)) = (watch::Sender::new(false), watch::channel(None));
        let begun = begins_with(asked);
        let folder = inquiry.folder.tree();
        let blobs = Blobs::at(&inquiry.folder.blobs());
        let residue = Arc::clone(&inquiry.trials.residue);
        let (repository, place) = (inquiry.trials.repository.clone(), folder.clone());
        let passing = [folder, inquiry.folder.trials()];
        let (mut go, mut called_off) = (begun.subscribe(), off.subscribe());
        let indexing = tokio::spawn(async move {
            let begins = tokio::select! {
                asked = go.wait_for(|asked| *asked) => asked.is_ok(),
                _ = called_off.wait_for(|off| *off) => false,
            };
            if !begins {
                return;
            }
            let index = tokio::task::spawn_blocking(move || TreeIndex::of(&repository, &place)).await;
            let index = index.map_err(|panic| panic.to_string());
            told.send_replace(Some(index.and_then(|index| index.map(Arc::new).map_err(|error| error.to_string()))));
        });
        let (inquiry, turn) = (Arc::new(inquiry), Arc::new(Semaphore::new(1)));
        Self { tree, told: false, indexing, inquiry, begun, measured: Vec::new(), turn, off, passing, blobs, residue }
    }

    /// Begins before the first request.
    pub fn begin_now(&self) {
        self.begun.send_replace(true);
    }

    /// Whether the tests are to be run on it at all.
    pub fn is_measured(&self) -> bool {
        self.measured.iter().any(|measured| measured.name.is_none())
    }

    /// Tells git's id of the start state, the first time that it is known.
    pub fn seen(&mut self) -> Option<Event> {
        let tree = self.tree.borrow().as_ref()?.as_ref().ok()?.start().to_owned();
        (!std::mem::replace(&mut self.told, true)).then_some(Event::StartSeen(StartSeen { tree }))
    }

    /// Has `command` measured, too: the tests without a name, a check with its own.
    pub fn measure(&mut self, name: Option<&str>, command: &TestCommand) {
        if self.inquiry.unwanted.is_some() || self.measured.iter().any(|measured| measured.name.as_deref() == name) {
            return;
        }
        let trial = match self.measured.len() {
            0 => NAME.to_owned(),
            number => format!("{NAME}-{number}"),
        };
        let measuring = Some(self.begin(&trial, command, true));
        let (name, command) = (name.map(str::to_owned), command.clone());
        self.measured.push(Measured { name, command, trial, measuring, known: None });
    }

    /// Has the tests, or the check of that name, measured anew where what is known comes from an earlier run and lacks tests
    /// that `after` tells of: what it was measured with isn't what there is now. True when it is.
    pub fn renew(&mut self, name: Option<&str>, after: &[TestResults]) -> bool {
        let Some(at) = self.measured.iter().position(|measured| measured.name.as_deref() == name) else { return false };
        let known = self.measured[at].known.as_ref();
        if !known.is_some_and(|known| known.as_ref().is_ok_and(|known| known.is_cached() && known.lacks_any_of(after)))
        {
            return false;
        }
        let (trial, command) = (self.measured[at].trial.clone(), self.measured[at].command.clone());
        let measuring = self.begin(&trial, &command, false);
        let measured = &mut self.measured[at];
        (measured.measuring, measured.known) = (Some(measuring), None);
        true
    }

    /// Measures in a trial of that name, unless it is known from an earlier run and that `may_be_known`.
    fn begin(&self, trial: &str, command: &TestCommand, may_be_known: bool) -> JoinHandle<Result<Baseline, String>> {
        let (inquiry, trial, command) = (Arc::clone(&self.inquiry), trial.to_owned(), command.clone());
        let (tree, asked, off) = (self.tree.clone(), self.begun.subscribe(), self.off.subscribe());
        let turn = Arc::clone(&self.turn);
        tokio::spawn(async move {
            // Those that wait get their turn in the order in which they asked for it.
            let _turn = turn.acquire().await.map_err(|closed| closed.to_string())?;
            inquiry.measure(&trial, &command, Found { tree, asked, off, may_be_known }).await
        })
    }

    /// Git's ids of the start state, and of that with `changes`; `None` when git can't tell.
    pub async fn trees_with(&mut self, changes: ChangeSet) -> Option<TreeIds> {
        let index = match self.tree.wait_for(Option::is_some).await {
            Ok(known) => known.clone()?.ok()?,
            Err(_) => return None,
        };
        let (changes, blobs) = (self.inquiry.trials.way_back.then(&changes), self.blobs.clone());
        tokio::task::spawn_blocking(move || index.with(&changes, &blobs)).await.ok()?.ok()
    }

    /// Waits `patience` at most until the tests, or the check of that name, have run on the start state; true the first time
    /// that they have.
    pub async fn wait(&mut self, name: Option<&str>, patience: Duration) -> bool {
        let Some(asked) = self.measured.iter_mut().find(|measured| measured.name.as_deref() == name) else {
            return false;
        };
        let Some(measuring) = &mut asked.measuring else { return false };
        let Ok(measured) = timeout(patience, measuring).await else { return false };
        asked.measuring = None;
        asked.known = Some(measured.unwrap_or_else(|panic| Err(panic.to_string())));
        true
    }

    /// How they went, once it is known.
    pub fn known(&self, name: Option<&str>) -> Option<&Baseline> {
        self.known_or_why(name).ok()
    }

    /// The same, or why nobody knows.
    pub fn known_or_why(&self, name: Option<&str>) -> Result<&Baseline, &str> {
        let asked = self.measured.iter().find(|measured| measured.name.as_deref() == name);
        match (asked.and_then(|asked| asked.known.as_ref()), &self.inquiry.unwanted) {
            (Some(known), _) => known.as_ref().map_err(String::as_str),
            (None, Some(why)) => Err(why),
            (None, None) => Err(NOT_YET),
        }
    }

    /// Ends what still runs, and leaves nothing of it. Returns what had to be killed.
    pub async fn close(self) -> Residue {
        self.off.send_replace(true);
        for measuring in self.measured.into_iter().filter_map(|measured| measured.measuring) {
            // It was called off, so that it has nothing to tell.
            let _ = measuring.await;
        }
        // It is called off, or waits for git alone.
        let _ = self.indexing.await;
        for folder in self.passing {
            let _ = tokio::task::spawn_blocking(move || remove_tree(&folder)).await;
        }
        self.residue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inquiry {
    /// Runs `command` in a trial of that name, unless it is known how it goes.
    async fn measure(&self, trial: &str, command: &TestCommand, found: Found) -> Result<Baseline, String> {
        let Found { mut tree, mut asked, off, may_be_known } = found;
        let mut called_off = off.clone();
        let id = async {
            asked.wait_for(|asked| *asked).await.ok()?;
            tree.wait_for(Option::is_some).await.ok()?.clone()?.ok()
        };
        let index = tokio::select! {
            index = id => index,
            _ = called_off.wait_for(|off| *off) => return Err("called off".to_owned()),
        };
        let key = match &index {
            Some(index) => self.key(index.start(), command).await,
            None => None,
        };
        let _turn = match key.as_ref().filter(|_| may_be_known) {
            Some(key) => match self.known_or_turn(key, &mut called_off).await? {
                Ok(known) => return Ok(known.cached()),
                Err(turn) => turn,
            },
            None => None,
        };
        let tree = index.map(|index| index.start().to_owned());
        let nothing = ChangeSet::new(Vec::new());
        let plan = WorkerPlan { tests: Some(command.clone()), ..self.trials.plan.clone() };
        let trials = Trials { plan, ..self.trials.clone() };
        let held = trials.hold(trial, &nothing, TIMES, off).await.map_err(|error| error.to_string())?;
        let runs =
            held.tests.into_iter().map(|run| self.told(run, trial, tree.clone())).collect::<Result<Vec<_>, _>>()?;
        let baseline = Baseline::new(runs);
        if let Some(key) = key.filter(|_| baseline.is_lasting()) {
            // The next run measures anew, then.
            let _ = self.kept.keep(&key, &baseline);
        }
        Ok(baseline)
    }

    /// What is known under `key`, from earlier runs or from one that measures just now; else whose turn it is, so that others wait
    /// for this one. Who waited in vain measures beside the others that did.
    async fn known_or_turn(
        &self,
        key: &Key,
        off: &mut watch::Receiver<bool>,
    ) -> Result<Result<Baseline, Option<Turn>>, String> {
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
                return Err("called off".to_owned());
            }
        }
    }

    /// Under what a baseline of `tree` is kept.
    async fn key(&self, tree: &str, command: &TestCommand) -> Option<Key> {
        let (tree, command) = (tree.to_owned(), command.clone());
        let Trials { repository, plan, dependencies, .. } = &self.trials;
        let (root, dependencies) = (repository.root().to_owned(), dependencies.clone());
        let variables = worker::variables(&plan.child_env);
        let policy = format!("{}\0{:?}", plan.sandbox, plan.readable);
        let look = move || {
            let surroundings = Surroundings { root: &root, dependencies: &dependencies, variables: &variables };
            Key::new(&tree, &command, &surroundings, &policy)
        };
        tokio::task::spawn_blocking(look).await.ok()
    }

    fn told(&self, mut run: TestRun, trial: &str, tree: Option<String>) -> Result<BaselineRun, String> {
        let logs = self.folder.logs().join(trial);
        test_runs::finish(&mut run, &logs, &self.redactor).map_err(|error| error.to_string())?;
        run.log = format!("{trial}/{}", run.log);
        let results = run.results.clone();
        Ok(BaselineRun { ran: TestsRan { tree, ..tests_ran(run, TestPurpose::Baseline, None) }, results })
    }
}

/// Turns true when `asked` does; whoever holds it may be quicker.
fn begins_with(mut asked: watch::Receiver<bool>) -> watch::Sender<bool> {
    let begun = watch::Sender::new(*asked.borrow());
    let tell = begun.clone();
    tokio::spawn(async move {
        if asked.wait_for(|asked| *asked).await.is_ok() {
            tell.send_replace(true);
        }
    });
    begun
}

/// What all `runs` on one tree said test by test.
pub fn results_of(runs: &[TestRun]) -> Vec<TestResults> {
    runs.iter().filter_map(|run| run.results.clone()).collect()
}
