//! Running the test command: started inside its own walls, watched, bounded, and gone afterwards.
//!
//! Whatever ends it (its own exit, the deadline, silence, a cancel), what it wrote until then is
//! kept: beginning and end in the log, less of them in memory, the failing tests in the excerpt.
//!
//! | File | What it is about |
//! |---|---|
//! | `runner`, `executor` | who asks for a run, and the one thread that does it |
//! | `start`, `errand`, `folder` | how a command is started, what it is told, and where it starts |
//! | `cell/`, `enter` | its own process namespace, or its own domain only |
//! | `watch`, `supplies`, `output`, `log`, `excerpt`, `reports`, `leftovers` | what becomes of it |

mod banner;
mod cell;
mod enter;
mod errand;
mod excerpt;
mod executor;
mod folder;
mod glance;
mod leftovers;
mod log;
mod output;
mod reports;
mod runner;
mod start;
mod supplies;
mod watch;

pub(super) use cell::{DOOR, INIT, keep, open};
pub(super) use enter::{ENTER, enter};
pub(super) use executor::{Proven, Reach};
pub(super) use runner::Runner;
pub(super) use supplies::entry;
