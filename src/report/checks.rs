//! The latest state of each check in a journal: a check is a further command that a patch has to pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shape::TestsReported;
use crate::journal::{CheckChosen, CheckRan, Digest, TestPurpose, TestsChosen, TestsRan};

/// A check and its latest runs.
#[derive(Clone, Debug)]
pub struct LatestCheck<'a> {
    /// Name, command and origin of the check.
    pub chosen: &'a CheckChosen,
    /// The last run on the start state.
    pub baseline: Option<&'a TestsRan>,
    /// The last run that kcode made to verify the patch.
    pub after: Option<&'a TestsRan>,
}

/// State of a check at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// It passes, and passed before if that was measured.
    Passing,
    /// It failed before and passes now.
    Fixed,
    /// It passed before and fails now.
    Broken,
    /// It failed before and still fails.
    StillFailing,
    /// It fails; its result on the start state is unknown.
    Failing,
    /// It wasn't run on the patch.
    NotRun,
}

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// Name, command and origin of the check.
    #[serde(flatten)]
    pub chosen: CheckChosen,
    /// State at the end of the run.
    pub state: CheckState,
    /// Result on the start state; `null` if it wasn't measured.
    pub baseline: Option<TestsReported>,
    /// The last run that kcode made to verify the patch.
    pub after: Option<TestsReported>,
    /// True if `after` ran on exactly the tree that the patch describes.
    pub fresh: bool,
}

impl CheckState {
    /// Name of the state for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Fixed => "fixed",
            Self::Broken => "broken",
            Self::StillFailing => "still failing",
            Self::Failing => "failing",
            Self::NotRun => "not run",
        }
    }
}

impl LatestCheck<'_> {
    /// Compares the last run with the one on the start state.
    #[must_use]
    pub fn state(&self) -> CheckState {
        let before = self.baseline.map(|ran| ran.result.passed);
        match (before, self.after.map(|ran| ran.result.passed)) {
            (_, None) => CheckState::NotRun,
            (Some(false), Some(true)) => CheckState::Fixed,
            (_, Some(true)) => CheckState::Passing,
            (Some(true), Some(false)) => CheckState::Broken,
            (Some(false), Some(false)) => CheckState::StillFailing,
            (None, Some(false)) => CheckState::Failing,
        }
    }

    /// Whether the check ran on the patch with that digest.
    #[must_use]
    pub fn is_fresh(&self, patch: Option<Digest>) -> bool {
        patch.is_some() && self.after.is_some_and(|ran| ran.patch_sha256 == patch)
    }

    pub(super) fn report(self, patch: Option<Digest>) -> CheckReport {
        CheckReport {
            chosen: self.chosen.clone(),
            state: self.state(),
            baseline: self.baseline.map(TestsReported::from),
            after: self.after.map(TestsReported::from),
            fresh: self.is_fresh(patch),
        }
    }
}

/// Takes the checks of `chosen` and keeps the runs of those that were chosen before.
pub(super) fn chosen<'a>(known: &[LatestCheck<'a>], chosen: &'a TestsChosen) -> Vec<LatestCheck<'a>> {
    let again = |check: &'a CheckChosen| {
        let before = known.iter().find(|known| known.chosen.name == check.name);
        before.map_or_else(|| unrun(check), |before| LatestCheck { chosen: check, ..before.clone() })
    };
    chosen.checks.iter().map(again).collect()
}

pub(super) const fn unrun(chosen: &CheckChosen) -> LatestCheck<'_> {
    LatestCheck { chosen, baseline: None, after: None }
}

/// Records a run of a check.
pub(super) fn ran<'a>(checks: &mut [LatestCheck<'a>], run: &'a CheckRan) {
    let Some(check) = checks.iter_mut().find(|check| check.chosen.name == run.name) else { return };
    match run.ran.purpose {
        TestPurpose::Model | TestPurpose::Trial | TestPurpose::Review => {}
        TestPurpose::Baseline => check.baseline = Some(&run.ran),
        TestPurpose::Verification => check.after = Some(&run.ran),
    }
}
