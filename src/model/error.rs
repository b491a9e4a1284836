//! Errors between a request and a complete reply.

use std::time::Duration;

use super::Distrust;
use crate::journal::{Outcome, Usage};
use crate::text::is_hidden;

/// Most characters kept of a provider's message.
const MESSAGE_CHARS: usize = 499;

/// Kinds of failure. Sources: platform.kimi.ai/docs/api/errors, and the error reference of kimi.com/code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 401: the key is wrong, or belongs to another platform.
    Unauthorized,
    /// 403: the key is known but not allowed to do this.
    Forbidden,
    /// 404 naming the model.
    UnknownModel,
    /// 404 of a path with `/v1` in it twice.
    DoubledV1,
    /// Any other 404, a 405, or a redirect.
    WrongPath,
    /// 429 `engine_overloaded_error`.
    Overloaded,
    /// 429 `rate_limit_reached_error`: requests or tokens per minute, or concurrency.
    RateLimited,
    /// 429 of a daily limit: no wait within a run helps.
    DailyLimit,
    /// 429 `exceeded_current_quota_error`, 402, or a plan's usage limit.
    QuotaExhausted,
    /// 400: the prompt doesn't fit the context window.
    ContextOverflow,
    /// 400 `content_filter`.
    ContentFilter,
    /// Any other 400: the host refuses what kcode sent.
    BadRequest,
    /// 500.
    Server,
    /// Any other status from 501 on, such as 502, 503 and 504.
    Unavailable,
    /// No connection, or it broke before a response; also 408 and 499.
    Network,
    /// TLS failed for a reason that retrying doesn't change.
    Tls(Distrust),
    /// The stream ended before `[DONE]` and without a finish reason.
    CutStream,
    /// No byte came for the idle timeout.
    IdleTimeout,
    /// The response isn't a reply: HTML, or JSON of another shape.
    Garbled,
    /// The reply began well and then became invalid: an event that is no chunk, or more calls or text than any model
    /// sends.
    Broken,
    /// Reasoning without text or tool call, or nothing at all.
    EmptyReply,
    /// Tool calls came as unreadable text several times.
    UnreadableCalls,
    /// Reasoning that was received is missing from what would be sent (law 4).
    ReasoningLost,
    /// The HTTP client can't be built (URL, key, TLS roots, proxy).
    Client,
}

/// How to react to a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Retry soon, with jitter.
    Retry,
    /// Retry after the time that the provider named, else as for [`Class::Retry`].
    Wait,
    /// Final; a person has to change something.
    GiveUp,
    /// Final; probably a bug in kcode.
    OurBug,
}

/// A failed request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", self.headline())]
pub struct ModelError {
    /// What happened; decides class, outcome and hint.
    pub kind: ErrorKind,
    /// HTTP status; `None` without a response.
    pub status: Option<u16>,
    /// `error.type` as the provider sent it.
    pub error_type: Option<String>,
    /// The provider's message or the transport's, sanitised, at most 500 characters.
    pub message: String,
    /// The provider's id of the request, for its support.
    pub request_id: Option<String>,
    /// The wait that the provider asked for.
    pub retry_after: Option<Duration>,
    /// Whether the request reached the model, so that it may be billed.
    pub may_be_billed: bool,
    /// Usage that the provider reported despite the failure.
    pub usage: Option<Box<Usage>>,
}

impl ModelError {
    /// A failure without a response: nothing billed, no wait asked for. The message is sanitised.
    #[must_use]
    pub fn new(kind: ErrorKind, message: &str) -> Self {
        Self {
            kind,
            status: None,
            error_type: None,
            message: presentable(message),
            request_id: None,
            retry_after: None,
            may_be_billed: false,
            usage: None,
        }
    }

    /// Applies `reword` to each text that came from the provider.
    #[must_use]
    pub fn reworded(self, reword: impl Fn(String) -> String) -> Self {
        let (error_type, request_id) = (self.error_type.map(&reword), self.request_id.map(&reword));
        Self { message: reword(self.message), error_type, request_id, ..self }
    }

    /// How to react, as [`ErrorKind::class`].
    #[must_use]
    pub const fn class(&self) -> Class {
        self.kind.class()
    }

