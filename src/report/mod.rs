//! What a run proved: the outcome, `report.json` and `report.md`, all folded from the journal.

mod decide;
mod fold;
mod latest;
mod markdown;
mod shape;
mod trajectory;

pub use decide::{Decision, decide};
pub use fold::fold;
pub use latest::Latest;
pub use markdown::markdown;
pub use shape::*;
pub use trajectory::trajectory;
