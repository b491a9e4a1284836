//! Replays a recorded run: its replies drive the real loop, tools and tests, and the resulting events are compared with
//! the journal.
//!
//! [`Watched`] wraps the journal of the replay: each event must equal the recorded one, or the replay ends with a
//! [`Divergence`]. As events are journaled before anything acts on them, a request is only answered if it is byte for
//! byte the recorded one. A few things differ in every test run (times, addresses, folders: [`volatile`] lists them).
//! If an answer differs only in those, the recorded one joins the conversation, so that the next request can be the
//! same.
//!
//! | File | What it does |
//! |---|---|
//! | [`recording`](Recording) | a run from its folder or an exported file, and whether it can be replayed |
//! | [`archive`](Archive) | the exported file |
//! | [`script`](Script) | the expected events in order, and the position in them |
//! | [`environment`](RecordedEnvironment) | tools and tests that answer as recorded where that means the same |
//! | `expectation` | the content of an event that must be the same |
//! | [`player`](Player) | the model that repeats its recorded replies |
//! | [`watched`](Watched) | the journal that accepts only the expected events |
//! | [`volatile`] | what may differ between two runs |
//! | [`divergence`](Divergence) | the first difference, as a diff |

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
