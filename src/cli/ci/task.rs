//! Where the task of `kcode ci` comes from.

use std::io::IsTerminal as _;
use std::path::Path;

use super::arguments::CiArguments;
use crate::ci::task::CiTask;
use crate::ci::{TaskKind, TaskSource, event, log, sarif, task, trust};
use crate::cli::arguments::Global;
use crate::cli::{output, task_text};
use crate::journal::{Outcome, read_regular};
use crate::run::Failure;
use crate::settings::{CiSettings, Environment};

/// Bytes of a variable.
const MAX_VARIABLE: usize = 256 * 1024;
/// Bytes of an event; larger ones than it reads are refused by [`event::read`] with its own words.
const MAX_EVENT: u64 = 32 << 20;
/// Bytes of a log or of an analyzer's findings.
const MAX_FILE: u64 = 64 << 20;

/// What is known of the source before it is read.
pub(super) fn source(arguments: &CiArguments) -> TaskSource {
    let named = |kind, file: &Path| TaskSource::named(kind, Some(file.display().to_string()));
    match arguments {
        CiArguments { task_file: Some(file), .. } => named(TaskKind::File, file),
        CiArguments { task_env: Some(name), .. } => TaskSource::named(TaskKind::Env, Some(name.clone())),
        CiArguments { log: Some(file), .. } => named(TaskKind::Log, file),
        CiArguments { event: Some(file), .. } => named(TaskKind::Event, file),
        CiArguments { sarif: Some(file), .. } => named(TaskKind::Sarif, file),
        _ => TaskSource::named(TaskKind::Stdin, None),
    }
}

/// Reads the task, and whether whoever asks for it may.
///
/// # Errors
/// When it can't be read, is empty or too long, its author isn't trusted, or an event is no task.
pub(super) fn read(global: &Global, arguments: &CiArguments, settings: &CiSettings) -> Result<CiTask, Failure> {
    let text = match arguments {
        CiArguments { task_file: Some(file), .. } => task_text::from_file(global, file)?,
        CiArguments { task_env: Some(name), .. } => variable(name)?,
        CiArguments { sarif: Some(file), .. } => return of_findings(arguments, file, settings),
        CiArguments { event: None, log: None, .. } if std::io::stdin().is_terminal() => {
            let hint = "name one with --event FILE, --task-file FILE or --task-env NAME, or pipe it in";
            return Err(Failure::usage("there is no task", hint));
        }
        CiArguments { event: None, log: None, .. } => task_text::from_stdin()?,
        CiArguments { .. } => return of_event(arguments, settings),
    };
    let task = text.trim();
    if task.is_empty() {
        return Err(Failure::usage("the task is empty", "say what to do in the file, the variable or standard input"));
    }
    let source = source(arguments);
    Ok(CiTask { text: task.to_owned(), raw: Vec::new(), source, follow_up: None, is_from_fork: false })
}

/// The task of an event, of a failing log, or of a log whose workflow's end is the event.
fn of_event(arguments: &CiArguments, settings: &CiSettings) -> Result<CiTask, Failure> {
    let event = arguments.event.as_deref().map(|file| {
        let bytes = contents(file, "event", MAX_EVENT)?;
        event::read(&bytes).map_err(|error| Failure::usage(error.to_string(), error.hint()))
    });
    let event = event.transpose()?;
    if let Some(event) = &event {
        let actor = trust::decide(event, settings)
            .map_err(|distrust| Failure::new(Outcome::Refused, distrust.to_string(), distrust.hint()))?;
        output::say(&format!("event     {} of @{}", event.name, actor.login));
    }
    let made = match (&arguments.log, &event) {
        (Some(file), event) => log::task(&contents(file, "log", MAX_FILE)?, event.as_ref(), settings),
        (None, Some(event)) => task::of(event, settings),
        (None, None) => return Err(Failure::usage("there is no task", "name one with --event FILE or --log FILE")),
    };
    // Nothing was to be done, and nothing was: that is no success.
    made.map_err(|reason| Failure::new(Outcome::NoChange, reason.to_string(), reason.hint()))
}

fn of_findings(arguments: &CiArguments, file: &Path, settings: &CiSettings) -> Result<CiTask, Failure> {
    let root = std::path::absolute(".").ok().and_then(|root| root.to_str().map(str::to_owned));
    let wrong = |error: sarif::SarifError| Failure::usage(error.to_string(), error.hint());
    let found = sarif::read(&contents(file, "analyzer's file", MAX_FILE)?, root.as_deref()).map_err(wrong)?;
    let chosen = sarif::choose(&found, arguments.finding.as_deref(), arguments.rule.as_deref()).map_err(wrong)?;
    sarif::task(&chosen, settings).map_err(wrong)
}

fn contents(file: &Path, what: &str, most: u64) -> Result<Vec<u8>, Failure> {
    read_regular(file, most).map_err(|error| {
        Failure::usage(format!("the {what} {} can't be read: {error}", file.display()), "name a regular file")
    })
}

fn variable(name: &str) -> Result<String, Failure> {
    let env = Environment::from_process();
    let text = env.get(name).ok_or_else(|| {
        let hint = format!("set it in the job's env: {name}: ${{{{ … }}}}; it must not be expanded in a script");
        Failure::usage(format!("there is no environment variable {name}"), hint)
    })?;
    if text.len() > MAX_VARIABLE {
        let message = format!("the task in {name} is longer than {} KiB", MAX_VARIABLE / 1024);
        return Err(Failure::usage(message, "shorten it"));
    }
    Ok(text.to_owned())
}
