//! The results of a run: the outcome, `report.json` and `report.md`, all folded from the journal, and their comparison
//! with later test runs.

mod audit;
mod checks;
mod commit_message;
mod cost;
mod decide;
mod evidence_lines;
mod fold;
mod generated;
mod latest;
mod markdown;
mod review;
mod run_mark;
mod shape;
mod trailers;
mod trajectory;
mod verification;
mod verified_check;

pub use audit::{Audit, audit, page as audit_page};
pub use checks::{CheckReport, CheckState, LatestCheck};
pub use commit_message::commit_message;
pub use decide::{Decision, decide};
pub use fold::fold;
pub use latest::Latest;
pub use markdown::markdown;
pub use review::ReviewReport;
pub use run_mark::{marked_run, run_mark};
pub use shape::*;
pub use trailers::trailers;
pub use trajectory::trajectory;
pub use verification::*;
pub use verified_check::VerifiedCheck;
