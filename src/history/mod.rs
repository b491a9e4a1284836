//! All kept runs together: their summaries, statistics, and which of them may be removed.
//!
//! Everything here folds journals, read by the heads of their lines ([`skim`](crate::journal::skim)): counting the
//! retries of ten thousand runs doesn't require reading the conversations. There is no second store except the cache of
//! the retention passes.
//!
//! | File | What it does |
//! |---|---|
//! | [`summary`](RunSummary), [`review`](ReviewSummary) | one run, and its review, in a few lines |
//! | [`catalogue`](Catalogue) | the summaries of all runs, and the journals that can't be read |
//! | [`statistics`](statistics()), [`grouping`](Grouped) | all of them counted, as a whole and in groups |
//! | [`repair`](repairs()), `commits`, `objects` | changes by hand to applied patches, according to git |
//! | `telling`, `csv` | statistics in words and as CSV |
//! | [`retention`](Retention), `known_runs` | which runs are removed, removing them, and the cache between passes |
//! | `threads` | reading on all processors |

mod catalogue;
mod commits;
mod csv;
mod grouping;
mod known_runs;
mod objects;
mod repair;
mod retention;
mod review;
mod statistics;
mod summary;
mod telling;
mod threads;

pub use catalogue::{Catalogue, Unreadable, beginning, summary_of};
pub use csv::statistics_sheet;
pub use grouping::{Grouped, RunGroup, moment};
pub use repair::{HumanRepair, repairs};
pub use retention::{Going, MOST_LOOKS, Reason, Retention, RetentionLimits, finish_removals};
pub use review::ReviewSummary;
pub use statistics::{Latency, PatchStatistics, RepairStatistics, RunWithRepair, Share, Statistics, statistics};
pub use summary::{PatchFate, PatchSummary, RunSummary, TestsSummary, summarise};
pub use telling::statistics_text;
