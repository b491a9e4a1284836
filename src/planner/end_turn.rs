//! A reply without tool calls: did the model do anything, and do the tests stand behind it?

use super::bench::Bench;
use super::calls::tests_ran;
use super::turns::{Halt, Planner, bounded};
use crate::journal::{Event, TestPurpose};
use crate::model::{Model, Reply};
use crate::tools::{Observation, TestRun};

/// How often a failed verification goes back to the model.
pub const MAX_FEEDBACKS: u32 = 3;
/// How often in a row a reply that was cut at its output cap is continued.
const MAX_TRUNCATIONS: u32 = 2;

/// The nudge after a turn that changed nothing.
pub(super) const ANNOUNCED: &str = "announced";
/// The nudge after a verification that failed.
pub(super) const TESTS_FAILED: &str = "tests_failed";

const TRUNCATED_TEXT: &str = include_str!("../../prompts/truncated.md");
const ANNOUNCED_TEXT: &str = include_str!("../../prompts/announced.md");
const TESTS_FAILED_TEXT: &str = include_str!("../../prompts/tests_failed.md");

impl<M: Model, B: Bench> Planner<'_, M, B> {
    /// `Some(why)` when the run is over, `None` when the model was sent on.
    pub(super) async fn end_turn(&mut self, reply: &Reply) -> Result<Option<String>, Halt> {
        if reply.finish_reason == "length" && self.state.truncations < MAX_TRUNCATIONS {
            self.state.truncations += 1;
            self.nudge("truncated", TRUNCATED_TEXT.trim_end())?;
            return Ok(None);
        }
        self.state.truncations = 0;
        if self.state.patch.is_none() {
            return self.end_without_patch();
        }
        self.end_with_patch().await
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
        // A resumed run may come here before any tool was called.
        let prepared = bounded(self.cancelled.clone(), self.deadline, self.bench.prepare()).await??;
        self.journal.append(prepared)?;
        let ran = bounded(self.cancelled.clone(), self.deadline, self.bench.verify()).await;
        if ran.is_err() {
            self.bench.cancel().await;
        }
        let Some(run) = ran?? else {
            return Ok(Some("the model ended its turn; there are no tests to run".to_owned()));
        };
        // Tests may write to the tree, too; the patch has to tell.
        let observed = Observation { tests: Some(run.clone()), ..Observation::default() };
        let patch = self.bench.patch(&[observed]).await?;
        self.state.patch = patch.sha256;
        let passed = run.passed();
        let excerpt = run.excerpt.clone();
        let command = run.command.clone();
        let told = how_it_ended(&run);
        let ran = tests_ran(run, TestPurpose::Verification, patch.sha256);
        self.journal.append(vec![Event::PatchWritten(patch), Event::TestsRan(ran)])?;
        if passed {
            return Ok(Some("the tests pass after the last edit".to_owned()));
        }
        if self.state.feedbacks == MAX_FEEDBACKS {
            return Ok(Some(format!("the tests still fail after {MAX_FEEDBACKS} corrections")));
        }
        self.state.feedbacks += 1;
        let text = TESTS_FAILED_TEXT
            .trim_end()
            .replace("{command}", &command)
            .replace("{how}", &told)
            .replace("{output}", &excerpt);
        self.nudge(TESTS_FAILED, &text)?;
        Ok(None)
    }
}

fn how_it_ended(run: &TestRun) -> String {
    match (&run.stopped, run.exit_code, run.signal) {
        (Some(stopped), ..) => format!("was ended by kcode: {stopped}"),
        (None, Some(code), _) => format!("ended with exit code {code}"),
        (None, None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None, None) => "could not be run".to_owned(),
    }
}
