//! The expected events of a replay in order, and the position in them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::expectation::Expectation;
use super::volatile::{surveys_agree, test_runs_agree};
use super::{Divergence, Recording};
use crate::journal::{
    AttemptFailed, CheckRan, Event, Message, ReplyReceived, RunStarted, StopReason, TestPurpose, TestsChosen,
};
use crate::model::AssistantMessage;
use crate::planner::without_notice;
use crate::tools::Observation;

/// A recorded run as a script for its replay.
#[derive(Debug)]
pub struct Script {
    started: RunStarted,
    tests: Option<TestsChosen>,
    /// True if the tests also ran on the start state.
    has_baseline: bool,
    expected: Vec<(u32, Expectation)>,
    turns: Vec<RecordedAnswer>,
    /// Answers of tools, without the notice about repeated calls.
    answers: Vec<String>,
    /// Messages of kcode itself; the survey is the first.
    said: Vec<String>,
    /// Milliseconds of each verification.
    verified_ms: Vec<u64>,
    /// Milliseconds of each test run that the model requested.
    asked_ms: Vec<u64>,
    stop: Option<StopReason>,
    /// Root of the recorded repository, and of the one of the replay.
    trees: [String; 2],
    at: Mutex<ScriptPosition>,
}

/// Recorded answer to a request.
#[derive(Debug)]
enum RecordedAnswer {
    Replied(Box<(ReplyReceived, AssistantMessage)>),
    Failed(AttemptFailed),
    /// A failure after which the history was repaired.
    Refused(AttemptFailed),
    /// The run was ended from outside before the answer was complete or acted upon.
    Over,
}

/// Next action of the model.
pub(super) enum ModelTurn<'a> {
    Replied(&'a ReplyReceived, &'a AssistantMessage),
    Failed(&'a AttemptFailed),
    Refused(&'a AttemptFailed),
    Over,
}

#[derive(Debug, Default)]
struct ScriptPosition {
    met: usize,
    turns: usize,
    answers: usize,
    said: usize,
    verified: usize,
    asked: usize,
    divergence: Option<Divergence>,
    /// True if no further recorded event can be compared.
    over: bool,
}

/// Counts of what a replay without a divergence has compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// Requests, equal byte for byte.
    pub requests: usize,
    /// Tool calls with their answers.
    pub tool_calls: usize,
    /// Versions of the patch.
    pub patches: usize,
    /// Test runs, except on the start state.
    pub test_runs: usize,
    /// Runs of checks.
    pub checks: usize,
    /// Turn in which the recorded run was ended from outside, if it was; the rest of it isn't replayed.
    pub cut_short_in: Option<u32>,
}

impl Script {
    /// The script of `recording`, for a replay in the repository at `tree`.
    #[must_use]
    pub fn new(recording: &Recording, tree: &str) -> Self {
        let started = recording.started.clone();
        let trees = [started.repository.clone(), tree.to_owned()];
        let mut script = Self {
            started,
            tests: None,
            has_baseline: false,
            expected: Vec::new(),
            turns: Vec::new(),
            answers: Vec::new(),
            said: Vec::new(),
            verified_ms: Vec::new(),
            asked_ms: Vec::new(),
            stop: None,
            trees,
            at: Mutex::default(),
        };
        script.read(&recording.played());
        script
    }

