//! The first thing that the broker does: it closes itself to other processes, and keeps its keys to itself.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::settings::seal_environment;

/// Nobody but root may read this process's memory or the environment it was started with, trace it, or make it leave
/// a core dump; and its keys leave the environment that its children get. Has to come before the first thread.
///
/// Each step is worth having without the others, so that one that fails doesn't end the program: the worker's proof
/// tells what holds.
pub fn harden() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    seal_environment();
}
