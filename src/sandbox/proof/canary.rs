//! What the broker lays out for the prover: a secret in the home folder, and doors that nobody may knock at.
//!
//! The secret is locked as long as somebody needs it, so that what a killed kcode left can be told from what is in use.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use tempfile::{Builder, TempDir};

use super::shared;
use super::targets::{Targets, itself};
use crate::journal::{Guard, Proof, open_own};
use crate::workspace::remove_tree;

/// How its folder's name begins.
const PREFIX: &str = ".kcode-bait-";
/// The file in it.
const SECRET: &str = "secret";
/// Longer paths fit into no socket's address (unix(7)).
const LONGEST_SOCKET_PATH: usize = 107;

/// Everything that is laid out; it is gone with this value.
pub(in crate::sandbox) struct Canary {
    folder: TempDir,
    /// Holds the lock.
    _secret: File,
    tcp: Option<TcpListener>,
    udp: Option<UdpSocket>,
    path_socket: Option<UnixListener>,
    abstract_socket: Option<UnixListener>,
    targets: Targets,
}

impl Canary {
    /// Lays it out, below `home` or, where that can't be written, in the folder of `scratch`. What this machine
    /// doesn't have, such as a loopback, can't be tried.
    ///
    /// # Errors
    /// When no file can be made.
    pub(in crate::sandbox) fn lay(home: Option<&Path>, scratch: &Path) -> io::Result<Self> {
        let run = scratch.parent().unwrap_or(scratch);
        // Kcode's own state usually lies in the home folder: then nothing else there is touched.
        let place = home.filter(|home| !run.starts_with(home)).unwrap_or(run);
        let named = Builder::new().prefix(PREFIX).clone();
        let folder = named.tempdir_in(place).or_else(|_| named.tempdir_in(run))?;
        let (begun, secret) = (folder.path().join("begun"), folder.path().join(SECRET));
        let mut file = File::create_new(&begun)?;
        file.write_all(b"nobody should read this\n")?;
        // Whoever finds it under its name finds it locked. Where nothing can be locked, nobody finds it free either.
        let _ = file.try_lock();
        fs::rename(&begun, &secret)?;
        let name = format!("kcode-bait-{}-{:016x}", std::process::id(), fastrand::u64(..));
        let tcp = TcpListener::bind("127.0.0.1:0").ok();
        let udp = UdpSocket::bind("127.0.0.1:0").ok();
        let path = folder.path().join("socket");
        let path_socket = (path.as_os_str().as_bytes().len() <= LONGEST_SOCKET_PATH).then(|| UnixListener::bind(&path));
        let address = SocketAddr::from_abstract_name(&name)?;
        let abstract_socket = UnixListener::bind_addr(&address).ok();
        let path_socket = path_socket.and_then(Result::ok);
        let targets = Targets {
            meant: None,
            broker: itself(),
            worker: None,
            secret,
            tcp: tcp.as_ref().and_then(|socket| socket.local_addr().ok()).map(|address| address.port()),
            udp: udp.as_ref().and_then(|socket| socket.local_addr().ok()).map(|address| address.port()),
            path_socket: path_socket.is_some().then_some(path),
            abstract_socket: abstract_socket.is_some().then_some(name),
            ipc: shared::namespace(),
            own: scratch.join("tmp"),
        };
        Ok(Self { folder, _secret: file, tcp, udp, path_socket, abstract_socket, targets })
    }

    pub(in crate::sandbox) fn targets(&self) -> Targets {
        self.targets.clone()
    }

    /// Adds what the prover couldn't see: whether anything of what it sent arrived.
    pub(in crate::sandbox) fn judge(self, proofs: &mut Vec<Proof>) {
        let arrived = [
            (
                "a TCP connection",
                self.tcp.is_some_and(|socket| arrived(|| socket.set_nonblocking(true), || socket.accept())),
            ),
            (
                "a datagram",
                self.udp.is_some_and(|socket| arrived(|| socket.set_nonblocking(true), || socket.recv(&mut [0; 1]))),
            ),
            ("a connection to a socket file", connected(self.path_socket.as_ref())),
            ("a connection to an abstract socket", connected(self.abstract_socket.as_ref())),
        ];
        let arrived: Vec<&str> = arrived.into_iter().filter(|(_, arrived)| *arrived).map(|(what, _)| what).collect();
        let detail =
            if arrived.is_empty() { "nothing came in".into() } else { format!("{} came in", arrived.join(", ")) };
        let attempt = "reach kcode's listeners on this machine".into();
        proofs.push(Proof { guards: Guard::Network, attempt, held: arrived.is_empty(), detail });
        // Closing it can fail only by leaving an empty folder behind.
        let _ = self.folder.close();
    }
}

/// Removes what killed processes left in `folder`.
pub fn clear_baits(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let left = entry.path();
        // Somebody else's is refused, a link too.
        if open_own(&left.join(SECRET)).is_ok_and(|secret| secret.try_lock().is_ok()) {
            let _ = remove_tree(&left);
        }
    }
}

fn connected(socket: Option<&UnixListener>) -> bool {
    socket.is_some_and(|socket| arrived(|| socket.set_nonblocking(true), || socket.accept()))
}

/// Whether there is something to take, without waiting for it.
fn arrived<T>(dont_wait: impl FnOnce() -> io::Result<()>, take: impl FnOnce() -> io::Result<T>) -> bool {
    dont_wait().and_then(|()| take().map(drop)).is_ok()
}
