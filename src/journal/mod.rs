//! The vocabulary of a run's events, and the file that keeps them.
//!
//! Everything that happens in a run is an [`Event`]. It is appended to the run's `journal.jsonl` before anybody acts on
//! it; terminal output, JSONL, report and resume are folds over these records. The value types that events are made of
//! ([`RunId`], [`RelPath`], [`Digest`], [`Tokens`], [`Usd`], [`Outcome`]) live here too, because every module uses
//! them.

mod amounts;
mod append;
mod bounded;
mod certificate;
mod changed_files;
pub(crate) mod crash;
mod digest;
mod disk;
mod enclosure;
mod error;
mod event;
mod exchanges;
mod holder;
mod matrix;
mod minimization;
mod outcome;
mod policy;
mod recover;
mod rel_path;
mod reproduction;
mod review;
mod run_bounds;
mod run_folder;
mod run_id;
mod shared_names;
mod skim;
mod tampering;
mod test_results;
mod test_runs;
mod why_failed;

pub use amounts::{Bytes, Tokens, Usage, Usd};
pub use append::{FileJournal, Journal, is_abandoned, timestamp};
pub use bounded::{RUN_FILE_LIMIT, open_own, open_regular, read_own, read_regular, whole};
pub use certificate::{BaselineMissing, CommandAsRun, Program, ResultsKept, TestEnvironment};
pub use changed_files::{ChangeKind, FileChange, GeneratedChange, GeneratedFile, NotTaken, PatchWritten};
pub use digest::Digest;
pub use disk::is_disk_failure;
pub use enclosure::{Guard, Layer, Proof, SandboxBuilt, ViewMade};
pub use error::JournalError;
pub use event::{EVENT_SCHEMA, Event, Record};
pub use exchanges::{
    AttemptFailed, HistoryRepaired, Message, Nudged, RepairCause, RepairedMessage, ReplyReceived, RequestSent,
    Surveyed, ToolAnswered, ToolCalled,
};
pub use matrix::Matrix;
pub use minimization::{HunksTried, Minimized};
pub use outcome::{Outcome, StopReason};
pub use policy::{PolicyClass, PolicyFinding, PolicyReport, PolicyVerdict};
pub use recover::{RecoverError, Recovered, recover, recover_chain};
pub use rel_path::{RelPath, RelPathError};
pub use reproduction::{Reproduced, Reproduction};
pub use review::{HunkDecision, HunkReviewed, Reviewed};
pub use run_bounds::{
    Applied, Follows, Limits, Residue, Resumed, RunEnded, RunFlag, RunStarted, StartSeen, Stopped, TEST_RULES,
    TaskQuotation, Undone,
};
pub use run_folder::{FindError, RunFolder};
pub use run_id::RunId;
pub use shared_names::shared;
pub use skim::{Skimmed, skim};
pub use tampering::{TamperFlag, TamperKind, TestsTouched};
pub use test_results::{TestCase, TestResults, Verdict};
pub use test_runs::{CheckChosen, CheckRan, CountedRun, TestCounts, TestPurpose, TestResult, TestsChosen, TestsRan};
pub use why_failed::{CauseKind, FailedTest, FailureCause, WhyFailed};
