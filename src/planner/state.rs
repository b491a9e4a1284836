//! The loop's state between turns, and its restoration for a resumed run.

use super::repeat::RepeatGuard;
use crate::journal::{CheckRan, Digest, Event, TestPurpose};
use crate::tools::TestRun;

/// Nudge after a turn that changed nothing.
pub(super) const ANNOUNCED: &str = "announced";
/// Nudge after a failed verification.
pub(super) const TESTS_FAILED: &str = "tests_failed";
/// Nudge after failed checks, if the tests pass or there are none.
pub(super) const CHECKS_FAILED: &str = "checks_failed";
/// Nudge after a patch that makes tests prove less.
pub(super) const TESTS_WEAKENED: &str = "tests_weakened";
/// Nudge after a patch without a test that fails before it and passes after it, if such a test was requested.
pub(super) const NOT_REPRODUCED: &str = "not_reproduced";

/// Rules about which test runs count, and how often tests have to run (`docs/architecture.md`, "How often tests run").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TestRules {
    /// kcode runs everything itself, as in older journals.
    Own,
    /// The model's runs on the same tree count, too.
    #[default]
    Shared,
}

impl TestRules {
    /// The rules with that number in `run_started`.
    #[must_use]
    pub(crate) const fn numbered(number: u32) -> Self {
        if number < 2 { Self::Own } else { Self::Shared }
    }
}

/// A run of the whole test command that the model requested.
#[derive(Clone, Debug)]
pub(super) struct OwnRun {
    /// Digest of the patch on which it ran.
    pub(super) ran_on: Option<Digest>,
    pub(super) run: TestRun,
}

/// The loop's state between turns.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(super) repeats: RepeatGuard,
    /// SHA-256 of the current patch; `None` while the view equals its start state.
    pub(super) patch: Option<Digest>,
    /// True once the model was told that it announced work without doing any.
    pub(super) nudged: bool,
    /// True once the model was told that it weakened tests.
    pub(super) warned: bool,
    /// The patch for which the model was asked for a test; this happens once.
    pub(super) unshown: Option<Digest>,
    /// How often a failed verification was sent back to the model.
    pub(super) feedbacks: u32,
    /// The patch on which the last verification failed: without another edit it needn't run again.
    pub(super) failed_on: Option<Digest>,
    /// Patches on which tests and checks ran in the run's view: what they left there may come from code that is gone.
    pub(super) ran_on: Vec<Digest>,
    /// The model's last run of the whole test command, until it was counted.
    pub(super) own_run: Option<OwnRun>,
    /// Milliseconds of the last run of the whole test command.
    pub(super) took_ms: Option<u64>,
    pub(super) rules: TestRules,
    /// How often a cut-off reply was continued since the last whole one.
    pub(super) truncations: u32,
    /// How often in a row a reply ended in the markup of an unreadable call.
    pub(super) unreadable: u32,
    /// Length and digest of the last request's prefix; `None` also after a repair of the history.
    pub(super) sent_prefix: Option<(usize, Digest)>,
}

impl State {
    /// Restores the state from `events`. Repeated calls are counted from 0.
    #[must_use]
    pub(crate) fn recall<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::default();
        // Nudges whose message is still to come: a crashing machine may have kept the event and not the message.
        let mut nudge = None;
        for event in events {
            match event {
                Event::PatchWritten(patch) => state.patch = patch.sha256,
                Event::TestsRan(ran) | Event::CheckRan(CheckRan { ran, .. })
                    if ran.purpose != TestPurpose::Baseline =>
                {
                    state.ran_on.extend(ran.patch_sha256);
                    let is_whole = matches!(event, Event::TestsRan(_)) && ran.purpose == TestPurpose::Verification;
                    state.took_ms = is_whole.then_some(ran.result.ms).or(state.took_ms);
                }
                Event::Nudged(nudged) => nudge = Some(&*nudged.kind),
                Event::Message(_) => state.was_nudged(nudge.take()),
                Event::Request(request) => {
                    state.sent_prefix = Some((request.prefix_bytes as usize, request.prefix_sha256));
                }
                Event::HistoryRepaired(_) => state.sent_prefix = None,
                _ => {}
            }
        }
        state
    }

    /// Continues a conversation with earlier `events`: the next request must begin with the last one's prefix.
    #[must_use]
    pub(crate) fn after<'a>(mut self, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let earlier = Self::recall(events);
        self.sent_prefix = self.sent_prefix.or(earlier.sent_prefix);
        self
    }

    /// Sets the rules.
    #[must_use]
    pub(crate) fn by(self, rules: TestRules) -> Self {
        Self { rules, ..self }
    }

    /// After a reply with tool calls, resets the counts of replies in a row.
    pub(super) fn went_on(&mut self, is_cut: bool) {
        self.unreadable = 0;
        if !is_cut {
            self.truncations = 0;
        }
    }

    fn was_nudged(&mut self, kind: Option<&str>) {
        match kind {
            Some(ANNOUNCED) => self.nudged = true,
            Some(TESTS_WEAKENED) => self.warned = true,
            Some(NOT_REPRODUCED) => self.unshown = self.patch,
            Some(TESTS_FAILED | CHECKS_FAILED) => self.feedbacks += 1,
            _ => {}
        }
    }
}
