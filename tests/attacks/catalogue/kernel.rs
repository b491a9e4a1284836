//! Attacks on the kernel and its settings. None does anything where it succeeds: what is opened is not written, what is
//! set is set to what it is.

use super::{Attack, Needs, held};
use crate::attacker::line;
use crate::world::World;

pub fn attacks(world: &World) -> Vec<Attack> {
    let mark = &world.mark;
    vec![
        held("mounts", line("mount", "here")).seldom(),
        held("makes a user namespace", "unshare --user true").needs(Needs::Seccomp).seldom(),
        held("makes a mount namespace", "unshare --mount true").seldom(),
        held("changes its root", "chroot / true").seldom(),
        held("sets the host's name", line("hostname", "same")).seldom(),
        held("opens what runs after a crash", ": >> /proc/sys/kernel/core_pattern").seldom(),
        held("opens the magic key", ": >> /proc/sysrq-trigger").seldom(),
        held("opens the kernel's memory", ": < /dev/mem").seldom(),
        held("opens the kernel's log", ": < /dev/kmsg").seldom(),
        held("makes a control group", format!("mkdir /sys/fs/cgroup/{mark} && rmdir /sys/fs/cgroup/{mark}")).seldom(),
        held("loads a program into the kernel", line("bpf", "any")).needs(Needs::Seccomp).seldom(),
        held("opens a ring of system calls", line("io-uring", "any")).needs(Needs::Seccomp).seldom(),
        held("opens the keyring of the session", line("keyring", "any")).needs(Needs::Seccomp).seldom(),
        held("measures the machine", line("perf", "any")).needs(Needs::Seccomp).seldom(),
        held("handles page faults", line("userfault", "any")).needs(Needs::Seccomp).seldom(),
        held("opens files by their number", line("handle", "any")).seldom(),
        held("may gain privileges", "grep -q 'NoNewPrivs:.*0' /proc/self/status"),
        held("has a capability", "grep -q 'CapEff:.*[1-9a-f]' /proc/self/status").seldom(),
        held("may get a capability", "grep -q 'CapPrm:.*[1-9a-f]' /proc/self/status").seldom(),
    ]
}
