//! Runs the tool calls of one reply: reads in parallel, writes alone; each is answered exactly once, whatever happens.

use futures_util::future::join_all;
use tokio::time::Instant;

use super::environment::{ToolExecutor, Verifier};
use super::repeat::{RepeatVerdict, result_digest};
use super::state::OwnRun;
use super::turns::{Halt, Planner, bounded};
use crate::journal::{Event, PatchWritten, StopReason, TestPurpose, TestResult, TestsRan, ToolAnswered, ToolCalled};
use crate::model::{Model, ToolCall};
use crate::tools::{Access, Observation, TestRun};

/// The answer to a call whose change could not be stored: a resumed run begins without it.
const CHANGE_NOT_KEPT: &str =
    "It was done, but kcode could not keep what it changed. Look at the files again before you go on.";

/// Note on a patch that doesn't include what a command changed last.
const UNLOOKED_AT: &str = "the last changes by commands are not in the patch: the run ended before they were compared";

struct Done {
    observation: Observation,
    ms: u64,
}

impl<M: Model, E: ToolExecutor + Verifier> Planner<'_, M, E> {
    /// Runs `calls` in order and appends their answers. If the run has to stop in between, the remaining calls get an
    /// answer that says so, and the history stays valid for a resume.
    pub(super) async fn run_calls(&mut self, calls: &[ToolCall]) -> Result<(), Halt> {
        let mut rest = calls;
        while !rest.is_empty() {
            let batch = self.next_batch(rest);
            if let Err(halt) = self.run_batch(&rest[..batch]).await {
                if let Halt::Stop(stop) = &halt {
                    let why = format!("Not run: the run ends here ({}).", stop.detail);
                    self.decline(&rest[batch..], &why)?;
                }
                return Err(halt);
            }
            rest = &rest[batch..];
        }
        Ok(())
    }

    /// Number of `calls` to run next: all reads up to the first write, or that one write.
    fn next_batch(&self, calls: &[ToolCall]) -> usize {
        let reads = calls.iter().take_while(|call| self.environment.access(&call.name) == Access::Read).count();
        reads.max(1)
    }

    async fn run_batch(&mut self, batch: &[ToolCall]) -> Result<(), Halt> {
        let turn = self.budget.turns();
        let called = |call: &ToolCall| {
            Event::ToolCalled(ToolCalled {
                turn,
                id: call.id.clone(),
                tool: call.name.clone(),
                arguments: call.arguments.clone(),
            })
        };
        let prepared = bounded(self.cancelled.clone(), self.deadline, self.environment.prepare()).await;
        let mut events = match prepared.and_then(|prepared| prepared.map_err(Halt::from)) {
            Ok(events) => events,
            Err(halt) => {
                self.decline(batch, "Not run: the run ends here.")?;
                return Err(halt);
            }
        };
        events.extend(batch.iter().map(called));
        self.journal.append(events)?;

        let work = join_all(batch.iter().map(|call| timed(&*self.environment, call)));
        let finished = match bounded(self.cancelled.clone(), self.deadline, work).await {
            Ok(finished) => finished.into_iter().collect::<Result<Vec<_>, _>>(),
            Err(halt) => {
                self.environment.cancel().await;
                self.decline(batch, "Ended before it was done: the run ends here. It may have partly run.")?;
                return Err(halt);
            }
        };
        match finished {
            Ok(done) => self.answer(batch, done).await,
            Err(error) => {
                self.decline(batch, "It failed inside kcode; it may have partly run.")?;
                Err(error.into())
            }
        }
    }

    async fn answer(&mut self, batch: &[ToolCall], mut done: Vec<Done>) -> Result<(), Halt> {
        let observations: Vec<_> = done.iter().map(|done| done.observation.clone()).collect();
        // Checked before the patch is updated: what counts is the view at the start of the runs.
        let is_whole = observations.iter().filter_map(|o| o.tests.as_ref()).all(|run| self.environment.is_whole(run));
        let ran_on = self.state.patch;
        let changes_tree = |o: &Observation| !o.touched.is_empty() || o.tests.is_some();
        let patch = if observations.iter().any(changes_tree) {
            match self.patch_after(&observations).await {
                Ok(patch) => Some(patch),
                Err(halt) => {
                    self.decline(batch, CHANGE_NOT_KEPT)?;
                    return Err(halt);
                }
            }
        } else {
            None
        };
        if let Some(patch) = &patch {
            self.state.repeats.patch_is(patch.sha256);
            self.state.patch = patch.sha256;
        }
        let mut events = Vec::new();
        let mut stop = None;
        for (call, Done { observation, ms }) in batch.iter().zip(&mut done) {
            let result_sha256 = result_digest(&call.name, &observation.text);
            match self.state.repeats.count(&call.name, &call.arguments, result_sha256) {
                RepeatVerdict::Fresh => {}
                RepeatVerdict::Tell(times) => observation.text.push_str(&repeated(times)),
                RepeatVerdict::Stop(times) => {
                    stop = Some(format!("{} was called {times} times with the same result", call.name));
                }
            }
            if let Some(tests) = observation.tests.take() {
                self.state.ran_on.extend(self.state.patch);
                if is_whole && ran_on == self.state.patch {
                    self.state.took_ms = Some(tests.ms);
                    self.state.own_run = Some(OwnRun { ran_on, run: tests.clone() });
                }
                events.push(Event::TestsRan(tests_ran(tests, TestPurpose::Model, self.state.patch)));
            }
            events.push(Event::ToolAnswered(ToolAnswered {
                turn: self.budget.turns(),
                id: call.id.clone(),
                tool: call.name.clone(),
                ok: observation.ok,
                summary: std::mem::take(&mut observation.summary),
                ms: *ms,
                result_sha256,
            }));
            events.push(Event::Message(self.conversation.push_tool(&call.id, &call.name, &observation.text)));
        }
        events.extend(patch.map(Event::PatchWritten));
        self.journal.append(events)?;
        stop.map_or(Ok(()), |detail| Err(Halt::stop(StopReason::Repetition, detail)))
    }

    /// The patch after `observations`. Comparing what a command wrote can take long; if the run has to end first, the
    /// patch says so.
    pub(super) async fn patch_after(&mut self, observations: &[Observation]) -> Result<PatchWritten, Halt> {
        if observations.iter().all(|observation| observation.tests.is_none()) {
            return Ok(self.environment.patch(observations).await?);
        }
        match bounded(self.cancelled.clone(), self.deadline, self.environment.patch(observations)).await {
            Ok(patch) => Ok(patch?),
            Err(halt) => {
                // The patch stays as it is, but no longer matches what any test ran on.
                let (sha256, files) = (self.state.patch.take(), self.environment.written_files());
                let left_out = vec![UNLOOKED_AT.to_owned()];
                let patch = PatchWritten { sha256, files, left_out, ..PatchWritten::default() };
                self.journal.append(vec![Event::PatchWritten(patch)])?;
                Err(halt)
            }
        }
    }

    /// Answers calls that were not made or not finished.
    pub(super) fn decline(&mut self, calls: &[ToolCall], why: &str) -> Result<(), Halt> {
        let messages = calls.iter().map(|call| Event::Message(self.conversation.push_tool(&call.id, &call.name, why)));
        let events: Vec<_> = messages.collect();
        if !events.is_empty() {
            self.journal.append(events)?;
        }
        Ok(())
    }
}

