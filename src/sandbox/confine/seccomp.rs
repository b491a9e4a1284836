//! The system calls that commands are refused: those that affect other processes or the kernel itself.
//!
//! This is a deny-list, because test suites of any language run here and future system calls must not break them. It
//! can be small because other layers remain: no capabilities, namespaces, Landlock.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::io;

use rustix::thread::secure_computing_mode;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};
use serde::{Deserialize, Serialize};

/// The sockets that a command may create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum Sockets {
    /// Those of a network namespace that leads nowhere.
    OfOwnNetwork,
    /// Only socket pairs: every network would be the machine's, and every path might lead to a local service.
    Pairs,
}

/// The processes that a command can name by PID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Processes {
    /// Only the command's own, in its PID namespace.
    Own,
    /// Others of the machine or the sandbox, the worker among them.
    Others,
}

/// Refused whatever their arguments.
const REFUSED: [libc::c_long; 50] = [
    // Access to other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    // Mounts and namespaces.
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
    // Large parts of the kernel with a history of vulnerabilities, or ways around this filter.
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
/// System V and POSIX shared memory, semaphores and queues. Refused where the objects would be the machine's: they
/// reach other programs of the user, and outlive the command.
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
/// Calls whose first argument is the PID of a process to change; 0 is the caller.
const CHANGE_PROCESS: [libc::c_long; 6] = [
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];
/// Calls whose first argument says whether the second is a process, group or user; with the value for a process.
const CHANGE_ANY: [(libc::c_long, u64); 2] =
    [(libc::SYS_setpriority, libc::PRIO_PROCESS as u64), (libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS)];
/// `which` of ioprio_set(2) for a process.
const IOPRIO_WHO_PROCESS: u64 = 1;
/// Since Linux 6.15; the same number on every architecture.
const OPEN_TREE_ATTR: libc::c_long = 467;
/// Bit in the numbers of the same calls from x32 programs, if an x86-64 kernel runs them.
const X32: i64 = 0x4000_0000;

/// Flags of clone(2) and unshare(2) that create namespaces.
const NEW_NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];
/// Mask for a socket's type without its flags.
const SOCKET_TYPE: u64 = 0xf;
/// ioctl requests that inject input into a terminal.
const TYPE_INTO: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Result<T> = std::result::Result<T, seccompiler::BackendError>;

/// Installs the filter for this thread and its children; returns a description.
///
/// # Errors
/// If the kernel has no seccomp filters, or the architecture isn't supported.
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

/// Whether this kernel has seccomp filters.
pub(super) fn is_there() -> bool {
    secure_computing_mode().is_ok()
}

fn programs(sockets: Sockets, processes: Processes, arch: TargetArch) -> Result<[BpfProgram; 2]> {
    let refused = filter(refused(sockets, processes)?, libc::EPERM, arch)?;
    // Its flags are in memory, which filters can't read. With `ENOSYS`, C libraries fall back to `clone`.
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

/// Refuses to change limits and priorities of others. A filter can't recognise the caller's own PID, nor those of its
/// threads and children, so they are refused as well.
fn changing_others() -> Result<Rules> {
    let is_other = |place| (place, SeccompCmpOp::Ne, 0);
    let mut rules = Rules::new();
    for call in CHANGE_PROCESS {
        rules.insert(call, vec![rule(&[is_other(0)])?]);
    }
    for (call, process) in CHANGE_ANY {
        rules.insert(call, vec![rule(&[is_other(1)])?, rule(&[(0, SeccompCmpOp::Ne, process)])?]);
    }
    // Without new limits it only reads them.
    let new = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![other, new])?]);
    Ok(rules)
}

/// Rules for refused sockets; an empty list refuses all.
fn refused_sockets(sockets: Sockets) -> Result<Vec<SeccompRule>> {
    if sockets == Sockets::Pairs {
        return Ok(Vec::new());
    }
    let is_not = |family: libc::c_int| (0, SeccompCmpOp::Ne, family as u64);
    let routes = is_not(libc::AF_NETLINK);
    Ok(vec![
        rule(&[is_not(libc::AF_UNIX), is_not(libc::AF_INET), is_not(libc::AF_INET6), routes.clone()])?,
        // Runtimes list network interfaces through routing netlink, which shows only this namespace's.
        rule(&[(0, SeccompCmpOp::Eq, libc::AF_NETLINK as u64), (2, SeccompCmpOp::Ne, libc::NETLINK_ROUTE as u64)])?,
        rule(&[routes, (1, masked(SOCKET_TYPE), libc::SOCK_RAW as u64)])?,
    ])
}

const fn masked(mask: u64) -> SeccompCmpOp {
    SeccompCmpOp::MaskedEq(mask)
}

/// A rule that matches if all arguments, given by index, satisfy their conditions.
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
