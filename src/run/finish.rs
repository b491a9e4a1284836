//! The end of a run: nothing left running, the outcome computed, applied when asked, noted, reported.
//!
//! Each step is taken whether the one before succeeded or not: what fails is told beside the outcome, and only what
//! a person asked for and didn't get turns success into something else. The outcome is noted last, so that exit code,
//! journal and report say the same.

use anyhow::Context;

use super::applying::apply;
use super::context_window;
use super::current_run::Run;
use super::failure::Failure;
use super::out_file::replace;
use super::resumed_run::last_outcome;
use super::stored_run::{report_of, write_report};
use super::user_interface::{Handed, Next};
use crate::journal::{
    Applied, Event, FileJournal, Journal, Outcome, PolicyVerdict, RUN_FILE_LIMIT, Residue, RunEnded, RunFolder,
    StopReason, read_own, recover,
};
use crate::model::{ErrorKind, RequestOrigin};
use crate::planner::Stop;
use crate::policy::Policy;
use crate::report::{self, Decision, Latest, Report};
use crate::settings::{Environment, Redactor, Settings};
use crate::text::sanitise_line;
use crate::workspace::remove_all_soon;

/// What a person can do who thinks that the tests had to change.
const ALLOW: &str =
    "read its changes to tests; if they are right, name them in the task or accept them with --allow-test-edits";

/// Ends `run`, whose conversation ended so, and reports it. Says what a person wants to do with the patch, too.
///
/// # Errors
/// When standard output can't be written, or a person wanted the patch and it can't be applied.
pub(super) async fn finish(mut run: Run<'_>, ended: Result<Stop, Failure>) -> Result<(Outcome, Next), Failure> {
    let mut events: Vec<Event> = close(&mut run).await.map(Event::Residue).into_iter().collect();
    let model_error = ended.as_ref().ok().and_then(|stop| stop.model_error.as_ref());
    let is_model_unknown = model_error.is_some_and(|error| error.kind == ErrorKind::UnknownModel);
    let (mut end, failure) = conclude(&run, ended);
    let mut troubles: Vec<Failure> = failure.into_iter().chain(left_over(&run.open.folder)).collect();
    let patch = read_patch(&run.open.folder);
    if let Ok(patch) = &patch {
        hold_to_policy(&run.spec.settings, patch, &mut end);
    }
    let delivered = deliver(&mut run, &patch, &mut end, &mut troubles);
    events.push(Event::RunEnded(end.clone()));
    if let Err(error) = run.open.journal.conclude(events) {
        let unnoted = Failure::from(error);
        end = end_of(&unnoted);
        troubles.push(unnoted);
    }
    let report = reported(&run, &end).map_err(|failure| troubles.push(failure)).ok();
    if let Some(report) = &report {
        troubles.extend(write_report(&run.open.folder, report).err());
    }
    let handed = Handed {
        report: report.as_ref(),
        patch: &patch,
        troubles: &troubles,
        applied: delivered.as_ref().ok().and_then(Option::as_ref),
        was_refused: delivered.is_err(),
        is_model_unknown,
        is_kept: run.spec.kept,
    };
    run.open.people().clear();
    let next = run.spec.front.hand_over(handed).await?;
    if next == Next::Apply {
        apply_after_all(&mut run)?;
    }
    Ok((end.outcome, next))
}

/// A person who is asked wants the patch. What can't be applied then is the run's outcome, as with `--apply`.
fn apply_after_all(run: &mut Run<'_>) -> Result<(), Failure> {
    let applied = apply(&run.open.folder, run.spec.repository.root(), &mut *run.open.journal);
    match &applied {
        Ok(applied) => run.spec.front.applied(run.open.folder.id(), applied),
        Err(refused) => run.open.journal.conclude(vec![Event::RunEnded(end_of(refused))])?,
    }
    let written = report_of(&run.open.records(), &run.open.folder).and_then(|it| write_report(&run.open.folder, &it));
    applied.and(written)
}

/// Notes the end of a run that was not allowed to note it itself.
pub(super) fn cut_short(folder: &RunFolder) -> Result<Outcome, Failure> {
    let recovered = recover(&folder.journal()).context("the journal can't be read back")?;
    if let Some(outcome) = last_outcome(&recovered.records) {
        return Ok(outcome);
    }
    let mut journal = FileJournal::reopen(&folder.journal(), &recovered)?;
    let outcome = Outcome::Interrupted;
    let detail = "interrupted twice: ended at once".to_owned();
    let end = RunEnded { outcome, exit_code: outcome.exit_code(), detail, hint: None };
    journal.conclude(vec![Event::RunEnded(end)])?;
    Ok(outcome)
}

/// Ends the worker and removes what only a running run needs; on a full disk that makes room for the rest.
pub(super) async fn close(run: &mut Run<'_>) -> Option<Residue> {
    let residue = match run.environment.take() {
        Some(environment) => Some(environment.close().await),
        None => None,
    };
    // Commands of the run decide how much there is: the next run clears away what there is no time for now.
    let passing = run.open.folder.passing();
    let _ = tokio::task::spawn_blocking(move || remove_all_soon(&passing)).await;
    residue
}

/// What there was no time to remove, or no way.
fn left_over(folder: &RunFolder) -> Option<Failure> {
    let left = folder.passing().into_iter().find(|folder| folder.exists())?;
    let message =
        format!("{} is not all removed: tests left too many files, or files that can't be removed", left.display());
    Some(Failure::new(Outcome::Internal, message, "the next run clears it away, as far as it comes"))
}

