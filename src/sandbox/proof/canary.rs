//! Canaries that the broker lays out for the prover: a secret in the home folder, and sockets that nobody may reach.
//!
//! The secret's file is locked while in use, so that leftovers of a killed kcode can be recognised.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use tempfile::{Builder, TempDir};

use super::shared_memory;
use super::targets::{Targets, itself};
use crate::journal::{Guard, Proof, open_own};
use crate::workspace::remove_tree;

/// Prefix of the canary's folder.
const PREFIX: &str = ".kcode-bait-";
/// The secret's file in it.
const SECRET: &str = "secret";
/// Longest path of a socket in bytes (unix(7)).
const LONGEST_SOCKET_PATH: usize = 107;

/// All canaries; dropping it removes them.
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
    /// Lays the canaries below `home` or, if that can't be written, in the parent of `scratch`. What the machine lacks,
    /// such as a loopback, isn't tested.
    ///
    /// # Errors
    /// If no file can be created.
    pub(in crate::sandbox) fn lay(home: Option<&Path>, scratch: &Path) -> io::Result<Self> {
        let run = scratch.parent().unwrap_or(scratch);
        // kcode's own state usually lies in the home folder; then nothing else there is touched.
        let place = home.filter(|home| !run.starts_with(home)).unwrap_or(run);
        let named = Builder::new().prefix(PREFIX).clone();
        let folder = named.tempdir_in(place).or_else(|_| named.tempdir_in(run))?;
        let (begun, secret) = (folder.path().join("begun"), folder.path().join(SECRET));
        let mut file = File::create_new(&begun)?;
        file.write_all(b"nobody should read this\n")?;
        // If locks aren't supported, nobody can lock it and remove it as a leftover either.
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
            ipc: shared_memory::namespace(),
            own: scratch.join("tmp"),
        };
        Ok(Self { folder, _secret: file, tcp, udp, path_socket, abstract_socket, targets })
    }

    pub(in crate::sandbox) fn targets(&self) -> Targets {
        self.targets.clone()
    }

    /// Adds the results that only the broker can see: whether anything that the prover sent arrived.
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
        // Can fail only by leaving an empty folder behind.
        let _ = self.folder.close();
    }
}

/// Removes canaries that killed processes left in `folder`.
pub fn clear_baits(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().as_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let left = entry.path();
        // Files of others and links are refused.
        if open_own(&left.join(SECRET)).is_ok_and(|secret| secret.try_lock().is_ok()) {
            let _ = remove_tree(&left);
        }
    }
}

fn connected(socket: Option<&UnixListener>) -> bool {
    socket.is_some_and(|socket| arrived(|| socket.set_nonblocking(true), || socket.accept()))
}

/// Whether something arrived, without waiting for it.
fn arrived<T>(dont_wait: impl FnOnce() -> io::Result<()>, take: impl FnOnce() -> io::Result<T>) -> bool {
    dont_wait().and_then(|()| take().map(drop)).is_ok()
}
