//! What a run may use: limits, price, client.

use crate::cli::failure::Failure;
use crate::journal::{Limits, Outcome};
use crate::model::{Asked, Client, Endpoint, Price, prices};
use crate::settings::{Origin, Settings};

/// The hard limits.
pub fn limits(settings: &Settings) -> Limits {
    Limits {
        max_turns: settings.max_turns.value,
        max_tokens: settings.max_tokens.value,
        // Without a price the default limit on cost can't be held; then it isn't claimed either.
        max_cost_usd: settings.max_cost.value.filter(|_| matches!(price(settings), Ok(Some(_)))),
        max_time_s: settings.max_time.value.as_secs(),
    }
}

/// The model's price. A limit on cost that a person set can't be held without one.
pub fn price(settings: &Settings) -> Result<Option<Price>, Failure> {
    let model = &settings.model.value;
    let price = settings.price.value.as_ref().map(Price::from).or_else(|| prices::lookup(model));
    let limited = settings.max_cost.value.is_some() && settings.max_cost.origin != Origin::Default;
    if price.is_none() && limited {
        let hint = "give its price in ~/.config/kcode/config.toml ([price] input, cached_input, output: USD per million \
                    tokens), or drop the limit on cost";
        let message = format!("a limit on cost can't be held: the price of {model} is not known");
        return Err(Failure::new(Outcome::Config, message, hint));
    }
    Ok(price)
}

/// The client for the settings' base URL and key.
pub fn client(settings: &Settings) -> Result<Client, Failure> {
    let key = settings.require_key()?;
    let base_url = settings.base_url.value.to_string();
    let mut endpoint = Endpoint::new(&base_url, Some(key.secret.clone().into()));
    endpoint.idle_timeout = settings.max_silence.value;
    Client::new(&endpoint).map_err(|error| {
        let asked = Asked { key_variable: Some(&key.variable), base_url: &base_url, model: &settings.model.value };
        Failure::new(Outcome::Config, error.headline(), error.hint(asked)).fact("said", error.message.clone())
    })
}
