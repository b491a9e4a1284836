//! What a person or a script gets when a run is over: data on standard output, talk on standard error, a question.

use super::finish::{end_of, write_report};
use super::flags::Output;
use super::start::Run;
use crate::cli::failure::Failure;
use crate::cli::question::{Question, ask};
use crate::cli::signals::Signals;
use crate::cli::{apply, output, runs};
use crate::journal::{Event, Journal as _, Outcome, RunFolder, StopReason};
use crate::render::closing;
use crate::report::Report;
use crate::text::counted;

/// What a person wants after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more, or it is done.
    Nothing,
    /// To look at the patch hunk by hunk.
    Review,
}

/// What there is at the end of a run.
pub struct Handed<'a> {
    /// What it came to, unless that can't be told.
    pub report: Option<&'a Report>,
    /// Its patch.
    pub patch: &'a Result<Vec<u8>, Failure>,
    /// The errors on the way here, the run's own first.
    pub troubles: &'a [Failure],
    /// The patch was verified and could not be applied.
    pub was_refused: bool,
    /// The host doesn't know the run's model, which a run keeps: it can't go on there.
    pub is_model_unknown: bool,
}

/// Hands it over.
pub async fn hand_over(run: &mut Run<'_>, handed: Handed<'_>) -> Result<Next, Failure> {
    let Handed { report, patch, troubles, was_refused, is_model_unknown } = handed;
    run.open.people().clear();
    let printed = report.map_or(Ok(()), |report| print(run, report, patch));
    for trouble in troubles {
        output::say(&trouble.to_string());
    }
    printed?;
    let Some(report) = report else { return Ok(Next::Nothing) };
    let mut told = report.clone();
    // An error gave its hint itself, and `-q` is about how it ended, not about what anybody says.
    told.hint = told.hint.filter(|hint| !troubles.iter().any(|trouble| trouble.hint.as_ref() == Some(hint)));
    if troubles.iter().any(|trouble| trouble.message == told.detail) {
        told.detail.clear();
    }
    told.said = told.said.filter(|_| !run.order.global.quiet);
    output::say(&closing(&told));
    if run.order.flags.apply && report.applied.is_none() {
        output::say(&not_applied(report, was_refused, goes_on(report) && !is_model_unknown));
    }
    if run.order.kept {
        output::say(&kept(report, is_model_unknown));
    }
    ask_to_apply(run, report).await
}

/// Says what became of a run whose end a person didn't wait for.
pub fn cut_short(folder: &RunFolder, wants_apply: bool) {
    // What can't be read now, `kcode show` tells later.
    let Ok(report) = runs::load(folder) else { return };
    if wants_apply && report.applied.is_none() {
        output::say(&not_applied(&report, false, goes_on(&report)));
    }
    output::say(&kept(&report, false));
}

fn print(run: &Run<'_>, report: &Report, patch: &Result<Vec<u8>, Failure>) -> Result<(), Failure> {
    match (run.order.flags.output, patch) {
        (Output::Json, _) => output::json(report),
        (Output::Text, Ok(patch)) if report.patch.is_some() && report.applied.is_none() => runs::print_patch(patch),
        (Output::Text, Err(unread)) if report.patch.is_some() => Err(unread.clone()),
        (Output::Text | Output::Jsonl, _) => Ok(()),
    }
}

/// Somebody asked for it, and it didn't happen: why, and which command would do it.
fn not_applied(report: &Report, was_refused: bool, goes_on: bool) -> String {
    let run = &report.run;
    let has_patch = report.patch.is_some();
    let resume = (goes_on && !was_refused).then(|| format!("go on with: kcode resume {run}{} --apply", raised(report)));
    let apply = match (has_patch, was_refused) {
        (false, _) => None,
        (true, true) => {
            Some(format!("then: kcode apply {run}, or with what changed merged in: kcode apply --3way {run}"))
        }
        (true, false) if resume.is_some() => Some(format!("take it as it is: kcode apply {run}")),
        (true, false) => Some(format!("apply it all the same with: kcode apply {run}")),
    };
    let nothing = (!has_patch).then(|| "there is no patch".to_owned());
    let words = format!("not applied: {}", report.outcome.words());
    [Some(words), nothing, resume, apply].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What fills the model's window would fill it again.
fn goes_on(report: &Report) -> bool {
    report.outcome.is_resumable() && report.budget.stop_reason != Some(StopReason::ContextFull)
}

/// The limit that has to be raised for the run to go on.
const fn raised(report: &Report) -> &'static str {
    match report.budget.stop_reason {
        Some(StopReason::MaxTurns) => " --max-turns N",
        Some(StopReason::MaxTokens) => " --max-tokens N",
        Some(StopReason::MaxCost) => " --max-cost USD",
        Some(StopReason::MaxTime) => " --max-time TIME",
        _ => "",
    }
}

/// What can be done with the run from now on.
fn kept(report: &Report, is_model_unknown: bool) -> String {
    let run = &report.run;
    let applied = report.applied.map(|files| format!("applied to {}", counted(files as usize, "file")));
    let resume = (goes_on(report) && applied.is_none()).then(|| {
        if is_model_unknown {
            "kcode fix \"task\" --model NAME (a run keeps its model)".to_owned()
        } else {
            format!("kcode resume {run}{}", raised(report))
        }
    });
    let apply =
        (report.patch.is_some() && applied.is_none()).then(|| format!("kcode review {run} · kcode apply {run}"));
    let undo = applied.as_ref().map(|_| format!("kcode undo {run}"));
    let ways: Vec<_> = [resume, apply, undo, Some(format!("kcode show {run}"))].into_iter().flatten().collect();
    let kept = format!("kept: {}", ways.join(" · "));
    applied.map_or_else(|| kept.clone(), |applied| format!("{applied} · {kept}"))
}

const APPLY: Question =
    Question { text: "apply? [y]es [r]eview [n]o", keys: &[('y', "yes"), ('r', "review"), ('n', "no")] };
/// A patch that something stands against is not taken by a single key.
const REVIEW: Question =
    Question { text: "[r]eview the patch all the same? [n]o", keys: &[('r', "review"), ('n', "no")] };

/// On a terminal, and only there, a person is asked. What can't be applied then is the run's outcome, as with `--apply`.
async fn ask_to_apply(run: &mut Run<'_>, report: &Report) -> Result<Next, Failure> {
    let flags = run.order.flags;
    let attended = console::user_attended() && console::user_attended_stderr();
    let question = match report.outcome {
        Outcome::Verified | Outcome::Unverified => APPLY,
        Outcome::TestsFailing | Outcome::Refused if report.patch.is_some() => REVIEW,
        _ => return Ok(Next::Nothing),
    };
    if flags.dry_run || flags.apply || flags.output != Output::Text || !attended {
        return Ok(Next::Nothing);
    }
    match ask(&question, &mut Signals::listen()?).await? {
        Some('y') => {}
        Some('r') => return Ok(Next::Review),
        _ => {
            output::say(&format!("not applied; later: kcode review {0} · kcode apply {0}", report.run));
            return Ok(Next::Nothing);
        }
    }
    let applied = apply::apply(&run.open.folder, run.order.repository.root(), &mut run.open.journal);
    match &applied {
        Ok(applied) => {
            let (files, run) = (counted(applied.files as usize, "file"), &report.run);
            output::say(&format!("applied to {files} · take it back with: kcode undo {run}"));
        }
        Err(refused) => run.open.journal.conclude(vec![Event::RunEnded(end_of(refused))])?,
    }
    let written = write_report(&run.open.folder, &runs::load(&run.open.folder)?);
    applied.and(written).map(|()| Next::Nothing)
}
