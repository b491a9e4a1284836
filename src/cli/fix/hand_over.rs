//! `fix` on a terminal or in a script: data on standard output, talk on standard error, questions to whoever is there.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::flags::{OutputForm, RunFlags};
use crate::cli::question::{Question, ask};
use crate::cli::{apply, arguments::Global, consent, output, runs};
use crate::journal::{Event, Journal as _, Outcome, RunFolder, StopReason};
use crate::render::closing;
use crate::report::Report;
use crate::run::{self, Failure, Front, Handed, Next, Run, Signals, beside::Beside};
use crate::sandbox::WorkerPlan;
use crate::text::counted;

/// Whoever typed the command.
pub struct Terminal<'a> {
    /// Flags of every command.
    pub global: &'a Global,
    output: OutputForm,
    /// The patch may be applied, or a person be asked whether it should.
    asks: bool,
    wants_apply: bool,
}

impl<'a> Terminal<'a> {
    /// With these flags.
    pub const fn of(global: &'a Global, flags: &RunFlags) -> Self {
        Self { global, output: flags.output, asks: !flags.dry_run && !flags.apply, wants_apply: flags.apply }
    }

    /// Sees a run that can't be used later, as in a demo: nothing is asked.
    pub const fn watching(global: &'a Global) -> Self {
        Self { global, output: OutputForm::Text, asks: false, wants_apply: false }
    }

    fn is_there(&self) -> bool {
        console::user_attended() && console::user_attended_stderr() && self.output == OutputForm::Text
    }
}

impl Front for Terminal<'_> {
    fn talk(&self) -> fn(&str) {
        output::say
    }

    fn lines(&self) -> Option<fn(&str)> {
        // A reader that went away doesn't end the run: its result is kept on disk.
        let print: fn(&str) = |line| drop(output::data(format!("{line}\n").as_bytes()));
        (self.output == OutputForm::Jsonl).then_some(print)
    }

    fn is_attended(&self) -> bool {
        self.is_there()
    }

    fn ask<'a>(&'a self, beside: &'a mut Beside, plan: &'a WorkerPlan) -> LocalBoxFuture<'a, Result<(), Failure>> {
        consent::ask(beside, plan).boxed_local()
    }

    fn hand_over<'a>(&'a self, run: &'a mut Run<'_>, handed: Handed<'a>) -> LocalBoxFuture<'a, Result<Next, Failure>> {
        self.take(run, handed).boxed_local()
    }

    /// Says what became of a run whose end a person didn't wait for.
    fn cut_short(&self, folder: &RunFolder) {
        // What can't be read now, `kcode show` tells later.
        let Ok(report) = run::load(folder) else { return };
        if self.wants_apply && report.applied.is_none() {
            output::say(&not_applied(&report, false, goes_on(&report)));
        }
        output::say(&kept(&report, false));
    }
}

impl Terminal<'_> {
    async fn take(&self, run: &mut Run<'_>, handed: Handed<'_>) -> Result<Next, Failure> {
        let Handed { report, patch, troubles, applied, was_refused, is_model_unknown } = handed;
        run.open.people().clear();
        applied.into_iter().for_each(apply::say_severed);
        let printed = report.map_or(Ok(()), |report| self.print(report, patch));
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
        told.said = told.said.filter(|_| !self.global.quiet);
        output::say(&closing(&told));
        if self.wants_apply && report.applied.is_none() {
            output::say(&not_applied(report, was_refused, goes_on(report) && !is_model_unknown));
        }
        if run.order.kept {
            output::say(&kept(report, is_model_unknown));
        }
        self.ask_to_apply(run, report).await
    }

    fn print(&self, report: &Report, patch: &Result<Vec<u8>, Failure>) -> Result<(), Failure> {
        match (self.output, patch) {
            (OutputForm::Json, _) => output::json(report),
            (OutputForm::Text, Ok(patch)) if report.patch.is_some() && report.applied.is_none() => {
                runs::print_patch(patch)
            }
            (OutputForm::Text, Err(unread)) if report.patch.is_some() => Err(unread.clone()),
            (OutputForm::Text | OutputForm::Jsonl, _) => Ok(()),
        }
    }

    /// On a terminal, and only there, a person is asked. What can't be applied then is the run's outcome, as with `--apply`.
    async fn ask_to_apply(&self, run: &mut Run<'_>, report: &Report) -> Result<Next, Failure> {
        let question = match report.outcome {
            Outcome::Verified | Outcome::Unverified => APPLY,
            Outcome::TestsFailing | Outcome::Refused if report.patch.is_some() => REVIEW,
            _ => return Ok(Next::Nothing),
        };
        if !self.asks || !self.is_there() {
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
        let applied = run::apply(&run.open.folder, run.order.repository.root(), &mut run.open.journal);
        match &applied {
            Ok(applied) => {
                apply::say_severed(applied);
                let (files, run) = (counted(applied.files as usize, "file"), &report.run);
                output::say(&format!("applied to {files} · take it back with: kcode undo {run}"));
            }
            Err(refused) => run.open.journal.conclude(vec![Event::RunEnded(run::end_of(refused))])?,
        }
        let written = run::write_report(&run.open.folder, &run::load(&run.open.folder)?);
        applied.and(written).map(|()| Next::Nothing)
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
