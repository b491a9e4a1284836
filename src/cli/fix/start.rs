//! The beginning of a run: everything that can happen beside each other does, so that the first request leaves early.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::bench::{Making, RunBench};
use super::discreet::Discreet;
use super::opening;
use super::opening::Sights;
use super::past::Past;
use super::terms::{ChosenTests, client, limits, price};
use crate::cli::arguments::{Global, Output, RunFlags};
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::journal::{Event, FileJournal, Layer, Outcome, Resumed, RunFolder, RunStarted, WallBuilt, is_abandoned};
use crate::model::Conversation;
use crate::planner::budget::Budget;
use crate::planner::{Planner, State, Stop};
use crate::render::{Loudness, People, sanitise_json};
use crate::settings::{Environment, Redactor, Sandbox, Settings};
use crate::worker::{OverlayPlan, Worker, WorkerError, WorkerPlan};
use crate::workspace::{ChangeSet, Overlay, Repository, View, remove_tree};

/// Everything that a run needs to be told.
pub struct Order<'a> {
    /// What to do.
    pub task: String,
    /// Where.
    pub repository: Repository,
    /// How.
    pub settings: Settings,
    /// Flags of every command.
    pub global: &'a Global,
    /// Flags of this one.
    pub flags: &'a RunFlags,
    /// The run that goes on; `None` for a new one.
    pub past: Option<Past>,
    /// False when nothing of the run can be used later, as in a demo.
    pub kept: bool,
}

/// A run whose conversation is over.
pub struct Run<'a> {
    pub order: Order<'a>,
    pub folder: RunFolder,
    pub journal: FileJournal,
    pub people: Arc<Mutex<People>>,
    /// `None` when the run failed before there was a worker.
    pub bench: Option<RunBench>,
    pub ended: Ended,
}

/// How the conversation ended, if there was one.
pub enum Ended {
    /// The loop ran.
    Stopped(Box<Stop>),
    /// The run failed before the first request.
    Failed(Failure),
}

/// Starts a run, or takes one up again, and sees its conversation through.
pub async fn start(order: Order<'_>, cancelled: watch::Receiver<bool>) -> Result<Run<'_>, Failure> {
    let began = Instant::now();
    let redactor = Redactor::of(&Environment::from_process());
    let client = Discreet { model: client(&order.settings)?, redactor: redactor.clone() };
    let price = price(&order.settings)?;
    let folder = folder(&order)?;
    let (mut journal, people) = open_journal(&order, &folder, &redactor)?;
    let asked = watch::Sender::new(false);
    tell_when_asked(&mut journal, asked.clone());
    sweep(order.settings.state_dir.value.clone(), asked.subscribe());

    let outline = beside(&order.repository, |repository| repository.outline_paths(opening::MAX_PATHS));
    let place = View::place(&order.repository, folder.path())?;
    let mut plan = worker_plan(&order, &folder, place.clone());
    let launched = Worker::launch(&plan);
    let overlay = overlay(&order, &folder);
    plan.overlay = overlay.as_ref().ok().map(OverlayPlan::of);
    let tests = ChosenTests::choose(&order.settings, &order.repository);
    plan.tests.clone_from(&tests.command);
    journal.note(vec![first_event(&order, &folder, &redactor), Event::TestsChosen(tests.event())])?;
    let outline = Arc::new(outline.await.map_err(anyhow::Error::from)?);
    let changes = {
        let outline = Arc::clone(&outline);
        beside(&order.repository, move |repository| repository.changes(&outline, opening::MAX_CHANGES))
    };
    plan.readable = order.repository.dependency_targets(&order.settings.dependencies.value, &outline);
    let confined = tokio::spawn(async move { launched?.confine(plan).await });
    // Now it is told, and confines itself while the survey is written.
    tokio::task::yield_now().await;
    let seen = Sights { outline, changes: changes.await.map_err(anyhow::Error::from)? };
    let opened = conversation(&order, &seen, &folder, &tests, &redactor);
    drop(seen);
    let (worker, mut wall) = match confined.await.map_err(anyhow::Error::from)? {
        Ok(started) => started,
        Err(error) => {
            // The next run clears away what can't be removed now.
            let _ = View::discard(folder.path());
            let ended = Ended::Failed(worker_failure(&error, &redactor));
            return Ok(Run { order, folder, journal, people, bench: None, ended });
        }
    };
    let making = make_view(&order, &folder, place, mounted(overlay, &mut wall), asked);
    let mut bench = RunBench::new(worker, making, folder.clone(), tests.command.is_some(), redactor.clone());
    let (conversation, messages) = opened?;
    journal.note([vec![Event::WallBuilt(wall)], messages].concat())?;

    let mut budget = Budget::new(limits(&order.settings), price);
    let mut state = State::default();
    if let Some(past) = &order.past {
        budget.recall(past.events());
        state = State::recall(past.events());
    }
    let drawn = Arc::clone(&people);
    let stopped = Planner {
        model: &client,
        bench: &mut bench,
        journal: &mut journal,
        conversation,
        budget,
        max_completion_tokens: order.settings.max_completion_tokens.value,
        max_retries: order.settings.max_retries.value,
        deadline: began + order.settings.max_time.value,
        cancelled,
        progress: &mut |progress| lock(&drawn).progress(progress),
        state,
    }
    .run()
    .await?;
    Ok(Run { order, folder, journal, people, bench: Some(bench), ended: Ended::Stopped(Box::new(stopped)) })
}

/// A panicking watcher must not take the run's end with it.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn folder(order: &Order<'_>) -> Result<RunFolder, Failure> {
    let state = &order.settings.state_dir.value;
    let made = match &order.past {
        Some(past) => past.folder.renew().map(|()| past.folder.clone()),
        None => RunFolder::create(state),
    };
    made.map_err(|error| {
        let message = format!("{} can't hold runs: {error}", state.display());
        Failure::new(Outcome::Config, message, "set KCODE_HOME to a writable folder")
    })
}

