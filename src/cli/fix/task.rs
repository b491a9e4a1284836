//! Where the task comes from. With a task argument standard input is never read, so a pipe without a writer can't hang a run.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::cli::arguments::FixArguments;
use crate::cli::failure::Failure;
use crate::journal::Outcome;

/// A task is text that a person wrote; more than this is something else.
const MAX_BYTES: u64 = 256 * 1024;

/// Reads the task.
///
/// # Errors
/// When it can't be read, isn't UTF-8, is empty or far too long.
pub fn read(arguments: &FixArguments) -> Result<String, Failure> {
    let text = match (&arguments.task, &arguments.task_file) {
        (Some(task), _) if task == "-" => capped(io::stdin().lock(), "standard input")?,
        (Some(task), _) => task.clone(),
        (None, Some(path)) => from_file(path)?,
        (None, None) => String::new(),
    };
    let task = text.trim();
    if let (true, Some(run)) = (task.is_empty(), &arguments.resume) {
        let hint = format!(
            "say what to do next: kcode fix --resume {run} \"task\"; to take it up where it stopped: kcode resume {run}"
        );
        return Err(Failure::usage("the task is empty", hint));
    }
    if task.is_empty() {
        return Err(Failure::usage(
            "the task is empty",
            "say what to do: kcode fix \"add() subtracts when b is negative\"",
        ));
    }
    Ok(task.to_owned())
}

fn from_file(path: &Path) -> Result<String, Failure> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| {
        Failure::usage(format!("the task file {name} can't be read: {error}"), "check the path given to --task-file")
    })?;
    capped(file, &name)
}

fn capped(source: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| {
        Failure::new(Outcome::Usage, format!("the task can't be read from {name}: {error}"), "give it as an argument")
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        let hint = "put long material into a file of the repository and name it in the task";
        return Err(Failure::usage(format!("the task in {name} is longer than {} KiB", MAX_BYTES / 1024), hint));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("the task in {name} is not UTF-8"), "save it as UTF-8"))
}
