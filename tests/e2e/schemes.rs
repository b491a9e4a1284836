//! http and https mixed up in a base URL: it looks like an outage, and is told at once as what it is.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::ran::Ran;
use crate::support::kimi::MockKimi;
use crate::tls::in_front_of;
use crate::world::{World, mender};

/// How a connection's first byte is met: these words and the end, or what another server says.
#[derive(Clone, Copy)]
enum Met {
    Words(&'static [u8]),
    Other(SocketAddr),
}

/// A server that meets TLS and everything else in two ways.
fn serve(tls: Met, plain: Met) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut first = [0];
            let met = match stream.peek(&mut first) {
                Ok(1) if first == [0x16] => tls,
                _ => plain,
            };
            thread::spawn(move || match met {
                Met::Words(words) => {
                    let mut asked = vec![0; 64 * 1024];
                    let _ = stream.read(&mut asked);
                    let _ = stream.write_all(words);
                }
                Met::Other(address) => pass(stream, TcpStream::connect(address).unwrap()),
            });
        }
    });
    port
}

fn pass(client: TcpStream, server: TcpStream) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    let (mut from, mut to) = (server, client);
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn address_of(url: &str) -> SocketAddr {
    let port = url.rsplit_once(':').unwrap().1.trim_end_matches("/v1");
    SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
}

fn asked(world: &World, base_url: &str) -> Ran {
    let kimi = mender();
    let ran = world.fix(&kimi, &["--base-url", base_url]);
    assert!(kimi.requests().is_empty());
    ran
}

const NGINX: &[u8] = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 119\r\nConnection: close\r\n\r\n\
    <html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head><body>400 Bad Request</body></html>\r\n";
const GO: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

#[test]
fn plain_http_to_a_port_of_tls_is_told_at_once() {
    let kimi = mender();
    let tls = in_front_of(&kimi, "localhost");
    let tls_alone = Met::Other(address_of(&tls));
    let ports = [
        address_of(&tls).port(),
        serve(tls_alone, Met::Words(b"")),
        serve(tls_alone, Met::Words(b"\x15\x03\x01\x00\x02\x02\x0a")),
        serve(tls_alone, Met::Words(NGINX)),
        serve(tls_alone, Met::Words(GO)),
        // It refuses kcode's own TLS as well.
        serve(Met::Words(b"\x15\x03\x03\x00\x02\x02\x28"), Met::Words(b"")),
    ];
    for port in ports {
        let world = World::new();
        let ran = asked(&world, &format!("http://localhost:{port}/v1"))
            .code(78)
            .says(&["the server takes no plain HTTP", &format!("hint: name it as https://localhost:{port}/v1")]);
        let kept = ran.kept();
        assert_eq!(kept.events("request").len(), 1, "nothing is repeated");
        assert_eq!(kept.events("attempt_failed")[0]["charged"]["prompt_tokens"], 0, "nobody read it");
    }
    assert!(kimi.requests().is_empty());
}

#[test]
fn tls_to_a_port_of_plain_http_is_told_at_once() {
    let kimi = mender();
    let plain = address_of(&kimi.base_url());
    let bad_request: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    let ports = [
        serve(Met::Words(bad_request), Met::Other(plain)),
        serve(Met::Words(b""), Met::Other(plain)),
        serve(Met::Words(b""), Met::Words(bad_request)),
    ];
    for port in ports {
        let world = World::new();
        let ran = asked(&world, &format!("https://localhost:{port}/v1")).code(78).says(&[
            "the TLS connection failed",
            "doesn't speak TLS",
            "may be named with http://",
        ]);
        assert_eq!(ran.kept().events("request").len(), 1, "nothing is repeated");
    }
}

#[test]
fn a_server_that_says_nothing_in_either_is_an_outage() {
    for scheme in ["http", "https"] {
        let port = serve(Met::Words(b""), Met::Words(b""));
        let (world, kimi) = (World::new(), MockKimi::script([]));
        world.configure("[limits]\nmax_retries = 1");
        let ran = world.fix(&kimi, &["--base-url", &format!("{scheme}://localhost:{port}/v1")]).code(75);
        assert_eq!(ran.says(&["the provider can't be reached"]).kept().events("attempt_failed").len(), 2);
    }
}
