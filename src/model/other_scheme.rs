//! Whether a server on this machine speaks the other one of http and https than its URL says. What comes of such a
//! mistake looks like an outage (the server closes, or answers what the client can't read), which trying again doesn't
//! mend.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Host;

use super::{Distrust, ErrorKind, ModelError};
use crate::settings::is_loopback;

/// What an answer from this machine may take, however busy it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// How records of TLS begin: an alert or a handshake, version 3.
const RECORDS: [[u8; 2]; 2] = [[0x15, 3], [0x16, 3]];
/// Asks for nothing, and holds no key.
const PLAIN: &[u8] = b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What `error` means when the server at `url`, which never answered well, turns out to speak the other scheme; else
/// `error`. Other machines aren't asked.
pub(super) async fn explain(error: ModelError, url: &url::Url) -> ModelError {
    let may_be = match error.status {
        None => error.kind == ErrorKind::Network,
        // "The plain HTTP request was sent to HTTPS port", in each server's own words.
        Some(status) => status == 400 && url.scheme() == "http" && error.error_type.is_none(),
    };
    if !may_be || !is_loopback(url) {
        return error;
    }
    let speaks_other = match url.scheme() {
        "http" => answer(url, &client_hello()).await.is_some_and(|begun| RECORDS.contains(&[begun[0], begun[1]])),
        _ => answer(url, PLAIN).await.is_some_and(|begun| begun == *b"HTTP"),
    };
    let told = |why, words| ModelError::new(ErrorKind::Tls(why), words);
    match (speaks_other, url.scheme()) {
        (false, _) => error,
        (true, "http") => told(Distrust::OnlyTls, "the server speaks TLS alone, and the base URL begins with http://"),
        (true, _) => told(Distrust::NoTls, "the server speaks plain HTTP, and the base URL begins with https://"),
    }
}

/// The first bytes that the server says to `words`.
async fn answer(url: &url::Url, words: &[u8]) -> Option<[u8; 4]> {
    let port = url.port_or_known_default()?;
    let asked = async {
        for address in addresses(url) {
            let Ok(mut stream) = TcpStream::connect(SocketAddr::from((address, port))).await else { continue };
            stream.write_all(words).await.ok()?;
            let mut begun = [0; 4];
            return stream.read_exact(&mut begun).await.ok().map(|_| begun);
        }
        None
    };
    tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
}

/// As the client finds them: no resolver is asked.
fn addresses(url: &url::Url) -> Vec<IpAddr> {
    match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        _ => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
    }
}

/// How a client begins to speak TLS; empty where it can't. Two ends of lines behind it, fewer bytes than a record's
/// header has, keep a server that reads lines from waiting for them.
fn client_hello() -> Vec<u8> {
    let config = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty());
    let name = ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST));
    let mut hello = Vec::new();
    if let Ok(mut begun) = rustls::ClientConnection::new(Arc::new(config.with_no_client_auth()), name) {
        let _ = begun.write_tls(&mut hello); // Into memory: it doesn't fail.
    }
    hello.extend_from_slice(b"\r\n\r\n");
    hello
}