async fn timed<E: ToolExecutor>(environment: &E, call: &ToolCall) -> Result<Done, super::EnvironmentError> {
    let start = Instant::now();
    let observation = environment.call(call).await?;
    Ok(Done { observation, ms: start.elapsed().as_millis() as u64 })
}

/// Beginning of the notice that is added to the answer of a repeated call.
const REPEATED: &str = "\n\n(This very call gave this very result ";

fn repeated(times: u32) -> String {
    format!("{REPEATED}{times} times now. Do something else, or end your turn.)")
}

/// The answer of the tool itself, without the notice about repeated calls.
#[must_use]
pub(crate) fn without_notice(answer: &str) -> &str {
    answer.rfind(REPEATED).filter(|_| answer.ends_with("end your turn.)")).map_or(answer, |end| &answer[..end])
}

/// The event of a finished test run. The caller adds the tree's id.
#[must_use]
pub(crate) fn tests_ran(run: TestRun, purpose: TestPurpose, patch_sha256: Option<crate::journal::Digest>) -> TestsRan {
    TestsRan {
        purpose,
        result: TestResult {
            passed: run.passed(),
            contradiction: run.contradiction(),
            why: run.why.clone(),
            exit_code: run.exit_code,
            stopped: run.stopped,
            counts: run.counts,
            ms: run.ms,
        },
        command: run.command,
        log: run.log,
        patch_sha256,
        tree: None,
        start_tree: None,
        cached: false,
        counted: None,
        only_failed: false,
    }
}
