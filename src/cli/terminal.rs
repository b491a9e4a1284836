//! A run on a terminal or in a script: data on standard output, messages on standard error, questions to the user.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::arguments::{Global, OutputForm};
use super::question::{Question, ask};
use super::{consent, hard_links, output};
use crate::journal::{Applied, Outcome, RunFolder, RunId, StopReason};
use crate::render::closing;
use crate::report::Report;
use crate::run::{self, Failure, Front, Handed, LineReader, Next, Signals, consents::Beside};
use crate::sandbox::WorkerPlan;
use crate::text::counted;

/// The front end of a run that was started on the command line.
pub(super) struct Terminal<'a> {
    pub global: &'a Global,
    output: OutputForm,
    /// True when the patch may be applied, or the user asked about it.
    asks: bool,
    wants_apply: bool,
    /// True when a user can be asked.
    is_attended: bool,
}

impl<'a> Terminal<'a> {
    /// Prints `output`. With `asks` the user is asked what to do with the patch; `wants_apply` is set by `--apply`.
    pub(super) fn new(global: &'a Global, output: OutputForm, asks: bool, wants_apply: bool) -> Self {
        let is_attended = console::user_attended() && console::user_attended_stderr() && output == OutputForm::Text;
        Self { global, output, asks, wants_apply, is_attended }
    }

    /// For a run that can't be used later, as in a demo or a replay: nothing is asked.
    pub(super) const fn watching(global: &'a Global) -> Self {
        Self { global, output: OutputForm::Text, asks: false, wants_apply: false, is_attended: false }
    }
}

impl Front for Terminal<'_> {
    fn talk(&self) -> fn(&str) {
        output::say
    }

    fn lines(&self) -> Option<LineReader> {
        // A closed pipe doesn't end the run: its result is on disk.
        let print = |line: &str| drop(output::data(format!("{line}\n").as_bytes()));
        (self.output == OutputForm::Jsonl).then(|| Box::new(print) as LineReader)
    }

    fn is_attended(&self) -> bool {
        self.is_attended
    }

    fn ask<'a>(&'a self, beside: &'a mut Beside, plan: &'a WorkerPlan) -> LocalBoxFuture<'a, Result<(), Failure>> {
        consent::ask(beside, plan).boxed_local()
    }

    fn hand_over<'a>(&'a self, handed: Handed<'a>) -> LocalBoxFuture<'a, Result<Next, Failure>> {
        self.take(handed).boxed_local()
    }

    fn applied(&self, run: &RunId, applied: &Applied) {
        hard_links::tell(applied);
        let files = counted(applied.files as usize, "file");
        output::say(&format!("applied to {files} · take it back with: kcode undo {run}"));
    }

    /// Prints what became of a run when the user didn't wait for its end.
    fn cut_short(&self, folder: &RunFolder) {
        // `kcode show` reports an unreadable run later.
        let Ok(report) = run::load(folder) else { return };
        if self.wants_apply && report.applied.is_none() {
            output::say(&not_applied(&report, false, goes_on(&report)));
        }
        output::say(&kept(&report, false));
    }
}

impl Terminal<'_> {
    async fn take(&self, handed: Handed<'_>) -> Result<Next, Failure> {
        let Handed { report, patch, troubles, applied, was_refused, is_model_unknown, is_kept } = handed;
        applied.into_iter().for_each(hard_links::tell);
        let printed = report.map_or(Ok(()), |report| self.print(report, patch));
        for trouble in troubles {
            output::say(&trouble.to_string());
        }
        printed?;
        let Some(report) = report else { return Ok(Next::Nothing) };
        let mut told = report.clone();
        // An error has printed its hint already; `-q` leaves out the model's words.
        told.hint = told.hint.filter(|hint| !troubles.iter().any(|trouble| trouble.hint.as_ref() == Some(hint)));
        if troubles.iter().any(|trouble| trouble.message == told.detail) {
            told.detail.clear();
        }
        told.said = told.said.filter(|_| !self.global.quiet);
        output::say(&closing(&told));
        if self.wants_apply && report.applied.is_none() {
            output::say(&not_applied(report, was_refused, goes_on(report) && !is_model_unknown));
        }
        if is_kept {
            output::say(&kept(report, is_model_unknown));
        }
        self.ask_to_apply(report).await
    }

    fn print(&self, report: &Report, patch: &Result<Vec<u8>, Failure>) -> Result<(), Failure> {
        match (self.output, patch) {
            (OutputForm::Json, _) => output::json(report),
            (OutputForm::Text, Ok(patch)) if report.patch.is_some() && report.applied.is_none() => output::patch(patch),
            (OutputForm::Text, Err(unread)) if report.patch.is_some() => Err(unread.clone()),
            (OutputForm::Text | OutputForm::Jsonl, _) => Ok(()),
        }
    }

    /// Asks the user, only on a terminal.
    async fn ask_to_apply(&self, report: &Report) -> Result<Next, Failure> {
        let question = match report.outcome {
            Outcome::Verified | Outcome::Unverified => APPLY,
            Outcome::TestsFailing | Outcome::Refused if report.patch.is_some() => REVIEW,
            _ => return Ok(Next::Nothing),
        };
        if !self.asks || !self.is_attended {
            return Ok(Next::Nothing);
        }
        match ask(&question, &mut Signals::listen()?).await? {
            Some('y') => return Ok(Next::Apply),
            Some('r') => return Ok(Next::Review),
            _ => output::say(&format!("not applied; later: kcode review {0} · kcode apply {0}", report.run)),
        }
        Ok(Next::Nothing)
    }
}

/// Why a patch wasn't applied although the user asked for it, and which command applies it.
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

/// A run whose context window is full would fill it again.
fn goes_on(report: &Report) -> bool {
    report.outcome.is_resumable() && report.budget.stop_reason != Some(StopReason::ContextFull)
}

/// The flag with the limit that must be raised for the run to continue.
const fn raised(report: &Report) -> &'static str {
    match report.budget.stop_reason {
        Some(StopReason::MaxTurns) => " --max-turns N",
        Some(StopReason::MaxTokens) => " --max-tokens N",
        Some(StopReason::MaxCost) => " --max-cost USD",
        Some(StopReason::MaxTime) => " --max-time TIME",
        _ => "",
    }
}

/// What the user can do with the run from now on.
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
/// A patch that failed its tests can't be applied with a single key.
const REVIEW: Question =
    Question { text: "[r]eview the patch all the same? [n]o", keys: &[('r', "review"), ('n', "no")] };
