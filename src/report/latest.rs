//! What stands at the end of a journal: the latest patch, and the latest tests that kcode ran to verify.

use super::checks::{self, LatestCheck};
use crate::journal::{
    Digest, Event, Matrix, Minimized, PatchWritten, Record, Reproduction, ResultsKept, TestEnvironment, TestPurpose,
    TestsRan, TestsTouched,
};

/// The evidence as it stands; whatever came before it counts no more.
#[derive(Clone, Debug, Default)]
pub struct Latest<'a> {
    /// The patch as it was last written; `None` when no tool changed anything.
    pub patch: Option<&'a PatchWritten>,
    /// The last run of the tests that kcode made to verify.
    pub verification: Option<&'a TestsRan>,
    /// How often the tests ran on that very tree, and how often they failed.
    pub verifications: Repeats,
    /// The last run of the tests on the start state.
    pub baseline: Option<&'a TestsRan>,
    /// Why there is no such run, as last said.
    pub baseline_missing: Option<&'a str>,
    /// The tests before and after, as last compared.
    pub matrix: Option<&'a Matrix>,
    /// How the patch touches tests, as last looked at.
    pub touched: Option<&'a TestsTouched>,
    /// What has to pass besides the tests, in the order in which it is run.
    pub checks: Vec<LatestCheck<'a>>,
    /// Whether a test shows what this patch mends.
    pub reproduced: Option<&'a Reproduction>,
    /// How this patch was made smaller, or that it couldn't be.
    pub minimized: Option<&'a Minimized>,
    /// What the tests were run in.
    pub environment: Option<&'a TestEnvironment>,
    /// Where single results are kept.
    pub results: Option<&'a ResultsKept>,
}

/// Runs on one and the same tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    /// How many.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
}

impl<'a> Latest<'a> {
    /// The evidence at the end of `records`.
    #[must_use]
    pub fn of(records: &'a [Record]) -> Self {
        let mut latest = Self::default();
        for record in records {
            match &record.event {
                Event::PatchWritten(patch) => {
                    if latest.sha256() != patch.sha256 {
                        (latest.reproduced, latest.minimized) = (None, None);
                    }
                    latest.patch = Some(patch);
                }
                Event::TestsRan(ran) => latest.ran(ran),
                Event::TestsChosen(chosen) => latest.checks = checks::chosen(&latest.checks, chosen),
                Event::CheckAdded(check) => latest.checks.push(checks::unrun(check)),
                Event::CheckRan(run) => checks::ran(&mut latest.checks, run),
                Event::BaselineMissing(missing) => latest.baseline_missing = Some(&missing.reason),
                Event::TestEnvironment(environment) => latest.environment = Some(environment),
                Event::ResultsKept(results) => latest.results = Some(results),
                Event::Compared(matrix) => latest.matrix = Some(matrix),
                Event::TestsTouched(touched) => latest.touched = Some(touched),
                Event::Reproduced(reproduction) => latest.reproduced = Some(reproduction),
                Event::Minimized(minimized) => latest.minimized = Some(minimized),
                _ => {}
            }
        }
        latest
    }

    fn ran(&mut self, ran: &'a TestsRan) {
        match ran.purpose {
            TestPurpose::Model | TestPurpose::Trial | TestPurpose::Review => {}
            TestPurpose::Baseline => (self.baseline, self.baseline_missing) = (Some(ran), None),
            TestPurpose::Verification => {
                if self.verification.is_none_or(|before| before.patch_sha256 != ran.patch_sha256) {
                    self.verifications = Repeats::default();
                }
                // What was said of an earlier run counts no more.
                (self.verification, self.matrix, self.results) = (Some(ran), None, None);
                // The model's own came before the first of kcode's, and each of those tells of it.
                if let Some(own) = ran.counted.as_ref().filter(|_| self.verifications.runs == 0) {
                    self.verifications.runs += 1;
                    self.verifications.failed += u64::from(!own.passed);
                }
                self.verifications.runs += 1;
                self.verifications.failed += u64::from(!ran.result.passed);
            }
        }
    }

    /// SHA-256 of the patch; `None` when the view equals its start.
    #[must_use]
    pub fn sha256(&self) -> Option<Digest> {
        self.patch.and_then(|patch| patch.sha256)
    }

    /// Whether the tests ran on exactly what the patch describes.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.sha256().is_some() && self.verification.is_some_and(|ran| ran.patch_sha256 == self.sha256())
    }
}
