//! The model of a replay: it says again what it said, whatever it is asked. (What it is asked was compared before.)

use std::sync::Arc;
use std::time::Duration;

use super::Script;
use super::script::ModelTurn;
use crate::journal::{AttemptFailed, ReplyReceived, StopReason};
use crate::model::{AssistantMessage, ErrorKind, Model, ModelError, Progress, Reply, Request};

/// How often a person sees how far a slowed-down reply is.
const STEPS: u32 = 20;

/// Plays the recorded replies.
pub struct Player {
    /// What was said.
    pub script: Arc<Script>,
    /// How many times faster than it was; `None`: at once.
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
    /// Takes as long as the reply took, at this speed.
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

/// A failure with the recorded one's consequences: tried again or not, and charged as much.
fn failure(failed: &AttemptFailed, kind: ErrorKind) -> ModelError {
    ModelError {
        status: failed.status,
        retry_after: Some(Duration::ZERO),
        usage: Some(Box::new(failed.charged)),
        ..ModelError::new(kind, &failed.said)
    }
}

/// One that is treated as the recorded one was.
fn kind(failed: &AttemptFailed, stop: Option<StopReason>) -> ErrorKind {
    match (failed.wait_ms, stop) {
        (Some(_), _) => ErrorKind::Overloaded,
        (None, Some(StopReason::ContextFull)) => ErrorKind::ContextOverflow,
        (None, _) => ErrorKind::QuotaExhausted,
    }
}
