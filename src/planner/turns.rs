//! The loop itself, and how it stops.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::budget::Budget;
use super::environment::{EnvironmentError, ToolExecutor, Verifier};
use super::state::State;
use crate::journal::{Event, Journal, JournalError, Message, Nudged, StopReason, Stopped, Tokens};
use crate::model::{Conversation, ErrorKind, Model, ModelError, Progress};

/// Finish reason of a reply that was cut off at its output limit.
pub(super) const CUT: &str = "length";
/// Stop detail of a verified run.
pub(super) const PASSED: &str = "the tests pass after the last edit";

/// Why the loop ended, with the model's error if there was one.
#[derive(Debug)]
pub(crate) struct Stop {
    /// Kind of the stop.
    pub reason: StopReason,
    /// Details, in one line.
    pub detail: String,
    /// The model's error, if that ended the loop.
    pub model_error: Option<ModelError>,
    /// What the user can do, unless the model's error says so.
    pub hint: Option<String>,
}

/// Leaves the loop: a stop, or a journal that can't be written, after which only the end may be recorded.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The run ends in an orderly way.
    Stop(Box<Stop>),
    /// An event can't be kept.
    Journal(JournalError),
}

impl Halt {
    /// A stop without an error of the model.
    #[must_use]
    pub(crate) fn stop(reason: StopReason, detail: impl Into<String>) -> Self {
        Self::Stop(Box::new(Stop { reason, detail: detail.into(), model_error: None, hint: None }))
    }
}

impl From<JournalError> for Halt {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<EnvironmentError> for Halt {
    fn from(error: EnvironmentError) -> Self {
        Self::Stop(Box::new(Stop { reason: error.reason, detail: error.message, model_error: None, hint: error.hint }))
    }
}

impl From<ModelError> for Halt {
    fn from(error: ModelError) -> Self {
        let reason = match error.kind {
            ErrorKind::ContextOverflow => StopReason::ContextFull,
            ErrorKind::ReasoningLost => StopReason::ReasoningLost,
            _ => StopReason::ModelFailed,
        };
        Self::Stop(Box::new(Stop { reason, detail: error.headline(), model_error: Some(error), hint: None }))
    }
}

/// One run of the loop, with everything that it acts through.
pub(crate) struct Planner<'a, M, E> {
    /// Answers the requests.
    pub model: &'a M,
    /// Executes tool calls and verifies.
    pub environment: &'a mut E,
    /// Receives each event before anything acts on it.
    pub journal: &'a mut dyn Journal,
    /// The conversation, opened with system prompt and survey.
    pub conversation: Conversation,
    /// What was spent, and the limits.
    pub budget: Budget,
    /// Limit on output tokens before any reduction by the budget.
    pub max_completion_tokens: Tokens,
    /// Maximum number of retries of a failed request.
    pub max_retries: u32,
    /// End of `--max-time`.
    pub deadline: Instant,
    /// Cancellation token: becomes true on Ctrl-C or SIGTERM.
    pub cancelled: watch::Receiver<bool>,
    /// Called with the progress of a reply.
    pub progress: &'a mut (dyn FnMut(Progress) + Send),
    /// State so far.
    pub state: State,
}

impl<M: Model, E: ToolExecutor + Verifier> Planner<'_, M, E> {
    /// Runs to the end and records why the loop ended.
    ///
    /// # Errors
    /// Only if the end can't be recorded.
    pub(crate) async fn run(&mut self) -> Result<Stop, JournalError> {
        let stop = match self.turns().await {
            Ok(detail) => Stop { reason: StopReason::Finished, detail, model_error: None, hint: None },
            // The patch was verified before the model was asked for more, and hasn't changed since.
            Err(Halt::Stop(stop)) if stop.reason.is_limit() && self.is_unshown() => {
                Stop { reason: StopReason::Finished, detail: PASSED.to_owned(), hint: None, ..*stop }
            }
            Err(Halt::Stop(stop)) => *stop,
            Err(Halt::Journal(error)) => Stop {
                reason: StopReason::StorageFailed,
                detail: error.to_string(),
                model_error: None,
                hint: Some(error.hint().to_owned()),
            },
        };
        let stopped = Stopped { reason: stop.reason, detail: stop.detail.clone() };
        self.journal.conclude(vec![Event::Stopped(stopped)])?;
        Ok(stop)
    }

    async fn turns(&mut self) -> Result<String, Halt> {
        loop {
            let reply = self.ask().await?;
            self.unless_obstructed(&reply.message.tool_calls).await?;
            if !reply.message.tool_calls.is_empty() {
                self.state.went_on(reply.finish_reason == CUT);
                self.run_calls(&reply.message.tool_calls).await?;
            } else if let Some(detail) = self.end_turn(&reply).await? {
                return Ok(detail);
            }
        }
    }

    /// Adds a message of kcode to the conversation.
    pub(super) fn nudge(&mut self, kind: &str, text: &str) -> Result<(), Halt> {
        let message: Message = self.conversation.push_user(&self.environment.wording(text));
        let nudged = Nudged { turn: self.budget.turns(), kind: kind.to_owned() };
        self.journal.append(vec![Event::Nudged(nudged), Event::Message(message)])?;
        Ok(())
    }

    /// Time until the deadline.
    pub(super) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Stops because `--max-time` is over.
pub(super) fn out_of_time() -> Halt {
    Halt::stop(StopReason::MaxTime, "the time limit is reached")
}

/// Waits for `work`, unless time runs out or the user interrupts.
pub(super) async fn bounded<T>(
    mut cancelled: watch::Receiver<bool>,
    deadline: Instant,
    work: impl Future<Output = T>,
) -> Result<T, Halt> {
    let interrupted = async {
        // An error means that the sender is gone, so nobody can interrupt.
        if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = interrupted => Err(Halt::stop(StopReason::Interrupted, "interrupted")),
        done = work => Ok(done),
        // `unconstrained`, because work that is always ready would use up the task's budget, and the timer would never
        // be polled.
        () = tokio::task::unconstrained(tokio::time::sleep_until(deadline)) => Err(out_of_time()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A future that is always ready to do more, like a host that sends events faster than they are read. Calls `each`
    /// at every poll.
    async fn busy(mut each: impl FnMut()) {
        loop {
            each();
            tokio::task::coop::consume_budget().await;
        }
    }

    #[tokio::test]
    async fn work_that_never_waits_ends_with_the_time() {
        let (_asked, cancelled) = watch::channel(false);
        let ended = bounded(cancelled, Instant::now(), busy(|| {})).await;
        assert!(matches!(ended, Err(Halt::Stop(stop)) if stop.reason == StopReason::MaxTime));
    }

    #[tokio::test]
    async fn work_that_never_waits_ends_when_a_person_ends_it() {
        let (asked, cancelled) = watch::channel(false);
        let mut turns = 0;
        let each = || {
            turns += 1;
            if turns == 1000 {
                asked.send_replace(true);
            }
        };
        let ended = bounded(cancelled, Instant::now() + Duration::from_hours(1), busy(each)).await;
        assert!(matches!(ended, Err(Halt::Stop(stop)) if stop.reason == StopReason::Interrupted));
    }
}
