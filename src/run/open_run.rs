//! An open run: its folder, its journal, and those who watch what the journal is told.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::failure::Failure;
use super::kept_flags::kept;
use super::run_limits::limits;
use super::run_spec::RunSpec;
use super::user_interface::LineReader;
use crate::journal::{
    Event, FileJournal, Journal, Outcome, Record, Resumed, RunFolder, RunStarted, TaskQuotation, is_disk_failure,
};
use crate::render::TerminalRenderer;
use crate::settings::{Redactor, Settings};
use crate::text::sanitise_json;
use crate::workspace::{View, remove_tree};

/// Turns of the runtime from noting a request to its being sent, where there is a connection; some to spare.
const TURNS: usize = 50;

/// A run with an open journal.
pub(super) struct OpenRun {
    pub folder: RunFolder,
    /// What happened so far; this process alone may write to it.
    pub journal: Box<dyn Journal>,
    /// Copies of the journal's records.
    records: Arc<Mutex<Vec<Record>>>,
    /// Turns true when the first request leaves: what that doesn't need waits until then.
    pub asked: watch::Sender<bool>,
    people: Arc<Mutex<TerminalRenderer>>,
}

impl OpenRun {
    /// Opens the run that `spec` asks for, a new one or one that goes on, and notes so.
    ///
    /// # Errors
    /// When that can't be noted; then nothing of a new run is left, and one that was to go on is as it was.
    pub(super) fn open(spec: &RunSpec<'_>, redactor: &Redactor) -> Result<Self, Failure> {
        let folder = folder(spec)?;
        Self::open_in(folder.clone(), spec, redactor).inspect_err(|_| {
            if spec.past.is_none() {
                let _ = remove_tree(folder.path());
            }
        })
    }

    fn open_in(folder: RunFolder, spec: &RunSpec<'_>, redactor: &Redactor) -> Result<Self, Failure> {
        let mut journal = match &spec.past {
            Some(past) => FileJournal::reopen(&folder.journal(), &past.recovered)?,
            None => FileJournal::create(&folder.journal())?,
        };
        folder.renew().map_err(|error| cannot_hold(&spec.settings, &error))?;
        // Only whoever holds the journal may clear away what a killed process left.
        View::discard(folder.path())?;
        for draft in folder.drafts() {
            drop(fs::remove_file(draft));
        }
        let mut people = TerminalRenderer::new(spec.options.loudness, spec.front.talk());
        if let Some(past) = &spec.past {
            people.recall(&past.recovered.records);
        }
        people.logs_are_in(folder.logs());
        if !spec.options.allow_failing_setup {
            people.errors_tell_of_setup();
        }
        let earlier = spec.past.as_ref().map(|past| past.recovered.records.clone());
        let records = Arc::new(Mutex::new(earlier.unwrap_or_default()));
        let kept = Arc::clone(&records);
        journal.watch(Box::new(move |record| lock(&kept).push(record.clone())));
        let people = Arc::new(Mutex::new(people));
        let drawn = Arc::clone(&people);
        journal.watch(Box::new(move |record| lock(&drawn).record(record)));
        if let Some(take) = spec.front.lines() {
            print_lines(&mut journal, redactor.clone(), take);
        }
        let asked = watch::Sender::new(false);
        tell_when_asked(&mut journal, asked.clone());
        let unnoted = match &spec.past {
            Some(past) => past.catch_up()?,
            None => take_over(spec, &folder)?,
        };
        let events = [first_event(spec, &folder, redactor)].into_iter().chain(unnoted);
        journal.note(events.collect())?;
        Ok(Self { folder, journal: Box::new(journal), records, asked, people })
    }

    /// The same run, whose journal is written through another one.
    pub(super) fn through(self, journal: impl FnOnce(Box<dyn Journal>) -> Box<dyn Journal>) -> Self {
        Self { journal: journal(self.journal), ..self }
    }

