//! Handles a reply without tool calls: has the model changed anything, and do tests and checks pass?

use super::checks;
use super::environment::{Judgement, ToolExecutor, Verifier};
use super::state::{ANNOUNCED, CHECKS_FAILED, NOT_REPRODUCED, TESTS_FAILED, TESTS_WEAKENED};
use super::turns::{CUT, Halt, PASSED, Planner, bounded};
use crate::journal::{CauseKind, Event, Reproduced, TamperFlag};
use crate::model::{ErrorKind, Model, ModelError, Reply};
use crate::tools::TestRun;

/// How often a failed verification is sent back to the model.
pub(super) const MAX_FEEDBACKS: u32 = 3;
/// How often in a row a reply that was cut off is continued.
const MAX_TRUNCATIONS: u32 = 2;
/// How often in a row the model is asked to repeat a call that came as text.
const MAX_UNREADABLE: u32 = 2;

/// An edit, a look at its result and the end of the turn. With fewer turns left, asking for a test would only exceed
/// the limit.
const TURNS_FOR_A_TEST: u32 = 3;

/// Nudge after a reply that ends in the markup of a tool call.
const UNREADABLE_CALL: &str = "unreadable_call";

const TRUNCATED_TEXT: &str = include_str!("../../prompts/truncated.md");
const UNREADABLE_CALL_TEXT: &str = include_str!("../../prompts/unreadable_call.md");
const ANNOUNCED_TEXT: &str = include_str!("../../prompts/announced.md");
const TESTS_FAILED_TEXT: &str = include_str!("../../prompts/tests_failed.md");
const TESTS_WEAKENED_TEXT: &str = include_str!("../../prompts/tests_weakened.md");
const GENERATED_TEXT: &str = include_str!("../../prompts/generated_needed.md");
const NOT_REPRODUCED_TEXT: &str = include_str!("../../prompts/not_reproduced.md");

