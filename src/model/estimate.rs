//! How many input tokens the next request costs: counted as far as the provider has, guessed from there on.

use crate::journal::{Tokens, Usage};

/// What a guess is multiplied by: code and logs run denser than prose, and a budget that reserves a little too much
/// still holds.
const MARGIN: f64 = 1.25;

/// What stands around a reply in the next prompt, and is not counted as its output: roles, markers, ids.
const AROUND_A_REPLY: Tokens = Tokens(32);

/// The running estimate of input tokens.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// The plain estimate of everything appended so far.
    plain: Tokens,
    /// What `plain` was when the last request was sent.
    at_request: Tokens,
    /// What the provider counted, and `plain` at that point.
    counted: Tokens,
    plain_at_count: Tokens,
    /// Bytes appended so far, and at that point: more tokens than bytes there can't be.
    bytes: Tokens,
    bytes_at_count: Tokens,
    /// Tokens by the provider's count for one of the plain estimate.
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
    /// Text was appended.
    pub(super) fn grow(&mut self, text: &str) {
        self.plain += Tokens::estimate(text);
        self.bytes += Tokens(text.len() as u64);
    }

    /// A reply is about to be appended: what stands so far was the request.
    pub(super) fn mark_request(&mut self) {
        self.at_request = self.plain;
    }

    /// The prompt and the reply that was just appended are counted; only what follows is guessed, at the rate seen.
    pub(super) fn calibrate(&mut self, usage: &Usage) {
        if usage.prompt_tokens.0 == 0 || self.at_request.0 == 0 {
            return; // Some gateways say zero.
        }
        self.ratio = (usage.prompt_tokens.0 as f64 / self.at_request.0 as f64).clamp(0.25, 4.0);
        self.counted = usage.prompt_tokens + usage.completion_tokens + AROUND_A_REPLY;
        self.plain_at_count = self.plain;
        self.bytes_at_count = self.bytes;
    }

    /// What the next request's input comes to, whatever its text is: a token is a byte at the least.
    pub(super) fn upper_bound(&self) -> Tokens {
        self.counted + (self.bytes - self.bytes_at_count) + AROUND_A_REPLY
    }

    /// What the next request's input likely comes to, with a margin.
    pub(super) fn tokens(&self) -> Tokens {
        let since = (self.plain - self.plain_at_count).0 as f64;
        self.counted + Tokens((since * self.ratio * MARGIN).ceil() as u64)
    }
}
