//! The end of a review: what was decided is noted, tested where the run's own evidence isn't about it, and applied.

use tokio::sync::watch;

use super::desk::Desk;
use super::plain::ask;
use super::signals::Signals;
use crate::cli::failure::Failure;
use crate::cli::{apply, output};
use crate::evidence::Verdict;
use crate::journal::Outcome;
use crate::render::{counted, sanitise};
use crate::review::Review;
use crate::tools::TestRun;
use crate::workspace::{ChangeSet, still_applies};

/// Names of failing tests that are told.
const NAMES: usize = 5;

/// Sees to what was decided; `None` when the person goes back to the review.
///
/// # Errors
/// When what is accepted can't be tested or applied. Nothing is applied then.
pub async fn conclude(desk: &mut Desk, review: &Review, signals: &mut Signals) -> Result<Option<Outcome>, Failure> {
    desk.note_decisions(review, true)?;
    let changes = if review.takes_all() { ChangeSet::load(&desk.run.changes()) } else { review.accepted(&desk.parts) };
    let changes = changes.map_err(anyhow::Error::from)?;
    if changes.is_empty() {
        output::say("nothing was accepted; your tree stays as it is");
        return Ok(Some(Outcome::Verified));
    }
    still_applies(desk.repository.root(), &changes)?;
    if !review.takes_all() {
        match verified(desk, &changes, signals).await? {
            Go::On => {}
            Go::Back => return Ok(None),
            Go::Away(outcome) => return Ok(Some(outcome)),
        }
    }
    let root = desk.repository.root().to_owned();
    let applied = apply::apply_changes(&desk.run, &root, changes, &mut desk.journal)?;
    let (files, run) = (counted(applied.files as usize, "file"), desk.run.id());
    output::say(&format!("applied to {files}: {} · take it back with: kcode undo {run}", review.tally()));
    apply::renew_report(&desk.run);
    Ok(Some(Outcome::Verified))
}

/// What comes after the tests.
enum Go {
    On,
    Back,
    Away(Outcome),
}

/// Tests what is accepted; a person may overrule what they say.
async fn verified(desk: &mut Desk, changes: &ChangeSet, signals: &mut Signals) -> Result<Go, Failure> {
    if desk.manner.no_verify {
        output::say("not tested: --no-verify");
        return Ok(Go::On);
    }
    if let Some(command) = &desk.report.tests.command {
        output::say(&format!("testing what you accepted: {}", sanitise(command)));
    }
    let called_off = watch::Sender::new(false);
    let ran = {
        let mut trying = std::pin::pin!(desk.try_out(changes, called_off.subscribe()));
        tokio::select! {
            ran = &mut trying => ran?,
            () = signals.end() => {
                called_off.send_replace(true);
                trying.await?
            }
        }
    };
    let Some(run) = ran else {
        output::say("not tested: no tests stood behind this run");
        return Ok(Go::On);
    };
    output::say(&told(desk, &run));
    if run.passed() {
        return Ok(Go::On);
    }
    let answer = ask("the tests fail on it. apply all the same? [y]es [b]ack [n]o", signals).await?;
    Ok(match answer.as_deref().map(str::trim) {
        Some("y" | "Y" | "yes") => Go::On,
        Some("b" | "B" | "back") => Go::Back,
        Some(_) => {
            output::say(&format!("nothing was applied; your decisions are kept: kcode review {}", desk.run.id()));
            Go::Away(Outcome::TestsFailing)
        }
        None => Go::Away(Outcome::Interrupted),
    })
}

/// How they went, and which failed.
fn told(desk: &Desk, run: &TestRun) -> String {
    let counts = run.counts.map(|counts| format!("{} passed, {} failed", counts.passed, counts.failed));
    let ended = || if run.passed() { "passed".to_owned() } else { "failed".to_owned() };
    let tests = run.results.iter().flat_map(|results| &results.tests);
    let failed: Vec<&String> =
        tests.filter(|(_, case)| case.verdict == Verdict::Failed).map(|(name, _)| name).collect();
    let matrix = &desk.report.tests.matrix;
    let mut lines = vec![format!("verify  {}", counts.unwrap_or_else(ended))];
    lines.extend(failed.iter().take(NAMES).map(|name| {
        let why = match (matrix.fixed.contains(name), matrix.still_failing.contains(name)) {
            (true, _) => "the whole patch fixes it",
            (_, true) => "it fails with the whole patch, too",
            _ => "it doesn't fail with the whole patch",
        };
        format!("  {}: {why}", sanitise(name))
    }));
    lines.extend((failed.len() > NAMES).then(|| format!("  and {} more", failed.len() - NAMES)));
    lines.extend(run.contradiction().map(|contradiction| format!("  {}", sanitise(&contradiction))));
    lines.join("\n")
}
