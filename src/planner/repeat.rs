//! The repeat guard: the same call with the same result is told to the model at the third time and ends the run at the fifth.
//!
//! Counts start anew when the patch changes, because then the same call may well be progress.

use std::collections::HashMap;

use crate::journal::Digest;

/// How often the model is let repeat itself before it is told.
pub const TOLD_AT: u32 = 3;
/// And before the run ends.
pub const STOPPED_AT: u32 = 5;

/// Counts equal (tool, arguments, result).
#[derive(Debug, Default)]
pub struct RepeatGuard {
    seen: HashMap<Digest, u32>,
    patch: Option<Digest>,
}

/// What the guard makes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatVerdict {
    /// Nothing to say.
    Fresh,
    /// The model has to be told that it repeats itself.
    Tell(u32),
    /// The run ends.
    Stop(u32),
}

impl RepeatGuard {
    /// Counts a call whose result hashes to `result`.
    pub fn count(&mut self, tool: &str, arguments: &str, result: Digest) -> RepeatVerdict {
        let key = Digest::of(format!("{tool}\0{arguments}\0{result}"));
        let times = self.seen.entry(key).or_default();
        *times += 1;
        match *times {
            n if n >= STOPPED_AT => RepeatVerdict::Stop(n),
            n if n >= TOLD_AT => RepeatVerdict::Tell(n),
            _ => RepeatVerdict::Fresh,
        }
    }

    /// The patch is now `patch`; a new one is progress.
    pub fn patch_is(&mut self, patch: Option<Digest>) {
        if self.patch != patch {
            self.patch = patch;
            self.seen.clear();
        }
    }
}

/// The digest of a result for the guard. Figures that differ from run to run (times, counts of milliseconds) don't
/// make a test run a new result.
#[must_use]
pub fn result_digest(tool: &str, text: &str) -> Digest {
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
