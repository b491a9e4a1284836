//! The task of `kcode fix`. With a task argument standard input is never read, so a pipe without a writer can't block a run.

use super::flags::FixArguments;
use crate::cli::arguments::Global;
use crate::cli::task_text;
use crate::run::Failure;

/// Reads the task.
///
/// # Errors
/// When it can't be read, isn't UTF-8, is empty or far too long.
pub(super) fn read(global: &Global, arguments: &FixArguments) -> Result<String, Failure> {
    let text = match (&arguments.task, &arguments.task_file) {
        (Some(task), _) if task == "-" => task_text::from_stdin()?,
        (Some(task), _) => task.clone(),
        (None, Some(path)) => task_text::from_file(global, path)?,
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
