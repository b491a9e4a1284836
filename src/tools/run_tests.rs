//! `run_tests`: the project's own tests, on the files as they are now.

use serde::Deserialize;

use super::observation::TestRun;
use super::tool::{Tool, ToolError, tell};
use super::{Access, Observation, ToolContext, arguments, nothing_ran};
use crate::journal::TestCounts;

/// Most names in a filter; more is a mistake.
const FILTERS: usize = 100;

pub(super) const NAME: &str = "run_tests";

pub(super) struct RunTests;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunTestsArguments {
    #[serde(default)]
    filter: Vec<String>,
}

/// Whether a call with these arguments runs all tests.
pub(super) fn runs_all(arguments: &str) -> bool {
    arguments::parse::<RunTestsArguments>(NAME, arguments).is_ok_and(|arguments| arguments.filter.is_empty())
}

impl Tool for RunTests {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Tests may write into the view.
    fn access(&self) -> Access {
        Access::Write
    }

    fn run(&self, room: &ToolContext, arguments: &str) -> Result<Observation, ToolError> {
        let RunTestsArguments { filter } = arguments::parse(self.name(), arguments)?;
        if filter.len() > FILTERS || filter.iter().any(|filter| filter.contains('\0')) {
            return tell(format!("filter takes at most {FILTERS} names, none with a NUL in it."));
        }
        let Some(tests) = &room.tests else {
            return tell(
                "No test command is known for this repository, so nothing can be run. Check your change by reading it; \
                 say at the end that it is untested.",
            );
        };
        match tests.run(&filter) {
            Ok(run) => Ok(report(run, !filter.is_empty())),
            Err(error) if error.disk => Err(error.into()),
            Err(error) => tell(format!("The tests could not be run: {error}. Go on without, or try once more.")),
        }
    }
}

fn report(run: TestRun, filtered: bool) -> Observation {
    let seconds = run.ms as f64 / 1e3;
    let (ending, none) = match run.exit_code {
        Some(code) if ran_none(&run) => (format!("ran no tests (exit code {code})"), true),
        _ => (ending(&run), false),
    };
    let known = run.counts.filter(|_| !none);
    let counts = known.map(|counts| format!("{}; ", told(counts))).unwrap_or_default();
    let mut text = format!("{counts}{ending}, {seconds:.1} s: {}\n{}", run.command, run.excerpt.trim_end());
    if none {
        text.push_str(if filtered {
            "\nThe filter matched no test: write names as this runner does, or leave the filter out."
        } else {
            "\nThe command found no test to run."
        });
    }
    if !run.log.is_empty() {
        text = text.trim_end().to_owned() + &format!("\nFull log: @logs/{}", run.log);
    }
    let summary = known.filter(|_| run.stopped.is_none()).map_or(ending, told);
    Observation { tests: Some(run), ..Observation::of(text, summary) }
}

fn ran_none(run: &TestRun) -> bool {
    let counted = run.counts.map(|counts| counts.passed + counts.failed + counts.skipped);
    run.stopped.is_none() && counted.map_or_else(|| nothing_ran::says_so(&run.excerpt), |counted| counted == 0)
}

fn ending(run: &TestRun) -> String {
    match (run.stopped.as_deref(), run.signal, run.exit_code) {
        (Some("deadline"), _, _) => "stopped at the time limit".to_owned(),
        (Some("disk"), _, _) => "stopped: the disk was nearly full".to_owned(),
        (Some("memory"), _, _) => "stopped: out of memory".to_owned(),
        (Some("watch"), _, _) => "stopped: it reported its tests and then waited for changes".to_owned(),
        (Some("idle"), _, _) => "stopped: no output for too long".to_owned(),
        (Some(other), _, _) => format!("stopped ({other})"),
        (None, Some(signal), _) => format!("killed by signal {signal}"),
        (None, None, Some(0)) => "passed (exit code 0)".to_owned(),
        (None, None, Some(code)) => format!("failed (exit code {code})"),
        (None, None, None) => "ended without an exit code".to_owned(),
    }
}

/// Formats counts: `42 passed`, `1 of 42 failed`, `3 of 42 failed, 2 skipped`.
fn told(counts: TestCounts) -> String {
    let ran = counts.passed + counts.failed;
    let result =
        if counts.failed == 0 { format!("{ran} passed") } else { format!("{} of {ran} failed", counts.failed) };
    if counts.skipped == 0 { result } else { format!("{result}, {} skipped", counts.skipped) }
}
