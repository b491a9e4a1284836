//! The repeat guard: at the third equal call with an equal result it warns the model, at the fifth it ends the run.
//!
//! Counts are reset when the patch changes, because the same call may then be progress.

use std::collections::HashMap;

use crate::journal::Digest;

/// Number of repetitions at which the model is warned.
pub(crate) const TOLD_AT: u32 = 3;
/// Number of repetitions at which the run ends.
pub(crate) const STOPPED_AT: u32 = 5;

/// Counts calls with equal tool, arguments and result.
#[derive(Debug, Default)]
pub(crate) struct RepeatGuard {
    seen: HashMap<Digest, u32>,
    patch: Option<Digest>,
}

/// What to do about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepeatVerdict {
    /// Nothing.
    Fresh,
    /// Warn the model; holds the number of repetitions.
    Tell(u32),
    /// End the run; holds the number of repetitions.
    Stop(u32),
}

impl RepeatGuard {
    /// Counts a call whose result has the digest `result`.
    pub(crate) fn count(&mut self, tool: &str, arguments: &str, result: Digest) -> RepeatVerdict {
        let key = Digest::of(format!("{tool}\0{arguments}\0{result}"));
        let times = self.seen.entry(key).or_default();
        *times += 1;
        match *times {
            n if n >= STOPPED_AT => RepeatVerdict::Stop(n),
            n if n >= TOLD_AT => RepeatVerdict::Tell(n),
            _ => RepeatVerdict::Fresh,
        }
    }

    /// Resets the counts if the patch has changed.
    pub(crate) fn patch_is(&mut self, patch: Option<Digest>) {
        if self.patch != patch {
            self.patch = patch;
            self.seen.clear();
        }
    }
}

/// Digest of a result for the guard. Digits in the output of test runs are ignored, because times and counts differ
/// from run to run.
#[must_use]
pub(crate) fn result_digest(tool: &str, text: &str) -> Digest {
    if tool != "run_tests" {
        return Digest::of(text);
    }
    let steady: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    Digest::of(steady)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_at_three_stopped_at_five_and_progress_resets() {
        let mut guard = RepeatGuard::default();
        let result = Digest::of("same");
        let verdicts: Vec<_> = (0..5).map(|_| guard.count("search", "{}", result)).collect();
        assert_eq!(
            verdicts,
            [
                RepeatVerdict::Fresh,
                RepeatVerdict::Fresh,
                RepeatVerdict::Tell(3),
                RepeatVerdict::Tell(4),
                RepeatVerdict::Stop(5)
            ]
        );
        guard.patch_is(Some(Digest::of("a patch")));
        assert_eq!(guard.count("search", "{}", result), RepeatVerdict::Fresh);
    }

    #[test]
    fn another_result_is_not_a_repetition() {
        let mut guard = RepeatGuard::default();
        for n in 0..9 {
            assert_eq!(guard.count("search", "{}", Digest::of(format!("{n}"))), RepeatVerdict::Fresh);
        }
    }

    #[test]
    fn a_test_run_is_the_same_whatever_it_took() {
        assert_eq!(result_digest("run_tests", "1 failed in 0.31s"), result_digest("run_tests", "1 failed in 1.02s"));
        assert_ne!(result_digest("read_file", "1"), result_digest("read_file", "2"));
    }
}
