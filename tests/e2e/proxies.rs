//! A server on this machine is reached directly: what stands in the variables for proxies never sees the key.

use std::io::ErrorKind;
use std::net::TcpListener;

use crate::support::kimi::MockKimi;
use crate::world::{TASK, World, mender, together};

/// Every spelling that some program reads.
const VARIABLES: [&str; 7] =
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "ftp_proxy"];
/// How this machine can be written.
const LOOPBACK: [&str; 10] = [
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "localhost",
    "LocalHost.",
    "x.localhost",
    "a.b.localhost.",
    "kimi.LOCALHOST",
    "[::ffff:127.0.0.1]",
];

#[test]
fn no_proxy_stands_before_this_machine() {
    together(LOOPBACK, |host| {
        let (world, kimi) = (World::new(), mender());
        let proxy = Proxy::new();
        let port = kimi.base_url().rsplit_once(':').map(|(_, rest)| rest.to_owned()).unwrap();
        let mut command = world.keyed(&kimi, &["fix", TASK, "--base-url", &format!("http://{host}:{port}")]);
        proxy.stand_before(&mut command);
        world.run(command).code(0);
        assert_eq!(kimi.requests().len(), 3, "{host}");
        proxy.assert_unseen(host);
    });
}

#[test]
fn what_only_looks_like_this_machine_gets_no_key_in_clear() {
    together(
        ["0.0.0.0", "[::]", "notlocalhost", "localhost.evil.example", "[::ffff:192.0.2.1]", "127.0.0.1.nip.io"],
        |host| {
            let (world, kimi) = (World::new(), mender());
            let proxy = Proxy::new();
            let mut command = world.kcode(&["fix", TASK, "--base-url", &format!("http://{host}:80")]);
            command.env("KCODE_API_KEY", MockKimi::KEY);
            proxy.stand_before(&mut command);
            world.run(command).code(78).says(&["in clear", "hint: "]);
            assert!(kimi.requests().is_empty(), "{host}");
            proxy.assert_unseen(host);
        },
    );
}

/// Somebody who listens where the variables lead.
pub struct Proxy(TcpListener);

impl Proxy {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub fn stand_before(&self, command: &mut std::process::Command) {
        let url = format!("http://{}", self.0.local_addr().unwrap());
        command.envs(VARIABLES.map(|name| (name, &url)));
    }

    /// Nobody has connected. A connection that was made before the program's end waits here to be taken.
    pub fn assert_unseen(&self, host: &str) {
        match self.0.accept() {
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{host}"),
            Ok((_, peer)) => panic!("{host}: {peer} connected to the proxy"),
        }
    }
}
