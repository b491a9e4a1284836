//! What a person can do about a failed request: the hint below the headline.

use super::{ErrorKind, ModelError};

/// Where the request went, with which key and model.
#[derive(Clone, Copy, Debug)]
pub struct RequestOrigin<'a> {
    /// The variable or setting that the key came from; `None` without a key.
    pub key_variable: Option<&'a str>,
    /// The endpoint's base URL.
    pub base_url: &'a str,
    /// The model's name as it was sent.
    pub model: &'a str,
}

impl ModelError {
    /// A hint of one or two sentences; never empty.
    #[must_use]
    pub fn hint(&self, asked: RequestOrigin<'_>) -> String {
        let RequestOrigin { base_url, model, .. } = asked;
        match self.kind {
            ErrorKind::Unauthorized => unauthorized(asked),
            ErrorKind::Forbidden => self.forbidden(asked),
            ErrorKind::UnknownModel => format!(
                "{base_url} doesn't serve `{model}` to this key; `GET {base_url}/models` lists what it does; start anew with --model"
            ),
            ErrorKind::DoubledV1 => format!("the base URL is {base_url}; remove one /v1 from it"),
            ErrorKind::WrongPath => format!(
                "the request went to {base_url}/chat/completions; a base URL looks like https://api.moonshot.ai/v1"
            ),
            ErrorKind::QuotaExhausted => self.quota(asked),
            ErrorKind::Server => self.server(),
            ErrorKind::Network => format!("check the network, the proxy variables and that {base_url} is right"),
            ErrorKind::Garbled => {
                format!("is {base_url} really an API? a login page or a proxy may have answered instead")
            }
            ErrorKind::Tls(why) => why.hint(base_url),
            ErrorKind::BadRequest => self.bad_request(asked),
            ErrorKind::Client => format!("check the base URL {base_url}, the proxy variables and SSL_CERT_FILE"),
            kind => constant(kind).to_owned(),
        }
    }

    fn forbidden(&self, asked: RequestOrigin<'_>) -> String {
        let RequestOrigin { base_url, .. } = asked;
        let words = self.message.to_lowercase();
        if words.contains("coding agents") {
            format!(
                "{base_url} serves only the clients it names; use a key of platform.kimi.ai with \
                 https://api.moonshot.ai/v1"
            )
        } else if words.contains("terminated") {
            "the account's access was ended; ask the provider's support".to_owned()
        } else {
            format!(
                "{} is known at {base_url} but not allowed this; ask the account's administrator (API access, IP \
                 allow-list)",
                key(asked)
            )
        }
    }

    fn quota(&self, asked: RequestOrigin<'_>) -> String {
        let words = self.message.to_lowercase();
        if words.contains("usage limit") {
            "the plan's quota resets by itself; wait for it or use a key of another plan".to_owned()
        } else if words.contains("membership") {
            "the subscription couldn't be confirmed; check it at the provider, then try again".to_owned()
        } else {
            format!("top up the account that {} belongs to; waiting doesn't help", key(asked))
        }
    }

    fn bad_request(&self, asked: RequestOrigin<'_>) -> String {
        let RequestOrigin { base_url, .. } = asked;
        let report = "please report it with the run's journal";
        if super::profile::is_kimis(base_url) {
            format!("this is a bug in kcode unless Kimi's API has changed; {report}")
        } else if self.speaks_of_history() {
            format!(
                "{base_url} refuses what the model itself had said, and kcode found nothing in it to repair; a gateway may \
                 have lost parts of replies: start a new run, or use Kimi's own API"
            )
        } else {
            format!(
                "{base_url} may not take all that Kimi's API takes; if it says that it does, this may be a bug in kcode: \
                 {report}"
            )
        }
    }

    /// Whether the provider names a part of a message that the model wrote.
    fn speaks_of_history(&self) -> bool {
        let words = self.message.to_lowercase();
        ["reasoning_content", "tool call", "tool_call", "arguments"].iter().any(|part| words.contains(part))
    }

    fn server(&self) -> String {
        match &self.request_id {
            Some(id) => format!("try again; if it stays, give request id {id} to the provider's support"),
            None => "try again; if it stays, look at the provider's status page".to_owned(),
        }
    }
}

fn unauthorized(asked: RequestOrigin<'_>) -> String {
    let RequestOrigin { base_url, key_variable, .. } = asked;
    match key_variable {
        None => format!("no key was sent to {base_url}; set KCODE_API_KEY or MOONSHOT_API_KEY"),
        Some(variable) => format!(
            "{variable} was sent to {base_url}; keys of platform.kimi.ai, platform.moonshot.cn and Kimi Code are \
             separate: use the base URL of the key's own platform"
        ),
    }
}

/// Hints that depend on neither the endpoint nor the message.
const fn constant(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Overloaded => {
            "the provider is busy for everybody; topping up doesn't help; try later or another variant of the model"
        }
        ErrorKind::RateLimited => {
            "the account's tier allows no more requests, tokens a minute or requests at a time; run one kcode at a \
             time or raise the tier"
        }
        ErrorKind::DailyLimit => "it resets tomorrow; until then only a higher tier helps",
        ErrorKind::ContextOverflow => {
            "kcode doesn't shorten conversations yet: start a new run with a narrower task that names the files that matter; a lower \
             limits.max_completion_tokens in the settings leaves more room"
        }
        ErrorKind::ContentFilter => {
            "the task, a file or a tool's output was judged high risk; reword the task or keep that file out of it"
        }
        ErrorKind::Broken => {
            "the server that runs the model, or a gateway before it, sends what no client can read; try again, and if it stays, \
             report it to whoever runs it, or use another base URL"
        }
        ErrorKind::ReasoningLost => {
            "the run's journal was changed or damaged after it was written; if nobody touched it, this is a bug in kcode: \
             please report it with the journal"
        }
        ErrorKind::UnreadableCalls => {
            "the server doesn't parse the model's tool calls; start it with its parser (vLLM and SGLang: \
             --tool-call-parser kimi_k2), or use another base URL"
        }
        ErrorKind::CutStream | ErrorKind::IdleTimeout => {
            "the provider, the network or a proxy dropped the reply; try again; a proxy must not buffer event streams"
        }
        ErrorKind::EmptyReply => {
            "try again; if it stays, raise limits.max_completion_tokens in the settings (reasoning counts against it)"
        }
        _ => "try again in some minutes; maintenance or a gateway in between is the usual cause",
    }
}

fn key(asked: RequestOrigin<'_>) -> &str {
    asked.key_variable.unwrap_or("the key")
}
