//! The state that the run started from: git's id of it, and how its tests and checks went. Found out while the model thinks,
//! one command at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::baseline_runs::{BaselineJob, BaselineWait, Lending, Lent};
use crate::journal::{Event, Residue, StartSeen, TestResults};
use crate::settings::TestCommand;
use crate::testing::Baseline;
use crate::tools::TestRun;
use crate::workspace::{Blobs, ChangeSet, TreeIds, TreeIndex};

/// The name of the trial, and of the folder of its logs.
const NAME: &str = "baseline";
/// How long a run that is over waits for git, which writes the tree's id.
const INDEXING: Duration = Duration::from_secs(1);
const NOT_YET: &str = "it was not measured when the time of the run was up";

/// The start state: its tree id and the baseline of each command.
pub(super) struct StartState {
    tree: watch::Receiver<Option<Result<Arc<TreeIndex>, String>>>,
    /// True once the tree id was recorded.
    told: bool,
    indexing: JoinHandle<()>,
    job: Arc<BaselineJob>,
    /// Turns true with the first request, or when it can't wait for that.
    begun: watch::Sender<bool>,
    measured: Vec<CommandBaseline>,
    /// Lets one command run at a time.
    turn: Arc<Semaphore>,
    off: watch::Sender<bool>,
    /// What the model runs of the tests before any edit.
    lent: watch::Sender<Lent>,
    blobs: Blobs,
    residue: Arc<Mutex<Residue>>,
}

/// How one command went on the start state.
struct CommandBaseline {
    /// The check's name; `None` for the tests.
    name: Option<String>,
    command: TestCommand,
    /// Of the trial, and of the folder of its logs.
    trial: String,
    measuring: Option<JoinHandle<Result<Baseline, String>>>,
    known: Option<Result<Baseline, String>>,
}

/// What may stand in for a measurement.
#[derive(Clone, Copy)]
struct MeasureSource {
    /// True if a kept baseline may be used.
    may_be_known: bool,
    /// True if a run of the model's may serve as baseline.
    is_lent: bool,
    /// It has its turn, and runs beside nothing else.
    waits: bool,
}

impl StartState {
    /// Begins once `asked` turns true; which commands are measured, [`StartState::measure`] says.
    pub(super) fn find_out(job: BaselineJob, asked: watch::Receiver<bool>) -> Self {
        let (off, (told, tree)) = (watch::Sender::new(false), watch::channel(None));
        let begun = begins_with(asked);
        let folder = job.folder.tree();
        let blobs = Blobs::at(&job.folder.blobs());
        let residue = Arc::clone(&job.trials.residue);
        let (repository, place) = (job.trials.repository.clone(), folder);
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
        let (job, turn) = (Arc::new(job), Arc::new(Semaphore::new(1)));
        let (measured, lent) = (Vec::new(), watch::Sender::new(Lent::Nothing));
        Self { tree, told: false, indexing, job, begun, measured, turn, off, lent, blobs, residue }
    }

    /// Begins before the first request.
    pub(super) fn begin_now(&self) {
        self.begun.send_replace(true);
    }

    /// Whether the tests, or the check of that name, are to be run on it at all.
    pub(super) fn is_measured(&self, name: Option<&str>) -> bool {
        self.measured.iter().any(|measured| measured.name.as_deref() == name)
    }

    /// Has the check of that name measured beside others, and not after them: it may not even start. Nothing runs yet.
    pub(super) fn hurry(&mut self, name: &str) {
        let Some(at) = self.measured.iter().position(|measured| measured.name.as_deref() == Some(name)) else { return };
        let (trial, command) = (self.measured[at].trial.clone(), self.measured[at].command.clone());
        let extent = MeasureSource { may_be_known: true, is_lent: false, waits: false };
        if let Some(waiting) = self.measured[at].measuring.take() {
            waiting.abort();
        }
        self.measured[at].measuring = Some(self.begin(&trial, &command, extent));
    }

    /// Tells git's id of the start state, the first time that it is known.
    pub(super) fn seen(&mut self) -> Option<Event> {
        let tree = self.tree.borrow().as_ref()?.as_ref().ok()?.start().to_owned();
        (!std::mem::replace(&mut self.told, true)).then_some(Event::StartSeen(StartSeen { tree }))
    }

    /// Has `command` measured, too: the tests without a name, a check with its own.
    pub(super) fn measure(&mut self, name: Option<&str>, command: &TestCommand) {
        if self.job.unwanted.is_some() || self.measured.iter().any(|measured| measured.name.as_deref() == name) {
            return;
        }
        let trial = match self.measured.len() {
            0 => NAME.to_owned(),
            number => format!("{NAME}-{number}"),
        };
        let measuring = Some(self.begin(
            &trial,
            command,
            MeasureSource { may_be_known: true, is_lent: name.is_none(), waits: true },
        ));
        let (name, command) = (name.map(str::to_owned), command.clone());
        self.measured.push(CommandBaseline { name, command, trial, measuring, known: None });
    }