    fn read(&mut self, events: &[&Event]) {
        let (mut turn, mut reply) = (0, None);
        // Takes the next message.
        let mut next: fn(&mut Self, String) = |_, _| {};
        for event in events {
            match event {
                // Checks that depend on changed files may have been added later, and are added again in the replay.
                Event::TestsChosen(chosen) if self.tests.is_none() => self.tests = Some(chosen.clone()),
                Event::Request(sent) => {
                    turn = sent.turn;
                    self.turns.push(RecordedAnswer::Over);
                }
                Event::AttemptFailed(failed) => self.answered(RecordedAnswer::Failed(failed.clone())),
                Event::HistoryRepaired(_) => self.was_repaired(),
                Event::Reply(received) => reply = Some(received),
                Event::ToolAnswered(_) => {
                    next = |script, text| script.answers.push(without_notice(&text).to_owned());
                }
                Event::Surveyed(_) | Event::Nudged(_) => next = |script, text| script.said.push(text),
                Event::Message(message) if message.role == "assistant" => {
                    let spoken = AssistantMessage::recall(&message.json);
                    if let Some((received, spoken)) = reply.take().zip(spoken) {
                        self.answered(RecordedAnswer::Replied(Box::new((received.clone(), spoken))));
                    }
                }
                // The system prompt comes between the survey's event and its message.
                Event::Message(message) if message.role != "system" => {
                    next(self, text_of(message));
                    next = |_, _| {};
                }
                Event::TestsRan(ran) if ran.purpose == TestPurpose::Verification => {
                    self.verified_ms.push(ran.result.ms);
                }
                Event::TestsRan(ran) if ran.purpose == TestPurpose::Model => self.asked_ms.push(ran.result.ms),
                Event::TestsRan(ran) | Event::CheckRan(CheckRan { ran, .. })
                    if ran.purpose == TestPurpose::Baseline =>
                {
                    self.has_baseline = true;
                }
                Event::Stopped(stopped) => self.stop = Some(stopped.reason),
                _ => {}
            }
            self.expected.extend(Expectation::of(event).map(|expectation| (turn, expectation)));
        }
    }

    fn answered(&mut self, how: RecordedAnswer) {
        if let Some(last) = self.turns.last_mut() {
            *last = how;
        }
    }

    fn was_repaired(&mut self) {
        if let Some(last) = self.turns.last_mut()
            && let RecordedAnswer::Failed(failed) = last
        {
            *last = RecordedAnswer::Refused(failed.clone());
        }
    }

    /// The first event of the recorded run.
    #[must_use]
    pub fn started(&self) -> &RunStarted {
        &self.started
    }

    /// The recorded choice of test command and checks.
    #[must_use]
    pub fn tests(&self) -> Option<&TestsChosen> {
        self.tests.as_ref()
    }

    /// Whether the recorded run knew the test results of the start state.
    #[must_use]
    pub fn has_baseline(&self) -> bool {
        self.has_baseline
    }

    /// Returns the recorded survey if `now` differs only in volatile parts, or if `anyway`; else `now`.
    #[must_use]
    pub fn survey(&self, now: String, anyway: bool) -> String {
        let at = &mut self.at().said;
        let recorded = self.said.get(*at);
        *at += 1;
        recorded.filter(|recorded| anyway || surveys_agree(recorded, &now)).cloned().unwrap_or(now)
    }

    /// Returns the recorded message of kcode if `now` differs only in volatile parts; else `now`.
    #[must_use]
    pub fn wording(&self, now: &str) -> String {
        let at = &mut self.at().said;
        let recorded = self.said.get(*at);
        *at += 1;
        recorded.filter(|recorded| self.agree(recorded, now)).map_or_else(|| now.to_owned(), String::clone)
    }

    /// The number of the tool call that begins now.
    #[must_use]
    pub fn begin_call(&self) -> usize {
        let at = &mut self.at().answers;
        *at += 1;
        *at - 1
    }

    /// Replaces the answer of the call with this number by the recorded one if it differs only in volatile parts of a
    /// test run.
    pub fn answer(&self, number: usize, now: &mut Observation) {
        let Some(run) = &mut now.tests else { return };
        if let Some(recorded) = self.answers.get(number)
            && self.agree(recorded, &now.text)
        {
            now.text.clone_from(recorded);
        }
        // The number of test runs depends on the duration. Calls that run tests never run in parallel with others.
        let at = &mut self.at().asked;
        run.ms = self.asked_ms.get(*at).copied().unwrap_or(run.ms);
        *at += 1;
    }

