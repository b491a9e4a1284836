//! Estimates the next request's input tokens: the provider's count as far as it reaches, an estimate for what follows.

use crate::journal::{Tokens, Usage};

/// Factor for estimates: code and logs are denser than prose, and reserving a little too much is safe.
const MARGIN: f64 = 1.25;

/// Tokens around a reply in the next prompt that aren't counted as its output: roles, markers, ids.
const AROUND_A_REPLY: Tokens = Tokens(32);

#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// Uncalibrated estimate of everything appended so far.
    plain: Tokens,
    /// `plain` when the last request was sent.
    at_request: Tokens,
    /// Tokens that the provider counted last; `plain_at_count` is `plain` at that point.
    counted: Tokens,
    plain_at_count: Tokens,
    /// Bytes appended so far, and at the last count. They bound the tokens from above.
    bytes: Tokens,
    bytes_at_count: Tokens,
    /// The provider's tokens per token of the uncalibrated estimate.
    ratio: f64,
}

impl Default for Estimate {
    fn default() -> Self {
        let none = Tokens::default();
        Self {
            plain: none,
            at_request: none,
            counted: none,
            plain_at_count: none,
            bytes: none,
            bytes_at_count: none,
            ratio: 1.0,
        }
    }
}

impl Estimate {
    pub(super) fn grow(&mut self, text: &str) {
        self.plain += Tokens::estimate(text);
        self.bytes += Tokens(text.len() as u64);
    }

    /// Call before a reply is appended: everything so far was its request.
    pub(super) fn mark_request(&mut self) {
        self.at_request = self.plain;
    }

    /// Takes over the provider's count of the prompt and of the reply just appended; only what follows is estimated, at
    /// the observed ratio.
    pub(super) fn calibrate(&mut self, usage: &Usage) {
        if usage.prompt_tokens.0 == 0 || self.at_request.0 == 0 {
            return; // Some gateways say zero.
        }
        self.ratio = (usage.prompt_tokens.0 as f64 / self.at_request.0 as f64).clamp(0.25, 4.0);
        self.counted = usage.prompt_tokens + usage.completion_tokens + AROUND_A_REPLY;
        self.plain_at_count = self.plain;
        self.bytes_at_count = self.bytes;
    }

    /// Upper bound of the next request's input, in tokens: no token is shorter than a byte.
    pub(super) fn upper_bound(&self) -> Tokens {
        self.counted + (self.bytes - self.bytes_at_count) + AROUND_A_REPLY
    }

    /// Likely input of the next request, in tokens, with a margin.
    pub(super) fn tokens(&self) -> Tokens {
        let since = (self.plain - self.plain_at_count).0 as f64;
        self.counted + Tokens((since * self.ratio * MARGIN).ceil() as u64)
    }
}
