//! Why tests fail although no edit of the model's can mend it.

use super::start_state::StartState;
use crate::journal::{CauseKind, FailureCause, Matrix, TestsRan, WhyFailed};
use crate::planner::Obstacle;
use crate::testing;
use crate::tools::TestRun;

/// What the model reads besides of a failure that no edit mends.
const CAUSE_TEXT: &str = include_str!("../../prompts/failure_cause.md");
/// Hint about flags that skip failing tests.
pub(super) const ALL_THE_SAME: &str = "--no-verify does without tests, --allow-failing-setup goes on all the same";

/// The cause that keeps tests from telling anything, if there is one.
pub(super) fn blocking(ran: &TestsRan) -> Option<&FailureCause> {
    ran.result.why.as_ref()?.cause.as_ref().filter(|cause| cause.blocks)
}

/// The same of the start state, once it is known.
pub(super) fn obstacle(start: &StartState) -> Option<Obstacle> {
    let cause = blocking(&start.known(None)?.runs.last()?.ran)?;
    Some(Obstacle { what: cause.what.clone(), hint: format!("{}; {ALL_THE_SAME}", cause.hint) })
}

/// Why the tests fail as they failed on the start state: nothing can run, or each test that fails tells by its own output that the
/// sandbox keeps something from it, and told so before. All other failures go back to the model.
pub(super) fn excuse(
    start: &StartState,
    runs: &[TestRun],
    matrix: Option<&Matrix>,
    hidden: testing::Hidden<'_>,
) -> Option<FailureCause> {
    let run = runs.last()?;
    let before = start.known(None)?;
    if let (Some(cause), Some(known)) = (run.why.as_ref()?.cause.as_ref(), blocking(&before.runs.last()?.ran))
        && cause.blocks
        && cause.what == known.what
    {
        return Some(cause.clone());
    }
    if matrix.is_some_and(|matrix| !matrix.broken.is_empty() || !matrix.new_failing.is_empty()) {
        return None;
    }
    let Some(after) = run.results.as_ref().filter(|results| !results.tests.is_empty()) else {
        return hidden_at_the_end(&before.runs.last()?.ran, run);
    };
    testing::excused(&before.results(), after, &testing::ended(run, "", hidden))
}

/// Where nobody tells of single tests, the last line is why it ended: that the sandbox hides what that names was looked up on the
/// machine, and isn't only said.
fn hidden_at_the_end(before: &TestsRan, after: &TestRun) -> Option<FailureCause> {
    let of = |why: &WhyFailed| {
        let cause = why
            .cause
            .clone()
            .filter(|cause| cause.kind == CauseKind::Sandbox && cause.what.starts_with(testing::HIDES))?;
        Some((cause, why.lines.last()?.clone()))
    };
    let (known, now) = (of(before.result.why.as_ref()?)?, of(after.why.as_ref()?)?);
    (known == now && testing::tells_of_missing(&now.1)).then_some(now.0)
}

/// What the model is told besides of a failure that no edit may mend; nothing of others.
pub(super) fn told(run: &TestRun) -> String {
    let cause = run.why.as_ref().and_then(|why| why.cause.as_ref());
    cause.map_or_else(String::new, |cause| format!("\n{}", CAUSE_TEXT.trim().replace("{what}", &cause.what)))
}
