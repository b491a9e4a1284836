//! How much memory processes took at most, as the kernel counts it (`VmHWM`, proc_pid_status(5)).

use std::fs;
use std::time::Duration;

/// The mark only ever rises, so that the last look before the end is what matters.
pub const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Peaks of a run, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peak {
    pub broker: u64,
    /// The largest process below the broker that is kcode itself.
    pub worker: u64,
}

impl Peak {
    /// Looks at the run of the broker `pid`.
    pub fn look(&mut self, pid: u32) {
        self.broker = self.broker.max(high_water(pid));
        for child in kcode_below(pid) {
            self.worker = self.worker.max(high_water(child));
        }
    }
}

fn high_water(pid: u32) -> u64 {
    field(pid, "VmHWM:").unwrap_or_default()
}

fn field(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn kcode_below(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return found };
    for task in tasks.flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
            found.push(child);
            found.extend(kcode_below(child));
        }
    }
    found.retain(|pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("__worker")));
    found
}
