//! A control group for everything that commands start: what they take together is bounded, and all of it can be killed.
//!
//! Limits of a process bound no tree of them. The kernel's control groups (version 2,
//! <https://docs.kernel.org/admin-guide/cgroup-v2.html>) do, where a part of their tree was delegated to the user:
//! `systemd-run --user --scope -p Delegate=yes` does that. No guard depends on it. Where it can't be had, the other
//! limits stand alone, and the layer says why.
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

/// The name of the layer.
const LAYER: &str = "cgroup";

/// What a host says of the layer once it is there: whether it really is in the group.
pub(super) fn found(layer: Layer) -> Layer {
    let is_in = || fs::read_to_string("/proc/self/cgroup").is_ok_and(|groups| group::is_of_commands(&groups));
    if !layer.holds || is_in() {
        return layer;
    }
    Layer::missing(LAYER, "the kernel kept the worker out of it; rlimits alone")
}

/// The group for a run's commands, if one is wanted and there can be one, and what to report of it.
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
