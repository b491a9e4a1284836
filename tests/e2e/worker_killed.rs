//! Any one of a worker's processes is killed, or held on to by the kernel: tests end at once, and kcode says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};

use crate::processes::Process;
use crate::ran::Kept;
use crate::running::{Running, wait_until};
use crate::setups::setups;
use crate::support::kimi::{Answer, MockKimi};
use crate::support::skipped::{Need, skipped};
use crate::tree::Tree;
use crate::world::{EDIT, TASK, World};

/// A run whose tests sleep, until they do; the model goes on once.
pub fn sleeping(world: &World) -> (MockKimi, Running) {
    sleeping_for(world, "20m")
}

/// The same, in a run that may take so long.
fn sleeping_for(world: &World, max_time: &str) -> (MockKimi, Running) {
    world.write_test("(setsid sleep 1001 &); sleep 1002");
    world.commit_all();
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done."), Answer::text("I give up.")]);
    let arguments = ["fix", TASK, "--no-baseline", "--max-time", max_time, "--sandbox", world.setup.sandbox()];
    let running = world.start(world.keyed(&kimi, &arguments));
    wait_until("both sleep", || sleepers(&running).len() == 2);
    (kimi, running)
}

pub fn sleepers(running: &Running) -> Vec<Process> {
    running.descendants().into_iter().filter(|process| process.name == "sleep").collect()
}

/// The process of the worker that is called `part`.
pub fn part(running: &Running, part: &str) -> Process {
    let command = |process: &Process| fs::read_to_string(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
    let marks = format!("\0__worker\0{part}\0");
    let mut found = running.descendants().into_iter().filter(|process| {
        let command = command(process);
        // Bwrap is told what to start by arguments as well.
        process.name != "bwrap" && command.contains(&marks)
    });
    found.next().unwrap_or_else(|| panic!("there is no {part:?}"))
}

#[test]
fn tests_end_with_any_process_that_stands_between() {
    for name in ["supervisor", "host", "door", "init"] {
        let world = World::new();
        let (_kimi, running) = sleeping(&world);
        let before = Tree::of(&world.root());
        let family = running.descendants();
        let tests = sleepers(&running);
        kill_process(Pid::from_raw(part(&running, name).pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
        wait_until("the tests are gone", || tests.iter().all(|process| !process.lives()));
        // Without the worker there is no run; without a command its tests have failed, and the model gives up.
        let is_of_command = ["door", "init"].contains(&name);
        let ran = running.wait().code(if is_of_command { 5 } else { 1 });
        wait_until("the worker is gone", || family.iter().all(|process| !process.lives()));
        before.assert_same(&Tree::of(&world.root()));
        crate::laws::hold(&world, &ran);
        if is_of_command {
            let journal = ran.kept().journal();
            let tests = journal.iter().find(|record| record["type"] == "tests_ran").unwrap();
            assert!(tests["exit_code"].is_null(), "{tests}");
        } else {
            // The outermost hands on how the host ended, as a shell would.
            let how = if name == "host" { "exit status: 137" } else { "signal: 9 (SIGKILL)" };
            ran.says(&[&format!("the worker process died ({how})")]);
        }
    }
}

#[test]
fn tests_end_with_the_outermost_process_while_the_host_is_stopped() {
    for setup in setups().into_iter().filter(|setup| setup.uid.is_none()) {
        let world = World::new().used_by(setup);
        let (_kimi, running) = sleeping(&world);
        let (family, tests) = (running.descendants(), sleepers(&running));
        let (host, outermost) = (part(&running, "host"), part(&running, "supervisor"));
        for (process, signal) in [(host, Signal::STOP), (outermost, Signal::KILL)] {
            kill_process(Pid::from_raw(process.pid.cast_signed()).unwrap(), signal).unwrap();
        }
        wait_until(&format!("{setup}: the tests are gone"), || tests.iter().all(|process| !process.lives()));
        running.wait().code(1).says(&["the worker process died"]);
        wait_until(&format!("{setup}: the worker is gone"), || family.iter().all(|process| !process.lives()));
    }
}

/// A control group whose processes the kernel doesn't let run, not even to die.
struct Freezer(PathBuf);

impl Freezer {
    /// `None` where there are none of version 1, which alone hold back a kill, or they aren't this user's.
    fn make() -> Option<Self> {
        let group = Path::new("/sys/fs/cgroup/freezer").join(format!("kcode-test-{}", std::process::id()));
        fs::create_dir(&group).ok().map(|()| Self(group))
    }

    fn freeze(&self, processes: &[Process]) {
        for process in processes {
            fs::write(self.0.join("cgroup.procs"), process.pid.to_string()).unwrap();
        }
        self.set("FROZEN");
    }

    fn set(&self, state: &str) {
        fs::write(self.0.join("freezer.state"), state).unwrap();
        let is = || fs::read_to_string(self.0.join("freezer.state")).is_ok_and(|now| now.trim() == state);
        wait_until(&format!("the group is {state}"), is);
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("freezer.state"), "THAWED");
        let gone = Instant::now() + Duration::from_secs(10);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < gone {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_worker_that_can_not_be_killed_is_not_waited_for() {
    let Some(freezer) = Freezer::make() else {
        assert!(!getuid().is_root() || !Path::new("/sys/fs/cgroup/freezer").exists());
        skipped(Need::Other("root and control groups of version 1, for a worker in state D"));
        return;
    };
    // Where the run's own time ends it, there is some left to freeze the worker in.
    for (max_time, code) in [("20m", 130), ("15s", 6)] {
        let world = World::new();
        let (_kimi, running) = sleeping_for(&world, max_time);
        let family = running.descendants();
        freezer.freeze(&family);
        if code == 130 {
            running.signal(Signal::INT);
        }
        // A run that waited for it would not end at all.
        let ran = running.wait().code(code);
        assert!(family.iter().any(Process::lives), "the attack is none");
        let kept = Kept(world.runs().remove(0));
        let residue = kept.journal().iter().find(|record| record["type"] == "residue").cloned().unwrap();
        assert_eq!(residue["survivors"], 1, "{}", ran.stderr());
        freezer.set("THAWED");
        wait_until("the worker is gone", || family.iter().all(|process| !process.lives()));
    }
}
