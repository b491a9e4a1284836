//! The base URL of an API, normalised to one spelling.
//!
//! People paste what they find: with or without `/v1`, with a slash, with the whole path of the chat endpoint. All of
//! that means the same. What can't work, or would send a key unencrypted, is refused with a hint. The cases are in
//! `fixtures/settings/base_url.toml`.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// The base URL of a chat completions API, such as `https://api.moonshot.ai/v1`. It has no credentials, no query and no
/// trailing slash, and is https unless the host is this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text isn't a [`BaseUrl`]. No message repeats the text, because it may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Empty, or without a host.
    #[error("it is not a URL")]
    NotAUrl,
    /// It contains spaces or control characters.
    #[error("it holds a space or a control character")]
    Blank,
    /// The scheme is neither http nor https.
    #[error("its scheme is neither https nor http")]
    Scheme,
    /// The scheme is http, and the host is another machine.
    #[error("it is http to another machine, which would send the key in clear")]
    InClear,
    /// It contains `user:password@`.
    #[error("it holds a user name or a password")]
    Credentials,
    /// It contains `?` or `#`.
    #[error("it holds a query or a fragment")]
    Query,
    /// The path is an endpoint of the Anthropic protocol.
    #[error("it is an endpoint of the Anthropic protocol, and kcode speaks chat completions")]
    Anthropic,
}

impl BaseUrlError {
    /// What the user can do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::NotAUrl | Self::Blank | Self::Scheme => "give a URL such as https://api.moonshot.ai/v1",
            Self::InClear => "use https, or reach the server through a tunnel to localhost",
            Self::Credentials => "leave them out of the URL; the key goes into KCODE_API_KEY",
            Self::Query => "give the URL up to the version, such as https://api.moonshot.ai/v1",
            Self::Anthropic => "use the same provider's chat endpoint; Moonshot's is https://api.moonshot.ai/v1",
        }
    }
}

impl BaseUrl {
    /// The host, with the port if it isn't the scheme's default.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The URL of an endpoint below it, such as `chat/completions`.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{self}/{path}")
    }

    /// True when the server is this machine, so that no key crosses a network.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// True when both have the same scheme, host and port: a key for one may be sent to the other.
    #[must_use]
    pub fn same_server(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // The URL standard drops tabs and newlines silently; a key pasted with one must not become a host.
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(BaseUrlError::Blank);
        }
        let mut url = with_scheme(text)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(BaseUrlError::InClear);
        }
        let path = normal_path(url.path())?;
        url.set_path(&path);
        Ok(Self(url))
    }
}

/// Parses `text`; without a scheme it is https, or http when the host is this machine.
fn with_scheme(text: &str) -> Result<Url, BaseUrlError> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    if rest.starts_with(['/', '\\']) {
        // The URL standard would skip the slashes and take the first folder for the host.
        return Err(BaseUrlError::NotAUrl);
    }
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        let plain = Url::parse(&format!("http://{text}"));
        match plain {
            Ok(url) if is_loopback(&url) => Ok(url),
            _ => Url::parse(&format!("https://{text}")),
        }
    };
    let url = url.map_err(|_| BaseUrlError::NotAUrl)?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok(url),
        "http" | "https" => Err(BaseUrlError::NotAUrl),
        _ => Err(BaseUrlError::Scheme),
    }
}

/// Returns true when the host is this machine. The only rule for it: it decides whether http is allowed, whether a
/// proxy is skipped, and which names aren't looked up. `0.0.0.0` isn't the address of a server, though some systems
/// treat it as one.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_loopback_name(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        None => false,
    }
}

/// RFC 6761, section 6.3: `localhost` and all names below it are this machine, with or without a final dot.
fn is_loopback_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name.strip_suffix("localhost").is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// `/v1/chat/completions/`, `/v1/v1`, `/` and an empty path all become `/v1`; a path that already contains a version
/// (`/v1/ai/x`, `/api/paas/v4`) stays as it is.
fn normal_path(path: &str) -> Result<String, BaseUrlError> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.contains(&"anthropic") || parts.ends_with(&["v1", "messages"]) {
        return Err(BaseUrlError::Anthropic);
    }
    if parts.ends_with(&["chat", "completions"]) {
        parts.truncate(parts.len() - 2);
    }
    parts.dedup_by(|next, previous| next == previous && is_version(next));
    if !parts.iter().any(|part| is_version(part)) {
        parts.push("v1");
    }
    Ok(format!("/{}", parts.join("/")))
}

/// Returns true for `v1`, `v4`, `v1beta`.
fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Cases {
        accepted: Vec<[String; 2]>,
        refused: Vec<[String; 2]>,
    }

    fn cases() -> Cases {
        toml::from_str(include_str!("../../fixtures/settings/base_url.toml")).expect("the fixture is TOML")
    }

    #[test]
    fn spellings_of_one_url_are_one_url() {
        for [typed, meant] in cases().accepted {
            let url: BaseUrl = typed.parse().unwrap_or_else(|error| panic!("{typed:?}: {error}"));
            assert_eq!(url.to_string(), meant, "{typed:?}");
            assert_eq!(meant.parse(), Ok(url), "{typed:?}: what it means, means itself");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_and_not_repeated() {
        for [typed, reason] in cases().refused {
            let error = typed.parse::<BaseUrl>().expect_err(&typed);
            assert!(error.to_string().contains(&reason), "{typed:?}: {error}");
            assert!(!error.hint().is_empty() && !error.to_string().contains("secret"), "{typed:?}");
        }
    }

    #[test]
    fn a_host_is_named_as_people_name_it() {
        let host = |text: &str| text.parse::<BaseUrl>().map(|url| url.host());
        assert_eq!(host("https://api.moonshot.ai:443/v1"), Ok("api.moonshot.ai".to_owned()));
        assert_eq!(host("http://[::1]:8000"), Ok("[::1]:8000".to_owned()));
    }
}
