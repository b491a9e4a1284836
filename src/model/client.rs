//! The HTTP client: one request, one reply, no retries.
//!
//! `async-openai` sends chat completions and parses the event stream into our own types. Below it, [`super::service`]
//! sees each response first. This file joins the two: what the service found (a typed error, the request id, the time
//! of the first byte) is returned with the reply.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use async_openai::config::Config;
use async_openai::error::OpenAIError;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use super::chunk::Chunk;
use super::early_connection::Early;
use super::error::presentable;
use super::service::{Exchange, Service};
use super::sse_validator::cut;
use super::stream::Assembly;
use super::{ErrorKind, Model, ModelError, Progress, Reply, Request, other_scheme};
use crate::settings::is_loopback;

/// Bytes of events after which the task yields; they take some milliseconds. Yielding more often would let the library,
/// which reads ahead meanwhile, read much of a useless reply.
const TURN_BYTES: usize = 64 * 1024;

/// Base URL of the provider's API, with which key, and how long to wait.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Without a trailing slash, such as `https://api.moonshot.ai/v1`.
    pub base_url: String,
    /// Sent as a bearer token, to this URL's host only; `None` sends none.
    pub key: Option<SecretString>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time without a byte before the attempt fails. A model that reasons sends bytes.
    pub idle_timeout: Duration,
}

impl Endpoint {
    /// An endpoint with the default timeouts: 30 s to connect, 120 s without a byte. Trailing slashes are removed from
    /// the URL.
    #[must_use]
    pub fn new(base_url: &str, key: Option<SecretString>) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            key,
            connect_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_mins(2),
        }
    }
}

/// A [`Model`] that sends chat completions over HTTP.
#[derive(Clone, Debug)]
pub struct Client {
    http: Arc<Http>,
    config: Address,
    idle_timeout: Duration,
    /// Whether a whole reply came, so that the URL is right.
    has_answered: Arc<AtomicBool>,
}

impl Client {
    /// Sets up a client for the endpoint without connecting. A thread reads the system's certificates meanwhile;
    /// [`Client::ready`] waits for it.
    ///
    /// # Errors
    /// When the base URL can't be used.
    pub fn new(endpoint: &Endpoint) -> Result<Self, ModelError> {
        let unusable = |what: &dyn std::fmt::Display| ModelError::new(ErrorKind::Client, &what.to_string());
        let url = reqwest::Url::parse(&endpoint.base_url).map_err(|error| unusable(&error))?;
        if endpoint.key.is_some() && url.scheme() != "https" && !is_loopback(&url) {
            return Err(unusable(&"the key would be sent in clear to another machine"));
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = &endpoint.key {
            let bearer = format!("Bearer {}", key.expose_secret());
            let mut bearer = HeaderValue::try_from(bearer)
                .map_err(|_| unusable(&"the key has characters that a header can't carry"))?;
            bearer.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, bearer);
        }
        let http = Arc::new(Http { url, connect_timeout: endpoint.connect_timeout, made: OnceLock::new() });
        if http.url.scheme() == "https" {
            let background = Arc::clone(&http);
            // If the thread can't start, the client is made when it is first needed.
            let _ = thread::Builder::new().name("certificates".into()).spawn(move || background.make().map(drop));
        }
        let config =
            Address { base: endpoint.base_url.clone(), key: endpoint.key.clone().unwrap_or_default(), headers };
        let has_answered = Arc::new(AtomicBool::new(false));
        Ok(Self { http, config, idle_timeout: endpoint.idle_timeout, has_answered })
    }
}

/// The HTTP client, made on first use or by a background thread.
#[derive(Debug)]
struct Http {
    url: reqwest::Url,
    connect_timeout: Duration,
    made: OnceLock<Result<reqwest::Client, ModelError>>,
}

impl Http {
    /// Returns the client; waits if another thread is making it.
    fn make(&self) -> Result<&reqwest::Client, ModelError> {
        let made = self.made.get_or_init(|| {
            let made = http_client(&self.url, self.connect_timeout);
            made.map_err(|error| ModelError::new(ErrorKind::Client, &chain(&error)))
        });
        made.as_ref().map_err(Clone::clone)
    }
}

impl Client {
    /// Waits until requests can be made.
    ///
    /// # Errors
    /// [`ErrorKind::Client`] when the proxy variables or the system's certificates can't be used.
    pub fn ready(&self) -> Result<(), ModelError> {
        self.http.make().map(drop)
    }

    /// Opens a connection for the first request. Nothing of a request is sent, nor the key. Errors are ignored: the
    /// request will meet them again.
    pub async fn connect(&self) {
        // Without TLS there are no certificates to wait for.
        if self.http.url.scheme() == "https" {
            let http = Arc::clone(&self.http);
            let _ = tokio::task::spawn_blocking(move || http.make().map(drop)).await;
        }
        if let Ok(client) = self.http.make() {
            Early::connect(client.get(self.http.url.clone()).send()).await;
        }
    }
}

