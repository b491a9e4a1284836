//! What can go wrong between a request and a whole reply.

use std::time::Duration;

/// What kind of failure it is. The source of each row: the error pages listed in `docs/architecture.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// 401: the key is wrong, or belongs to another platform.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404 naming the model.
    UnknownModel,
    /// 404 of a path, with `/v1` in it twice.
    DoubledV1,
    /// Another 404.
    WrongPath,
    /// 429 `engine_overloaded_error`.
    Overloaded,
    /// 429 `rate_limit_reached_error`: requests or tokens a minute, concurrency.
    RateLimited,
    /// 429 of a daily limit: no wait within a run helps.
    DailyLimit,
    /// 429 `exceeded_current_quota_error`, 402, or a plan's usage limit.
    QuotaExhausted,
    /// 400: the prompt doesn't fit the context window.
    ContextOverflow,
    /// 400 `content_filter`.
    ContentFilter,
    /// Another 400: we sent what Kimi refuses.
    BadRequest,
    /// 500.
    Server,
    /// 502, 503, 504.
    Unavailable,
    /// No connection, or it broke.
    Network,
    /// The stream ended before `[DONE]`.
    CutStream,
    /// No byte for the idle limit.
    IdleTimeout,
    /// What came isn't a reply: HTML, garbage, JSON of another shape.
    Garbled,
    /// Reasoning without text or tool call, or nothing at all.
    EmptyReply,
    /// Law 4: reasoning that was received is not in what would be sent.
    ReasoningLost,
    /// The client itself can't be built (TLS roots, proxy).
    Client,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Try again soon, with jitter.
    Retry,
    /// Try again after the time that the provider named, else as [`Class::Retry`].
    Wait,
    /// Final; a person has to change something.
    GiveUp,
    /// Final, and our fault.
    OurBug,
}

/// A failed request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", self.headline())]
pub struct ModelError {
    /// What kind.
    pub kind: ErrorKind,
    /// The HTTP status, if there was one.
    pub status: Option<u16>,
    /// `error.type` as the provider says it.
    pub error_type: Option<String>,
    /// The provider's own words, or the transport's; sanitised and at most 500 characters.
    pub message: String,
    /// For support.
    pub request_id: Option<String>,
    /// What the provider asked us to wait.
    pub retry_after: Option<Duration>,
    /// True when the request got as far as the model, so that it may be billed.
    pub may_be_billed: bool,
}

impl ModelError {
    /// One line: what happened.
    #[must_use]
    pub fn headline(&self) -> String {
        self.message.clone()
    }
}
