//! Classifies a response that isn't a reply: a pure function from status, headers and body to a [`ModelError`].
//!
//! The rules follow platform.kimi.ai/docs/api/errors and the error page of Kimi Code; other hosts' shapes
//! (`{"error":"text"}`, `{"detail":…}`, numeric codes) are read too. Cases live in `fixtures/api/errors/`.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::Value;

use super::error::presentable;
use super::{ErrorKind, ModelError, phrases};

/// Phrases for limits per minute and on concurrency, as Kimi and others word them. They are checked before [`DAY`]
/// because a project's name may hold `daily`.
const MINUTE: [&str; 6] = ["max rpm", "max tpm", "max concurrency", "rpm rate limit", "tpm rate limit", "per minute"];
/// Phrases for daily limits.
const DAY: [&str; 4] = ["tpd", "rpd", "per day", "daily"];
/// Longest wait after which a limit still counts as short.
const SHORT_WAIT: Duration = Duration::from_mins(5);

/// The parts of a response that are needed to classify it.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// HTTP status code.
    pub status: u16,
    /// All response headers.
    pub headers: &'a HeaderMap,
    /// The body, possibly truncated.
    pub body: &'a [u8],
    /// The requested URL.
    pub url: &'a str,
    /// The current time, to read a `Retry-After` that is a date.
    pub now: SystemTime,
}

impl Refusal<'_> {
    /// Classifies the response. Never fails: an unknown shape becomes an error by its status.
    #[must_use]
    pub fn judge(&self) -> ModelError {
        let header_wait = retry_after(self.headers, self.now);
        let said = ErrorBody { header_wait, ..ErrorBody::read(self.headers, self.body) };
        let status = said.code.filter(|_| self.status == 200).unwrap_or(self.status);
        let kind = kind_of(status, &said, self.url);
        let waits = kind.class() == super::Class::Wait || matches!(kind, ErrorKind::Server | ErrorKind::Unavailable);
        ModelError {
            kind,
            status: Some(self.status),
            message: self.message(&said),
            request_id: request_id(self.headers).or(said.request_id.clone()),
            retry_after: waits.then(|| said.header_wait.or(said.seconds())).flatten(),
            may_be_billed: matches!(status, 200 | 408 | 499 | 500 | 502 | 504),
            usage: None,
            error_type: said.kind,
        }
    }

    fn message(&self, said: &ErrorBody) -> String {
        let location = self.headers.get("location").and_then(|value| value.to_str().ok());
        match (location, said.message.is_empty()) {
            (Some(place), _) if (300..=399).contains(&self.status) => presentable(&format!("redirected to {place}")),
            (_, true) => format!("HTTP status {} without a message", self.status),
            (_, false) => presentable(&said.message),
        }
    }
}

/// Classifies an error object inside a stream that had begun well.
pub(super) fn inside_stream(error: &Value) -> ModelError {
    let said = ErrorBody::from_error(error);
    let kind = kind_of(said.code.unwrap_or(200), &said, "");
    ModelError {
        kind,
        status: said.code,
        message: presentable(&said.message),
        request_id: said.request_id.clone(),
        retry_after: (kind.class() == super::Class::Wait).then(|| said.seconds()).flatten(),
        may_be_billed: true,
        usage: None,
        error_type: said.kind,
    }
}

/// The request id that the provider's support asks for.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let header = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    ["x-request-id", "x-trace-id", "msh-request-id", "request-id"].into_iter().find_map(header).map(presentable)
}

/// `Retry-After` in seconds or as a date, or `retry-after-ms`, which some gateways send.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let header = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).map(str::trim);
    if let Some(millis) = header("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = header("retry-after")?;
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => Some(httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()),
    }
}

/// The body's content, whatever its shape.
#[derive(Debug, Default)]
struct ErrorBody {
    /// `error.type`, else a textual code.
    kind: Option<String>,
    /// A status in the body (OpenRouter's `error.code`).
    code: Option<u16>,
    message: String,
    request_id: Option<String>,
    /// The wait that the headers ask for.
    header_wait: Option<Duration>,
}