    pub(super) fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        lock(&self.records)
    }

    pub(super) fn people(&self) -> MutexGuard<'_, TerminalRenderer> {
        lock(&self.people)
    }

    /// The same for whoever doesn't hold the run.
    pub(super) fn shared_people(&self) -> Arc<Mutex<TerminalRenderer>> {
        Arc::clone(&self.people)
    }
}

/// A panicking watcher must not take the run's end with it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Constant for the conversation, over all tasks, so that the provider finds its prefix again.
pub(super) fn cache_key(spec: &RunSpec<'_>, folder: &RunFolder) -> String {
    let begun = spec.inherited.as_ref().and_then(|inherited| inherited.begun().next());
    let known = spec.conditions.cache_key.as_ref().or(begun.map(|first| &first.cache_key));
    known.cloned().unwrap_or_else(|| format!("kcode-{}", folder.id()))
}

/// Makes what a new run goes on with its own; the event tells of changes among it.
fn take_over(spec: &RunSpec<'_>, folder: &RunFolder) -> Result<Option<Event>, Failure> {
    if let Some(inherited) = &spec.inherited {
        inherited.keep(folder)?;
    }
    let Some(carried) = &spec.carried else { return Ok(None) };
    carried.keep(folder)?;
    Ok(carried.event.clone())
}

fn folder(spec: &RunSpec<'_>) -> Result<RunFolder, Failure> {
    match &spec.past {
        Some(past) => Ok(past.folder.clone()),
        None => RunFolder::create(&spec.settings.state_dir.value).map_err(|error| cannot_hold(&spec.settings, &error)),
    }
}

fn cannot_hold(settings: &Settings, error: &io::Error) -> Failure {
    let message = format!("{} can't hold runs: {error}", settings.state_dir.value.display());
    if is_disk_failure(error) {
        return Failure::new(
            Outcome::Storage,
            message,
            "free space on that disk, or set KCODE_HOME to a folder on another one",
        );
    }
    Failure::new(Outcome::Config, message, "set KCODE_HOME to a writable folder")
}

/// Prints every record as a line. The journal keeps the model's words byte for byte; whoever reads along gets them
/// without secrets.
fn print_lines(journal: &mut FileJournal, redactor: Redactor, mut take: LineReader) {
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

fn without_secrets(quoted: &TaskQuotation, redactor: &Redactor) -> TaskQuotation {
    TaskQuotation { origin: quoted.origin.clone(), text: redactor.text(&quoted.text).into_owned() }
}

fn first_event(spec: &RunSpec<'_>, folder: &RunFolder, redactor: &Redactor) -> Event {
    let settings = &spec.settings;
    let base_url = spec.conditions.base_url.clone();
    let sandbox = settings.sandbox.value.to_string();
    let (version, model) = (env!("CARGO_PKG_VERSION").to_owned(), settings.model.value.clone());
    if spec.past.is_some() {
        let run = folder.id().clone();
        let writes = Some(settings.writes.value.clone());
        let (readable, limits) = (spec.options.shown.noted(settings), limits(settings));
        let repository_writes = settings.repository_writes.clone();
        let went_on = Resumed { run, version, model, base_url, sandbox, writes, repository_writes, readable, limits };
        return Event::Resumed(went_on);
    }
    Event::RunStarted(RunStarted {
        run: folder.id().clone(),
        version,
        task: redactor.text(&spec.task).into_owned(),
        repository: spec.repository.root().display().to_string(),
        focus: spec.repository.focus().cloned(),
        head: spec.repository.head().and_then(|head| head.commit),
        model,
        base_url,
        sandbox,
        limits: limits(settings),
        cache_key: cache_key(spec, folder),
        flags: kept(&spec.options),
        test: spec.options.test.clone().filter(|line| redactor.text(line) == *line),
        writes: Some(settings.writes.value.clone()),
        repository_writes: settings.repository_writes.clone(),
        test_rules: spec.conditions.test_rules,
        readable: spec.options.shown.noted(settings),
        follows: spec.inherited.as_ref().map(|inherited| inherited.follows.clone()),
        quoted: spec.quoted.iter().map(|quoted| without_secrets(quoted, redactor)).collect(),
    })
}
