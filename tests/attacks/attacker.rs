//! Not a test of its own: the attacker inside the sandbox, for what a shell can't do. It passes when the attack succeeds.

use std::fs;
use std::net::UdpSocket;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, socket_with};

use crate::{others, raw};

/// Names the attack and its target.
const ROLE: &str = "KCODE_ATTACKS_ATTACK";

/// The line of shell that makes an attack.
pub fn line(attack: &str, target: &str) -> String {
    format!("{ROLE}='{attack} {target}' '@ATTACKER@' -q --exact attacker::play --test-threads=1")
}

#[test]
fn play() {
    let Ok(attack) = std::env::var(ROLE) else { return };
    let (attack, target) = attack.split_once(' ').unwrap();
    assert!(succeeds(attack, target), "{attack} is held");
}

fn succeeds(attack: &str, target: &str) -> bool {
    let pid = || target.parse::<usize>().unwrap();
    match attack {
        "control" => true,
        "tcp" => tcp(target),
        "udp" => UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", target)).is_ok(),
        "unix" => UnixStream::connect(target).is_ok(),
        "abstract" => SocketAddr::from_abstract_name(target).and_then(|it| UnixStream::connect_addr(&it)).is_ok(),
        "vsock" => makes(AddressFamily::VSOCK, SocketType::STREAM),
        "events" => raw::is_allowed(
            libc::SYS_socket,
            &[libc::AF_NETLINK as usize, libc::SOCK_RAW as usize, libc::NETLINK_KOBJECT_UEVENT as usize],
        ),
        "packet" => makes(AddressFamily::PACKET, SocketType::RAW),
        "raw-ip" => {
            let icmp = Some(rustix::net::ipproto::ICMP);
            socket_with(AddressFamily::INET, SocketType::RAW, SocketFlags::CLOEXEC, icmp).is_ok()
        }
        "ptrace" => ptrace(pid()),
        "read-memory" => reads_memory(pid()),
        "pidfd" => raw::call(libc::SYS_pidfd_open, &[pid()])
            .is_ok_and(|fd| raw::is_allowed(libc::SYS_pidfd_getfd, &[fd as usize])),
        "limits" => others::limits(pid()),
        "cpu-limit" => others::lowers_limit(pid()),
        "priority" => others::priority(pid()),
        "disk-priority" => others::disk_priority(pid()),
        "priority-of-all" => others::priority_of_all(),
        "scheduler" => others::scheduler(pid()),
        "processors" => others::processors(pid()),
        "own-limits" => others::own(),
        "mount" => mounts(),
        "hostname" => {
            let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
            let name = name.trim_end();
            raw::is_allowed(libc::SYS_sethostname, &[name.as_ptr() as usize, name.len()])
        }
        "bpf" => raw::is_allowed(libc::SYS_bpf, &[usize::MAX]),
        "io-uring" => raw::is_allowed(libc::SYS_io_uring_setup, &[1]),
        // The session's keyring, by its number.
        "keyring" => raw::is_allowed(libc::SYS_keyctl, &[0, 3_usize.wrapping_neg()]),
        "perf" => raw::is_allowed(libc::SYS_perf_event_open, &[0]),
        "userfault" => raw::is_allowed(libc::SYS_userfaultfd, &[usize::MAX]),
        "set-clock" => raw::is_allowed(libc::SYS_clock_adjtime, &[0]) && is_privileged(),
        // Only reserved, and let go of with the process.
        "reserve" => {
            let (access, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
            raw::call(libc::SYS_mmap, &[0, 1 << 40, access as usize, kind as usize, usize::MAX]).is_ok()
        }
        "descriptors" => forges_frames(),
        "handle" => raw::is_allowed(libc::SYS_open_by_handle_at, &[usize::MAX]) && is_privileged(),
        other => panic!("there is no attack {other}"),
    }
}

/// A refusal by address is one, too: nothing leads there.
fn tcp(target: &str) -> bool {
    let address = target.parse().unwrap();
    match std::net::TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::TimedOut,
    }
}

fn makes(family: AddressFamily, kind: SocketType) -> bool {
    socket_with(family, kind, SocketFlags::CLOEXEC, None::<Protocol>).is_ok()
}

fn ptrace(pid: usize) -> bool {
    let attached = raw::call(libc::SYS_ptrace, &[libc::PTRACE_SEIZE as usize, pid]).is_ok();
    // Whoever ends lets go of what it traces.
    attached
}

/// Permission is checked before the address; nothing is there to be read.
fn reads_memory(pid: usize) -> bool {
    let mut byte = 0_u8;
    let local = [std::ptr::from_mut(&mut byte) as usize, 1];
    let remote = [4096_usize, 1];
    let result =
        raw::call(libc::SYS_process_vm_readv, &[pid, local.as_ptr() as usize, 1, remote.as_ptr() as usize, 1, 0]);
    result.is_ok() || result.is_err_and(|error| error.raw_os_error() == Some(libc::EFAULT))
}

fn mounts() -> bool {
    fs::create_dir_all("mounted").unwrap();
    let mounted = mount("tmpfs", "mounted", "tmpfs", MountFlags::empty(), c"size=4k").is_ok();
    if mounted {
        unmount("mounted", UnmountFlags::DETACH).unwrap();
    }
    mounted
}

fn is_privileged() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    !status.lines().any(|line| line == "CapEff:\t0000000000000000")
}

/// A test that finds a way to speak to the broker says that all is well.
fn forges_frames() -> bool {
    let json = br#"{"type":"tests_ran","id":1,"run":{"exit_code":0}}"#;
    let frame = [&(json.len() as u32).to_be_bytes()[..], json].concat();
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let sockets =
        descriptors.filter(|it| fs::read_link(it.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:")));
    let numbers = sockets.filter_map(|socket| socket.file_name().to_str()?.parse::<usize>().ok());
    let forged: Vec<_> =
        numbers.filter(|fd| raw::call(libc::SYS_write, &[*fd, frame.as_ptr() as usize, frame.len()]).is_ok()).collect();
    !forged.is_empty()
}
