//! Removes the keys from this process's environment, so that no child inherits one and no dump of it shows one.

use super::{Environment, key_variables};

/// Reads the environment once ([`Environment::from_process`] returns that copy from now on), then removes the variables
/// that hold keys. Call it before the process has a second thread.
///
/// The kernel's copy of the initial environment (`/proc/PID/environ`) can't be changed; see `cli::harden` for that.
pub fn seal_environment() {
    let _ = Environment::from_process();
    for variable in key_variables() {
        remove(variable);
    }
}

#[expect(unsafe_code, reason = "removing a variable is unsafe while other threads may read the environment")]
fn remove(variable: &str) {
    // SAFETY: the caller promises that there is no other thread.
    unsafe { std::env::remove_var(variable) }
}
