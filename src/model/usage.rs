//! Usage as providers send it, read into the journal's [`Usage`].

use serde::Deserialize;

use crate::journal::{Tokens, Usage};

/// The `usage` object: Kimi's, or the OpenAI form with details.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

impl WireUsage {
    /// `None` when it counts nothing: some gateways send zeros, which must neither look free nor hide a real count.
    pub(super) fn read(&self) -> Option<Usage> {
        let prompt = self.prompt_tokens.unwrap_or_default();
        let completion = self.completion_tokens.unwrap_or_default();
        let details = self.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
        let cached = self.cached_tokens.or(details).unwrap_or_default();
        (prompt + completion > 0).then_some(Usage {
            prompt_tokens: Tokens(prompt),
            cached_tokens: Tokens(cached.min(prompt)),
            completion_tokens: Tokens(completion),
        })
    }
}
