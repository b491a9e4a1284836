//! What a person can do about a failed request: the hint under the headline.

use super::{ErrorKind, ModelError};

/// Where the request went, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The variable or setting that the key came from; `None` when there is no key.
    pub key_variable: Option<&'a str>,
    /// The base URL.
    pub base_url: &'a str,
    /// The model's name.
    pub model: &'a str,
}

impl ModelError {
    /// What to do, in a sentence or two; never empty.
    #[must_use]
    pub fn hint(&self, asked: Asked<'_>) -> String {
        let Asked { base_url, model, .. } = asked;
        match self.kind {
            ErrorKind::Unauthorized => unauthorized(asked),
            ErrorKind::Forbidden => self.forbidden(asked),
            ErrorKind::UnknownModel => {
                format!("{base_url} doesn't serve `{model}` to this key; `GET {base_url}/models` lists what it does; set --model")
            }
            ErrorKind::DoubledV1 => format!("the base URL is {base_url}; remove one /v1 from it"),
            ErrorKind::WrongPath => {
                format!("the request went to {base_url}/chat/completions; check the base URL, such as https://api.moonshot.ai/v1")
            }
            ErrorKind::Overloaded => {
                "the provider is busy for everybody; topping up doesn't help; try later or another variant of the model".into()
            }
            ErrorKind::RateLimited => {
                "requests, tokens a minute or concurrency of the account's tier are used up; run one kcode at a time or raise the tier".into()
            }
            ErrorKind::DailyLimit => "it resets tomorrow; until then only a higher tier helps".into(),
            ErrorKind::QuotaExhausted => self.quota(asked),
            ErrorKind::ContextOverflow => {
                "name the files that matter in the task, or lower --max-completion-tokens; the patch so far is kept".into()
            }
            ErrorKind::ContentFilter => {
                "the task, a file or a tool's output was judged high risk; reword the task or keep that file out of it".into()
            }
            ErrorKind::BadRequest | ErrorKind::ReasoningLost => {
                "this is a bug in kcode unless the base URL isn't Kimi's; please report it with the run's journal".into()
            }
            ErrorKind::Server => match &self.request_id {
                Some(id) => format!("try again; if it stays, give request id {id} to the provider's support"),
                None => "try again; if it stays, look at the provider's status page".into(),
            },
            ErrorKind::Unavailable => "maintenance or a gateway in between; try again in some minutes".into(),
            ErrorKind::Network => format!("check the network, the proxy variables and that {base_url} is right"),
            ErrorKind::CutStream | ErrorKind::IdleTimeout => {
                "the network, a proxy or the provider dropped the reply; try again; proxies must not buffer event streams".into()
            }
            ErrorKind::Garbled => format!("is {base_url} really an API? a login page or a proxy may answer instead"),
            ErrorKind::EmptyReply => {
                "try again; if it stays, raise --max-completion-tokens (reasoning counts against it)".into()
            }
            ErrorKind::Client => format!("check the base URL {base_url}, the proxy variables and SSL_CERT_FILE"),
        }
    }

    fn forbidden(&self, asked: Asked<'_>) -> String {
        let Asked { base_url, .. } = asked;
        let words = self.message.to_lowercase();
        if words.contains("coding agents") {
            format!(
                "{base_url} serves only the clients it names; use a key of platform.kimi.ai with https://api.moonshot.ai/v1"
            )
        } else if words.contains("terminated") {
            "the account's access was ended; ask the provider's support".into()
        } else {
            format!(
                "{} is accepted at {base_url} but not allowed this; ask the account's administrator (API access, IP allow-list)",
                key(asked)
            )
        }
    }

    fn quota(&self, asked: Asked<'_>) -> String {
        let words = self.message.to_lowercase();
        if words.contains("usage limit") || words.contains("billing cycle") {
            "the plan's quota resets by itself; wait for it or use a key of another plan".into()
        } else if words.contains("membership") {
            "the subscription can't be confirmed; check it at the provider, then try again".into()
        } else {
            format!("top up the account that {} belongs to; waiting doesn't help", key(asked))
        }
    }
}

fn unauthorized(asked: Asked<'_>) -> String {
    let Asked { base_url, key_variable, .. } = asked;
    match key_variable {
        None => format!("no key was sent to {base_url}; set KCODE_API_KEY or MOONSHOT_API_KEY"),
        Some(variable) => format!(
            "{variable} was sent to {base_url}; keys of platform.kimi.ai, platform.moonshot.cn and Kimi Code are separate: \
             use the base URL of the key's own platform"
        ),
    }
}

fn key(asked: Asked<'_>) -> &str {
    asked.key_variable.unwrap_or("the key")
}