    /// The outcome of a run that ends with this failure.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.kind.outcome()
    }

    /// One line: what happened, with status, type and request id in brackets where they are known.
    #[must_use]
    pub fn headline(&self) -> String {
        let status = self.status.filter(|status| *status != 200).map(|status| status.to_string());
        let code: Vec<String> = status.into_iter().chain(self.error_type.clone()).collect();
        let request = self.request_id.as_ref().map(|id| format!("request {id}"));
        let code = (!code.is_empty()).then(|| code.join(" "));
        let details: Vec<String> = code.into_iter().chain(request).collect();
        let what = self.kind.what();
        if details.is_empty() { what.to_owned() } else { format!("{what} ({})", details.join(", ")) }
    }
}

impl ErrorKind {
    /// Whether retrying can help.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Server
            | Self::Unavailable
            | Self::Network
            | Self::CutStream
            | Self::IdleTimeout
            | Self::Garbled
            | Self::Broken
            | Self::EmptyReply => Class::Retry,
            Self::Overloaded | Self::RateLimited => Class::Wait,
            Self::Unauthorized
            | Self::Forbidden
            | Self::UnknownModel
            | Self::DoubledV1
            | Self::WrongPath
            | Self::DailyLimit
            | Self::QuotaExhausted
            | Self::ContextOverflow
            | Self::ContentFilter
            | Self::Tls(_)
            | Self::UnreadableCalls
            | Self::Client => Class::GiveUp,
            Self::BadRequest | Self::ReasoningLost => Class::OurBug,
        }
    }

    /// The outcome of a run that ends with this failure.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Unauthorized | Self::Forbidden => Outcome::Unauthorized,
            Self::UnknownModel
            | Self::DoubledV1
            | Self::WrongPath
            | Self::QuotaExhausted
            | Self::ContentFilter
            | Self::BadRequest => Outcome::ModelRejected,
            Self::ContextOverflow => Outcome::Budget,
            // A daily limit ends by itself: the same command works tomorrow.
            Self::DailyLimit
            | Self::Overloaded
            | Self::RateLimited
            | Self::Server
            | Self::Unavailable
            | Self::Network
            | Self::CutStream
            | Self::IdleTimeout
            | Self::Garbled
            | Self::Broken
            | Self::EmptyReply
            | Self::UnreadableCalls => Outcome::TryAgain,
            Self::ReasoningLost => Outcome::Internal,
            Self::Client | Self::Tls(_) => Outcome::Config,
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Unauthorized => "the provider refused the key",
            Self::Forbidden => "the provider doesn't allow this key to do this",
            Self::UnknownModel => "the provider doesn't know the model, or doesn't allow it for this key",
            Self::DoubledV1 => "the base URL has /v1 in it twice",
            Self::WrongPath => "nothing answers chat completions at the base URL",
            Self::Overloaded => "the provider is overloaded",
            Self::RateLimited => "the provider's rate limit is reached",
            Self::DailyLimit => "the provider's daily limit is reached",
            Self::QuotaExhausted => "the account's balance or quota is used up",
            Self::ContextOverflow => "the conversation doesn't fit the model's context window",
            Self::ContentFilter => "the provider's content filter refused the conversation",
            Self::BadRequest => "the provider refused the request as malformed",
            Self::Server => "the provider failed",
            Self::Unavailable => "the provider is not available",
            Self::Network => "the provider can't be reached",
            Self::Tls(why) if why.is_of_certificate() => "the host's TLS certificate isn't trusted",
            Self::Tls(Distrust::OnlyTls) => "the server takes no plain HTTP",
            Self::Tls(_) => "the TLS connection failed",
            Self::CutStream => "the reply broke off",
            Self::IdleTimeout => "the provider fell silent",
            Self::Garbled => "the response isn't a chat completion",
            Self::Broken => "the reply can't be used",
            Self::EmptyReply => "the reply is empty",
            Self::UnreadableCalls => "tool calls come as text that can't be read",
            Self::ReasoningLost => "reasoning that was received would not be sent back",
            Self::Client => "the HTTP client can't be set up",
        }
    }
}

/// One line without control or bidirectional characters, cut to [`MESSAGE_CHARS`] characters: providers' words reach
/// terminals and reports.
pub(super) fn presentable(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line: String = words.join(" ").chars().filter(|c| !is_hidden(*c)).collect();
    match line.char_indices().nth(MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
