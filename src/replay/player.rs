//! The model of a replay: it returns the recorded replies without looking at the request, which was compared before.

use std::sync::Arc;
use std::time::Duration;

use super::Script;
use super::script::ModelTurn;
use crate::journal::{AttemptFailed, ReplyReceived, StopReason};
use crate::model::{AssistantMessage, ErrorKind, Model, ModelError, Progress, Reply, Request};

/// Number of progress updates per slowed-down reply.
const STEPS: u32 = 20;

/// A model that returns the recorded replies.
pub struct Player {
    /// The recorded run.
    pub script: Arc<Script>,
    /// Factor by which replies are faster than recorded; `None` for no delay.
    pub speed: Option<f64>,
}

impl Model for Player {
    async fn ask(&self, _: &Request, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Reply, ModelError> {
        match self.script.next_turn() {
            ModelTurn::Replied(reply, message) => {
                self.pace(reply, message, progress).await;
                Ok(replied(reply, message))
            }
            ModelTurn::Failed(failed) => Err(failure(failed, kind(failed, self.script.stop()))),
            ModelTurn::Refused(failed) => Err(failure(failed, ErrorKind::BadRequest)),
            ModelTurn::Over => Err(ModelError::new(ErrorKind::Client, "the recording ends here")),
        }
    }
}

impl Player {
    /// Waits as long as the recorded reply took, divided by the speed.
    async fn pace(
        &self,
        reply: &ReplyReceived,
        message: &AssistantMessage,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) {
        let Some(speed) = self.speed else { return };
        let step = Duration::from_millis(reply.latency_ms).div_f64(speed) / STEPS;
        let length = message.json.chars().count();
        for n in 1..=STEPS {
            tokio::time::sleep(step).await;
            progress(Progress::Thinking(length * n as usize / STEPS as usize));
        }
    }
}

fn replied(reply: &ReplyReceived, message: &AssistantMessage) -> Reply {
    Reply {
        message: message.clone(),
        finish_reason: reply.finish_reason.clone(),
        usage: (!reply.usage_estimated).then_some(reply.usage),
        request_id: reply.request_id.clone(),
        first_byte: Duration::from_millis(reply.first_byte_ms),
        elapsed: Duration::from_millis(reply.latency_ms),
    }
}

/// A failure with the same consequences as the recorded one: whether it is retried, and what it is charged.
fn failure(failed: &AttemptFailed, kind: ErrorKind) -> ModelError {
    ModelError {
        status: failed.status,
        retry_after: Some(Duration::ZERO),
        usage: Some(Box::new(failed.charged)),
        ..ModelError::new(kind, &failed.said)
    }
}

/// An error kind that is treated like the recorded one.
fn kind(failed: &AttemptFailed, stop: Option<StopReason>) -> ErrorKind {
    match (failed.wait_ms, stop) {
        (Some(_), _) => ErrorKind::Overloaded,
        (None, Some(StopReason::ContextFull)) => ErrorKind::ContextOverflow,
        (None, _) => ErrorKind::QuotaExhausted,
    }
}
