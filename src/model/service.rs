//! The service under `async-openai`: it sees each response first and lets only valid event streams pass.
//!
//! `async-openai` loses the status and headers of many errors, takes a 200 with an error body or a web page for an
//! empty success, and panics on a byte order mark. So a status other than 200 becomes a [`ModelError`] here, with the
//! provider's message; a 200 must be an event stream (checked by [`super::sse_validator`]) or a chat completion in JSON
//! (passed on as a stream of one event); anything else is an error. The first bytes decide, not the headers: gateways
//! send event streams as `application/json` and whole replies as event streams.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use async_openai::middleware::HttpRequestFactory;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::HeaderMap;

use super::refusal::{self, Refusal};
use super::sse_validator::{BOM, SseValidator, transport};
use super::{ErrorKind, ModelError, surrogates};

/// Bytes read of an error's body.
const REFUSAL_BYTES: usize = 64 * 1024;
/// Bytes read of a reply that isn't streamed.
const WHOLE_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// What was observed during one request, shared with the caller.
#[derive(Debug)]
pub(super) struct Exchange {
    started: Instant,
    first_byte: OnceLock<Duration>,
    request_id: OnceLock<String>,
    failure: Mutex<Option<ModelError>>,
    undone: AtomicBool,
}

impl Exchange {
    pub(super) fn new(started: Instant) -> Self {
        let (first_byte, request_id, failure) = (OnceLock::new(), OnceLock::new(), Mutex::new(None));
        Self { started, first_byte, request_id, failure, undone: AtomicBool::new(false) }
    }

    /// Time from sending to the first byte of the body.
    pub(super) fn first_byte(&self) -> Option<Duration> {
        self.first_byte.get().copied()
    }

    pub(super) fn request_id(&self) -> Option<String> {
        self.request_id.get().cloned()
    }

    /// Whether the body ended cleanly without `[DONE]`.
    pub(super) fn ended_undone(&self) -> bool {
        self.undone.load(Ordering::Acquire)
    }

    pub(super) fn note_undone(&self) {
        self.undone.store(true, Ordering::Release);
    }

    /// Why the body broke off.
    pub(super) fn failure(&self) -> Option<ModelError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds the request id from the response's headers, which support prefers to one from the body.
    pub(super) fn label(&self, error: ModelError) -> ModelError {
        ModelError { request_id: self.request_id().or(error.request_id), ..error }
    }

    pub(super) fn note_byte(&self) {
        let _ = self.first_byte.set(self.started.elapsed()); // Only the first counts.
    }

    pub(super) fn note_failure(&self, error: ModelError) -> ModelError {
        let error = self.label(error);
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        error
    }
}

/// Handles one request.
#[derive(Clone, Debug)]
pub(super) struct Service {
    http: reqwest::Client,
    exchange: Arc<Exchange>,
    idle: Duration,
}

type Answer = Pin<Box<dyn Future<Output = Result<reqwest::Response, tower::BoxError>> + Send>>;

impl Service {
    pub(super) fn new(http: reqwest::Client, exchange: Arc<Exchange>, idle: Duration) -> Self {
        Self { http, exchange, idle }
    }

