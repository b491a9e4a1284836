//! What the loop remembers between turns, and how a resumed run gets it back.

use super::end_turn::{ANNOUNCED, CHECKS_FAILED, NOT_REPRODUCED, TESTS_FAILED, TESTS_WEAKENED};
use super::repeat::RepeatGuard;
use crate::journal::{CheckRan, Digest, Event, TestPurpose};
use crate::tools::TestRun;

/// Which runs of the tests count, and how often there have to be more (`docs/architecture.md`, "How often tests run").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestRules {
    /// kcode runs everything itself: how older journals were made.
    Own,
    /// What the model ran on the same tree counts.
    #[default]
    Shared,
}

impl TestRules {
    /// Those of that number in `run_started`.
    #[must_use]
    pub const fn numbered(number: u32) -> Self {
        if number < 2 { Self::Own } else { Self::Shared }
    }
}

/// A run of the whole test command that the model asked for.
#[derive(Clone, Debug)]
pub(super) struct OwnRun {
    /// The patch that it ran on, and nothing else.
    pub(super) ran_on: Option<Digest>,
    /// How it went.
    pub(super) run: TestRun,
}

/// What the loop remembers between turns.
#[derive(Debug, Default)]
pub struct State {
    /// Counts repeated calls.
    pub(super) repeats: RepeatGuard,
    /// SHA-256 of the patch as it stands; `None` while the view equals its start.
    pub(super) patch: Option<Digest>,
    /// True once the model was told that it announced and did nothing.
    pub(super) nudged: bool,
    /// True once the model was told that it weakened tests.
    pub(super) warned: bool,
    /// The patch for which the model was asked, once, for a test that shows what it mends.
    pub(super) unshown: Option<Digest>,
    /// How often a failed verification went back to the model.
    pub(super) feedbacks: u32,
    /// The patch on which the last verification failed: without another edit there is nothing to run again.
    pub(super) failed_on: Option<Digest>,
    /// The patches that tests and checks ran on in the run's view: what they left there may be of code that is gone.
    pub(super) ran_on: Vec<Digest>,
    /// The last run of the whole command that the model asked for, until it was counted.
    pub(super) own_run: Option<OwnRun>,
    /// How long the last run of the whole command took.
    pub(super) took_ms: Option<u64>,
    /// How often tests have to run.
    pub(super) rules: TestRules,
    /// How often a reply that was cut at its cap was continued, since the last whole one.
    pub(super) truncations: u32,
    /// How often in a row a reply ended in markup of a call that can't be read.
    pub(super) unreadable: u32,
    /// Length and digest of the last request's stone prefix; `None` also after a repair of the history.
    pub(super) sent_prefix: Option<(usize, Digest)>,
}

impl State {
    /// The state at the end of `events`. Repeated calls are counted anew.
    #[must_use]
    pub fn recall<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::default();
        // What was to be said next: a failing machine may have kept that, and not the message itself.
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

    /// In a conversation that began before, with `events`: what is sent next begins with what was sent last then.
    #[must_use]
    pub fn after<'a>(mut self, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let earlier = Self::recall(events);
        self.sent_prefix = self.sent_prefix.or(earlier.sent_prefix);
        self
    }

    /// By these rules.
    #[must_use]
    pub fn by(self, rules: TestRules) -> Self {
        Self { rules, ..self }
    }

    /// A reply called tools: what is counted in a row begins anew.
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
