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
        if self.state.patch.is_some() && self.state.failed_on == self.state.patch {
            return Ok(Some("the tests fail, and the model changed nothing after it was told".to_owned()));
        }
        let Some(mut verified) = self.verify().await? else {
            return Ok(Some("the model ended its turn; there are no tests to run".to_owned()));
        };
        if verified.passed() && verified.changed_files {
            // A lock file or a snapshot was written. What the patch says now is not what they ran on: once more.
            verified = self.verify().await?.unwrap_or(verified);
        }
        if verified.passed() {
            return Ok(Some("the tests pass after the last edit".to_owned()));
        }
        if self.state.feedbacks == MAX_FEEDBACKS {
            return Ok(Some(format!("the tests still fail after {MAX_FEEDBACKS} corrections")));
        }
        self.state.feedbacks += 1;
        self.state.failed_on = self.state.patch;
        self.nudge(TESTS_FAILED, &verified.feedback())?;
        Ok(None)
    }

    /// Runs the tests once and notes what they ran on; `None` when there are none.
    async fn verify(&mut self) -> Result<Option<Verified>, Halt> {
        let ran = bounded(self.cancelled.clone(), self.deadline, self.bench.verify()).await;
        if ran.is_err() {
            self.bench.cancel().await;
        }
        let Some(run) = ran?? else { return Ok(None) };
        // Tests may write to the tree, too; the patch has to tell.
        let observed = Observation { tests: Some(run.clone()), ..Observation::default() };
        let patch = self.bench.patch(&[observed]).await?;
        let ran_on = std::mem::replace(&mut self.state.patch, patch.sha256);
        let changed_files = ran_on != patch.sha256;
        let ran = tests_ran(run.clone(), TestPurpose::Verification, ran_on);
        self.journal.append(vec![Event::PatchWritten(patch), Event::TestsRan(ran)])?;
        Ok(Some(Verified { run, changed_files }))
    }
}

/// A test run of kcode's own.
struct Verified {
    run: TestRun,
    /// The tests left the tree otherwise than they found it.
    changed_files: bool,
}

impl Verified {
    fn passed(&self) -> bool {
        self.run.passed()
    }

    /// What the model is told about a failure.
    fn feedback(&self) -> String {
        TESTS_FAILED_TEXT
            .trim_end()
            .replace("{command}", &self.run.command)
            .replace("{how}", &how_it_ended(&self.run))
            .replace("{output}", &self.run.excerpt)
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