/// The end by the evidence, and the error to show when there is one.
fn conclude(run: &Run<'_>, ended: Result<Stop, Failure>) -> (RunEnded, Option<Failure>) {
    let stop = match ended {
        Ok(stop) => stop,
        Err(failure) => return (end_of(&failure), Some(failure)),
    };
    let records = run.open.records();
    let latest = Latest::of(&records);
    let has_patch = latest.patch.is_some_and(|patch| !patch.files.is_empty());
    let outgrown = (stop.reason == StopReason::ContextFull).then(|| context_window::hint(&records, has_patch));
    let Decision { outcome, detail } = report::decide(stop.reason, &stop.detail, stop.model_error.as_ref(), latest);
    let stop = Stop { hint: outgrown.clone().or(stop.hint), ..stop };
    let failure = error_of(run, &stop, outcome);
    let failure = failure.map(|failure| Failure { hint: outgrown.or(failure.hint.clone()), ..failure });
    let hint = failure.as_ref().and_then(|failure| failure.hint.clone());
    let hint = hint.or_else(|| (outcome == Outcome::Refused).then(|| ALLOW.to_owned()));
    (RunEnded { outcome, exit_code: outcome.exit_code(), detail, hint }, failure)
}

/// Refuses a patch that the policy refuses, whatever the tests say; it is kept for people. A run that failed by itself stays so.
fn hold_to_policy(settings: &Settings, patch: &[u8], end: &mut RunEnded) {
    let counts = matches!(end.outcome, Outcome::Verified | Outcome::Unverified | Outcome::TestsFailing);
    if patch.is_empty() || !settings.policy.enabled.value || !counts {
        return;
    }
    let redactor = Redactor::of(&Environment::from_process());
    let report = Policy::of(settings).with_secrets_of(&redactor).check(patch, None);
    let Some(first) = report.findings.first().filter(|_| report.verdict == PolicyVerdict::Refuse) else { return };
    let line = first.line.map_or(String::new(), |line| format!(":{line}"));
    let place = first.path.as_deref().map_or_else(String::new, |path| format!("{path}{line}: "));
    end.outcome = Outcome::Refused;
    end.exit_code = end.outcome.exit_code();
    end.detail =
        sanitise_line(&format!("the patch policy refuses {place}{} ({})", first.why, first.class)).into_owned();
    end.hint = Some("read the patch; `kcode policy check` lists every reason, and [policy] in your own settings says what is allowed".to_owned());
}

/// The end of a run that failed.
pub(super) fn end_of(failure: &Failure) -> RunEnded {
    RunEnded {
        outcome: failure.outcome,
        exit_code: failure.outcome.exit_code(),
        detail: failure.message.clone(),
        hint: failure.hint.clone(),
    }
}

/// A model, worker or disk that failed is shown as every error is.
fn error_of(run: &Run<'_>, stop: &Stop, outcome: Outcome) -> Option<Failure> {
    let settings = &run.spec.settings;
    if let Some(error) = &stop.model_error {
        let variable = settings.key.as_ref().map(|key| key.variable.as_str());
        let base_url = settings.base_url.value.to_string();
        let asked = RequestOrigin { key_variable: variable, base_url: &base_url, model: &settings.model.value };
        let failure = Failure::new(outcome, stop.detail.clone(), error.hint(asked));
        let failure = if error.message.is_empty() { failure } else { failure.fact("said", &error.message) };
        return Some(failure.fact("key", format!("{} → {base_url}", variable.unwrap_or("none"))));
    }
    let hint = stop.hint.clone()?;
    Some(Failure::new(outcome, stop.detail.clone(), hint))
}

/// The patch as it stands; empty when there is none.
fn read_patch(folder: &RunFolder) -> Result<Vec<u8>, Failure> {
    match read_own(&folder.patch(), RUN_FILE_LIMIT) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        patch => Ok(patch.context("the patch can't be read back")?),
    }
}

/// The tree refused the patch; the run's end says why.
struct TreeRefused;

/// What is asked for besides the report: the patch in the tree, and in a file. A success without it is none. Returns what was written
/// to the tree.
fn deliver(
    run: &mut Run<'_>,
    patch: &Result<Vec<u8>, Failure>,
    end: &mut RunEnded,
    troubles: &mut Vec<Failure>,
) -> Result<Option<Applied>, TreeRefused> {
    let mut applied = Ok(None);
    // What is said of it stands below the run.
    run.open.people().clear();
    if run.spec.options.apply && end.outcome == Outcome::Verified {
        applied = match apply(&run.open.folder, run.spec.repository.root(), &mut *run.open.journal) {
            Ok(applied) => Ok(Some(applied)),
            Err(refused) => {
                *end = end_of(&refused);
                Err(TreeRefused)
            }
        };
    }
    if let (Some(path), Ok(patch)) = (&run.spec.options.patch, patch)
        && let Err(unwritten) = replace(path, patch)
    {
        let hint = format!(
            "check permissions and space of its folder; `kcode diff {}` prints the patch",
            run.open.folder.id()
        );
        let unwritten = Failure { hint: Some(hint), ..unwritten };
        if end.outcome == Outcome::Verified {
            *end = end_of(&unwritten);
        }
        troubles.push(unwritten);
    }
    applied
}

/// The report of the run; of one whose end could not be noted, with that end.
fn reported(run: &Run<'_>, end: &RunEnded) -> Result<Report, Failure> {
    let mut report = report_of(&run.open.records(), &run.open.folder)?;
    report.end(end);
    Ok(report)
}
