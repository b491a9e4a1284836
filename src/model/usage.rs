//! Usage as providers send it, read into the journal's [`Usage`].

use serde_json::Value;

use crate::journal::{Tokens, Usage};

/// No reply has so many tokens: a count above it is none.
const MOST: u64 = 1_000_000_000;

/// What a `usage` object counts, Kimi's or the OpenAI form with details. `None` when it doesn't count both sides: some
/// gateways send zeros or less, which must neither look free nor hide a real count.
pub(super) fn read(usage: &Value) -> Option<Usage> {
    usage.as_object()?;
    let prompt = count(&usage["prompt_tokens"]).filter(|prompt| *prompt > 0)?;
    let rest = || count(&usage["total_tokens"])?.checked_sub(prompt);
    let details = || count(&usage["prompt_tokens_details"]["cached_tokens"]);
    let cached = count(&usage["cached_tokens"]).or_else(details).unwrap_or_default();
    Some(Usage {
        prompt_tokens: Tokens(prompt),
        cached_tokens: Tokens(cached.min(prompt)),
        completion_tokens: Tokens(count(&usage["completion_tokens"]).or_else(rest)?),
    })
}

/// A count, whatever its type; a part of a token counts as one.
fn count(value: &Value) -> Option<u64> {
    let float = match value {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    let whole = f64::ceil(float);
    (whole >= 0.0 && whole <= MOST as f64).then_some(whole as u64)
}