impl ErrorBody {
    fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        let html = headers.get("content-type").is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
        if html || text.starts_with('<') {
            return Self { message: title(text), ..Self::default() };
        }
        let Ok(Value::Object(object)) = serde_json::from_str(text) else {
            return Self { message: text.to_owned(), ..Self::default() };
        };
        let whole = Value::Object(object);
        let mut said = match whole.get("error") {
            Some(error @ Value::Object(_)) => Self::from_error(error),
            // The platform's router answers `{"error":"url.not_found","message":…}` for an unknown path.
            Some(Value::String(error)) => match whole.get("message").and_then(Value::as_str) {
                Some(message) => Self { kind: Some(error.clone()), message: message.to_owned(), ..Self::default() },
                None => Self { message: error.clone(), ..Self::default() },
            },
            _ => Self::from_error(&whole),
        };
        said.request_id = said
            .request_id
            .or_else(|| string(&whole, &["request_id", "requestId", "trace_id"]).as_deref().map(presentable));
        said
    }

    fn from_error(error: &Value) -> Self {
        let code = error.get("code");
        let kind = string(error, &["type"]).or_else(|| code.and_then(Value::as_str).map(str::to_owned));
        let message = string(error, &["message", "msg", "detail", "error_description"]);
        Self {
            kind: kind.map(|kind| presentable(&kind)),
            code: code.and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok()).filter(|c| *c >= 400),
            message: message.unwrap_or_else(|| error.as_str().map_or_else(|| error.to_string(), str::to_owned)),
            request_id: string(error, &["request_id", "requestId"]).as_deref().map(presentable),
            header_wait: None,
        }
    }

    /// The wait in the message, such as `please try again after 7 seconds`.
    fn seconds(&self) -> Option<Duration> {
        phrases::wait(&self.message)
    }

    /// Whether the provider asks for a short wait, in a header or in words.
    fn is_short(&self) -> bool {
        self.header_wait.or(self.seconds()).is_some_and(|wait| wait <= SHORT_WAIT)
    }

    fn says_any(&self, phrases: &[&str]) -> bool {
        phrases::hold_any(&self.message, phrases)
    }
}

/// The error type decides where it says more than the status; otherwise the status does, with the message where a
/// status has several meanings.
fn kind_of(status: u16, said: &ErrorBody, url: &str) -> ErrorKind {
    match said.kind.as_deref() {
        Some("engine_overloaded_error") => return ErrorKind::Overloaded,
        Some("exceeded_current_quota_error" | "insufficient_quota") => return ErrorKind::QuotaExhausted,
        Some("content_filter") => return ErrorKind::ContentFilter,
        Some("context_length_exceeded") => return ErrorKind::ContextOverflow,
        _ => {}
    }
    match status {
        400 | 413 | 422 => kind_of_bad_request(status, said),
        401 => ErrorKind::Unauthorized,
        402 => ErrorKind::QuotaExhausted,
        403 if said.says_any(&["usage limit", "insufficient balance", "quota"]) => ErrorKind::QuotaExhausted,
        403 => ErrorKind::Forbidden,
        300..=399 | 404 | 405 => kind_of_not_found(said, url),
        408 | 499 => ErrorKind::Network,
        429 => kind_of_too_many(said),
        500 => ErrorKind::Server,
        501..=599 => ErrorKind::Unavailable,
        200..=299 => kind_by_type(said),
        _ => ErrorKind::BadRequest,
    }
}

fn kind_of_bad_request(status: u16, said: &ErrorBody) -> ErrorKind {
    const OVERFLOW: [&str; 6] = [
        "exceeded model token limit",
        "input token length too long",
        "exceeds the model specification",
        "maximum context length",
        "context window",
        "total message size",
    ];
    if status == 413 || said.says_any(&OVERFLOW) {
        ErrorKind::ContextOverflow
    } else if said.says_any(&["considered high risk"]) {
        ErrorKind::ContentFilter
    } else {
        ErrorKind::BadRequest
    }
}