impl Model for Client {
    async fn ask(&self, request: &Request, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Reply, ModelError> {
        match self.attempt(request, progress).await {
            Ok(reply) => {
                self.has_answered.store(true, Ordering::Relaxed);
                Ok(reply)
            }
            Err(error) if self.has_answered.load(Ordering::Relaxed) => Err(self.without_key(error)),
            Err(error) => Err(self.without_key(other_scheme::explain(error, &self.http.url).await)),
        }
    }
}

impl Client {
    /// Removes the key from the error: some servers repeat the key that they refuse, and their words go into journals
    /// and reports.
    fn without_key(&self, error: ModelError) -> ModelError {
        let key = self.config.key.expose_secret();
        let hide = |text: String| if key.is_empty() { text } else { text.replace(key, "[key]") };
        error.reworded(hide)
    }

    async fn attempt(
        &self,
        request: &Request,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Reply, ModelError> {
        let started = Instant::now();
        let exchange = Arc::new(Exchange::new(started));
        let http = self.http.make()?;
        let service = Service::new(http.clone(), Arc::clone(&exchange), self.idle_timeout);
        let openai = async_openai::Client::build(http.clone(), self.config.clone()).with_http_service(service);
        let events = openai.chat().create_stream_byot::<_, Box<RawValue>>(&*request.body).await;
        let mut events = events.map_err(|error| explain(error, &exchange))?;
        let (mut assembly, mut since_turn) = (Assembly::default(), 0);
        let read = async {
            while let Some(event) = events.next().await {
                let Some(json) = data(event).map_err(|error| explain(error, &exchange))? else { break };
                let chunk = Chunk::read(json.get()).map_err(|why| exchange.label(no_chunk(&why, json.get())))?;
                let grown = assembly.push(chunk).map_err(|error| exchange.label(error))?;
                grown.into_iter().for_each(&mut *progress);
                // Yields, so that the caller can check the time and signals however fast events come.
                since_turn += json.get().len();
                if since_turn > TURN_BYTES {
                    since_turn = 0;
                    tokio::task::yield_now().await;
                }
            }
            Ok(())
        };
        read.await.map_err(|error| assembly.in_the_midst(error))?;
        if exchange.ended_undone() && !assembly.is_finished() {
            return Err(exchange.label(cut("the stream ended before [DONE] and before a finish reason")));
        }
        let assembled = assembly.finish().map_err(|error| exchange.label(error))?;
        Ok(Reply {
            message: assembled.message,
            finish_reason: presentable(&assembled.finish_reason),
            usage: assembled.usage,
            request_id: exchange.request_id().or(assembled.id.as_deref().map(presentable)),
            first_byte: exchange.first_byte().unwrap_or_else(|| started.elapsed()),
            elapsed: started.elapsed(),
        })
    }
}

/// An event's data. `None` for a `[DONE]` with whitespace around it, which the library takes for data.
fn data(event: Result<Box<RawValue>, OpenAIError>) -> Result<Option<Box<RawValue>>, OpenAIError> {
    match event {
        Err(OpenAIError::JSONDeserialize(_, text)) if text.trim() == "[DONE]" => Ok(None),
        event => event.map(Some),
    }
}

fn no_chunk(why: &str, text: &str) -> ModelError {
    let start: String = text.chars().take(120).collect();
    let words = format!("an event isn't a chunk: {why}: {start}");
    ModelError { may_be_billed: true, ..ModelError::new(ErrorKind::Garbled, &words) }
}

/// Replaces the library's error, which is only a wrapper, with what the service recorded.
fn explain(error: OpenAIError, exchange: &Exchange) -> ModelError {
    match error {
        OpenAIError::Boxed(error) => match error.downcast::<ModelError>() {
            Ok(error) => *error,
            Err(error) => ModelError::new(ErrorKind::Network, &error.to_string()),
        },
        OpenAIError::JSONDeserialize(error, text) => exchange.label(no_chunk(&error.to_string(), &text)),
        OpenAIError::StreamError(error) => exchange.failure().unwrap_or_else(|| {
            exchange
                .label(ModelError { may_be_billed: true, ..ModelError::new(ErrorKind::Garbled, &error.to_string()) })
        }),
        other => ModelError::new(ErrorKind::Client, &other.to_string()),
    }
}

/// Builds an HTTP client that follows no redirects (the key would go along), retries nothing, and reads the system's
/// certificates only if TLS is used.
fn http_client(url: &reqwest::Url, connect_timeout: Duration) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("kcode/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connector_layer(Early::default())
        .connect_timeout(connect_timeout);
    let builder = if is_loopback(url) { on_this_machine(builder, url) } else { builder };
    // Fails if a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if url.scheme() == "http" {
        let no_roots = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty());
        builder.tls_backend_preconfigured(no_roots.with_no_client_auth()).build()
    } else {
        builder.build()
    }
}

/// A server on this machine is never behind a proxy, and its name isn't resolved: the answer could send the key
/// elsewhere unencrypted.
fn on_this_machine(builder: reqwest::ClientBuilder, url: &reqwest::Url) -> reqwest::ClientBuilder {
    let builder = builder.no_proxy();
    // Port 0 means that the URL's port is used.
    let addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    match url.domain() {
        Some(name) => builder.resolve_to_addrs(name, &addresses),
        None => builder,
    }
}

/// The error with all its causes, without the URL (which may hold a password).
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    if words.is_empty() { "no further reason is known".to_owned() } else { words.join(": ") }
}

/// The configuration for `async-openai`, whose own would read `OPENAI_*` variables.
#[derive(Clone, Debug)]
struct Address {
    base: String,
    key: SecretString,
    headers: HeaderMap,
}

impl Config for Address {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}
