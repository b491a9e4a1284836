//! What hostile test code tries, by what it is after: a line of shell each, which succeeds when the attack does.

mod files;
mod kernel;
mod network;
mod processes;
mod secrets;

use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::world::World;

/// What it takes to block an attack, besides the layers that every sandbox has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// What the header calls `files ✓`.
    Files,
    /// What it calls `network ✓`.
    Network,
    Namespaces,
    /// A process namespace of the command's own.
    Cells,
    Seccomp,
    /// No layer holds it; what it comes to is said in docs/security.md.
    More,
}

pub struct Attack {
    /// Unique.
    pub name: &'static str,
    pub line: String,
    pub needs: Needs,
    /// Whether it succeeds without a sandbox, for an ordinary user on any machine.
    pub works_unguarded: bool,
}

/// Blocked by every sandbox, and possible without one.
fn held(name: &'static str, line: impl Into<String>) -> Attack {
    Attack { name, line: line.into(), needs: Needs::Nothing, works_unguarded: true }
}

impl Attack {
    fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    /// Only root, or not every kernel, would let it happen even without a sandbox.
    fn seldom(self) -> Self {
        Self { works_unguarded: false, ..self }
    }
}

/// Other programs of the machine that listen.
pub struct Neighbours {
    pub tcp: TcpListener,
    pub udp: UdpSocket,
    _unix: UnixListener,
    _abstract: UnixListener,
}

impl Neighbours {
    pub fn of(world: &World) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        let socket = world.outside().join("socket");
        let unix = UnixListener::bind(&socket).unwrap();
        std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let address = SocketAddr::from_abstract_name(&world.mark).unwrap();
        Self { tcp, udp, _unix: unix, _abstract: UnixListener::bind_addr(&address).unwrap() }
    }
}

/// All of them, on this world.
pub fn attacks(world: &World, neighbours: &Neighbours) -> Vec<Attack> {
    let all = [
        files::attacks(world),
        secrets::attacks(world),
        processes::attacks(world),
        network::attacks(world, neighbours),
        kernel::attacks(world),
    ];
    all.into_iter().flatten().collect()
}
