//! One client for both platforms, on reqwest: it is there for the model already, so GitLab needs no second client and GitHub no
//! second TLS stack, which octocrab would bring.
//!
//! A token goes to one server only: redirects aren't followed, and pages of another server aren't read. Limits of rate are waited
//! for, up to a deadline. What may have been done is not repeated blindly: the next `kcode publish` finds what is there.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

use super::PublishError;
use crate::journal::Outcome;
use crate::settings::{Secret, is_loopback};
use crate::text::sanitise_line;

/// Bytes of an answer.
const MAX_BODY: usize = 32 << 20;
/// Pages of a list.
const MAX_PAGES: usize = 20;
/// Attempts of a call that a server couldn't answer.
const ATTEMPTS: u32 = 4;
const CONNECT: Duration = Duration::from_secs(30);
/// One call, from its beginning to its end.
const ONE_CALL: Duration = Duration::from_mins(1);
/// Characters of a platform's message.
const MAX_WORDS: usize = 300;

/// How a token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// `Authorization: Bearer …`, as GitHub takes it.
    Bearer,
    /// `PRIVATE-TOKEN: …`, as GitLab takes it.
    PrivateToken,
}

/// A platform's API below one base URL.
pub(crate) struct RestApi {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    base: Url,
    headers: HeaderMap,
    token: Secret,
    deadline: Instant,
    is_dry: bool,
    calls: Vec<String>,
}

/// An answer that is no error.
pub(super) struct RestAnswer {
    pub json: Value,
    next: Option<Url>,
}

