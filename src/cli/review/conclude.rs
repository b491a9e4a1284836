//! The end of a review: records the decisions, tests the accepted part unless it is the whole patch, and applies it.

use tokio::sync::watch;

use super::review_context::ReviewContext;
use super::trial::TrialOutcome;
use crate::cli::question::{Question, ask, ask_by_line};
use crate::cli::{hard_links, output};
use crate::journal::{CheckChosen, Matrix, Outcome, Verdict};
use crate::review::Review;
use crate::run::{self, Failure, Signals};
use crate::text::{counted, sanitise_line};
use crate::tools::TestRun;
use crate::workspace::{ChangeSet, still_applies};

const ALL_THE_SAME: Question = Question {
    text: "it doesn't pass. apply all the same? [y]es [b]ack [n]o",
    keys: &[('y', "yes"), ('b', "back"), ('n', "no")],
};

/// Number of failing tests that are named.
const NAMES: usize = 5;

/// Carries out the decisions; `None` when the user goes back to the review.
///
/// # Errors
/// When the accepted changes can't be tested or applied. Nothing is applied then.
pub(super) async fn conclude(
    context: &mut ReviewContext,
    review: &Review,
    signals: &mut Signals,
) -> Result<Option<Outcome>, Failure> {
    context.note_decisions(review, true)?;
    let changes =
        if review.takes_all() { ChangeSet::load(&context.run.changes()) } else { review.accepted(&context.parts) };
    let changes = changes.map_err(anyhow::Error::from)?;
    if changes.is_empty() {
        output::say("nothing was accepted; your tree stays as it is");
        return Ok(Some(Outcome::Verified));
    }
    still_applies(context.repository.root(), &changes)?;
    if !review.takes_all() {
        match verified(context, &changes, signals).await? {
            Go::On => {}
            Go::Back => return Ok(None),
            Go::Away(outcome) => return Ok(Some(outcome)),
        }
    }
    let root = context.repository.root().to_owned();
    let applied = run::apply_changes(&context.run, &root, &changes, &mut context.journal)?;
    hard_links::tell(&applied);
    let (files, run) = (counted(applied.files as usize, "file"), context.run.id());
    output::say(&format!("applied to {files}: {} · take it back with: kcode undo {run}", review.tally()));
    run::renew_report(&context.run, output::say);
    Ok(Some(Outcome::Verified))
}

/// What to do after the tests.
enum Go {
    On,
    Back,
    Away(Outcome),
}

/// Tests the accepted changes; the user may overrule the result.
async fn verified(context: &mut ReviewContext, changes: &ChangeSet, signals: &mut Signals) -> Result<Go, Failure> {
    if context.options.no_verify {
        output::say("not tested: --no-verify");
        return Ok(Go::On);
    }
    context.settings()?;
    output::say("testing what you accepted, without the rest…");
    let called_off = watch::Sender::new(false);
    let tried = {
        let mut trying = std::pin::pin!(context.try_out(changes, called_off.subscribe()));
        tokio::select! {
            tried = &mut trying => Some(tried?),
            () = signals.end() => {
                called_off.send_replace(true);
                // Whatever the result: a user who ends kcode gets nothing applied.
                let _ = trying.await;
                None
            }
        }
    };
    let Some(tried) = tried else {
        output::say(&kept(context));
        return Ok(Go::Away(Outcome::Interrupted));
    };
    let Some(tried) = tried else {
        output::say("not tested: this run had no tests");
        return Ok(Go::On);
    };
    output::say(&told(&tried, &context.report.tests.matrix));
    if tried.passed() {
        return Ok(Go::On);
    }
    // Answers that don't come from a terminal are lines.
    let is_typed = rustix::termios::isatty(rustix::stdio::stdin());
    let answer =
        if is_typed { ask(&ALL_THE_SAME, signals).await? } else { ask_by_line(&ALL_THE_SAME, signals).await? };
    Ok(match answer {
        Some('y') => Go::On,
        Some('b') => Go::Back,
        answer => {
            output::say(&kept(context));
            Go::Away(if answer.is_some() { Outcome::TestsFailing } else { Outcome::Interrupted })
        }
    })
}

fn kept(context: &ReviewContext) -> String {
    format!("not applied; your decisions are kept: kcode review {}", context.run.id())
}

/// Results of tests and checks, with what failed.
fn told(tried: &TrialOutcome, whole: &Matrix) -> String {
    let mut lines: Vec<String> = tried.checks.iter().map(|(chosen, run)| check_told(chosen, run.as_ref())).collect();
    if let Some(run) = tried.tests.last() {
        let again = if run.passed() && tried.tests.len() > 1 { " the second time; it failed at first" } else { "" };
        lines.push(format!("{} {}{again}", sanitise_line(&run.command), ended(run)));
        lines.extend(failing(run, whole));
    }
    lines.join("\n")
}

fn check_told(chosen: &CheckChosen, run: Option<&TestRun>) -> String {
    let how = run.map_or_else(|| "can't be run: its command has a secret in it".to_owned(), ended);
    let may_fail = if chosen.required { "" } else { " (not required)" };
    format!("{}: {} {how}{may_fail}", sanitise_line(&chosen.name), sanitise_line(&chosen.command))
}

fn ended(run: &TestRun) -> String {
    let verdict = if run.passed() { "passes" } else { "fails" };
    let counts = run.counts.map(|counts| format!(": {} passed, {} failed", counts.passed, counts.failed));
    format!("{verdict}{}", counts.unwrap_or_default())
}

/// The names of failing tests, and how each does with the whole patch.
fn failing(run: &TestRun, whole: &Matrix) -> Vec<String> {
    let tests = run.results.iter().flat_map(|results| results.tests.iter());
    let failed: Vec<&str> =
        tests.filter(|(_, case)| case.verdict == Verdict::Failed).map(|(name, _)| &**name).collect();
    let among = |list: &[String], name: &str| list.iter().any(|known| known == name);
    let named = failed.iter().take(NAMES).map(|name| {
        let why = match (among(&whole.fixed, name), among(&whole.still_failing, name)) {
            (true, _) => "the whole patch fixes it",
            (_, true) => "it fails with the whole patch, too",
            _ => "it doesn't fail with the whole patch",
        };
        format!("  {}: {why}", sanitise_line(name))
    });
    let more = (failed.len() > NAMES).then(|| format!("  and {} more", failed.len() - NAMES));
    let contradiction = run.contradiction().map(|contradiction| format!("  {}", sanitise_line(&contradiction)));
    named.chain(more).chain(contradiction).collect()
}
