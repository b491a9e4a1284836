//! Runs in groups: by model, by repository, by week.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{HumanRepair, RunSummary, RunWithRepair, Statistics, statistics};
use crate::journal::RunId;

/// Statistics as a whole and in groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grouped {
    /// Of all runs.
    pub total: Statistics,
    /// By model, in the order of their names.
    pub by_model: Vec<RunGroup>,
    /// By the repository's root, in the order of the paths.
    pub by_repository: Vec<RunGroup>,
    /// By the week in which runs began (ISO 8601, as `2026-W05`, UTC), earliest first.
    pub by_week: Vec<RunGroup>,
}

/// Runs that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Group")]
pub struct RunGroup {
    /// What they have in common.
    pub name: String,
    /// Their figures.
    #[serde(flatten)]
    pub statistics: Statistics,
}

impl Grouped {
    /// The figures of `runs`; `repairs` tells what was changed by hand in those that were applied.
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

/// A moment as the journal tells it.
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
