//! The first thing that the broker does: it closes itself to other processes, and keeps its keys to itself.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::settings::seal_environment;

/// Prevents everybody but root from reading this process's memory and initial environment, from tracing it and from
/// making it dump core; removes its keys from the environment that its children get. Call it before the first thread
/// starts.
///
/// Each step is useful without the others, so a failure doesn't end the program: the worker's proof shows what holds.
pub(super) fn harden() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    seal_environment();
}
