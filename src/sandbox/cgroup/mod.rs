//! A cgroup for everything that commands start: their total use is bounded, and all of it can be killed.
//!
//! Process limits don't bound a process tree. Cgroups (version 2, <https://docs.kernel.org/admin-guide/cgroup-v2.html>)
//! do, where a subtree was delegated to the user, as `systemd-run --user --scope -p Delegate=yes` does. No guard
//! depends on it. If there is none, the other limits apply alone and the layer says why.
//!
//! | File | What it is about |
//! |---|---|
//! | `choose` | which group this process is in, and whether it may make others there |
//! | `group` | making the commands' group, entering it, and its end |

mod choose;
mod group;

use std::fs;

pub(super) use group::{Cgroup, JOIN, join};

use super::confine::{PROCESSES, memory_limit};
use crate::journal::Layer;

const LAYER: &str = "cgroup";

/// The layer as the host reports it: whether the host really is in the cgroup.
pub(super) fn found(layer: Layer) -> Layer {
    let is_in = || fs::read_to_string("/proc/self/cgroup").is_ok_and(|groups| group::is_of_commands(&groups));
    if !layer.holds || is_in() {
        return layer;
    }
    Layer::missing(LAYER, "the kernel kept the worker out of it; rlimits alone")
}

/// The cgroup for a run's commands, if one is wanted and available, and the layer to report.
pub(super) fn prepare(wanted: bool) -> (Option<Cgroup>, Layer) {
    if !wanted {
        return (None, Layer::missing(LAYER, "not asked for"));
    }
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let made = read("/proc/self/cgroup")
        .and_then(|groups| choose::own(&groups, &read("/proc/self/mountinfo")?))
        .and_then(|own| Cgroup::make(&own, choose::is_ours));
    match made {
        Ok(group) => (Some(group), Layer::holding(LAYER, bounds())),
        Err(why) => (None, Layer::missing(LAYER, format!("{why}; rlimits alone"))),
    }
}

fn bounds() -> String {
    let memory = memory_limit() >> 30;
    format!("all commands together get {memory} GiB of memory and {PROCESSES} processes, and are killed together")
}
