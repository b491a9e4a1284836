//! Which system calls commands don't get: those that reach into other processes or into the kernel itself.
//!
//! A list of what is refused, not of what is allowed: test suites of any language run here, and a call
//! that the kernel learns next year must not break them. What the list has to keep out is small, and other layers
//! stand behind it: no capabilities, namespaces, Landlock.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::io;

use rustix::thread::secure_computing_mode;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use serde::{Deserialize, Serialize};

/// Which sockets a command may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum Sockets {
    /// Those of a network namespace that leads nowhere.
    OfOwnNetwork,
    /// None but pairs: every network there is would be the machine's, and so would every path to a local service.
    Pairs,
}

/// Which processes a command's numbers name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Processes {
    /// None but the command's own: its process namespace has no others.
    Own,
    /// Others of the machine or of the sandbox, the worker among them.
    Others,
}

/// Refused whatever their arguments.
const REFUSED: [libc::c_long; 50] = [
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    // What is mounted where, and in which namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    // Keys of the user's session.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Large parts of the kernel with a history of holes, or ways past this very filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    // The machine itself.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
];
/// System V's and POSIX's ways to share memory, counters and messages by number or name. Refused where they would be the
/// machine's: there they reach what other programs of the user share, and outlive the command.
const SHARED: [libc::c_long; 14] = [
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_mq_notify,
];
/// Their first argument is a process that they change; 0 is the caller.
const CHANGE_PROCESS: [libc::c_long; 6] = [
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];
/// Their first argument says what the second one numbers: a process, a group or a user. With the value for a process.
const CHANGE_ANY: [(libc::c_long, u64); 2] =
    [(libc::SYS_setpriority, libc::PRIO_PROCESS as u64), (libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS)];
/// Of ioprio_set(2), which names whom it is about by such a number.
const IOPRIO_WHO_PROCESS: u64 = 1;
/// Since Linux 6.15; the same number everywhere.
const OPEN_TREE_ATTR: libc::c_long = 467;
/// The same calls have a second number in programs with short pointers, if an x86 kernel lets such programs run.
const X32: i64 = 0x4000_0000;

/// Flags of clone(2) and unshare(2) that make namespaces.
const NEW_NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];
/// Of a socket's type, without its flags.
const SOCKET_TYPE: u64 = 0xf;
/// Typing into the terminal that a descriptor is of.
const TYPE_INTO: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Result<T> = std::result::Result<T, seccompiler::BackendError>;

/// Refuses the calls to this thread and all that it starts; says so.
///
/// # Errors
/// When this kernel has no such filters, or the processor is one that isn't known here.
pub(super) fn enter(sockets: Sockets, processes: Processes) -> io::Result<String> {
    let arch = ARCH.try_into().map_err(io::Error::other)?;
    let programs = programs(sockets, processes, arch).map_err(io::Error::other)?;
    for program in &programs {
        apply_filter(program).map_err(io::Error::other)?;
    }
    let sockets = match sockets {
        Sockets::OfOwnNetwork => "",
        Sockets::Pairs => ", no System V IPC, and no sockets: tests with local servers fail",
    };
    Ok(format!("no tracing, mounting, namespaces, key rings or kernel interfaces{sockets}"))
}

/// Whether this kernel has such filters.
pub(super) fn is_there() -> bool {
    secure_computing_mode().is_ok()
}

fn programs(sockets: Sockets, processes: Processes, arch: TargetArch) -> Result<[BpfProgram; 2]> {
    let refused = filter(refused(sockets, processes)?, libc::EPERM, arch)?;
    // Its flags lie in memory, where no filter can look. Without it the C libraries fall back on `clone`.
    let unknown = filter(Rules::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS, arch)?;
    Ok([refused, unknown])
}

fn filter(mut rules: Rules, errno: libc::c_int, arch: TargetArch) -> Result<BpfProgram> {
    if arch == TargetArch::x86_64 {
        let again: Vec<_> = rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        rules.extend(again);
    }
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch)?.try_into()
}