    /// Milliseconds of the next recorded verification.
    #[must_use]
    pub fn verified_ms(&self) -> Option<u64> {
        let at = &mut self.at().verified;
        *at += 1;
        self.verified_ms.get(*at - 1).copied()
    }

    /// Why the recorded run stopped, if that part is replayed.
    #[must_use]
    pub fn stop(&self) -> Option<StopReason> {
        self.stop
    }

    fn agree(&self, recorded: &str, now: &str) -> bool {
        test_runs_agree(recorded, now, [&self.trees[0], &self.trees[1]])
    }

    pub(super) fn next_turn(&self) -> ModelTurn<'_> {
        let mut at = self.at();
        at.turns += 1;
        match self.turns.get(at.turns - 1) {
            Some(RecordedAnswer::Replied(reply)) => ModelTurn::Replied(&reply.0, &reply.1),
            Some(RecordedAnswer::Failed(failed)) => ModelTurn::Failed(failed),
            Some(RecordedAnswer::Refused(failed)) => ModelTurn::Refused(failed),
            Some(RecordedAnswer::Over) | None => {
                at.over = true;
                ModelTurn::Over
            }
        }
    }

    /// Compares events that are about to be written with the recorded ones.
    ///
    /// # Errors
    /// The first difference; after that, always.
    pub fn meet(&self, events: &[Event]) -> Result<(), Divergence> {
        let mut at = self.at();
        if let Some(divergence) = &at.divergence {
            return Err(divergence.clone());
        }
        let mut first: Option<(bool, Divergence)> = None;
        for event in events {
            let Some(now) = Expectation::of(event).filter(|_| !at.over) else { continue };
            let recorded = self.expected.get(at.met);
            at.met += 1;
            at.over |= matches!(event, Event::Stopped(_));
            let differs = recorded.is_none_or(|(_, recorded)| *recorded != now);
            // Of several differences in one write, the most telling is shown.
            if differs && first.as_ref().is_none_or(|(telling, _)| now.telling && !telling) {
                first = Some((now.telling, self.divergence(recorded, now)));
            }
        }
        match first {
            Some((_, divergence)) => Err(at.divergence.insert(divergence).clone()),
            None => Ok(()),
        }
    }

    fn divergence(&self, recorded: Option<&(u32, Expectation)>, now: Expectation) -> Divergence {
        let Some((turn, recorded)) = recorded else {
            let turn = self.expected.last().map_or(0, |(turn, _)| *turn);
            return Divergence { turn, what: now.what, recorded: None, now: now.told };
        };
        if recorded.what == now.what {
            return Divergence { turn: *turn, what: now.what, recorded: Some(recorded.told.clone()), now: now.told };
        }
        let named = |it: &Expectation| format!("{}:\n{}", it.what, it.told);
        Divergence { turn: *turn, what: "what happens", recorded: Some(named(recorded)), now: named(&now) }
    }

    /// What the replay has compared.
    ///
    /// # Errors
    /// The first difference.
    pub fn played(&self) -> Result<Played, Divergence> {
        let at = self.at();
        if let Some(divergence) = &at.divergence {
            return Err(divergence.clone());
        }
        if let Some((turn, left)) = self.expected.get(at.met) {
            let now = "the replay has ended".to_owned();
            return Err(Divergence { turn: *turn, what: left.what, recorded: Some(left.told.clone()), now });
        }
        let count = |what: &str| self.expected.iter().filter(|(_, it)| it.what == what).count();
        let cut_short = self.stop.is_none().then(|| self.expected.last().map_or(0, |(turn, _)| *turn));
        Ok(Played {
            requests: count("the request"),
            tool_calls: count("a tool call"),
            patches: count("the patch"),
            test_runs: count("a run of the tests"),
            checks: count("a check"),
            cut_short_in: cut_short,
        })
    }

    fn at(&self) -> MutexGuard<'_, ScriptPosition> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text_of(message: &Message) -> String {
    let json: Value = serde_json::from_str(&message.json).unwrap_or_default();
    json["content"].as_str().unwrap_or_default().to_owned()
}
