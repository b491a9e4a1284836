//! The beginning of a run: everything that can happen beside each other does, so that the first request leaves early.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::bench::RunBench;
use super::{interrupt, opening};
use crate::cli::arguments::{FixArguments, Global, Output};
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::evidence;
use crate::journal::{Event, FileJournal, Journal, Limits, Outcome, RunFolder, RunStarted, TestsChosen};
use crate::model::{Asked, Client, Endpoint, Price, prices};
use crate::planner::budget::Budget;
use crate::planner::{Planner, State, Stop};
use crate::render::{Loudness, People};
use crate::settings::{Origin, Settings, TestCommand};
use crate::worker::{Worker, WorkerError, WorkerPlan};
use crate::workspace::{Outline, Repository, View};

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
    pub arguments: &'a FixArguments,
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

/// Starts a run and sees its conversation through.
pub async fn start(order: Order<'_>) -> Result<Run<'_>, Failure> {
    let began = Instant::now();
    let cancelled = interrupt::listen()?;
    order.settings.require_key()?;
    price(&order.settings)?;
    let folder = RunFolder::create(&order.settings.state_dir.value).map_err(|error| {
        let place = order.settings.state_dir.value.display();
        Failure::new(
            Outcome::Config,
            format!("{place} can't hold runs: {error}"),
            "set KCODE_HOME to a writable folder",
        )
    })?;
    let (mut journal, people) = open_journal(&order, &folder)?;
    let tests = choose_tests(&order);
    journal.append(vec![Event::RunStarted(run_started(&order, &folder)), Event::TestsChosen(tests.event())])?;

    let stop_copying = Arc::new(AtomicBool::new(false));
    let outline = order.repository.outline_paths(opening::MAX_PATHS);
    let view = View::place(&order.repository, folder.path())?;
    let making = {
        let (repository, run, stop) = (order.repository.clone(), folder.path().to_owned(), Arc::clone(&stop_copying));
        let (view, dependencies) = (view.clone(), order.settings.dependencies.value.clone());
        tokio::task::spawn_blocking(move || View::fill(&repository, &run, view, &dependencies, &stop))
    };
    let worker = Worker::start(worker_plan(&order, &folder, &outline, view, tests.command.clone())).await;
    let (worker, wall) = match worker {
        Ok(started) => started,
        Err(error) => {
            stop_copying.store(true, Ordering::Relaxed);
            let _ = making.await.map(|view| view.map(View::remove));
            let ended = Ended::Failed(worker_failure(&error));
            return Ok(Run { order, folder, journal, people, bench: None, ended });
        }
    };
    let mut bench = RunBench::new(worker, making, stop_copying, folder.clone(), tests.command.is_some());
    let (conversation, opening) = opening::open(&order, &outline, &cache_key(&folder), &tests);
    journal.append([vec![Event::WallBuilt(wall)], opening].concat())?;

    let settings = &order.settings;
    let client = client(&order)?;
    let price = price(settings)?;
    let drawn = Arc::clone(&people);
    let stopped = Planner {
        model: &client,
        bench: &mut bench,
        journal: &mut journal,
        conversation,
        budget: Budget::new(limits(settings), price),
        max_completion_tokens: settings.max_completion_tokens.value,
        max_retries: settings.max_retries.value,
        deadline: began + settings.max_time.value,
        cancelled,
        progress: &mut |progress| lock(&drawn).progress(progress),
        state: State::default(),
    }
    .run()
    .await?;
    Ok(Run { order, folder, journal, people, bench: Some(bench), ended: Ended::Stopped(Box::new(stopped)) })
}

/// A panicking watcher must not take the run's end with it.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_journal(order: &Order<'_>, folder: &RunFolder) -> Result<(FileJournal, Arc<Mutex<People>>), Failure> {
    let mut journal = FileJournal::create(&folder.journal())?;
    let loudness = match (order.global.quiet, order.global.verbose) {
        (true, _) => Loudness::Quiet,
        (false, true) => Loudness::Verbose,
        (false, false) => Loudness::Normal,
    };
    let people = Arc::new(Mutex::new(People::new(loudness, output::say)));
    let drawn = Arc::clone(&people);
    journal.watch(Box::new(move |record| lock(&drawn).record(record)));
    if order.arguments.output == Output::Jsonl {
        journal.watch(Box::new(|record| {
            if let Ok(line) = serde_json::to_string(record) {
                // A reader that went away doesn't end the run: its result is kept on disk.
                let _ = output::data(format!("{line}\n").as_bytes());
            }
        }));
    }
    Ok((journal, people))
}