impl<M: Model, E: ToolExecutor + Verifier> Planner<'_, M, E> {
    /// Returns `Some(why)` if the run is over, `None` if the model has to go on.
    pub(super) async fn end_turn(&mut self, reply: &Reply) -> Result<Option<String>, Halt> {
        if reply.finish_reason == CUT && self.state.truncations < MAX_TRUNCATIONS {
            self.state.truncations += 1;
            self.nudge("truncated", TRUNCATED_TEXT.trim_end())?;
            return Ok(None);
        }
        self.state.truncations = 0;
        if reply.message.ends_in_call_markup() {
            return self.ask_for_the_call();
        }
        self.state.unreadable = 0;
        if self.state.patch.is_none() {
            return self.end_without_patch();
        }
        self.end_with_patch().await
    }

    /// Asks the model to repeat a call that came as ambiguous text: it didn't mean to end its turn.
    fn ask_for_the_call(&mut self) -> Result<Option<String>, Halt> {
        if self.state.unreadable == MAX_UNREADABLE {
            let words = format!("{} replies in a row end in the markup of a tool call", MAX_UNREADABLE + 1);
            return Err(ModelError::new(ErrorKind::UnreadableCalls, &words).into());
        }
        self.state.unreadable += 1;
        self.nudge(UNREADABLE_CALL, UNREADABLE_CALL_TEXT.trim_end())?;
        Ok(None)
    }

    fn end_without_patch(&mut self) -> Result<Option<String>, Halt> {
        if self.state.nudged {
            return Ok(Some("the model ended its turn without a change".to_owned()));
        }
        self.state.nudged = true;
        self.nudge(ANNOUNCED, ANNOUNCED_TEXT.trim_end())?;
        Ok(None)
    }

    /// Law 7: the tests that decide run now, after the last edit.
    async fn end_with_patch(&mut self) -> Result<Option<String>, Halt> {
        // A resumed run may get here before any tool call.
        let prepared = bounded(self.cancelled.clone(), self.deadline, self.environment.prepare()).await??;
        self.journal.append(prepared)?;
        if self.state.patch.is_some() && self.state.failed_on == self.state.patch {
            return Ok(Some("the tests fail, and the model changed nothing after it was told".to_owned()));
        }
        if self.is_unshown() {
            return Ok(Some(PASSED.to_owned()));
        }
        let added = bounded(self.cancelled.clone(), self.deadline, self.environment.follow()).await??;
        self.journal.append(added)?;
        let mut checks = self.run_checks().await?;
        let (runs, judged) = self.evidence(&mut checks).await?;
        let failing = runs.last().filter(|run| !run.passed()).map(|run| feedback(run, &judged));
        let failing_checks = checks::feedback(&checks, &judged.checks);
        if let (Some(cause), None, true) = (&judged.cause, &failing_checks, failing.is_some()) {
            return Ok(Some(format!("the tests fail as they did before: {}", cause.what)));
        }
        let kind = match (&failing, &failing_checks, runs.is_empty()) {
            (Some(_), ..) => TESTS_FAILED,
            (None, Some(_), _) => CHECKS_FAILED,
            (None, None, true) => {
                return self.unless_weakened(&judged.refusing, "the model ended its turn; there are no tests to run");
            }
            (None, None, false) if judged.refusing.is_empty() => return self.end_with_proof().await,
            (None, None, false) => return self.unless_weakened(&judged.refusing, PASSED),
        };
        if self.state.feedbacks == MAX_FEEDBACKS {
            return Ok(Some(format!("the tests still fail after {MAX_FEEDBACKS} corrections")));
        }
        self.state.feedbacks += 1;
        self.state.failed_on = self.state.patch;
        let told: Vec<String> = failing.into_iter().chain(failing_checks).collect();
        self.nudge(kind, &told.join("\n\n"))?;
        Ok(None)
    }

    /// Whether the patch is still the verified one for which the model was asked for a test.
    pub(super) fn is_unshown(&self) -> bool {
        self.state.unshown.is_some() && self.state.unshown == self.state.patch
    }

    /// Tells a model once that it weakened tests. If it leaves it at that, the patch is refused.
    fn unless_weakened(&mut self, refusing: &[TamperFlag], why: &str) -> Result<Option<String>, Halt> {
        if refusing.is_empty() {
            return Ok(Some(why.to_owned()));
        }
        if self.state.warned {
            return Ok(Some("the patch makes the tests prove less, and the model left it so".to_owned()));
        }
        self.state.warned = true;
        let places = refusing.iter().map(|flag| format!("- {}:{}: {}", flag.path, flag.line, flag.reason));
        let places = places.collect::<Vec<_>>().join("\n");
        self.nudge(TESTS_WEAKENED, &TESTS_WEAKENED_TEXT.trim_end().replace("{places}", &places))?;
        Ok(None)
    }

    /// The tests pass: checks whether one of them reproduces the problem. A model that was asked for such a test is
    /// told once that there is none; the outcome doesn't depend on it.
    async fn end_with_proof(&mut self) -> Result<Option<String>, Halt> {
        let found = self.environment.reproduction(self.remaining());
        let events = bounded(self.cancelled.clone(), self.deadline, found).await??;
        self.journal.append(events.clone())?;
        let Some(Event::Reproduced(told)) = events.last() else { return Ok(Some(PASSED.to_owned())) };
        let has_room = self.budget.turns_left() >= TURNS_FOR_A_TEST;
        if told.asked && told.state == Reproduced::No && self.state.unshown.is_none() && has_room {
            self.state.unshown = self.state.patch;
            self.nudge(NOT_REPRODUCED, &NOT_REPRODUCED_TEXT.trim_end().replace("{why}", &told.why))?;
            return Ok(None);
        }
        Ok(Some(PASSED.to_owned()))
    }
}

/// The message to the model about a failure: single tests if the runner names them, else its output.
fn feedback(run: &TestRun, judged: &Judgement) -> String {
    let output = checks::output(run, judged.matrix.as_ref(), usize::MAX);
    TESTS_FAILED_TEXT
        .trim_end()
        .replace("{command}", &run.command)
        .replace("{how}", &how_it_ended(run))
        .replace("{output}", &(output + &needed(run)))
}

/// The message about files that the tests need but that aren't part of the patch; empty for other causes.
fn needed(run: &TestRun) -> String {
    let cause = run.why.as_ref().and_then(|why| why.cause.as_ref());
    let cause = cause.filter(|cause| cause.kind == CauseKind::Generated);
    cause.map_or_else(String::new, |cause| format!("\n\n{}", GENERATED_TEXT.trim_end().replace("{what}", &cause.what)))
}

pub(super) fn how_it_ended(run: &TestRun) -> String {
    match (&run.stopped, run.exit_code, run.signal) {
        (Some(stopped), ..) => format!("was ended by kcode: {stopped}"),
        (None, Some(code), _) => format!("ended with exit code {code}"),
        (None, None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None, None) => "could not be run".to_owned(),
    }
}