/// Runs `look` on a thread of its own.
fn beside<T: Send + 'static>(
    repository: &Repository,
    look: impl FnOnce(&Repository) -> T + Send + 'static,
) -> JoinHandle<T> {
    let repository = repository.clone();
    tokio::task::spawn_blocking(move || look(&repository))
}

/// What the first request doesn't need waits until it leaves: copying and clearing away would only hold it up.
fn tell_when_asked(journal: &mut FileJournal, asked: watch::Sender<bool>) {
    journal.watch(Box::new(move |record| {
        if matches!(record.event, Event::Request(_)) {
            asked.send_replace(true);
        }
    }));
}

/// Clears away, beside the run, what killed processes left of theirs.
fn sweep(state: PathBuf, mut asked: watch::Receiver<bool>) {
    let clear = move || {
        for run in RunFolder::all(&state).unwrap_or_default() {
            let mut left =
                [run.view(), run.overlay(), run.scratch()].into_iter().filter(|folder| folder.exists()).peekable();
            if left.peek().is_some() && is_abandoned(&run.journal()) {
                for folder in left {
                    drop(remove_tree(&folder));
                }
            }
        }
    };
    tokio::spawn(async move {
        if asked.wait_for(|asked| *asked).await.is_ok() {
            tokio::task::spawn_blocking(clear);
        }
    });
}

fn open_journal(
    order: &Order<'_>,
    folder: &RunFolder,
    redactor: &Redactor,
) -> Result<(FileJournal, Arc<Mutex<People>>), Failure> {
    let mut journal = match &order.past {
        Some(past) => FileJournal::reopen(&folder.journal(), &past.recovered)?,
        None => FileJournal::create(&folder.journal())?,
    };
    // Only whoever holds the journal may clear away what a killed process left.
    View::discard(folder.path())?;
    let loudness = match (order.global.quiet, order.global.verbose) {
        (true, _) => Loudness::Quiet,
        (false, true) => Loudness::Verbose,
        (false, false) => Loudness::Normal,
    };
    let people = Arc::new(Mutex::new(People::new(loudness, output::say)));
    let drawn = Arc::clone(&people);
    journal.watch(Box::new(move |record| lock(&drawn).record(record)));
    if order.flags.output == Output::Jsonl {
        let redactor = redactor.clone();
        journal.watch(Box::new(move |record| {
            if let Ok(mut line) = serde_json::to_string(record) {
                // The journal keeps the model's words byte for byte; whoever reads along gets them without secrets.
                redactor.clean(&mut line);
                // A reader that went away doesn't end the run: its result is kept on disk.
                let _ = output::data(format!("{}\n", sanitise_json(&line)).as_bytes());
            }
        }));
    }
    Ok((journal, people))
}

