//! Law 6: the worst case of a request is reserved before it is sent; a request that could cross a limit is not sent.

use crate::journal::{Event, Limits, RequestSent, StopReason, Tokens, Usage, Usd};
use crate::model::prices::Price;

/// With fewer output tokens a reply would almost certainly be cut off, and isn't worth its price.
const SMALLEST_USEFUL_REPLY: Tokens = Tokens(1_024);

/// Context window of a model that isn't in the price list.
const USUAL_WINDOW: Tokens = Tokens(262_144);

/// What was spent so far, and the limits.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    limits: Limits,
    price: Option<Price>,
    spent: Usage,
    cost: Usd,
    turns: u32,
}

/// Input tokens of the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// Likely number. It is compared with the context window: the provider checks that, too, and refuses without
    /// charge.
    pub likely: Tokens,
    /// Upper bound. It is compared with the limits on tokens and cost.
    pub at_most: Tokens,
}

/// The worst case of one request, held back until it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reservation {
    /// Limit on output tokens to send.
    pub max_completion_tokens: Tokens,
    /// Upper bound of the input tokens.
    pub prompt_tokens: Tokens,
    /// Input plus limit, at list price without cache hits; zero if the price is unknown.
    pub cost: Usd,
}

impl Reservation {
    /// Input plus limit.
    #[must_use]
    pub(crate) fn tokens(&self) -> Tokens {
        self.prompt_tokens + self.max_completion_tokens
    }

    /// The whole reservation as usage: what a failed attempt may have cost.
    #[must_use]
    pub(crate) fn as_usage(&self) -> Usage {
        Usage {
            prompt_tokens: self.prompt_tokens,
            cached_tokens: Tokens(0),
            completion_tokens: self.max_completion_tokens,
        }
    }
}

impl Budget {
    /// An unspent budget. `price` is `None` if the model's price is unknown; a cost limit, which couldn't be enforced
    /// then, is already refused by the settings.
    #[must_use]
    pub(crate) fn new(limits: Limits, price: Option<Price>) -> Self {
        Self { limits, price, spent: Usage::default(), cost: Usd::default(), turns: 0 }
    }

    /// Counts what an earlier process spent, from its events. A request without an answer is charged in full.
    pub(crate) fn recall<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        let mut unanswered = None;
        for event in events {
            match event {
                Event::Request(request) => unanswered = Some(request),
                Event::Reply(reply) => {
                    unanswered = None;
                    self.settle(reply.usage);
                }
                Event::AttemptFailed(failed) => {
                    unanswered = None;
                    self.charge(failed.charged);
                }
                Event::Resumed(_) => self.charge_unanswered(unanswered.take()),
                _ => {}
            }
        }
        self.charge_unanswered(unanswered);
    }

    fn charge_unanswered(&mut self, request: Option<&RequestSent>) {
        if let Some(request) = request {
            let prompt_tokens = request.reserved_tokens - request.max_completion_tokens;
            let completion_tokens = request.max_completion_tokens;
            self.charge(Usage { prompt_tokens, cached_tokens: Tokens(0), completion_tokens });
        }
    }

    /// Reserves the worst case of a request with at most `wanted` output tokens.
    ///
    /// # Errors
    /// The limit that the request could cross.
    pub(crate) fn reserve(&self, prompt: Prompt, wanted: Tokens) -> Result<Reservation, (StopReason, String)> {
        if self.turns >= self.limits.max_turns {
            return Err((StopReason::MaxTurns, format!("the limit of {} turns is reached", self.limits.max_turns)));
        }
        let mut cap = self.within_context(prompt.likely, wanted)?;
        cap = self.within_tokens(prompt.at_most, cap)?;
        cap = self.within_cost(prompt.at_most, cap)?;
        let cost = self.price.map(|price| price.worst_case(prompt.at_most, cap)).unwrap_or_default();
        Ok(Reservation { max_completion_tokens: cap, prompt_tokens: prompt.at_most, cost })
    }

    fn within_context(&self, prompt: Tokens, wanted: Tokens) -> Result<Tokens, (StopReason, String)> {
        let window = self.price.map_or(USUAL_WINDOW, |price| price.context_window);
        let cap = wanted.min(window - prompt);
        if cap >= SMALLEST_USEFUL_REPLY.min(wanted) {
            return Ok(cap);
        }
        let why = format!("the conversation (~{prompt} tokens) fills the model's window of {window}");
        Err((StopReason::ContextFull, why))
    }

    fn within_tokens(&self, prompt: Tokens, cap: Tokens) -> Result<Tokens, (StopReason, String)> {
        let Some(limit) = self.limits.max_tokens else { return Ok(cap) };
        let left = limit - self.spent_tokens();
        let cap = cap.min(left - prompt);
        if cap >= SMALLEST_USEFUL_REPLY.min(limit) {
            return Ok(cap);
        }
        let why = format!(
            "the next request needs ~{prompt} tokens and a reply; {left} of {limit} are left",
            prompt = prompt.0,
            left = left.0,
            limit = limit.0
        );
        Err((StopReason::MaxTokens, why))
    }

    fn within_cost(&self, prompt: Tokens, cap: Tokens) -> Result<Tokens, (StopReason, String)> {
        let (Some(limit), Some(price)) = (self.limits.max_cost_usd, self.price) else { return Ok(cap) };
        let left = limit - self.cost;
        let cap = cap.min(affordable(price, prompt, left));
        if cap >= SMALLEST_USEFUL_REPLY {
            return Ok(cap);
        }
        let worst = price.worst_case(prompt, SMALLEST_USEFUL_REPLY);
        let spent = self.cost;
        Err((StopReason::MaxCost, format!("{spent} of {limit} is spent, and the next request could cost {worst}")))
    }

    /// Counts the turn and the usage of a reply.
    pub(crate) fn settle(&mut self, usage: Usage) -> Option<Usd> {
        self.turns += 1;
        self.charge(usage)
    }

    /// Counts what a failed attempt may have used, but no turn.
    pub(crate) fn charge(&mut self, usage: Usage) -> Option<Usd> {
        self.spent += usage;
        let cost = self.price.map(|price| price.cost(&usage));
        self.cost += cost.unwrap_or_default();
        cost
    }

    /// Input and output tokens of all requests.
    #[must_use]
    pub(crate) fn spent_tokens(&self) -> Tokens {
        self.spent.prompt_tokens + self.spent.completion_tokens
    }

    /// Cost at list price, with cache hits as the provider reported them.
    #[cfg(test)]
    pub(crate) fn cost(&self) -> Usd {
        self.cost
    }

    /// Number of replies that may still come.
    #[must_use]
    pub(crate) fn turns_left(&self) -> u32 {
        self.limits.max_turns.saturating_sub(self.turns)
    }

    /// Number of replies so far.
    #[must_use]
    pub(crate) fn turns(&self) -> u32 {
        self.turns
    }
}

/// Number of output tokens that `money` buys after `prompt` input tokens without cache hits.
fn affordable(price: Price, prompt: Tokens, money: Usd) -> Tokens {
    let left = money - price.worst_case(prompt, Tokens(0));
    // A free model is bounded by the other limits.
    let one = price.output.dollars();
    if one > 0.0 { Tokens((left.dollars() / one) as u64) } else { Tokens(u64::MAX) }
}