fn run_started(order: &Order<'_>, folder: &RunFolder) -> RunStarted {
    let settings = &order.settings;
    RunStarted {
        run: folder.id().clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        task: order.task.clone(),
        repository: order.repository.root().display().to_string(),
        head: order.repository.head().and_then(|head| head.commit),
        model: settings.model.value.clone(),
        base_url: settings.base_url.value.to_string(),
        sandbox: settings.sandbox.value.to_string(),
        limits: limits(settings),
        cache_key: cache_key(folder),
    }
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        max_turns: settings.max_turns.value,
        max_tokens: settings.max_tokens.value,
        // Without a price the default limit on cost can't be held; then it isn't claimed either.
        max_cost_usd: settings.max_cost.value.filter(|_| matches!(price(settings), Ok(Some(_)))),
        max_time_s: settings.max_time.value.as_secs(),
    }
}

/// Constant for the conversation, so that the provider finds its prefix again.
fn cache_key(folder: &RunFolder) -> String {
    format!("kcode-{}", folder.id())
}

/// The tests of a run.
pub struct ChosenTests {
    /// `None` when none is known, or none is wanted.
    pub command: Option<TestCommand>,
    /// Where it comes from, or why there is none.
    pub origin: String,
}

impl ChosenTests {
    fn event(&self) -> TestsChosen {
        TestsChosen { command: self.command.as_ref().map(ToString::to_string), origin: self.origin.clone() }
    }
}

fn choose_tests(order: &Order<'_>) -> ChosenTests {
    let settings = &order.settings;
    if !settings.verify.value {
        return ChosenTests { command: None, origin: settings.verify.origin.to_string() };
    }
    if let Some(command) = &settings.test.value {
        return ChosenTests { command: Some(command.clone()), origin: settings.test.origin.to_string() };
    }
    match evidence::detect(order.repository.root(), order.repository.focus()) {
        Some(found) => ChosenTests { command: Some(found.command), origin: found.origin },
        None => ChosenTests { command: None, origin: "no test command found; give one with --test".to_owned() },
    }
}

fn worker_plan(
    order: &Order<'_>,
    folder: &RunFolder,
    outline: &Outline,
    view: PathBuf,
    tests: Option<TestCommand>,
) -> WorkerPlan {
    let settings = &order.settings;
    WorkerPlan {
        view,
        logs: folder.logs(),
        scratch: folder.scratch(),
        readable: order.repository.dependency_targets(&settings.dependencies.value, outline),
        tests,
        deadline: settings.test_deadline.value,
        idle: settings.test_idle.value,
        child_env: settings.child_env.value.clone(),
        sandbox: settings.sandbox.value,
        program: None,
    }
}

fn client(order: &Order<'_>) -> Result<Client, Failure> {
    let key = order.settings.require_key()?;
    let base_url = order.settings.base_url.value.to_string();
    let mut endpoint = Endpoint::new(&base_url, Some(key.secret.clone().into()));
    endpoint.idle_timeout = order.settings.max_silence.value;
    Client::new(&endpoint).map_err(|error| {
        let asked =
            Asked { key_variable: Some(&key.variable), base_url: &base_url, model: &order.settings.model.value };
        Failure::new(Outcome::Config, error.headline(), error.hint(asked))
    })
}

/// The model's price. A limit on cost that a person set can't be held without one.
fn price(settings: &Settings) -> Result<Option<Price>, Failure> {
    let model = &settings.model.value;
    let price = settings.price.value.as_ref().map(Price::from).or_else(|| prices::lookup(model));
    let limited = settings.max_cost.value.is_some() && settings.max_cost.origin != Origin::Default;
    if price.is_none() && limited {
        let hint = "give its price in ~/.config/kcode/config.toml ([price] input, cached_input, output: USD per million tokens), or drop the limit on cost";
        return Err(Failure::new(
            Outcome::Config,
            format!("a limit on cost can't be held: the price of {model} is not known"),
            hint,
        ));
    }
    Ok(price)
}

fn worker_failure(error: &WorkerError) -> Failure {
    let outcome = match error {
        WorkerError::WallIncomplete { .. } => Outcome::Refused,
        _ => Outcome::Internal,
    };
    Failure::new(outcome, error.to_string(), error.hint())
}
