//! Reads usage as providers send it into the journal's [`Usage`].

use serde_json::Value;

use crate::journal::{Tokens, Usage};

/// Larger counts are taken for invalid.
const MOST: u64 = 1_000_000_000;

/// Reads a `usage` object in Kimi's form or in OpenAI's with details. `None` unless it counts both prompt and
/// completion: some gateways send zeros or negative numbers, which must neither look free nor replace a real count.
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

/// A count as a number or as text, rounded up.
fn count(value: &Value) -> Option<u64> {
    let float = match value {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    let whole = f64::ceil(float);
    (whole >= 0.0 && whole <= MOST as f64).then_some(whole as u64)
}
