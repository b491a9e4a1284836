//! Where the task of `kcode ci` comes from.

use std::io::IsTerminal as _;

use super::arguments::CiArguments;
use crate::ci::{TaskKind, TaskSource};
use crate::cli::arguments::Global;
use crate::cli::task_text;
use crate::run::Failure;
use crate::settings::Environment;

/// Bytes of a variable.
const MAX_BYTES: usize = 256 * 1024;

pub(super) fn source(arguments: &CiArguments) -> TaskSource {
    match (&arguments.task_file, &arguments.task_env) {
        (Some(file), _) => TaskSource::named(TaskKind::File, Some(file.display().to_string())),
        (_, Some(name)) => TaskSource::named(TaskKind::Env, Some(name.clone())),
        _ => TaskSource::named(TaskKind::Stdin, None),
    }
}

/// Reads the task.
///
/// # Errors
/// When it can't be read, is empty, far too long or not UTF-8.
pub(super) fn read(global: &Global, arguments: &CiArguments) -> Result<String, Failure> {
    let text = match (&arguments.task_file, &arguments.task_env) {
        (Some(file), _) => task_text::from_file(global, file)?,
        (_, Some(name)) => variable(name)?,
        _ if std::io::stdin().is_terminal() => {
            return Err(Failure::usage(
                "there is no task",
                "name one with --task-file FILE or --task-env NAME, or pipe it in",
            ));
        }
        _ => task_text::from_stdin()?,
    };
    let task = text.trim();
    if task.is_empty() {
        return Err(Failure::usage("the task is empty", "say what to do in the file, the variable or standard input"));
    }
    Ok(task.to_owned())
}

fn variable(name: &str) -> Result<String, Failure> {
    let env = Environment::from_process();
    let text = env.get(name).ok_or_else(|| {
        let hint = format!("set it in the job's env: {name}: ${{{{ … }}}}; it must not be expanded in a script");
        Failure::usage(format!("there is no environment variable {name}"), hint)
    })?;
    if text.len() > MAX_BYTES {
        return Err(Failure::usage(
            format!("the task in {name} is longer than {} KiB", MAX_BYTES / 1024),
            "shorten it",
        ));
    }
    Ok(text.to_owned())
}