    /// Has the tests, or the check of that name, measured anew where what is known comes from an earlier run and lacks tests
    /// that `after` tells of: what it was measured with isn't what there is now. True when it is.
    pub(super) fn renew(&mut self, name: Option<&str>, after: &[TestResults]) -> bool {
        let Some(at) = self.measured.iter().position(|measured| measured.name.as_deref() == name) else { return false };
        let known = self.measured[at].known.as_ref();
        if !known.is_some_and(|known| known.as_ref().is_ok_and(|known| known.is_cached() && known.lacks_any_of(after)))
        {
            return false;
        }
        let (trial, command) = (self.measured[at].trial.clone(), self.measured[at].command.clone());
        let measuring =
            self.begin(&trial, &command, MeasureSource { may_be_known: false, is_lent: false, waits: true });
        let measured = &mut self.measured[at];
        (measured.measuring, measured.known) = (Some(measuring), None);
        true
    }

    /// The model's run of the tests on the start state begins, which may count as one of those here.
    pub(super) fn lend(&self) -> Lending {
        Lending::begin(self.lent.clone())
    }

    /// Measures in a trial of that name, unless what is known suffices.
    fn begin(&self, trial: &str, command: &TestCommand, extent: MeasureSource) -> JoinHandle<Result<Baseline, String>> {
        let (job, trial, command) = (Arc::clone(&self.job), trial.to_owned(), command.clone());
        let (tree, asked, off) = (self.tree.clone(), self.begun.subscribe(), self.off.subscribe());
        let turn = Arc::clone(&self.turn);
        let lent = extent.is_lent.then(|| self.lent.subscribe());
        tokio::spawn(async move {
            // Those that wait get their turn in the order in which they asked for it.
            let turn = turn.acquire();
            let _turn = if extent.waits { Some(turn.await.map_err(|closed| closed.to_string())?) } else { None };
            job.measure(&trial, &command, BaselineWait { tree, asked, off, lent, may_be_known: extent.may_be_known })
                .await
        })
    }

    /// Git's ids of the start state, and of that with `changes`; `None` when git can't tell.
    pub(super) async fn trees_with(&mut self, changes: ChangeSet) -> Option<TreeIds> {
        let index = match self.tree.wait_for(Option::is_some).await {
            Ok(known) => known.clone()?.ok()?,
            Err(_) => return None,
        };
        let (changes, blobs) = (self.job.trials.way_back.then(&changes), self.blobs.clone());
        tokio::task::spawn_blocking(move || index.with(&changes, &blobs)).await.ok()?.ok()
    }

    /// Waits `patience` at most until the tests, or the check of that name, have run on the start state; true the first time
    /// that they have.
    pub(super) async fn wait(&mut self, name: Option<&str>, patience: Duration) -> bool {
        let Some(asked) = self.measured.iter_mut().find(|measured| measured.name.as_deref() == name) else {
            return false;
        };
        let Some(measuring) = &mut asked.measuring else { return false };
        let Ok(measured) = timeout(patience, measuring).await else { return false };
        asked.measuring = None;
        asked.known = Some(measured.unwrap_or_else(|panic| Err(panic.to_string())));
        true
    }

    /// The baseline of a command, once it is known.
    pub(super) fn known(&self, name: Option<&str>) -> Option<&Baseline> {
        self.known_or_why(name).ok()
    }

    /// The baseline, or why there is none.
    pub(super) fn known_or_why(&self, name: Option<&str>) -> Result<&Baseline, &str> {
        let asked = self.measured.iter().find(|measured| measured.name.as_deref() == name);
        match (asked.and_then(|asked| asked.known.as_ref()), &self.job.unwanted) {
            (Some(known), _) => known.as_ref().map_err(String::as_str),
            (None, Some(why)) => Err(why),
            (None, None) => Err(NOT_YET),
        }
    }

    /// Ends what still runs. Returns what had to be killed.
    pub(super) async fn close(self) -> Residue {
        self.off.send_replace(true);
        for measuring in self.measured.into_iter().filter_map(|measured| measured.measuring) {
            // It was called off, so that it has nothing to tell.
            let _ = measuring.await;
        }
        // It is called off, or waits for git alone, which ends with kcode.
        let _ = timeout(INDEXING, self.indexing).await;
        self.residue.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
pub(super) fn results_of(runs: &[TestRun]) -> Vec<TestResults> {
    runs.iter().filter_map(|run| run.results.clone()).collect()
}
