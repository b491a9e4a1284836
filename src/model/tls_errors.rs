//! Why a TLS connection failed, in words, and what a person can do about it.

use std::error::Error as StdError;

use rustls::{AlertDescription, CertificateError};
use time::{Date, OffsetDateTime};

/// Why a TLS connection to the host failed: its certificate, or the way it speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Distrust {
    /// No trusted CA signed the certificate.
    Issuer,
    /// A CA's own certificate is used as a server's.
    IsCa,
    /// The certificate is for another host.
    Name,
    /// The certificate has expired.
    Expired,
    /// The certificate isn't valid yet.
    NotYet,
    /// The issuer has revoked the certificate.
    Revoked,
    /// The certificate's extended key usage isn't for servers.
    Purpose,
    /// The certificate is damaged, or its format isn't supported any more.
    Form,
    /// The server doesn't speak TLS.
    NoTls,
    /// The server speaks TLS only, and was asked in plain HTTP.
    OnlyTls,
    /// Server and kcode share no TLS version or cipher.
    Version,
    /// The server requires a client certificate.
    WantsCertificate,
    /// The server doesn't serve the requested host name.
    UnknownHost,
}

impl Distrust {
    /// Whether the certificate is the cause.
    pub(super) const fn is_of_certificate(self) -> bool {
        !matches!(self, Self::NoTls | Self::OnlyTls | Self::Version | Self::WantsCertificate | Self::UnknownHost)
    }

    pub(super) fn hint(self, base_url: &str) -> String {
        match self {
            Self::Issuer => format!(
                "a proxy or a gateway with a certificate of its own? put the CA that signed it, or the certificate itself where \
                 nobody else did, into a PEM file and name that in SSL_CERT_FILE (or its folder in SSL_CERT_DIR); check also that \
                 {base_url} is right"
            ),
            Self::IsCa => "the server shows the certificate of a CA (CA:TRUE) as its own, and trusting it in SSL_CERT_FILE doesn't \
                           change that: have the server use one made for it, signed by that CA or by itself (openssl req -x509 … \
                           -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:NAME), and name what signed that \
                           in SSL_CERT_FILE"
                .to_owned(),
            Self::Name => format!(
                "is {base_url} right? name the host as its certificate does, or have one made whose subjectAltName has this name; \
                 SSL_CERT_FILE doesn't help"
            ),
            Self::Expired => "if this machine's clock is right, whoever runs the server has to renew its certificate; SSL_CERT_FILE \
                              doesn't help"
                .to_owned(),
            Self::NotYet => "this machine's clock is probably wrong: set it; else the certificate was made for later".to_owned(),
            Self::Revoked => format!(
                "its issuer revoked the certificate: send nothing there before whoever runs {base_url} has another one"
            ),
            Self::Purpose => "have the server use a certificate for servers (extendedKeyUsage serverAuth, or none at all); \
                              SSL_CERT_FILE doesn't help"
                .to_owned(),
            Self::Form => "have the server use an X.509 version 3 certificate with a current signature (SHA-256 or better, RSA of \
                           2048 bits or more, or ECDSA); SSL_CERT_FILE doesn't help"
                .to_owned(),
            Self::NoTls => format!(
                "what answers at {base_url} doesn't speak TLS: check the port; a server on this machine may be named with http://"
            ),
            Self::OnlyTls => format!(
                "name it as {}; where nobody who is trusted signed its certificate, SSL_CERT_FILE names the one that did",
                base_url.replacen("http://", "https://", 1)
            ),
            Self::Version => format!("{base_url} has to offer TLS 1.2 or 1.3 with a current cipher; or a proxy in between does"),
            Self::WantsCertificate => format!(
                "{base_url} requires a client certificate, which kcode doesn't support: go through a proxy on this machine that \
                 has one, or use another base URL"
            ),
            Self::UnknownHost => format!("the server knows no host of that name: is {base_url} right?"),
        }
    }
}

/// Finds a TLS failure among the causes of `error`; returns it with a description.
pub(super) fn find(error: &(dyn StdError + 'static)) -> Option<(Distrust, String)> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return of(tls);
    }
    // An I/O error's `source` skips the error that it wraps, so the wrapped one is looked at first.
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    held.and_then(|held| find(held)).or_else(|| error.source().and_then(find))
}

fn of(error: &rustls::Error) -> Option<(Distrust, String)> {
    use AlertDescription as Alert;
    let told = |why, words: &str| Some((why, words.to_owned()));
    match error {
        rustls::Error::InvalidCertificate(why) => Some(of_certificate(why)),
        rustls::Error::InvalidMessage(_) => told(Distrust::NoTls, "the server's answer isn't TLS"),
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(
            Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity,
        ) => told(Distrust::Version, "the server speaks no version of TLS, or no cipher, that kcode speaks"),
        rustls::Error::AlertReceived(Alert::CertificateRequired) => {
            told(Distrust::WantsCertificate, "the server asks for a client certificate")
        }
        rustls::Error::AlertReceived(Alert::UnrecognisedName) => {
            told(Distrust::UnknownHost, "the server doesn't serve the host of that name")
        }
        _ => None,
    }
}

fn of_certificate(why: &CertificateError) -> (Distrust, String) {
    use CertificateError as Why;
    match why {
        Why::UnknownIssuer => (Distrust::Issuer, "nobody who is trusted here signed it (UnknownIssuer)".to_owned()),
        // A trusted CA has the issuer's name but another key.
        Why::BadSignature | Why::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            (Distrust::Issuer, "it isn't signed by the trusted CA of its issuer's name".to_owned())
        }
        Why::Expired => (Distrust::Expired, "it has expired".to_owned()),
        Why::ExpiredContext { time, not_after } => {
            (Distrust::Expired, format!("it expired on {}; today is {}", day(not_after.as_secs()), day(time.as_secs())))
        }
        Why::NotValidYet => (Distrust::NotYet, "it isn't valid yet".to_owned()),
        Why::NotValidYetContext { time, not_before } => {
            let (from, today) = (day(not_before.as_secs()), day(time.as_secs()));
            (Distrust::NotYet, format!("it isn't valid before {from}; this machine's clock says {today}"))
        }
        Why::Revoked => (Distrust::Revoked, "its issuer has revoked it".to_owned()),
        Why::NotValidForName => (Distrust::Name, "it is for another host".to_owned()),
        Why::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no host at all".to_owned() } else { names.join(", ") };
            (Distrust::Name, format!("it is for {names}, not for {}", expected.to_str()))
        }
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => {
            (Distrust::Purpose, "it is not made for servers".to_owned())
        }
        // Causes without a variant of their own come as another library's error, whose type kcode can't name.
        Why::Other(other) => match other.0.to_string().as_str() {
            "CaUsedAsEndEntity" => (Distrust::IsCa, "it is a CA's own certificate (CaUsedAsEndEntity)".to_owned()),
            // rustls-platform-verifier reports a wrong extended key usage this way.
            "certificate had invalid extensions" => (Distrust::Purpose, "it is not made for servers".to_owned()),
            name => (Distrust::Form, format!("it can't be used ({name})")),
        },
        other => (Distrust::Form, format!("it can't be used ({other})")),
    }
}

fn day(unix: u64) -> String {
    let moment = i64::try_from(unix).ok().and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok());
    moment.map_or_else(|| "a day that no calendar has".to_owned(), |moment| date(moment.date()))
}

fn date(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// `DnsName("example.org")` without its wrapping.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').map_or(name, |(_, inside)| inside.trim_end_matches(')'));
    inside.trim_matches('"')
}
