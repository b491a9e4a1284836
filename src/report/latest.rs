//! The latest state in a journal: the current patch, and the last test runs that kcode made to verify it.

use super::checks::{self, LatestCheck};
use crate::journal::{
    Digest, Event, Matrix, Minimized, PatchWritten, Record, Reproduction, ResultsKept, TestEnvironment, TestPurpose,
    TestsRan, TestsTouched,
};

/// The latest results. Events before them no longer count.
#[derive(Clone, Debug, Default)]
pub struct Latest<'a> {
    /// The patch as last written; `None` if no tool changed anything.
    pub patch: Option<&'a PatchWritten>,
    /// The last test run that kcode made to verify the patch.
    pub verification: Option<&'a TestsRan>,
    /// Number of runs on that tree, and of those that failed.
    pub verifications: Repeats,
    /// The last test run on the start state.
    pub baseline: Option<&'a TestsRan>,
    /// Why there is no such run.
    pub baseline_missing: Option<&'a str>,
    /// Tests before and after, as last compared.
    pub matrix: Option<&'a Matrix>,
    /// Changes of the patch that touch tests, as last examined.
    pub touched: Option<&'a TestsTouched>,
    /// The checks, in the order in which they run.
    pub checks: Vec<LatestCheck<'a>>,
    /// Whether a test fails without this patch's fix and passes with it.
    pub reproduced: Option<&'a Reproduction>,
    /// Result of minimizing this patch.
    pub minimized: Option<&'a Minimized>,
    /// Environment of the tests.
    pub environment: Option<&'a TestEnvironment>,
    /// The file with the result of each test.
    pub results: Option<&'a ResultsKept>,
}

/// Repeated test runs on one tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    /// Number of runs.
    pub runs: u64,
    /// Number of failed runs.
    pub failed: u64,
}

impl<'a> Latest<'a> {
    /// The latest state at the end of `records`.
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
                // The comparison and results of an earlier run no longer count.
                (self.verification, self.matrix, self.results) = (Some(ran), None, None);
                // The model's run came before kcode's first one, and each of kcode's runs mentions it.
                if let Some(own) = ran.counted.as_ref().filter(|_| self.verifications.runs == 0) {
                    self.verifications.runs += 1;
                    self.verifications.failed += u64::from(!own.passed);
                }
                self.verifications.runs += 1;
                self.verifications.failed += u64::from(!ran.result.passed);
            }
        }
    }

    /// SHA-256 of the patch; `None` if the view equals its start state.
    #[must_use]
    pub fn sha256(&self) -> Option<Digest> {
        self.patch.and_then(|patch| patch.sha256)
    }

    /// Whether the tests ran on exactly the tree that the patch describes.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.sha256().is_some() && self.verification.is_some_and(|ran| ran.patch_sha256 == self.sha256())
    }
}
