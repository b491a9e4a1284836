//! The mark by which a pull request tells which run made it; pages don't show it.

use crate::journal::RunId;

const BEGINNING: &str = "<!-- kcode-run: ";
const END: &str = " -->";

/// The mark of a pull request that `run` made. It stands in the request's text once.
#[must_use]
pub fn run_mark(run: &RunId) -> String {
    format!("{BEGINNING}{run}{END}")
}

/// The run that `text` is marked with; `None` without a mark, and where two differ.
#[must_use]
pub fn marked_run(text: &str) -> Option<RunId> {
    let runs = text.split(BEGINNING).skip(1).map(|rest| rest.split_once(END).and_then(|(run, _)| run.parse().ok()));
    let mut runs = runs.collect::<Vec<Option<RunId>>>().into_iter();
    let first = runs.next()??;
    runs.all(|other| other.as_ref() == Some(&first)).then_some(first)
}
