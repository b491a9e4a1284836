//! All runs that are kept, together: what each came to, what they say taken together, and which of them may go.
//!
//! Everything here is a fold over journals, read by the heads of their lines ([`skim`](crate::journal::skim)): of ten
//! thousand runs nobody reads the conversations to count the retries. There is no second store, but for a cache of what passes of the
//! retention know.
//!
//! | File | What it does |
//! |---|---|
//! | [`summary`](RunSummary), [`review`](ReviewSummary) | one run, and what a person decided about it, in a few lines |
//! | [`catalogue`](Catalogue) | the summaries of all runs, and the journals that can't be read |
//! | [`statistics`](statistics()), [`grouping`](Grouped) | all of them counted, as a whole and in groups |
//! | [`repair`](repairs()), `commits`, `objects` | what people changed by hand in what they had applied, as git tells |
//! | `telling`, `csv` | the figures in words, and as comma-separated values |
//! | [`retention`](Retention), `known_runs` | which runs are removed, removing them, and what is known of runs between passes |
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
