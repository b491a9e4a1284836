//! What stands at the end of a journal: the latest patch, and the latest tests that kcode ran to verify.

use crate::journal::{Digest, Event, Matrix, PatchWritten, Record, TestPurpose, TestsRan, TestsTouched};

/// The evidence as it stands; whatever came before it counts no more.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latest<'a> {
    /// The patch as it was last written; `None` when no tool changed anything.
    pub patch: Option<&'a PatchWritten>,
    /// The last run of the tests that kcode made to verify.
    pub verification: Option<&'a TestsRan>,
    /// The last run of the tests on the start state.
    pub baseline: Option<&'a TestsRan>,
    /// The tests before and after, as last compared.
    pub matrix: Option<&'a Matrix>,
    /// How the patch touches tests, as last looked at.
    pub touched: Option<&'a TestsTouched>,
}

impl<'a> Latest<'a> {
    /// The evidence at the end of `records`.
    #[must_use]
    pub fn of(records: &'a [Record]) -> Self {
        let mut latest = Self::default();
        for record in records {
            match &record.event {
                Event::PatchWritten(patch) => latest.patch = Some(patch),
                Event::TestsRan(ran) => match ran.purpose {
                    TestPurpose::Model | TestPurpose::Review => {}
                    TestPurpose::Baseline => latest.baseline = Some(ran),
                    TestPurpose::Verification => {
                        // What was said of an earlier run counts no more.
                        (latest.verification, latest.matrix) = (Some(ran), None);
                    }
                },
                Event::Compared(matrix) => latest.matrix = Some(matrix),
                Event::TestsTouched(touched) => latest.touched = Some(touched),
                _ => {}
            }
        }
        latest
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
