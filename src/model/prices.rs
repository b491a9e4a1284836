//! Token prices in USD, from the dated list in `prices.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::journal::{Tokens, Usage, Usd};
use crate::settings::CustomPrice;

/// A model's list price and its context window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Most tokens of input and output together.
    pub context_window: Tokens,
    /// Price of an input token that the prefix cache served.
    pub hit: Usd,
    /// Price of an input token that it didn't.
    pub miss: Usd,
    /// Price of an output token, reasoning included.
    pub output: Usd,
}

impl Price {
    /// Cost of a request, in USD.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Usd {
        let missed = usage.prompt_tokens - usage.cached_tokens;
        self.hit * usage.cached_tokens + self.miss * missed + self.output * usage.completion_tokens
    }

    /// Highest possible cost of a request: nothing cached, the whole output limit used.
    #[must_use]
    pub fn worst_case(&self, prompt: Tokens, cap: Tokens) -> Usd {
        self.miss * prompt + self.output * cap
    }
}

/// The list price of `model`; `None` if it isn't listed. A vendor prefix (`moonshotai/`), a route (`:Moonshot`), upper
/// case and dashes for dots are ignored.
#[must_use]
pub fn lookup(model: &str) -> Option<Price> {
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.split(':').next().unwrap_or(name).to_ascii_lowercase().replace('.', "-");
    LIST.iter().find(|listed| listed.names.iter().any(|known| known.replace('.', "-") == name)).map(Listed::price)
}

static LIST: LazyLock<Vec<Listed>> =
    LazyLock::new(|| toml::from_str::<List>(include_str!("prices.toml")).map(|list| list.model).unwrap_or_default());

#[derive(Deserialize)]
struct List {
    model: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    names: Vec<String>,
    context_window: u64,
    input_hit: f64,
    input_miss: f64,
    output: f64,
}

impl Listed {
    fn price(&self) -> Price {
        let per_token = |per_million: f64| Usd::from_dollars(per_million / 1e6).unwrap_or_default();
        Price {
            context_window: Tokens(self.context_window),
            hit: per_token(self.input_hit),
            miss: per_token(self.input_miss),
            output: per_token(self.output),
        }
    }
}

impl From<&CustomPrice> for Price {
    fn from(custom: &CustomPrice) -> Self {
        let per_token = |per_million: Usd| Usd::from_dollars(per_million.dollars() / 1e6).unwrap_or_default();
        Self {
            context_window: custom.context_window,
            hit: per_token(custom.cached_input),
            miss: per_token(custom.input),
            output: per_token(custom.output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_names_are_found() {
        assert_eq!(LIST.len(), 2);
        for name in
            ["kimi-k2.7-code", "moonshotai/kimi-k2.7-code", "moonshotai/Kimi-K2.7-Code:Moonshot", "kimi-k2-7-code"]
        {
            assert_eq!(lookup(name).map(|price| price.output), Usd::from_dollars(4e-6), "{name}");
        }
        assert_eq!(lookup("gpt-5"), None);
    }

    #[test]
    fn cached_input_is_cheaper() {
        let price = lookup("kimi-k2.7-code").unwrap_or_else(|| unreachable!());
        let usage = Usage {
            prompt_tokens: Tokens(1_000_000),
            cached_tokens: Tokens(400_000),
            completion_tokens: Tokens(10_000),
        };
        assert_eq!(Some(price.cost(&usage)), Usd::from_dollars(0.4 * 0.19 + 0.6 * 0.95 + 0.04));
        assert_eq!(Some(price.worst_case(Tokens(1000), Tokens(1000))), Usd::from_dollars(0.000_95 + 0.004));
    }
}