fn refused(sockets: Sockets, processes: Processes) -> Result<Rules> {
    let mut rules: Rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let spaces: Vec<SeccompRule> =
        NEW_NAMESPACES.iter().map(|flag| rule(&[(0, masked(*flag as u64), *flag as u64)])).collect::<Result<_>>()?;
    rules.insert(libc::SYS_clone, spaces.clone());
    rules.insert(libc::SYS_unshare, spaces);
    let typing = TYPE_INTO.iter().map(|request| rule(&[(1, SeccompCmpOp::Eq, *request)])).collect::<Result<_>>()?;
    rules.insert(libc::SYS_ioctl, typing);
    rules.insert(libc::SYS_socket, refused_sockets(sockets)?);
    if sockets == Sockets::Pairs {
        rules.extend(SHARED.map(|call| (call, Vec::new())));
    }
    if processes == Processes::Others {
        rules.extend(changing_others()?);
    }
    Ok(rules)
}

/// Limits and priorities of anybody but the caller. No filter can tell the caller's own number, nor those of its threads and
/// children, from others: they are refused as well.
fn changing_others() -> Result<Rules> {
    let is_other = |place| (place, SeccompCmpOp::Ne, 0);
    let mut rules = Rules::new();
    for call in CHANGE_PROCESS {
        rules.insert(call, vec![rule(&[is_other(0)])?]);
    }
    for (call, process) in CHANGE_ANY {
        rules.insert(call, vec![rule(&[is_other(1)])?, rule(&[(0, SeccompCmpOp::Ne, process)])?]);
    }
    // Without new limits it only tells what they are.
    let new = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![other, new])?]);
    Ok(rules)
}

/// An empty list refuses all.
fn refused_sockets(sockets: Sockets) -> Result<Vec<SeccompRule>> {
    if sockets == Sockets::Pairs {
        return Ok(Vec::new());
    }
    let is_not = |family: libc::c_int| (0, SeccompCmpOp::Ne, family as u64);
    let routes = is_not(libc::AF_NETLINK);
    Ok(vec![
        rule(&[is_not(libc::AF_UNIX), is_not(libc::AF_INET), is_not(libc::AF_INET6), routes.clone()])?,
        // Runtimes list network interfaces through the kernel's routing tables, here the namespace's own.
        rule(&[(0, SeccompCmpOp::Eq, libc::AF_NETLINK as u64), (2, SeccompCmpOp::Ne, libc::NETLINK_ROUTE as u64)])?,
        rule(&[routes, (1, masked(SOCKET_TYPE), libc::SOCK_RAW as u64)])?,
    ])
}

const fn masked(mask: u64) -> SeccompCmpOp {
    SeccompCmpOp::MaskedEq(mask)
}

/// Matches when all arguments, given by place, compare so.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule> {
    let conditions = conditions
        .iter()
        .map(|(place, compare, value)| SeccompCondition::new(*place, SeccompCmpArgLen::Dword, compare.clone(), *value))
        .collect::<Result<_>>()?;
    SeccompRule::new(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_name_a_call_are_refused() {
        let rules = refused(Sockets::Pairs, Processes::Others).unwrap();
        assert!(rules[&libc::SYS_socket].is_empty() && rules[&libc::SYS_clone].len() == NEW_NAMESPACES.len());
        let numbers = |program: &BpfProgram| program.iter().map(|step| i64::from(step.k)).collect::<Vec<_>>();
        let program = filter(rules, libc::EPERM, TargetArch::x86_64).unwrap();
        for call in [libc::SYS_ptrace, libc::SYS_ptrace | X32, libc::SYS_socket | X32] {
            assert!(numbers(&program).contains(&call), "{call}");
        }
    }

    #[test]
    fn programs_fit_into_the_kernel() {
        for sockets in [Sockets::OfOwnNetwork, Sockets::Pairs] {
            for arch in [TargetArch::x86_64, TargetArch::aarch64] {
                assert!(programs(sockets, Processes::Others, arch).unwrap().iter().all(|program| program.len() < 4096));
            }
        }
    }
}
