//! Attacks on limits and priorities of other processes of the user: the kernel kills a process beyond its limits, so that
//! whoever sets them needs no signal.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::attacker::line;
use crate::broker::Assignment;
use crate::raw;
use crate::setups::{play, setups_with_overlays, together, unguarded};
use crate::world::World;

/// Of ioprio_set(2), which names whom it is about by such a number.
const IOPRIO_WHO_PROCESS: usize = 1;
const IOPRIO_WHO_USER: usize = 3;
/// Of no class, so that the kernel objects to it where it doesn't object to the caller.
const NO_CLASS: usize = 7 << 13;

/// Sets a limit to what it is.
pub fn limits(pid: usize) -> bool {
    let mut now = [0_u64; 2];
    let resource = libc::RLIMIT_NOFILE as usize;
    raw::call(libc::SYS_prlimit64, &[pid, resource, 0, now.as_mut_ptr() as usize]).is_ok()
        && raw::call(libc::SYS_prlimit64, &[pid, resource, now.as_ptr() as usize, 0]).is_ok()
}

/// Lowers one for good.
pub fn lowers_limit(pid: usize) -> bool {
    let new = [9_999_u64; 2];
    raw::call(libc::SYS_prlimit64, &[pid, libc::RLIMIT_CPU as usize, new.as_ptr() as usize, 0]).is_ok()
}

/// Sets it to what it is, as do the next ones.
pub fn priority(pid: usize) -> bool {
    let process = libc::PRIO_PROCESS as usize;
    let now = raw::call(libc::SYS_getpriority, &[process, pid]);
    now.is_ok_and(|now| raw::call(libc::SYS_setpriority, &[process, pid, (20 - now) as usize]).is_ok())
}

pub fn disk_priority(pid: usize) -> bool {
    let now = raw::call(libc::SYS_ioprio_get, &[IOPRIO_WHO_PROCESS, pid]);
    now.is_ok_and(|now| raw::call(libc::SYS_ioprio_set, &[IOPRIO_WHO_PROCESS, pid, now as usize]).is_ok())
}

/// Names everything that the user runs, and changes nothing.
pub fn priority_of_all() -> bool {
    raw::is_allowed(libc::SYS_ioprio_set, &[IOPRIO_WHO_USER, 0, NO_CLASS])
}

pub fn scheduler(pid: usize) -> bool {
    let usual = [0_i32];
    raw::call(libc::SYS_sched_setscheduler, &[pid, libc::SCHED_OTHER as usize, usual.as_ptr() as usize]).is_ok()
}

pub fn processors(pid: usize) -> bool {
    let mut now = [0_u64; 128];
    let size = raw::call(libc::SYS_sched_getaffinity, &[pid, size_of_val(&now), now.as_mut_ptr() as usize]);
    size.is_ok_and(|size| raw::call(libc::SYS_sched_setaffinity, &[pid, size as usize, now.as_ptr() as usize]).is_ok())
}

/// What a program may do with itself.
pub fn own() -> bool {
    limits(0) && priority(0) && disk_priority(0) && scheduler(0) && processors(0)
}

/// A process of the world's user that has nothing to do with kcode.
struct Bystander(Child);

impl Bystander {
    fn of(world: &World) -> Self {
        let mut sleep = Command::new("sleep");
        sleep.arg("600").stdin(Stdio::null());
        if let Some(uid) = world.uid {
            sleep.uid(uid).gid(uid);
        }
        Self(sleep.spawn().unwrap())
    }

    /// Its limits, and how it is scheduled.
    fn state(&self) -> String {
        let read = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", self.0.id())).unwrap();
        let (stat, status) = (read("stat"), read("status"));
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let allowed = status.lines().find(|line| line.starts_with("Cpus_allowed:")).unwrap();
        // Priority and niceness; the policy.
        format!("{}\n{} {} {}\n{allowed}", read("limits"), fields[15], fields[16], fields[38])
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const ON_OTHERS: [&str; 6] = ["limits", "cpu-limit", "priority", "disk-priority", "scheduler", "processors"];

fn script(bystander: u32) -> String {
    let mut script = String::new();
    for target in [bystander.to_string(), "@BROKER@".into(), "@HOST@".into()] {
        // The worker of another process namespace may have the number of one of the command's own.
        let attacks = ON_OTHERS.iter().filter(|attack| **attack != "cpu-limit" || target == bystander.to_string());
        for attack in attacks {
            writeln!(script, "if ({}) > /dev/null 2>&1; then echo open {attack} {target}; fi", line(attack, &target))
                .unwrap();
        }
    }
    writeln!(script, "if ({}) > /dev/null 2>&1; then echo all; fi", line("priority-of-all", "0")).unwrap();
    let own = [&*line("own-limits", "0"), "nice -n 3 true", "ulimit -n 100", "ionice -c 3 true"];
    for (number, command) in own.iter().enumerate() {
        writeln!(script, "({command}) > /dev/null 2>&1 || echo lost {number}").unwrap();
    }
    script + "echo done\nexit 0\n"
}

#[test]
fn nobody_sets_limits_or_priorities_of_others() {
    together(setups_with_overlays(), |setup| {
        let world = setup.world();
        let bystander = Bystander::of(&world);
        let before = bystander.state();
        let script = script(bystander.0.id());
        let outcome =
            play(setup, &world, Assignment { run: world.run(), script, deadline_s: 60, ..Assignment::default() });
        assert_eq!(before, bystander.state(), "{setup}");
        // What counts all of a user's processes sees only the command's own in a process namespace of its own.
        let all = if outcome.holds("cells") { "all\n" } else { "" };
        assert_eq!(outcome.log, format!("{all}done\n"), "{setup}: {:?}", outcome.wall);
        assert!(outcome.wall.process, "{setup}: {:?}", outcome.wall);
        let tried = ["limits", "priority", "processors"].map(|what| format!("change the {what}"));
        for what in tried {
            let mut proofs = outcome.wall.proof.iter().filter(|proof| proof.attempt.starts_with(&what)).peekable();
            assert!(proofs.peek().is_some() && proofs.all(|proof| proof.held), "{setup}, {what}: {:?}", outcome.wall);
        }
    });
}

#[test]
fn without_a_sandbox_they_do() {
    let setup = unguarded();
    let world = setup.world();
    let bystander = Bystander::of(&world);
    let before = bystander.state();
    let script = script(bystander.0.id());
    let outcome = play(setup, &world, Assignment { run: world.run(), script, deadline_s: 60, ..Assignment::default() });
    for attack in ON_OTHERS {
        assert!(outcome.log.contains(&format!("open {attack} ")), "{attack}: {}", outcome.log);
    }
    assert!(outcome.log.contains("all\n") && before != bystander.state(), "{}", outcome.log);
}
