//! What a run may use: limits, price, client, tests.

use crate::cli::failure::Failure;
use crate::evidence;
use crate::journal::{Limits, Outcome, TestsChosen};
use crate::model::{Asked, Client, Endpoint, Price, prices};
use crate::settings::{Origin, Settings, TestCommand};
use crate::workspace::Repository;

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

/// The tests of a run.
pub struct ChosenTests {
    /// `None` when none is known, or none is wanted.
    pub command: Option<TestCommand>,
    /// Where it comes from, or why there is none.
    pub origin: String,
}

impl ChosenTests {
    /// What the settings say, else what the repository's files tell.
    pub fn choose(settings: &Settings, repository: &Repository) -> Self {
        if !settings.verify.value {
            return Self { command: None, origin: settings.verify.origin.to_string() };
        }
        let told = |command: TestCommand| {
            let reporting = evidence::reporting(&command, repository.root());
            Some(command.reporting(reporting))
        };
        if let Some(command) = &settings.test.value {
            return Self { command: told(command.clone()), origin: settings.test.origin.to_string() };
        }
        match evidence::detect(repository.root(), repository.focus()) {
            Some(found) => Self { command: told(found.command), origin: found.origin },
            None => Self { command: None, origin: "no test command found; give one with --test".to_owned() },
        }
    }

    /// For the journal.
    pub fn event(&self) -> TestsChosen {
        TestsChosen { command: self.command.as_ref().map(ToString::to_string), origin: self.origin.clone() }
    }
}
