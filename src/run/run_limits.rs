//! What a run may use: limits, price, client, folders of its commands.

use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::failure::Failure;
use crate::journal::{Limits, Outcome};
use crate::model::{Client, Endpoint, ModelError, Price, RequestOrigin, prices};
use crate::settings::{Origin, Refused, RepositoryGate, Settings};

/// Limits on turns, tokens, cost and time.
pub(super) fn limits(settings: &Settings) -> Limits {
    Limits {
        max_turns: settings.max_turns.value,
        max_tokens: settings.max_tokens.value,
        // Without a price the default limit on cost can't be held; then it isn't claimed either.
        max_cost_usd: settings.max_cost.value.filter(|_| matches!(price(settings), Ok(Some(_)))),
        max_time_s: settings.max_time.value.as_secs(),
    }
}

/// The model's price. A limit on cost that a person set can't be held without one.
pub(super) fn price(settings: &Settings) -> Result<Option<Price>, Failure> {
    let model = &settings.model.value;
    let price = settings.price.value.as_ref().map(Price::from).or_else(|| prices::lookup(model));
    let limited = settings.max_cost.value.is_some() && settings.max_cost.origin != Origin::Default;
    if price.is_none() && limited {
        let hint = "give its price in ~/.config/kcode/config.toml ([price] input, cached_input, output: USD per million \
                    tokens), or drop the cost limit";
        let message = format!("a cost limit can't be enforced: the price of {model} is not known");
        return Err(Failure::new(Outcome::Config, message, hint));
    }
    Ok(price)
}

/// Folders that the settings name for commands have to be the repository's: a link there may lead anywhere. One that is missing is
/// told by the command's run. The worker judges them once more each time.
pub(super) fn folders(settings: &Settings, root: &Path) -> Result<(), Failure> {
    if !settings.verify.value {
        return Ok(());
    }
    let test = settings.test.value.iter().map(|command| ("test.dir", &settings.test.origin, command));
    let checks = settings.checks.value.iter().map(|check| ("check.dir", &settings.checks.origin, &check.command));
    let gate = RepositoryGate::new(Dir::open_ambient_dir(root, ambient_authority()).map_err(anyhow::Error::from)?);
    for (key, origin, command) in test.chain(checks) {
        let Some(dir) = &command.dir else { continue };
        match gate.look(dir.as_path()) {
            Ok(_) | Err(Refused::Io(_)) => {}
            Err(refused) => {
                let message = format!("{key} {:?} can't be used ({origin}): {refused}", dir.as_str());
                return Err(Failure::new(Outcome::Config, message, "name a folder of the repository"));
            }
        }
    }
    Ok(())
}

/// The client for the settings' base URL and key.
pub(super) fn client(settings: &Settings) -> Result<Client, Failure> {
    let key = settings.require_key()?;
    let base_url = settings.base_url.value.to_string();
    let mut endpoint = Endpoint::new(&base_url, Some(key.secret.clone().into()));
    endpoint.idle_timeout = settings.max_silence.value;
    let client = Client::new(&endpoint).map_err(|error| unusable(settings, &error))?;
    // Certificates of a person's own choice are few, and told before there is a run.
    if ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some()) {
        client.ready().map_err(|error| unusable(settings, &error))?;
    }
    Ok(client)
}

/// The failure if settings allow no request.
pub(super) fn unusable(settings: &Settings, error: &ModelError) -> Failure {
    let (base_url, key) = (settings.base_url.value.to_string(), settings.require_key().ok());
    let key_variable = key.map(|key| &*key.variable);
    let asked = RequestOrigin { key_variable, base_url: &base_url, model: &settings.model.value };
    Failure::new(Outcome::Config, error.headline(), error.hint(asked)).fact("said", error.message.clone())
}
