//! Every tool by name, and how one call is answered.

use similar::get_close_matches;

use super::edit_file::EditFile;
use super::list_files::ListFiles;
use super::read_file::ReadFile;
use super::run_tests::RunTests;
use super::search::Search;
use super::write_file::WriteFile;
use crate::journal::RelPath;

use super::{Access, FatalToolError, Observation, Tool, ToolError, Workroom};

/// All tools, sorted by name.
static TOOLS: [&dyn Tool; 6] = [&EditFile, &ListFiles, &ReadFile, &RunTests, &Search, &WriteFile];

/// Names that models use for a shell out of habit.
const SHELLS: [&str; 7] = ["bash", "cmd", "exec", "execute", "run_command", "shell", "terminal"];

/// The tool of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Tool> {
    TOOLS.iter().copied().find(|tool| tool.name() == name)
}

/// Every name, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|tool| tool.name())
}

/// Whether calls of `name` may run beside others; `None` when there is no such tool.
#[must_use]
pub fn access(name: &str) -> Option<Access> {
    find(name).map(Tool::access)
}

/// Answers one call, whatever its name and arguments are.
///
/// # Errors
/// Only when the run can't go on; everything that the model could do better is an [`Observation`] with `ok: false`.
pub fn call(room: &Workroom, name: &str, arguments: &str) -> Result<Observation, FatalToolError> {
    let Some(tool) = find(name) else { return Ok(Observation::refusal(unknown(name))) };
    match tool.run(room, arguments) {
        Ok(observation) => Ok(observation),
        Err(ToolError::Tell(text)) => Ok(Observation::refusal(text)),
        Err(ToolError::Fatal(error)) => Err(error),
    }
}

/// The file that a call is about to write, as far as its arguments tell; `None` for calls that write none.
#[must_use]
pub fn written_path(name: &str, arguments: &str) -> Option<RelPath> {
    if access(name) != Some(Access::Write) {
        return None;
    }
    let arguments: serde_json::Value = serde_json::from_str(arguments).ok()?;
    RelPath::new(arguments.get("path")?.as_str()?).ok()
}

fn unknown(name: &str) -> String {
    let all: Vec<_> = names().collect();
    let shown: String = name.chars().take(64).collect();
    let next = match get_close_matches(name, &all, 1, 0.6).first() {
        Some(near) => format!("Did you mean {near}?"),
        None if SHELLS.contains(&name) => {
            "Commands can't be run; run_tests runs the tests, the other tools read and change files.".to_owned()
        }
        None => "Call one of these.".to_owned(),
    };
    format!("There is no tool {shown:?}. The tools are: {}. {next}", all.join(", "))
}