fn first_event(order: &Order<'_>, folder: &RunFolder, redactor: &Redactor) -> Event {
    let settings = &order.settings;
    let (base_url, sandbox) = (settings.base_url.value.to_string(), settings.sandbox.value.to_string());
    let (version, model) = (env!("CARGO_PKG_VERSION").to_owned(), settings.model.value.clone());
    if order.past.is_some() {
        let run = folder.id().clone();
        return Event::Resumed(Resumed { run, version, model, base_url, sandbox, limits: limits(settings) });
    }
    Event::RunStarted(RunStarted {
        run: folder.id().clone(),
        version,
        task: redactor.text(&order.task).into_owned(),
        repository: order.repository.root().display().to_string(),
        head: order.repository.head().and_then(|head| head.commit),
        model,
        base_url,
        sandbox,
        limits: limits(settings),
        cache_key: cache_key(folder),
    })
}

/// Constant for the conversation, so that the provider finds its prefix again.
fn cache_key(folder: &RunFolder) -> String {
    format!("kcode-{}", folder.id())
}

/// The layers of an overlay, with what a run that goes on had changed; or why there can't be one.
fn overlay(order: &Order<'_>, folder: &RunFolder) -> Result<Overlay, String> {
    if order.settings.sandbox.value == Sandbox::Off {
        return Err("--sandbox off has no namespaces".to_owned());
    }
    let changes = order.past.as_ref().map_or_else(|| ChangeSet::new(Vec::new()), |past| past.changes.clone());
    Overlay::prepare(&order.repository, folder.path(), changes).map_err(|error| error.to_string())
}

/// The overlay, if the worker could mount it; the wall tells why there is none, whoever found out.
fn mounted(overlay: Result<Overlay, String>, wall: &mut WallBuilt) -> Result<Overlay, String> {
    match (overlay, wall.layers.iter().find(|layer| layer.name == "overlay")) {
        (Ok(_), Some(layer)) if !layer.holds => Err(layer.detail.clone()),
        (Err(why), None) => {
            wall.layers.push(Layer::missing("overlay", why.clone()));
            Err(why)
        }
        (overlay, _) => overlay,
    }
}

/// Opens the overlay, or copies the tree, in the background; a run that goes on gets its changes back.
fn make_view(
    order: &Order<'_>,
    folder: &RunFolder,
    place: PathBuf,
    overlay: Result<Overlay, String>,
    asked: watch::Sender<bool>,
) -> Making {
    let stop = Arc::new(AtomicBool::new(false));
    let (repository, run, called_off) = (order.repository.clone(), folder.path().to_owned(), Arc::clone(&stop));
    let dependencies = order.settings.dependencies.value.clone();
    let changes = order.past.as_ref().map(|past| past.changes.clone());
    Making::new(asked, stop, move || {
        let why = match overlay {
            Ok(overlay) => return Ok(View::over(&repository, &run, &overlay, &dependencies)?),
            Err(why) => why,
        };
        let mut made = View::fill(&repository, &run, place, &dependencies, &called_off)?;
        made.note(format!("copied, as an overlay can't be had: {why}"));
        if let Some(changes) = changes.filter(|_| !called_off.load(Ordering::Relaxed))
            && let Err(error) = made.restore(&changes)
        {
            // The run can't go on in this view; nothing of it may stay.
            let _ = made.remove();
            return Err(error.into());
        }
        Ok(made)
    })
}

/// The plan as far as it is known without a look at the repository.
fn worker_plan(order: &Order<'_>, folder: &RunFolder, view: PathBuf) -> WorkerPlan {
    let settings = &order.settings;
    WorkerPlan {
        view,
        overlay: None,
        logs: folder.logs(),
        scratch: folder.scratch(),
        readable: Vec::new(),
        tests: None,
        deadline: settings.test_deadline.value,
        idle: settings.test_idle.value,
        child_env: settings.child_env.value.clone(),
        readable_secrets: settings.readable_secrets.value.clone(),
        sandbox: settings.sandbox.value,
        program: None,
    }
}

fn worker_failure(error: &WorkerError, redactor: &Redactor) -> Failure {
    let outcome = match error {
        WorkerError::WallIncomplete { .. } => Outcome::Refused,
        _ => Outcome::Internal,
    };
    Failure::new(outcome, redactor.text(&error.to_string()), error.hint())
}

fn conversation(
    order: &Order<'_>,
    seen: &Sights,
    folder: &RunFolder,
    tests: &ChosenTests,
    redactor: &Redactor,
) -> Result<(Conversation, Vec<Event>), Failure> {
    let Some(past) = &order.past else {
        let mut survey = opening::survey(order, seen, tests)?;
        survey.text = redactor.text(&survey.text).into_owned();
        return Ok(opening::open(order, seen, &cache_key(folder), survey));
    };
    past.conversation().map_err(|error| Failure::internal(format!("{}: {}", error.headline(), error.message)))
}
