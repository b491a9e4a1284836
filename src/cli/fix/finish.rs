//! The end of a run: nothing left running, the outcome computed, applied when asked, reported.

use std::path::Path;

use anyhow::Context;

use super::start::Run;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::{apply, output, runs};
use crate::journal::{Event, FileJournal, Journal, Outcome, RunEnded, StopReason, recover};
use crate::model::Asked;
use crate::planner::Stop;
use crate::render::{closing, counted};
use crate::report::{self, Decision, Latest, Report};
use crate::workspace::{View, remove_tree};

/// Ends `run`, whose conversation ended so, and reports it.
pub async fn finish(mut run: Run<'_>, ended: Result<Stop, Failure>) -> Result<Outcome, Failure> {
    if let Some(bench) = run.bench.take() {
        let residue = bench.close().await;
        run.open.journal.append(vec![Event::Residue(residue)])?;
    }
    // The next run clears away what can't be removed now.
    let _ = remove_tree(&run.open.folder.scratch());
    let _ = View::discard(run.open.folder.path());
    let (mut decision, failure) = decide(&run, ended)?;
    let mut hint = failure.as_ref().and_then(|failure| failure.hint.clone());
    let wanted = run.order.flags.apply && decision.outcome == Outcome::Verified;
    if wanted && let Err(refused) = apply::apply(&run.open.folder, run.order.repository.root(), &mut run.open.journal) {
        decision = Decision { outcome: refused.outcome, detail: refused.message };
        hint = refused.hint;
    }
    run.open.journal.append(vec![Event::RunEnded(RunEnded {
        outcome: decision.outcome,
        exit_code: decision.outcome.exit_code(),
        detail: decision.detail.clone(),
        hint,
    })])?;
    let report = write_report(&run)?;
    hand_over(&run, &report, failure)?;
    ask_to_apply(&mut run, &report)?;
    Ok(report.outcome)
}

/// The outcome by the evidence, and the error to show when there is one.
fn decide(run: &Run<'_>, ended: Result<Stop, Failure>) -> Result<(Decision, Option<Failure>), Failure> {
    let stop = match ended {
        Ok(stop) => stop,
        Err(failure) => {
            let decision = Decision { outcome: failure.outcome, detail: failure.message.clone() };
            return Ok((decision, Some(failure)));
        }
    };
    let records = recover(&run.open.folder.journal()).context("the journal can't be read back")?.records;
    let latest = Latest::of(&records);
    let decision = report::decide(stop.reason, &stop.detail, stop.model_error.as_ref(), latest);
    let failure = error_of(run, &stop, decision.outcome);
    Ok((decision, failure))
}

/// A model or worker that failed is shown as every error is.
fn error_of(run: &Run<'_>, stop: &Stop, outcome: Outcome) -> Option<Failure> {
    let settings = &run.order.settings;
    if let Some(error) = &stop.model_error {
        let variable = settings.key.as_ref().map(|key| key.variable.as_str());
        let base_url = settings.base_url.value.to_string();
        let asked = Asked { key_variable: variable, base_url: &base_url, model: &settings.model.value };
        let failure = Failure::new(outcome, stop.detail.clone(), error.hint(asked));
        let failure = if error.message.is_empty() { failure } else { failure.fact("said", &error.message) };
        return Some(failure.fact("key", format!("{} → {base_url}", variable.unwrap_or("none"))));
    }
    let hint = stop.hint.clone()?;
    Some(Failure::new(outcome, stop.detail.clone(), hint))
}

fn write_report(run: &Run<'_>) -> Result<Report, Failure> {
    let report = runs::load(&run.open.folder)?;
    let json = serde_json::to_string_pretty(&report).context("the report can't be written as JSON")?;
    replace(&run.open.folder.report_json(), format!("{json}\n").as_bytes())?;
    replace(&run.open.folder.report_md(), report::markdown(&report).as_bytes())?;
    Ok(report)
}

/// Writes a whole file or leaves what was there.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        std::io::Write::write_all(&mut file, bytes)?;
        file.persist(path).map_err(|error| error.error)
    });
    written.map(drop).map_err(|error| {
        let hint = "check permissions and space of its folder; `kcode diff` prints the patch again";
        Failure::new(Outcome::Config, format!("{} can't be written: {}", path.display(), error.kind()), hint)
    })
}

/// Data on standard output, talk on standard error.
fn hand_over(run: &Run<'_>, report: &Report, failure: Option<Failure>) -> Result<(), Failure> {
    let flags = run.order.flags;
    run.open.people().clear();
    let patch = match &report.patch {
        Some(_) => std::fs::read(run.open.folder.patch()).context("the patch can't be read back")?,
        None => Vec::new(),
    };
    match flags.output {
        Output::Json => output::json(report)?,
        Output::Text if report.patch.is_some() && report.applied.is_none() => runs::print_patch(&patch)?,
        Output::Text | Output::Jsonl => {}
    }
    // An error gives its hint itself, and `-q` is about how it ended, not about what anybody says.
    let mut told = report.clone();
    if let Some(failure) = failure {
        output::say(&failure.to_string());
        told.hint = None;
    }
    told.said = told.said.filter(|_| !run.order.global.quiet);
    output::say(&closing(&told));
    if run.order.kept {
        output::say(&kept(report));
    }
    // Last, so that a full disk costs this file and nothing else.
    flags.patch.as_ref().map_or(Ok(()), |path| replace(path, &patch))
}

/// What can be done with the run from now on.
fn kept(report: &Report) -> String {
    let run = &report.run;
    let applied = report.applied.map(|files| format!("applied to {}", counted(files as usize, "file")));
    let raise = match report.budget.stop_reason {
        Some(StopReason::MaxTurns) => " --max-turns N",
        Some(StopReason::MaxTokens) => " --max-tokens N",
        Some(StopReason::MaxCost) => " --max-cost USD",
        _ => "",
    };
    let resume = report.outcome.is_resumable().then(|| format!("kcode resume {run}{raise}"));
    let apply = (report.patch.is_some() && applied.is_none()).then(|| format!("kcode apply {run}"));
    let ways: Vec<_> = [resume, apply, Some(format!("kcode show {run}"))].into_iter().flatten().collect();
    let kept = format!("kept: {}", ways.join(" · "));
    applied.map_or_else(|| kept.clone(), |applied| format!("{applied} · {kept}"))
}

/// On a terminal, and only there, a person is asked.
fn ask_to_apply(run: &mut Run<'_>, report: &Report) -> Result<(), Failure> {
    let flags = run.order.flags;
    let attended = console::user_attended() && console::user_attended_stderr();
    let offered = matches!(report.outcome, Outcome::Verified | Outcome::Unverified);
    if flags.dry_run || flags.apply || flags.output != Output::Text || !attended || !offered {
        return Ok(());
    }
    let terminal = console::Term::stderr();
    let asked = terminal.write_str("apply? [y]es [n]o ").and_then(|()| terminal.read_char());
    output::say("");
    if matches!(asked, Ok('y' | 'Y')) {
        let files =
            apply::apply(&run.open.folder, run.order.repository.root(), &mut run.open.journal as &mut FileJournal)?;
        output::say(&format!("applied to {}", counted(files as usize, "file")));
        write_report(run)?;
    }
    Ok(())
}