    async fn exchange(self, factory: HttpRequestFactory) -> Result<reqwest::Response, ModelError> {
        let unusable = |error: &dyn std::fmt::Display| ModelError::new(ErrorKind::Client, &error.to_string());
        let request = factory.build().await.map_err(|error| unusable(&error))?;
        let url = request.url().clone();
        let sending = tokio::time::timeout(self.idle, self.http.execute(request)).await;
        let response = sending.map_err(|_| silence(self.idle))?.map_err(|error| transport(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if let Some(id) = refusal::request_id(&headers) {
            let _ = self.exchange.request_id.set(id); // One response, one id.
        }
        let mut body = Body { source: Box::pin(response.bytes_stream()), begun: VecDeque::new() };
        if status != 200 {
            let body = self.read(body, REFUSAL_BYTES).await;
            return Err(judge(status, &headers, url.as_str(), &body));
        }
        match body.kind(&headers, &self.exchange, self.idle).await? {
            BodyKind::Events => Ok(events(SseValidator::new(body, self.exchange, self.idle))),
            BodyKind::Object => self.whole_reply(&headers, url.as_str(), body).await,
            BodyKind::Other => {
                let body = self.read(body, REFUSAL_BYTES).await;
                Err(judge(status, &headers, url.as_str(), &body))
            }
        }
    }

    /// Reads a JSON body, which is an error or a reply that wasn't streamed.
    async fn whole_reply(
        self,
        headers: &HeaderMap,
        url: &str,
        body: impl Stream<Item = reqwest::Result<Bytes>> + Send,
    ) -> Result<reqwest::Response, ModelError> {
        let body = self.read(body, WHOLE_REPLY_BYTES).await;
        let text = std::str::from_utf8(body.strip_prefix(BOM).unwrap_or(&body)).ok();
        let json: Option<serde_json::Value> = text.and_then(|text| serde_json::from_str(&surrogates::mark(text)).ok());
        match json {
            Some(json) if json.get("choices").is_some_and(serde_json::Value::is_array) => Ok(events(
                futures_util::stream::iter([Ok::<_, ModelError>(format!("data: {json}\n\ndata: [DONE]\n\n"))]),
            )),
            _ => Err(self.exchange.label(judge(200, headers, url, &body))),
        }
    }

    /// Reads a body up to its end, a failure, the idle timeout or `limit`: an error's message needn't be complete.
    async fn read(&self, body: impl Stream<Item = reqwest::Result<Bytes>> + Send, limit: usize) -> Vec<u8> {
        let mut body = std::pin::pin!(body);
        let mut whole = Vec::new();
        while whole.len() < limit
            && let Ok(Some(Ok(piece))) = tokio::time::timeout(self.idle, body.next()).await
        {
            self.exchange.note_byte();
            whole.extend_from_slice(&piece[..piece.len().min(limit - whole.len())]);
        }
        whole
    }
}

impl tower::Service<HttpRequestFactory> for Service {
    type Response = reqwest::Response;
    type Error = tower::BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Answer {
        let service = self.clone();
        Box::pin(async move { service.exchange(factory).await.map_err(Into::into) })
    }
}

/// Content of a 200.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyKind {
    Events,
    /// JSON: a reply that isn't streamed, or an error.
    Object,
    Other,
}

/// The kind that the headers claim.
fn claimed(headers: &HeaderMap) -> BodyKind {
    let Some(value) = headers.get(http::header::CONTENT_TYPE) else { return BodyKind::Events };
    let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
    match value.split(';').next().unwrap_or_default().trim() {
        "text/event-stream" => BodyKind::Events,
        "application/json" => BodyKind::Object,
        _ => BodyKind::Other,
    }
}

/// The kind of a body by its first bytes.
enum Sniffed {
    As(BodyKind),
    /// The first bytes don't decide it.
    Unknown,
    /// More bytes are needed.
    TooLittle,
}

fn sniff(beginning: &[u8]) -> Sniffed {
    const FIELDS: [&[u8]; 4] = [b"data:", b"event:", b"id:", b"retry:"];
    let text = beginning.strip_prefix(BOM).unwrap_or(beginning).trim_ascii_start();
    let may_be = |field: &&[u8]| text.starts_with(field) || field.starts_with(text);
    match text.first() {
        Some(b'{') => Sniffed::As(BodyKind::Object),
        Some(b'<') => Sniffed::As(BodyKind::Other),
        Some(b':') => Sniffed::As(BodyKind::Events),
        _ if FIELDS.iter().any(|field| text.starts_with(field)) => Sniffed::As(BodyKind::Events),
        _ if FIELDS.iter().any(may_be) || BOM.starts_with(beginning) => Sniffed::TooLittle,
        _ => Sniffed::Unknown,
    }
}

/// A body whose first bytes have been inspected.
struct Body {
    source: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    /// The inspected pieces, which are read first.
    begun: VecDeque<reqwest::Result<Bytes>>,
}

impl Body {
    /// The kind by the first bytes, or by the headers where those don't decide it.
    async fn kind(&mut self, headers: &HeaderMap, exchange: &Exchange, idle: Duration) -> Result<BodyKind, ModelError> {
        let mut beginning = Vec::new();
        loop {
            let next = tokio::time::timeout(idle, self.source.next()).await;
            let next = next.map_err(|_| exchange.label(silence(idle)))?;
            let is_all = !matches!(next, Some(Ok(_))) || beginning.len() > REFUSAL_BYTES;
            if let Some(Ok(piece)) = &next {
                exchange.note_byte();
                beginning.extend_from_slice(piece);
            }
            self.begun.extend(next);
            match sniff(&beginning) {
                Sniffed::As(kind) => return Ok(kind),
                Sniffed::TooLittle if !is_all => {}
                Sniffed::TooLittle | Sniffed::Unknown => return Ok(claimed(headers)),
            }
        }
    }
}

impl Stream for Body {
    type Item = reqwest::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.begun.pop_front() {
            Some(piece) => Poll::Ready(Some(piece)),
            None => self.source.as_mut().poll_next(cx),
        }
    }
}

fn judge(status: u16, headers: &HeaderMap, url: &str, body: &[u8]) -> ModelError {
    Refusal { status, headers, body, url, now: SystemTime::now() }.judge()
}

fn events<S, B>(body: S) -> reqwest::Response
where
    S: Stream<Item = Result<B, ModelError>> + Send + 'static,
    Bytes: From<B>,
    B: 'static,
{
    http::Response::new(reqwest::Body::wrap_stream(body)).into()
}

/// The idle timeout expired.
pub(super) fn silence(idle: Duration) -> ModelError {
    let words = format!("no byte came for {} s", idle.as_secs_f64());
    ModelError { may_be_billed: true, ..ModelError::new(ErrorKind::IdleTimeout, &words) }
}