fn kind_of_not_found(said: &ErrorBody, url: &str) -> ErrorKind {
    if said.says_any(&["model", "models"]) || said.kind.as_deref() == Some("model_not_found") {
        ErrorKind::UnknownModel
    } else if url.contains("/v1/v1/") {
        ErrorKind::DoubledV1
    } else {
        ErrorKind::WrongPath
    }
}

fn kind_of_too_many(said: &ErrorBody) -> ErrorKind {
    if said.says_any(&["usage limit", "current quota", "insufficient balance", "suspended"]) {
        ErrorKind::QuotaExhausted
    } else if said.is_short() || said.says_any(&MINUTE) {
        // Whatever the limit is, it ends soon.
        ErrorKind::RateLimited
    } else if said.says_any(&DAY) {
        ErrorKind::DailyLimit
    } else if said.says_any(&["overloaded"]) {
        ErrorKind::Overloaded
    } else {
        ErrorKind::RateLimited
    }
}

/// Classifies an error that came with status 200, by its type alone.
fn kind_by_type(said: &ErrorBody) -> ErrorKind {
    match said.kind.as_deref() {
        Some("invalid_authentication_error" | "incorrect_api_key_error") => ErrorKind::Unauthorized,
        Some("permission_denied_error") => ErrorKind::Forbidden,
        Some("resource_not_found_error") => kind_of_not_found(said, ""),
        Some("rate_limit_reached_error") => kind_of_too_many(said),
        Some("invalid_request_error") => kind_of_bad_request(400, said),
        Some("server_unavailable") => ErrorKind::Unavailable,
        Some(_) => ErrorKind::Server,
        None => ErrorKind::Garbled,
    }
}

/// The title of a web page.
fn title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let inside = lower.find("<title>").zip(lower.find("</title>")).and_then(|(from, to)| html.get(from + 7..to));
    match inside.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => format!("a web page: {title}"),
        None => "a web page".to_owned(),
    }
}

fn string(object: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| object.get(key).and_then(Value::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a response with this status, header and body means.
    fn judged(status: u16, header: (&'static str, &'static str), body: &str) -> ModelError {
        let header = (http::HeaderName::from_static(header.0), http::HeaderValue::from_static(header.1));
        let headers: HeaderMap = [header].into_iter().collect();
        Refusal { status, headers: &headers, body: body.as_bytes(), url: "", now: SystemTime::UNIX_EPOCH }.judge()
    }

    #[test]
    fn only_a_redirect_is_told_by_its_location() {
        let location = ("location", "https://b.example/v1");
        assert_eq!(judged(302, location, "moved").message, "redirected to https://b.example/v1");
        assert_eq!(judged(500, location, "out of memory").message, "out of memory");
    }

    #[test]
    fn a_web_page_is_known_by_its_text_when_the_header_says_something_else() {
        let page = "<html><head><title>502 Bad Gateway</title></head><body>…</body></html>";
        assert_eq!(judged(502, ("content-type", "text/plain"), page).message, "a web page: 502 Bad Gateway");
    }

    #[test]
    fn a_type_says_more_than_a_status_that_means_something_else() {
        for (kind, expected) in [
            ("engine_overloaded_error", ErrorKind::Overloaded),
            ("exceeded_current_quota_error", ErrorKind::QuotaExhausted),
            ("insufficient_quota", ErrorKind::QuotaExhausted),
            ("content_filter", ErrorKind::ContentFilter),
            ("context_length_exceeded", ErrorKind::ContextOverflow),
            ("anything_else", ErrorKind::Server),
        ] {
            let error = serde_json::json!({ "type": kind, "code": 500, "message": "no" });
            assert_eq!(inside_stream(&error).kind, expected, "{kind}");
        }
    }

    #[test]
    fn only_an_error_that_passes_by_itself_carries_the_wait_of_its_message() {
        let wait = |code: u16| {
            let message = "please try again after 7 seconds";
            inside_stream(&serde_json::json!({ "code": code, "message": message })).retry_after
        };
        assert_eq!(wait(429), Some(Duration::from_secs(7)));
        assert_eq!(wait(401), None);
    }
}
