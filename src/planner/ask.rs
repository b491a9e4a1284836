//! The request of a turn: reserve, record, send; after a failure wait and retry within the same budget.

use std::time::Duration;

use super::budget::{Prompt, Reservation};
use super::environment::{ToolExecutor, Verifier};
use super::turns::{Halt, Planner, bounded, out_of_time};
use crate::journal::{
    AttemptFailed, Digest, Event, HistoryRepaired, RepairCause, RepairedMessage, ReplyReceived, RequestSent,
    StopReason, Tokens, Usage,
};
use crate::model::{Model, ModelError, Reply, Request, ToolChoice, retry};

impl<M: Model, E: ToolExecutor + Verifier> Planner<'_, M, E> {
    /// Requests until a whole reply arrives, and appends it to the conversation.
    pub(super) async fn ask(&mut self) -> Result<Reply, Halt> {
        let turn = self.budget.turns() + 1;
        let mut attempt = 1;
        loop {
            let (reservation, request) = self.prepare_request(turn, attempt)?;
            let tried = RequestAttempt { turn, attempt, reservation };
            match self.send(&request).await? {
                Ok(mut reply) => {
                    self.conversation.complete(&mut reply.message);
                    self.keep_reply(turn, &reply)?;
                    return Ok(reply);
                }
                Err(error) => match self.conversation.repairs(&error) {
                    Some((cause, messages)) => self.repair(&tried, &error, cause, messages)?,
                    None => self.wait_or_give_up(&tried, error).await?,
                },
            }
            attempt += 1;
        }
    }

    fn prepare_request(&mut self, turn: u32, attempt: u32) -> Result<(Reservation, Request), Halt> {
        if self.remaining().is_zero() {
            return Err(out_of_time());
        }
        let reservation = self
            .budget
            .reserve(self.prompt(), self.max_completion_tokens)
            .map_err(|(reason, detail)| Halt::stop(reason, detail))?;
        let request = self.conversation.request(reservation.max_completion_tokens, ToolChoice::Auto)?;
        let kept = self.prefix_kept(&request);
        let sent = RequestSent {
            turn,
            attempt,
            bytes: request.body.get().len() as u64,
            prefix_sha256: request.prefix_sha256,
            prefix_bytes: self.conversation.prefix().len() as u64,
            prefix_kept: kept,
            max_completion_tokens: reservation.max_completion_tokens,
            reserved_tokens: reservation.tokens(),
            reserved_usd: reservation.cost,
        };
        self.journal.append(vec![Event::Request(sent)])?;
        if !kept {
            let detail = "the request does not begin with the bytes of the one before; it was not sent";
            return Err(Halt::stop(StopReason::PrefixBroken, detail));
        }
        Ok((reservation, request))
    }

    fn prompt(&self) -> Prompt {
        Prompt { likely: self.conversation.prompt_tokens(), at_most: self.conversation.prompt_tokens_at_most() }
    }

    /// Law 5, checked on the bytes about to be sent: they begin with the bytes of the last request.
    fn prefix_kept(&mut self, request: &Request) -> bool {
        let body = request.body.get().as_bytes();
        let kept = self
            .state
            .sent_prefix
            .is_none_or(|(length, digest)| body.get(..length).is_some_and(|beginning| Digest::of(beginning) == digest));
        self.state.sent_prefix = Some((self.conversation.prefix().len(), request.prefix_sha256));
        kept
    }

    async fn send(&mut self, request: &Request) -> Result<Result<Reply, ModelError>, Halt> {
        let answer = self.model.ask(request, &mut *self.progress);
        bounded(self.cancelled.clone(), self.deadline, answer).await
    }

    fn keep_reply(&mut self, turn: u32, reply: &Reply) -> Result<(), Halt> {
        let usage = reply.usage.unwrap_or_else(|| estimated(reply, self.conversation.prompt_tokens()));
        let cost_usd = self.budget.settle(usage);
        let message = self.conversation.push_assistant(&reply.message);
        if let Some(usage) = &reply.usage {
            self.conversation.calibrate(usage);
        }
        let received = ReplyReceived {
            turn,
            finish_reason: reply.finish_reason.clone(),
            usage,
            usage_estimated: reply.usage.is_none(),
            cost_usd,
            latency_ms: millis(reply.elapsed),
            first_byte_ms: millis(reply.first_byte),
            request_id: reply.request_id.clone(),
            reasoning_sha256: reply.message.reasoning.as_deref().map(Digest::of),
            message_sha256: Digest::of(&message.json),
        };
        self.journal.append(vec![Event::Reply(received), Event::Message(message)])?;
        Ok(())
    }

    async fn wait_or_give_up(&mut self, tried: &RequestAttempt, error: ModelError) -> Result<(), Halt> {
        let wait = retry::delay(&error, tried.attempt, self.max_retries, self.remaining(), fastrand::f64());
        let failed = self.charge_failure(tried, &error, wait);
        self.journal.append(vec![failed])?;
        match wait {
            Some(wait) => bounded(self.cancelled.clone(), self.deadline, tokio::time::sleep(wait)).await,
            None => Err(error.into()),
        }
    }

    /// Repairs the messages that the host refused, so that the request can be repeated. Nothing is left to repair then,
    /// so a second refusal is final.
    fn repair(
        &mut self,
        tried: &RequestAttempt,
        error: &ModelError,
        cause: RepairCause,
        messages: Vec<RepairedMessage>,
    ) -> Result<(), Halt> {
        let failed = self.charge_failure(tried, error, Some(Duration::ZERO));
        let repaired = HistoryRepaired { turn: tried.turn, cause, messages };
        self.journal.append(vec![failed, Event::HistoryRepaired(repaired.clone())])?;
        self.conversation.repair(cause, &repaired.messages);
        self.state.sent_prefix = None;
        Ok(())
    }

    fn charge_failure(&mut self, tried: &RequestAttempt, error: &ModelError, wait: Option<Duration>) -> Event {
        // What the provider counted, else the most that it may bill.
        let worst = if error.may_be_billed { tried.reservation.as_usage() } else { Usage::default() };
        let charged = error.usage.as_deref().copied().unwrap_or(worst);
        let charged_usd = self.budget.charge(charged);
        Event::AttemptFailed(AttemptFailed {
            turn: tried.turn,
            attempt: tried.attempt,
            wait_ms: wait.map(millis),
            error: error.headline(),
            said: error.message.clone(),
            status: error.status,
            charged,
            charged_usd,
        })
    }
}

/// An attempt at a turn and its reservation.
struct RequestAttempt {
    turn: u32,
    attempt: u32,
    reservation: Reservation,
}

/// Usage of a reply without any: the likely input, and the output estimated from its length.
fn estimated(reply: &Reply, prompt_tokens: Tokens) -> Usage {
    Usage { prompt_tokens, cached_tokens: Tokens(0), completion_tokens: Tokens::estimate(&reply.message.json) }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
