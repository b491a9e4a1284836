//! An open run: its folder, its journal, and those who watch what the journal is told.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::failure::Failure;
use super::kept_flags::kept;
use super::replay_context::ReplayContext;
use super::run_spec::RunSpec;
use super::terms::limits;
use crate::journal::{Event, FileJournal, Outcome, Resumed, RunFolder, RunStarted, TEST_RULES, is_disk_failure};
use crate::render::TerminalRenderer;
use crate::settings::{Redactor, Settings};
use crate::text::sanitise_json;
use crate::workspace::{View, remove_tree};

/// Turns of the runtime from noting a request to its being sent, where there is a connection; some to spare.
const TURNS: usize = 50;

/// A run that its journal knows of.
pub struct OpenRun {
    /// Where it is kept.
    pub folder: RunFolder,
    /// What happened so far; this process alone may write to it.
    pub journal: FileJournal,
    /// Turns true when the first request leaves: what that doesn't need waits until then.
    pub asked: watch::Sender<bool>,
    people: Arc<Mutex<TerminalRenderer>>,
}

impl OpenRun {
    /// Opens the run that `order` asks for, a new one or one that goes on, and notes so.
    ///
    /// # Errors
    /// When that can't be noted; then nothing of a new run is left, and one that was to go on is as it was.
    pub fn open(order: &RunSpec<'_>, redactor: &Redactor) -> Result<Self, Failure> {
        let folder = folder(order)?;
        Self::open_in(folder.clone(), order, redactor).inspect_err(|_| {
            if order.past.is_none() {
                let _ = remove_tree(folder.path());
            }
        })
    }

    fn open_in(folder: RunFolder, order: &RunSpec<'_>, redactor: &Redactor) -> Result<Self, Failure> {
        let mut journal = match &order.past {
            Some(past) => FileJournal::reopen(&folder.journal(), &past.recovered)?,
            None => FileJournal::create(&folder.journal())?,
        };
        folder.renew().map_err(|error| cannot_hold(&order.settings, &error))?;
        // Only whoever holds the journal may clear away what a killed process left.
        View::discard(folder.path())?;
        for draft in folder.drafts() {
            drop(fs::remove_file(draft));
        }
        let mut people = TerminalRenderer::new(order.options.loudness, order.front.talk());
        if let Some(past) = &order.past {
            people.recall(&past.recovered.records);
        }
        people.logs_are_in(folder.logs());
        if !order.options.allow_failing_setup && order.again.is_none() {
            people.errors_tell_of_setup();
        }
        let people = Arc::new(Mutex::new(people));
        let drawn = Arc::clone(&people);
        journal.watch(Box::new(move |record| lock(&drawn).record(record)));
        if let Some(take) = order.front.lines() {
            print_lines(&mut journal, redactor.clone(), take);
        }
        let asked = watch::Sender::new(false);
        tell_when_asked(&mut journal, asked.clone());
        let unnoted = match &order.past {
            Some(past) => past.catch_up()?,
            None => take_over(order, &folder)?,
        };
        let events = [first_event(order, &folder, redactor)].into_iter().chain(unnoted);
        journal.note(events.collect())?;
        Ok(Self { folder, journal, asked, people })
    }

    /// What a person sees.
    pub fn people(&self) -> MutexGuard<'_, TerminalRenderer> {
        lock(&self.people)
    }

    /// The same for whoever doesn't hold the run.
    pub fn shared_people(&self) -> Arc<Mutex<TerminalRenderer>> {
        Arc::clone(&self.people)
    }
}

/// A panicking watcher must not take the run's end with it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Constant for the conversation, over all tasks, so that the provider finds its prefix again; in a replay, the recorded one.
pub fn cache_key(order: &RunSpec<'_>, folder: &RunFolder) -> String {
    if let Some(again) = &order.again {
        return again.script.started().cache_key.clone();
    }
    let begun = order.inherited.as_ref().and_then(|inherited| inherited.begun().next());
    begun.map_or_else(|| format!("kcode-{}", folder.id()), |first| first.cache_key.clone())
}

