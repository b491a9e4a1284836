//! System calls that the kernel refuses to commands, and those that tests need.

use std::fs;

use kcode::sandbox::Worker;

use super::layers::refuse_namespaces;
use super::world::World;
use crate::support::skipped::{Need, given, has_program};

/// Each line: a name, then what has to fail with EPERM. Numbers are x86-64's.
const REFUSED: &str = "
ptrace: call(101, 16, os.getppid(), 0, 0)
process_vm_readv: call(310, os.getppid(), 0, 0, 0, 0, 0)
pidfd_getfd: call(438, 0, 0, 0)
mount: call(165, 0, 0, 0, 0, 0)
umount: call(166, 0, 0)
pivot_root: call(155, 0, 0)
fsopen: call(430, 0, 0)
move_mount: call(429, 0, 0, 0, 0, 0)
setns: call(308, 0, 0)
unshare: call(272, 0x10000000)
clone: call(56, 0x10000000 | 17, 0, 0, 0, 0)
keyctl: call(250, 0, -3, 0)
add_key: call(248, 0, 0, 0, 0, 0)
request_key: call(249, 0, 0, 0, 0)
io_uring: call(425, 1, 0)
bpf: call(321, 0, 0, 0)
perf_event_open: call(298, 0, 0, 0, 0, 0)
userfaultfd: call(323, 0)
kexec: call(246, 0, 0, 0, 0)
init_module: call(175, 0, 0, 0)
packet socket: call(41, 17, 3, 0)
vsock: call(41, 40, 1, 0)
crypto socket: call(41, 38, 5, 0)
netlink audit: call(41, 16, 3, 9)
raw socket: call(41, 2, 3, 1)
typing into a terminal: call(16, 0, 0x5412, 0)
";

/// Calls the kernel as `name: call(number, …)` says, and prints what isn't refused with `EPERM`.
fn script(refused: &str) -> String {
    let calls: Vec<String> = refused
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, call)| format!("attempt('{name}', lambda: {call})\n"))
        .collect();
    let calls = calls.concat();
    format!(
        "import ctypes, os\n\
         libc = ctypes.CDLL(None, use_errno=True)\n\
         def call(*numbers): return libc.syscall(*map(ctypes.c_long, numbers)), ctypes.get_errno()\n\
         def attempt(name, what):\n    \
             result, error = what()\n    \
             if result == 0 and name == 'clone': os._exit(0)\n    \
             if (result, error) != (-1, 1): print(name, result, error)\n\
         {calls}\
         if call(435, 0, 0) != (-1, 38): print('clone3 is known')\n\
         print('done')\n"
    )
}

async fn run(world: &World, python: &str) -> Option<String> {
    fs::write(world.view().join("script.py"), python).unwrap();
    if !has_program("python3") {
        return None;
    }
    let (worker, _) = Worker::start(world.plan("python3 script.py")).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    Some(world.log(&run))
}

#[tokio::test]
async fn calls_that_reach_into_processes_or_the_kernel_are_refused() {
    if !given(Need::Other("an x86-64 machine"), cfg!(target_arch = "x86_64")) {
        return;
    }
    let world = World::new();
    let Some(log) = run(&world, &script(REFUSED)).await else { return };
    assert_eq!(log, "done\n");
}

#[tokio::test]
async fn the_same_calls_are_refused_without_namespaces_and_so_is_every_socket() {
    refuse_namespaces();
    if !given(Need::Other("an x86-64 machine"), cfg!(target_arch = "x86_64")) {
        return;
    }
    let world = World::new();
    let sockets =
        "unix: call(41, 1, 1, 0)\ntcp: call(41, 2, 1, 0)\nudp: call(41, 10, 2, 0)\nroutes: call(41, 16, 3, 0)\n";
    let python =
        script(&format!("{REFUSED}{sockets}")) + "import socket\nends = socket.socketpair(); ends[0].send(b'x')\n";
    let Some(log) = run(&world, &python).await else { return };
    assert_eq!(log, "done\n");
}

#[tokio::test]
async fn network_interfaces_can_be_listed_and_threads_be_made() {
    let world = World::new();
    let python = "import socket, threading, subprocess, os\n\
                  assert [name for _, name in socket.if_nameindex()].count('lo') == 1\n\
                  socket.getaddrinfo('localhost', 80)\n\
                  thread = threading.Thread(target=lambda: None); thread.start(); thread.join()\n\
                  assert subprocess.run(['true']).returncode == 0 and os.posix_spawn('/bin/true', ['true'], {}) > 0\n";
    let Some(log) = run(&world, python).await else { return };
    assert_eq!(log, "");
}
