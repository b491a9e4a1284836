//! Chooses a run when the user names none: the latest of this repository that the command can use, and prints which.

use super::arguments::Global;
use super::kept_runs::KeptRuns;
use super::output;
use crate::history::{PatchFate, RunSummary, summary_of};
use crate::journal::{JournalError, Outcome, RunFolder, is_abandoned};
use crate::replay::{NotReplayable, Recording};
use crate::run::Failure;
use crate::text::sanitise_line;

/// Columns of the task that are printed with the run.
const TASK: usize = 50;

/// What a command does with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Apply,
    Review,
    Undo,
    Resume,
    Verify,
    Diff,
    Replay,
    Export,
}

/// The named run, or the latest one that serves `purpose`.
///
/// # Errors
/// When no run has that name, or none serves `purpose`: with the reason for the latest one.
pub(super) fn find(global: &Global, named: Option<&str>, purpose: Purpose) -> Result<RunFolder, Failure> {
    let place = KeptRuns::of(global)?;
    if let Some(prefix) = named {
        return Ok(RunFolder::find(&place.state, prefix)?);
    }
    let mut latest = None;
    for run in place.runs()? {
        match summary_of(&run) {
            Ok(Some(summary)) => {
                let about = About { is_at_work: !summary.ended && !is_abandoned(&run.journal()), summary };
                if about.serves(&run, purpose) {
                    if !global.quiet {
                        output::say(&about.told(purpose));
                    }
                    return Ok(run);
                }
                latest.get_or_insert((run, about));
            }
            Ok(None) => {}
            Err(error) => {
                output::say(&format!("run {} is passed over: {}", run.id(), sanitise_line(&error.to_string())));
            }
        }
    }
    Err(latest.map_or_else(KeptRuns::no_runs, |(run, about)| about.refusal(&run, purpose)))
}

fn not_replayable(run: &RunFolder) -> Option<NotReplayable> {
    Recording::of_run(run).ok()?.check().err()
}

/// What decides whether a run serves a purpose.
struct About {
    summary: RunSummary,
    is_at_work: bool,
}

impl About {
    fn serves(&self, run: &RunFolder, purpose: Purpose) -> bool {
        let RunSummary { fate, outcome, ended, patch, tests, .. } = &self.summary;
        match purpose {
            // These only read.
            Purpose::Export => true,
            Purpose::Diff => patch.is_some(),
            _ if self.is_at_work => false,
            Purpose::Apply | Purpose::Review => matches!(fate, PatchFate::Waiting | PatchFate::Undone),
            Purpose::Undo => fate.is_accepted(),
            Purpose::Resume => !fate.is_accepted() && (!ended || outcome.is_resumable()),
            Purpose::Verify => patch.is_some() && tests.is_some(),
            Purpose::Replay => Recording::of_run(run).is_ok_and(|recording| recording.check().is_ok()),
        }
    }

    fn told(&self, purpose: Purpose) -> String {
        let what = match purpose {
            Purpose::Apply | Purpose::Review => " whose patch is not applied",
            Purpose::Undo => " that is applied",
            Purpose::Resume => " that can go on",
            Purpose::Verify => " with test results",
            Purpose::Diff => " with a patch",
            Purpose::Replay => " that can be replayed",
            Purpose::Export => "",
        };
        let task = sanitise_line(&self.summary.task);
        let task = console::truncate_str(&task, TASK, "…");
        format!("taking run {}, the latest{what}: {task}", self.summary.run)
    }

    /// The error that says why the latest run doesn't serve, and what to do.
    fn refusal(&self, run: &RunFolder, purpose: Purpose) -> Failure {
        let none = match purpose {
            Purpose::Apply => "no run of this repository has a patch to apply",
            Purpose::Review => "no run of this repository has a patch to review",
            Purpose::Undo => "no run of this repository is applied",
            Purpose::Resume => "no run of this repository can go on",
            Purpose::Verify => "no run of this repository has tests behind a patch",
            Purpose::Diff => "no run of this repository has a patch",
            Purpose::Replay => "no run of this repository can be replayed",
            Purpose::Export => "no run of this repository can be exported",
        };
        if self.is_at_work && purpose != Purpose::Diff {
            let in_use = JournalError::in_use(&run.journal());
            return Failure::usage(format!("{none}: {in_use}"), in_use.hint());
        }
        let (outcome, why, hint) = match not_replayable(run).filter(|_| purpose == Purpose::Replay) {
            Some(why) => (Outcome::Usage, format!("can't be: {why}"), why.hint().to_owned()),
            None => self.why_not(purpose),
        };
        Failure::new(outcome, format!("{none}: the latest, {}, {why}", run.id()), hint)
    }

    fn why_not(&self, purpose: Purpose) -> (Outcome, String, String) {
        let RunSummary { run, fate, outcome, patch, .. } = &self.summary;
        let list = || "`kcode runs` lists the runs of this repository".to_owned();
        let applied =
            |outcome| (outcome, "was applied already".to_owned(), format!("take it back with: kcode undo {run}"));
        let apply = |why: &str| (Outcome::Refused, why.to_owned(), format!("apply it with: kcode apply {run}"));
        match (purpose, fate) {
            (Purpose::Apply | Purpose::Review, fate) if fate.is_accepted() => applied(Outcome::Refused),
            (Purpose::Resume, fate) if fate.is_accepted() => applied(Outcome::Usage),
            (Purpose::Undo, PatchFate::Undone) => apply("was undone already"),
            (Purpose::Undo, PatchFate::Waiting) => apply("is not applied"),
            (Purpose::Undo, _) => (Outcome::Refused, "has no patch".to_owned(), list()),
            (Purpose::Resume, _) => {
                let hint = format!("give it a further task: kcode fix --resume {run} \"task\"");
                (Outcome::Usage, format!("came to its end: {}", outcome.words()), hint)
            }
            (Purpose::Verify, _) if patch.is_some() => {
                let hint = "start a run with a test command: kcode fix \"task\" --test CMD";
                (Outcome::Unverified, "has no tests behind its patch".to_owned(), hint.to_owned())
            }
            _ => (Outcome::NoChange, format!("has no patch: {}", outcome.words()), list()),
        }
    }
}
