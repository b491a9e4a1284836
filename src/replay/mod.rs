//! A recorded run, played again: its replies drive the real loop, tools and tests; what comes of it is held against
//! what the journal says.
//!
//! The events of the loop are the measure. [`Watched`] stands before the journal of the replay: what is about to be noted
//! has to be what was noted then, or the replay ends there with a [`Divergence`]. As the journal is written before anything is
//! acted upon, no request is answered that isn't byte for byte the recorded one. A few things differ whenever tests run
//! (times, addresses, folders: [`volatile`] has the list). Where an answer differs in nothing else, the conversation gets the
//! recorded one, so that the next request can be the same.
//!
//! | File | What it does |
//! |---|---|
//! | [`recording`](Recording) | a run as its folder or an exported file keeps it; whether it can be replayed |
//! | [`archive`](Archive) | the exported file |
//! | [`script`](Script) | what has to come, in order, and how far it has come |
//! | [`environment`](RecordedEnvironment) | tools and tests that answer as recorded where that means the same |
//! | `expectation` | what of an event has to be the same |
//! | [`player`](Player) | the model that says again what it said |
//! | [`watched`](Watched) | the journal that takes nothing else |
//! | [`volatile`] | what may differ between two runs of the same thing |
//! | [`divergence`](Divergence) | the first thing that differs, as a diff |

mod archive;
mod divergence;
mod environment;
mod expectation;
mod player;
mod recording;
mod script;
pub mod volatile;
mod watched;

pub use archive::{ARCHIVE_SCHEMA, Archive, ArchivedContent};
pub use divergence::Divergence;
pub use environment::RecordedEnvironment;
pub use player::Player;
pub use recording::{NotReplayable, Recording};
pub use script::{Played, Script};
pub use watched::Watched;
