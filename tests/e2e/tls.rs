//! TLS: whose certificates are trusted, and what is said of others.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::kimi::MockKimi;
use crate::world::{TASK, World, mender};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

/// A server that speaks TLS with the certificate of that name, before `kimi`. Its thread ends with the test's process.
pub fn in_front_of(kimi: &MockKimi, certificate: &str) -> String {
    let chain = vec![CertificateDer::from_pem_file(fixture(&format!("{certificate}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(fixture(&format!("{certificate}.key"))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    // As it is, whatever is wrong with it.
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let certified = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let config = Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(certified)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let base_url = kimi.base_url();
    let behind: SocketAddr = base_url.trim_start_matches("http://").trim_end_matches("/v1").parse().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that refuses the certificate leaves in the middle of it.
            let _ = pass(StreamOwned::new(connection, stream), behind);
        }
    });
    format!("https://localhost:{port}/v1")
}

/// One request and its answer.
fn pass(tls: StreamOwned<ServerConnection, TcpStream>, behind: SocketAddr) -> std::io::Result<()> {
    let mut client = BufReader::new(tls);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let from = head.len();
        if client.read_line(&mut head)? == 0 {
            return Ok(());
        }
        if let Some(value) = head[from..].to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    let mut server = TcpStream::connect(behind)?;
    server.write_all(head.as_bytes())?;
    server.write_all(&body)?;
    server.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let mut tls = client.into_inner();
    tls.write_all(&answer)?;
    tls.conn.send_close_notify();
    tls.flush()
}

#[test]
fn a_ca_of_ones_own_is_trusted_by_file_or_by_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("ca.pem"), folder.path().join("proxy.crt")).unwrap();
    let variables = [("SSL_CERT_FILE", fixture("ca.pem")), ("SSL_CERT_DIR", folder.path().to_owned())];
    for (variable, value) in variables {
        let (world, kimi) = (World::new(), mender());
        let url = in_front_of(&kimi, "localhost");
        let mut command = world.keyed(&kimi, &["fix", TASK, "--base-url", &url]);
        command.env(variable, value);
        let ran = world.run(command);
        assert_eq!(ran.output.status.code(), Some(0), "{variable}: {}", ran.stderr());
        kimi.assert_clean();
    }
}

#[test]
fn an_unknown_issuer_is_asked_once_and_the_hint_names_the_variable() {
    let (world, kimi) = (World::new(), mender());
    let url = in_front_of(&kimi, "localhost");
    let ran = world.fix(&kimi, &["--base-url", &url]).code(78);
    let ran = ran.says(&["certificate", "UnknownIssuer", "SSL_CERT_FILE", "SSL_CERT_DIR", &url]);
    let kept = ran.kept();
    assert_eq!(kept.events("request").len(), 1, "nothing is repeated");
    assert_eq!(kept.events("attempt_failed")[0]["charged"]["prompt_tokens"], 0, "nothing was sent");
    assert!(kimi.requests().is_empty());
}

#[test]
fn a_certificate_of_another_host_is_told_as_such() {
    let (world, kimi) = (World::new(), mender());
    let mut command = world.keyed(&kimi, &["fix", TASK, "--base-url", &in_front_of(&kimi, "elsewhere")]);
    command.env("SSL_CERT_FILE", fixture("ca.pem"));
    let ran = world.run(command).code(78).says(&[
        "certificate",
        "it is for elsewhere.example, not for localhost",
        "name the host as",
    ]);
    assert_eq!(ran.kept().events("request").len(), 1);
}

#[test]
fn a_file_of_certificates_that_is_not_there_is_named() {
    let (world, kimi) = (World::new(), mender());
    let mut command = world.keyed(&kimi, &["fix", TASK, "--base-url", &in_front_of(&kimi, "localhost")]);
    command.env("SSL_CERT_FILE", "/nowhere/ca.pem");
    world.run(command).code(78).says(&["SSL_CERT_FILE"]);
}

#[test]
fn each_fault_of_a_certificate_has_a_hint_of_its_own() {
    let odd = || fixture("odd-ca.pem");
    let cases: [(&str, PathBuf, &str, &str); 8] = [
        ("expired", odd(), "it expired on 2021-01-01; today is ", "has to renew its certificate"),
        ("future", odd(), "it isn't valid before 2100-01-01; this machine's clock says ", "clock is probably wrong"),
        ("purpose", odd(), "it is not made for servers", "a certificate for servers"),
        ("v1", odd(), "it can't be used (UnsupportedCertVersion)", "X.509 version 3"),
        ("nosan", fixture("nosan.pem"), "it is for no host at all, not for localhost", "subjectAltName"),
        ("ownca", fixture("ownca.pem"), "it is a CA's own certificate", "basicConstraints=critical,CA:FALSE"),
        (
            "ownca",
            fixture("ca.pem"),
            "it is a CA's own certificate",
            "trusting it in SSL_CERT_FILE doesn't change that",
        ),
        ("selfsigned", fixture("ca.pem"), "nobody who is trusted here signed it", "name that in SSL_CERT_FILE"),
    ];
    for (certificate, trusted, said, hint) in cases {
        let (world, kimi) = (World::new(), mender());
        let mut command = world.keyed(&kimi, &["fix", TASK, "--base-url", &in_front_of(&kimi, certificate)]);
        command.env("SSL_CERT_FILE", trusted);
        let ran = world.run(command).code(78).says(&["the host's TLS certificate isn't trusted", said, hint]);
        let told = ran.stderr();
        assert!(!told.contains("OtherError") && !told.contains("Context"), "{certificate}: {told}");
        assert_eq!(ran.kept().events("request").len(), 1, "{certificate}: nothing is repeated");
        assert!(kimi.requests().is_empty());
    }
    // What the hint says works.
    let (world, kimi) = (World::new(), mender());
    let mut command = world.keyed(&kimi, &["fix", TASK, "--base-url", &in_front_of(&kimi, "selfsigned")]);
    command.env("SSL_CERT_FILE", fixture("selfsigned.pem"));
    world.run(command).code(0);
}

#[test]
fn a_server_without_tls_is_told_as_such() {
    let (world, kimi) = (World::new(), mender());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let ran = world.run(world.keyed(&kimi, &["fix", TASK, "--base-url", &url])).code(78);
    ran.says(&["the TLS connection failed", "doesn't speak TLS: check the port", &url]);
}