/// Makes what a new run goes on with its own; the event tells of changes among it.
fn take_over(order: &RunSpec<'_>, folder: &RunFolder) -> Result<Option<Event>, Failure> {
    if let Some(inherited) = &order.inherited {
        inherited.keep(folder)?;
    }
    let Some(carried) = &order.carried else { return Ok(None) };
    carried.keep(folder)?;
    Ok(carried.event.clone())
}

fn folder(order: &RunSpec<'_>) -> Result<RunFolder, Failure> {
    match &order.past {
        Some(past) => Ok(past.folder.clone()),
        None => {
            RunFolder::create(&order.settings.state_dir.value).map_err(|error| cannot_hold(&order.settings, &error))
        }
    }
}

fn cannot_hold(settings: &Settings, error: &io::Error) -> Failure {
    let message = format!("{} can't hold runs: {error}", settings.state_dir.value.display());
    if is_disk_failure(error) {
        return Failure::new(Outcome::Storage, message, "free space on that disk, or set KCODE_HOME to another one");
    }
    Failure::new(Outcome::Config, message, "set KCODE_HOME to a writable folder")
}

/// Prints every record as a line. The journal keeps the model's words byte for byte; whoever reads along gets them
/// without secrets.
fn print_lines(journal: &mut FileJournal, redactor: Redactor, take: fn(&str)) {
    journal.watch(Box::new(move |record| {
        if let Ok(mut line) = serde_json::to_string(record) {
            redactor.clean(&mut line);
            take(&sanitise_json(&line));
        }
    }));
}

fn tell_when_asked(journal: &mut FileJournal, asked: watch::Sender<bool>) {
    journal.watch(Box::new(move |record| {
        if !matches!(record.event, Event::Request(_)) || *asked.borrow() {
            return;
        }
        let asked = asked.clone();
        tokio::spawn(async move {
            // The request is on its way after a few of these; whatever waits for it would take its processor.
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            asked.send_replace(true);
        });
    }));
}

fn first_event(order: &RunSpec<'_>, folder: &RunFolder, redactor: &Redactor) -> Event {
    let settings = &order.settings;
    let asked = |again: &Arc<ReplayContext>| format!("the recording of {}", again.script.started().run);
    let base_url = order.again.as_ref().map_or_else(|| settings.base_url.value.to_string(), asked);
    let sandbox = settings.sandbox.value.to_string();
    let (version, model) = (env!("CARGO_PKG_VERSION").to_owned(), settings.model.value.clone());
    if order.past.is_some() {
        let run = folder.id().clone();
        let writes = Some(settings.writes.value.clone());
        let (readable, limits) = (order.options.shown.noted(settings), limits(settings));
        let repository_writes = settings.repository_writes.clone();
        let went_on = Resumed { run, version, model, base_url, sandbox, writes, repository_writes, readable, limits };
        return Event::Resumed(went_on);
    }
    Event::RunStarted(RunStarted {
        run: folder.id().clone(),
        version,
        task: redactor.text(&order.task).into_owned(),
        repository: order.repository.root().display().to_string(),
        focus: order.repository.focus().cloned(),
        head: order.repository.head().and_then(|head| head.commit),
        model,
        base_url,
        sandbox,
        limits: limits(settings),
        cache_key: cache_key(order, folder),
        flags: kept(&order.options),
        test: order.options.test.clone().filter(|line| redactor.text(line) == *line),
        writes: Some(settings.writes.value.clone()),
        repository_writes: settings.repository_writes.clone(),
        test_rules: order.again.as_ref().map_or(TEST_RULES, |again| again.script.started().test_rules),
        readable: order.options.shown.noted(settings),
        follows: order.inherited.as_ref().map(|inherited| inherited.follows.clone()),
    })
}
