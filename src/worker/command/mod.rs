//! Running the test command: started inside its own domain, watched, bounded, and gone afterwards.
//!
//! Whatever ends it (its own exit, the deadline, silence, a cancel), what it wrote until then is
//! kept: all of it in the log, head and tail in memory, the failing tests in the excerpt.

mod enter;
mod excerpt;
mod output;
mod runner;
mod watch;

pub(super) use enter::{ENTER, enter};
pub(super) use runner::Runner;