impl RestApi {
    /// A client for `base`, such as `https://api.github.com`; https, or http to this machine. A dry one calls nothing.
    ///
    /// # Errors
    /// When the URL can't be used, or the token can't be sent.
    pub(crate) fn new(
        base: &str,
        token: Secret,
        way: Authorization,
        deadline: Instant,
        is_dry: bool,
    ) -> Result<Self, PublishError> {
        let hint = "give the URL of the API, such as https://api.github.com or https://gitlab.example.org/api/v4";
        let wrong = |why: &str| PublishError::new(Outcome::Usage, format!("the API's URL can't be used: {why}"), hint);
        let mut base = Url::parse(base.trim()).map_err(|error| wrong(&error.to_string()))?;
        if base.scheme() != "https" && !(base.scheme() == "http" && is_loopback(&base)) {
            return Err(wrong("it is neither https nor http to this machine, and the token would be sent in clear"));
        }
        if !base.username().is_empty()
            || base.password().is_some()
            || base.query().is_some()
            || base.fragment().is_some()
        {
            return Err(wrong("it holds a user name, a password, a query or a fragment"));
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        let (name, value) = match way {
            Authorization::Bearer => (header::AUTHORIZATION, format!("Bearer {}", token.expose())),
            Authorization::PrivateToken => (HeaderName::from_static("private-token"), token.expose().to_owned()),
        };
        let mut value =
            HeaderValue::try_from(value).map_err(|_| wrong("the token has characters that can't be sent"))?;
        value.set_sensitive(true);
        let headers = HeaderMap::from_iter([(name, value)]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| PublishError::new(Outcome::Internal, error.to_string(), ""))?;
        let client = client(&base).map_err(|error| PublishError::new(Outcome::Config, error.to_string(), hint))?;
        Ok(Self { client, runtime, base, headers, token, deadline, is_dry, calls: Vec::new() })
    }

    /// Sends a header with each call.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    /// What was called, or would have been: method, URL and body, without the token.
    pub(super) fn calls(&self) -> &[String] {
        &self.calls
    }

    pub(super) fn get(&mut self, path: &str) -> Result<Value, PublishError> {
        self.send(&Method::GET, path, None)
    }

    pub(super) fn send(&mut self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, PublishError> {
        let url = self.base.join(path);
        let url = url.map_err(|error| PublishError::new(Outcome::Internal, error.to_string(), ""))?;
        Ok(self.call(method, &url, body)?.json)
    }

    /// All pages of a list, until `each` has seen enough.
    pub(super) fn list(&mut self, path: &str, mut each: impl FnMut(&Value) -> bool) -> Result<(), PublishError> {
        let url = self.base.join(path);
        let mut url = url.map_err(|error| PublishError::new(Outcome::Internal, error.to_string(), ""))?;
        for _ in 0..MAX_PAGES {
            let answer = self.call(&Method::GET, &url, None)?;
            let items = answer.json.as_array().map(Vec::as_slice).unwrap_or_default();
            if !items.iter().all(&mut each) {
                return Ok(());
            }
            match answer.next {
                Some(next) => url = next,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn call(&mut self, method: &Method, url: &Url, body: Option<&Value>) -> Result<RestAnswer, PublishError> {
        let told = body.map(|body| format!("\n{}", serde_json::to_string_pretty(body).unwrap_or_default()));
        self.calls.push(format!("{method} {url}{}", told.unwrap_or_default()));
        if self.is_dry {
            return Ok(RestAnswer { json: Value::Null, next: None });
        }
        let mut attempt = 1;
        loop {
            let outcome = self.runtime.block_on(self.attempt(method, url, body));
            let (error, wait) = match outcome {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(wait) = wait.filter(|_| attempt < ATTEMPTS) else { return Err(error) };
            if Instant::now() + wait >= self.deadline {
                let message = format!("{error}; waiting {} s would take longer than --deadline allows", wait.as_secs());
                return Err(PublishError { message, outcome: Outcome::TryAgain, ..error });
            }
            std::thread::sleep(wait);
            attempt += 1;
        }
    }

    /// One attempt; with an error, how long to wait before the next one is worth it.
    async fn attempt(
        &self,
        method: &Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<RestAnswer, (PublishError, Option<Duration>)> {
        let left = self.deadline.saturating_duration_since(Instant::now()).min(ONE_CALL);
        let mut request = self.client.request(method.clone(), url.clone()).headers(self.headers.clone()).timeout(left);
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let repeatable = *method == Method::GET;
        let lost = |error: &reqwest::Error| {
            let hint = "check the network; kcode publish can be run again, and finds what it has done already";
            let may_repeat = repeatable || error.is_connect();
            let error =
                PublishError::new(Outcome::TryAgain, format!("{method} {}: {}", place(url), reasons(error)), hint);
            (error, may_repeat.then_some(Duration::from_secs(1)))
        };
        let response = request.send().await.map_err(|error| lost(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let (mut bytes, mut pieces) = (Vec::new(), response.bytes_stream());
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece.map_err(|error| lost(&error))?);
            if bytes.len() > MAX_BODY {
                let error = PublishError::new(Outcome::TryAgain, "the platform's answer has no end", "");
                return Err((error, None));
            }
        }
        let json: Option<Value> = serde_json::from_slice(&bytes).ok();
        if (200..300).contains(&status) {
            let next = next_page(url, &headers);
            return match json {
                Some(json) => Ok(RestAnswer { json, next }),
                None if bytes.is_empty() => Ok(RestAnswer { json: Value::Null, next }),
                None => Err((self.refusal(method, url, status, &headers, &Value::Null), None)),
            };
        }
        let json = json.unwrap_or_default();
        let error = self.refusal(method, url, status, &headers, &json);
        let limited = limit(status, &headers, &json, SystemTime::now());
        let unavailable = (repeatable && matches!(status, 500 | 502 | 503 | 504)).then_some(Duration::from_secs(2));
        match limited {
            Some(wait) => {
                Err((PublishError { outcome: Outcome::TryAgain, hint: LIMITED.to_owned(), ..error }, Some(wait)))
            }
            None => Err((error, unavailable)),
        }
    }

    fn refusal(&self, method: &Method, url: &Url, status: u16, headers: &HeaderMap, json: &Value) -> PublishError {
        let said = message(json).replace(self.token.expose(), "[token]");
        let said: String = sanitise_line(&said).chars().take(MAX_WORDS).collect();
        let needed = headers.get("x-accepted-github-permissions").and_then(|value| value.to_str().ok());
        let (outcome, hint) = match status {
            200..300 => (Outcome::TryAgain, "the answer is no JSON: is this the URL of the API?".to_owned()),
            300..400 => {
                (Outcome::Config, "the address has changed: name the repository and the API as they are now".to_owned())
            }
            401 => (Outcome::Unauthorized, "the token is wrong, expired or revoked".to_owned()),
            403 => (Outcome::Unauthorized, permission(needed)),
            404 => (
                Outcome::Config,
                "check --repository and --issue; a token that may not see them gets the same answer".to_owned(),
            ),
            409 => (Outcome::TryAgain, "somebody changed the same thing meanwhile; run it again".to_owned()),
            422 | 400 => (Outcome::Config, "the platform finds the request invalid; its message says why".to_owned()),
            429 => (Outcome::TryAgain, LIMITED.to_owned()),
            _ => (Outcome::TryAgain, "the platform has a problem; run it again later".to_owned()),
        };
        let told = if said.is_empty() { String::new() } else { format!(": {said}") };
        let error =
            PublishError::new(outcome, format!("{method} {} was answered with {status}{told}", place(url)), hint);
        PublishError { status: Some(status), ..error }
    }
}

const LIMITED: &str = "the platform limits how often it is called; run it again later";

fn permission(needed: Option<&str>) -> String {
    let needed = needed.map(|needed| sanitise_line(needed).into_owned());
    needed.map_or_else(
        || {
            "the token lacks a permission: contents, pull-requests and issues have to be `write` (GitHub; the repository has to \
             allow Actions to create pull requests), or scope `api` with role Developer (GitLab)"
                .to_owned()
        },
        |needed| format!("the token lacks a permission; this call needs: {needed}"),
    )
}

/// How long a limit of rate lasts; `None` if the answer isn't one.
///
/// GitHub: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>; GitLab:
/// <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>.
fn limit(status: u16, headers: &HeaderMap, json: &Value, now: SystemTime) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let until = |reset: u64| Duration::from_secs(reset.saturating_sub(epoch) + 1);
    let is_spent = number("x-ratelimit-remaining") == Some(0);
    let is_secondary = message(json).to_ascii_lowercase().contains("secondary rate limit");
    if !(status == 429 || status == 403 && (is_spent || is_secondary || headers.contains_key("retry-after"))) {
        return None;
    }
    let after = number("retry-after").map(Duration::from_secs);
    let reset = number("x-ratelimit-reset").filter(|_| is_spent).or(number("ratelimit-reset")).map(until);
    // GitHub asks for at least a minute when it says nothing.
    Some(after.or(reset).unwrap_or(Duration::from_mins(1)))
}

/// What the platform says, whatever shape it gives it.
fn message(json: &Value) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let main =
        ["message", "error", "error_description"].iter().map(|name| text(&json[*name])).find(|it| !it.is_empty());
    let details = json["errors"].as_array().into_iter().flatten().map(|error| {
        let said = text(&error["message"]);
        if said.is_empty() { text(error) } else { said }
    });
    main.into_iter().chain(details).collect::<Vec<_>>().join("; ")
}

/// The next page of a list, if it is one of the same server.
fn next_page(url: &Url, headers: &HeaderMap) -> Option<Url> {
    let links = headers.get(header::LINK).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let linked = links.split(',').find(|link| link.contains("rel=\"next\"")).and_then(|link| {
        let target = link.split_once('<')?.1.split_once('>')?.0;
        url.join(target).ok().filter(|next| next.origin() == url.origin())
    });
    linked.or_else(|| {
        let number: u32 = headers.get("x-next-page")?.to_str().ok()?.trim().parse().ok()?;
        let mut next = url.clone();
        let kept: Vec<(String, String)> =
            url.query_pairs().filter(|(name, _)| name != "page").map(|it| (it.0.into(), it.1.into())).collect();
        next.query_pairs_mut().clear().extend_pairs(kept).append_pair("page", &number.to_string());
        Some(next)
    })
}

fn place(url: &Url) -> &str {
    url.path()
}

fn reasons(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    told
}

fn client(base: &Url) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("kcode/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT);
    // As the model's client: another machine is never asked for the name of this one.
    let builder = match (is_loopback(base), base.domain()) {
        (true, Some(name)) => {
            let addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
            builder.no_proxy().resolve_to_addrs(name, &addresses)
        }
        (true, None) => builder.no_proxy(),
        (false, _) => builder,
    };
    // Fails if a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if base.scheme() == "http" {
        let no_roots = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty());
        builder.tls_backend_preconfigured(no_roots.with_no_client_auth()).build()
    } else {
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn limits_are_told_from_missing_permissions() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let secs = |n| Some(Duration::from_secs(n));
        for (status, told, said, wait) in [
            (403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1030")][..], "", secs(31)),
            (429, &[("retry-after", "7")][..], "", secs(7)),
            (403, &[][..], "You have exceeded a secondary rate limit", secs(60)),
            (403, &[("retry-after", "5")][..], "", secs(5)),
            (429, &[("ratelimit-reset", "1002")][..], "", secs(3)),
            (403, &[("x-ratelimit-remaining", "4999")][..], "Resource not accessible by integration", None),
            (401, &[("x-ratelimit-remaining", "0")][..], "", None),
        ] {
            assert_eq!(limit(status, &headers(told), &json!({"message": said}), now), wait, "{status} {said}");
        }
    }

    #[test]
    fn pages_of_another_server_are_not_read() {
        let url = Url::parse("https://api.github.com/a?per_page=100").unwrap();
        let next = |told: &[(&'static str, &'static str)]| next_page(&url, &headers(told)).map(|url| url.to_string());
        let own = "<https://api.github.com/a?page=1>; rel=\"prev\", <https://api.github.com/a?page=3>; rel=\"next\"";
        assert_eq!(next(&[("link", own)]).as_deref(), Some("https://api.github.com/a?page=3"));
        assert_eq!(next(&[("link", "<https://evil.example/a?page=3>; rel=\"next\"")]), None);
        assert_eq!(next(&[("x-next-page", "4")]).as_deref(), Some("https://api.github.com/a?per_page=100&page=4"));
        assert_eq!(next(&[("x-next-page", "")]), None);
    }

    #[test]
    fn a_token_is_not_sent_in_clear() {
        let make = |url: &str| {
            let token = Secret::new("t".to_owned());
            RestApi::new(url, token, Authorization::Bearer, Instant::now(), true).map(drop)
        };
        assert!(make("http://127.0.0.1:1/api").is_ok() && make("https://ghe.example/api/v3/").is_ok());
        for bad in ["http://ghe.example/api", "https://u:p@ghe.example", "ftp://x", "x", "https://a/?q=1"] {
            assert!(make(bad).is_err(), "{bad}");
        }
    }
}
