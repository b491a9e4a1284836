//! Statistics of runs: how often they succeed, what happens to their patches, what they cost.
//!
//! A rate is given as two counts, so that one of two isn't mistaken for half of thousands.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HumanRepair, PatchFate, RunSummary};
use crate::journal::{Usage, Usd};

/// A part of a total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Size of the part.
    pub count: u64,
    /// Size of the total.
    pub of: u64,
}

impl Share {
    /// The part divided by the total, from 0 to 1; `None` if the total is 0.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }
}

/// Statistics of a group of runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statistics {
    /// Runs that recorded their end. The others are still running, or were killed, and count only in `unended`.
    pub runs: u64,
    /// Runs that didn't record their end.
    pub unended: u64,
    /// Runs that were verified without a verification ever sending the model back, of those that got a reply.
    pub first_success: Share,
    /// Runs that were verified in the end, of those that got a reply.
    pub verified: Share,
    /// What happened to patches.
    pub patches: PatchStatistics,
    /// Failed attempts that were retried, of all requests.
    pub retries: Share,
    /// Tool calls whose answer told the model what was wrong, of all calls.
    pub tool_failures: Share,
    /// Latency of replies.
    pub latency: Latency,
    /// Tokens of all replies.
    #[serde(flatten)]
    pub usage: Usage,
    /// Cost at list price of the runs whose price is known.
    pub cost_usd: Usd,
    /// Runs whose model's price is unknown; they are missing in `cost_usd`.
    pub unpriced: u64,
    /// `cost_usd` of all runs, including failed ones, divided by the number of runs whose patch was accepted wholly or
    /// in part; `null` without any, or if a price is unknown.
    pub cost_per_accepted_usd: Option<Usd>,
    /// Changes that people made to applied patches before committing them.
    pub repair: RepairStatistics,
}

/// What happened to patches. The first four are shares of the runs that ended with a patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatchStatistics {
    /// Patches applied as a whole and not undone.
    pub whole: Share,
    /// Patches applied in part and not undone.
    pub partial: Share,
    /// Patches not applied, or undone.
    pub none: Share,
    /// Patches that were never applied.
    pub handed_off: Share,
    /// Patches that were undone, of those that were applied.
    pub rolled_back: Share,
}

/// Latency of replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Number of replies.
    pub replies: u64,
    /// Mean in milliseconds.
    pub mean_ms: u64,
    /// 95th percentile in milliseconds, by nearest rank.
    pub p95_ms: u64,
}

/// Changes by hand to applied patches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepairStatistics {
    /// Applied patches whose files have been committed since, so that changes by hand are known.
    pub known: u64,
    /// Applied patches whose changes are unknown, by reason: not committed yet, or history or contents are gone.
    pub unknown: BTreeMap<String, u64>,
    /// Hunks that were edited, of all hunks of the `known` patches.
    pub hunks: Share,
    /// Lines changed by hand in those hunks.
    pub lines: u64,
    /// Hunks rewritten in reviews before they were applied, of all hunks of the reviewed patches.
    pub review_hunks: Share,
    /// Lines changed by hand in those hunks.
    pub review_lines: u64,
}

impl RepairStatistics {
    fn of(runs: &[RunWithRepair<'_>]) -> Self {
        let mut all = Self::default();
        for (run, repair) in runs {
            if let Some(repair) = repair {
                all.add(repair);
            }
            if let Some(review) = run.review.as_ref().filter(|_| run.fate.is_accepted()) {
                let Share { count, of } = all.review_hunks;
                all.review_hunks = Share { count: count + review.edited, of: of + review.hunks };
                all.review_lines += review.lines;
            }
        }
        all
    }

    fn add(&mut self, repair: &HumanRepair) {
        match repair {
            HumanRepair::Unknown(why) => *self.unknown.entry((*why).to_owned()).or_default() += 1,
            HumanRepair::Known { hunks, edited, lines } => {
                self.known += 1;
                self.hunks = Share { count: self.hunks.count + edited, of: self.hunks.of + hunks };
                self.lines += lines;
            }
        }
    }
}

/// A run, and the later changes by hand to its applied patch.
pub type RunWithRepair<'a> = (&'a RunSummary, Option<&'a HumanRepair>);

/// Computes the statistics of these runs.
#[must_use]
pub fn statistics(runs: &[RunWithRepair<'_>]) -> Statistics {
    let ended = || runs.iter().filter(|(run, _)| run.ended).map(|(run, _)| *run);
    let answered = share(ended(), |run| !run.latencies_ms.is_empty(), |_| true).count;
    let of_answered = |count| Share { count, of: answered };
    let cost_usd = ended().filter_map(|run| run.cost_usd).sum::<Usd>();
    let unpriced = share(ended(), |run| run.requests > 0 && run.cost_usd.is_none(), |_| true).count;
    let accepted = share(ended(), |run| run.fate.is_accepted(), |_| true).count;
    Statistics {
        runs: ended().count() as u64,
        unended: runs.len() as u64 - ended().count() as u64,
        first_success: of_answered(share(ended(), |run| run.first_success, |_| true).count),
        verified: of_answered(share(ended(), |run| run.verified, |_| true).count),
        patches: patches(ended()),
        retries: Share { count: ended().map(|run| run.retries).sum(), of: ended().map(|run| run.requests).sum() },
        tool_failures: Share {
            count: ended().map(|run| run.tool_failures).sum(),
            of: ended().map(|run| run.tool_calls).sum(),
        },
        latency: latency(ended().flat_map(|run| run.latencies_ms.iter().copied()).collect()),
        usage: ended().map(|run| run.usage).fold(Usage::default(), |sum, usage| sum + usage),
        cost_usd,
        unpriced,
        cost_per_accepted_usd: (accepted > 0 && unpriced == 0)
            .then(|| Usd::from_dollars(cost_usd.dollars() / accepted as f64))
            .flatten(),
        repair: RepairStatistics::of(runs),
    }
}

fn patches<'a>(runs: impl Iterator<Item = &'a RunSummary> + Clone) -> PatchStatistics {
    let with = |is: fn(PatchFate) -> bool| share(runs.clone(), |run| is(run.fate), |run| run.fate != PatchFate::None);
    PatchStatistics {
        whole: with(|fate| fate == PatchFate::Applied),
        partial: with(|fate| fate == PatchFate::Partly),
        none: with(|fate| matches!(fate, PatchFate::Waiting | PatchFate::Undone)),
        handed_off: with(|fate| fate == PatchFate::Waiting),
        rolled_back: share(runs, |run| run.fate == PatchFate::Undone, |run| run.applied_at.is_some()),
    }
}

/// Counts the runs that satisfy `is_such` among those that satisfy `counts`.
fn share<'a>(
    runs: impl Iterator<Item = &'a RunSummary>,
    is_such: impl Fn(&RunSummary) -> bool,
    counts: impl Fn(&RunSummary) -> bool,
) -> Share {
    runs.filter(|run| counts(run))
        .fold(Share::default(), |share, run| Share { count: share.count + u64::from(is_such(run)), of: share.of + 1 })
}

fn latency(mut all: Vec<u64>) -> Latency {
    if all.is_empty() {
        return Latency::default();
    }
    let replies = all.len() as u64;
    let nearest_rank = (all.len() * 95).div_ceil(100) - 1;
    let (_, p95_ms, _) = all.select_nth_unstable(nearest_rank);
    let p95_ms = *p95_ms;
    Latency { replies, mean_ms: all.iter().sum::<u64>() / replies, p95_ms }
}
