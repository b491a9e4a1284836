//! Groups runs by model, by repository and by week.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{HumanRepair, RunSummary, RunWithRepair, Statistics, statistics};
use crate::journal::RunId;

/// Statistics of all runs and of each group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grouped {
    /// All runs.
    pub total: Statistics,
    /// Runs by model, sorted by name.
    pub by_model: Vec<RunGroup>,
    /// Runs by the repository's root, sorted by path.
    pub by_repository: Vec<RunGroup>,
    /// Runs by the week in which they began (ISO 8601 such as `2026-W05`, UTC), earliest first.
    pub by_week: Vec<RunGroup>,
}

/// A group of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Group")]
pub struct RunGroup {
    /// Name of the model, the repository or the week.
    pub name: String,
    /// Statistics of the group.
    #[serde(flatten)]
    pub statistics: Statistics,
}

impl Grouped {
    /// Computes the statistics of `runs`; `repairs` holds later changes by hand to applied patches.
    #[must_use]
    pub fn of(runs: &[RunSummary], repairs: &HashMap<RunId, HumanRepair>) -> Self {
        let judged: Vec<RunWithRepair<'_>> = runs.iter().map(|run| (run, repairs.get(&run.run))).collect();
        Self {
            total: statistics(&judged),
            by_model: groups(&judged, |run| run.model.clone()),
            by_repository: groups(&judged, |run| run.repository.clone()),
            by_week: groups(&judged, |run| week(&run.started_at)),
        }
    }
}

fn groups(runs: &[RunWithRepair<'_>], name: impl Fn(&RunSummary) -> String) -> Vec<RunGroup> {
    let mut by_name: BTreeMap<String, Vec<RunWithRepair<'_>>> = BTreeMap::new();
    for run in runs {
        by_name.entry(name(run.0)).or_default().push(*run);
    }
    by_name.into_iter().map(|(name, runs)| RunGroup { name, statistics: statistics(&runs) }).collect()
}

/// Parses a timestamp of the journal.
#[must_use]
pub fn moment(at: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(at, &Rfc3339).ok()
}

fn week(at: &str) -> String {
    let named = moment(at).map(|moment| moment.date().to_iso_week_date());
    named.map_or_else(|| "unknown".to_owned(), |(year, week, _)| format!("{year}-W{week:02}"))
}

#[cfg(test)]
mod tests {
    use super::week;

    #[test]
    fn weeks_are_those_of_the_standard() {
        assert_eq!(week("2026-01-05T10:00:00.000Z"), "2026-W02");
        assert_eq!(week("2027-01-01T00:00:00.000Z"), "2026-W53", "the year is the week's");
        assert_eq!(week("some day"), "unknown");
    }
}
