//! What the planner works with: tools in the sandbox, the patch they make, the tests behind it.

use std::future::Future;
use std::time::Duration;

use super::obstacle::Obstacle;
use crate::journal::{Digest, Event, FailureCause, FileChange, Matrix, PatchWritten, StopReason, TamperFlag};
use crate::model::ToolCall;
use crate::tools::{Access, Observation, TestRun};
use crate::workspace::TreeIds;

/// The sandbox or the disk is broken: the worker died, the view can't be read, the disk is full. The run stops.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EnvironmentError {
    /// [`StopReason::WorkerFailed`], or [`StopReason::StorageFailed`] when the disk is why.
    pub reason: StopReason,
    /// What happened, in one line.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What the tests say of the patch, and what the patch does to the tests.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// What was found out: how the tests went on the start state, the comparison, the flags.
    pub events: Vec<Event>,
    /// Before and after, when both are known test by test; of the tests alone.
    pub matrix: Option<Matrix>,
    /// The same of each check, in the order in which they were handed in.
    pub checks: Vec<JudgedCheck>,
    /// Why the tests fail on the patch as they did on the start state, if no edit mends that.
    pub cause: Option<FailureCause>,
    /// Why the patch can't be accepted, whatever the tests say.
    pub refusing: Vec<TamperFlag>,
}

/// What is known of a check beside its run.
#[derive(Clone, Debug, Default)]
pub struct JudgedCheck {
    /// Whether it passed on the start state; `None` when nobody measured.
    pub passed_before: Option<bool>,
    /// Before and after, where it tells of single tests.
    pub matrix: Option<Matrix>,
}

/// A check that ran to verify.
#[derive(Clone, Debug)]
pub struct CheckRun {
    /// Which.
    pub name: String,
    /// Whether the patch has to pass it.
    pub required: bool,
    /// How it went.
    pub run: TestRun,
    /// The patch that it ran on.
    pub ran_on: Option<Digest>,
}

/// What was run on the patch as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Ran<'a> {
    /// The tests, as often as they were run; empty when there are none.
    pub tests: &'a [TestRun],
    /// The checks.
    pub checks: &'a [CheckRun],
}

/// Executes the model's tool calls, and keeps the patch that they make.
pub trait ToolExecutor {
    /// Whether a tool may run beside others; an unknown one reads (its answer says that it is unknown).
    fn access(&self, tool: &str) -> Access;

    /// Waits until tools can be called, and tells what happened meanwhile. Cheap once it is so.
    fn prepare(&mut self) -> impl Future<Output = Result<Vec<Event>, EnvironmentError>>;

    /// Runs one call in the sandbox.
    fn call(&self, call: &ToolCall) -> impl Future<Output = Result<Observation, EnvironmentError>>;

    /// Brings `patch.diff` up to date after `observations` and says what it holds now.
    fn patch(&mut self, observations: &[Observation]) -> impl Future<Output = Result<PatchWritten, EnvironmentError>>;

    /// What the patch changes that was written last.
    fn written_files(&self) -> Vec<FileChange>;

    /// What kcode says to the model of its own accord. A replay puts in what was recorded where that means the same.
    fn wording(&self, text: &str) -> String {
        text.to_owned()
    }

    /// Ends every call that still runs.
    fn cancel(&self) -> impl Future<Output = ()>;
}

/// Runs what has to stand behind the patch, and judges by it.
pub trait Verifier {
    /// What keeps every test from telling anything, as far as it is known by now, and what was found out meanwhile.
    fn obstacle(&mut self) -> impl Future<Output = (Vec<Event>, Option<Obstacle>)> {
        std::future::ready((Vec::new(), None))
    }

    /// Whether `run`, which the model asked for, is of the command that verifies, of all its tests, to its own end, and in a view
    /// that held nothing but the start and the patch when it began.
    fn is_whole(&self, _run: &TestRun) -> bool {
        false
    }

    /// Whether files that tests write may become part of the patch.
    fn takes_what_tests_write(&self) -> bool {
        false
    }

    /// Looks at what the patch changes by now, and adds the tests that have to pass because of it. Returns what there is to
    /// tell.
    fn follow(&mut self) -> impl Future<Output = Result<Vec<Event>, EnvironmentError>>;

    /// Names of the checks in the order in which they are run, and whether the patch has to pass each.
    fn checks(&self) -> Vec<(String, bool)>;

    /// Runs the check of that name.
    fn run_check(&mut self, name: &str) -> impl Future<Output = Result<TestRun, EnvironmentError>>;

    /// Runs the whole test command; `None` when there is none to run.
    fn verify(&mut self) -> impl Future<Output = Result<Option<TestRun>, EnvironmentError>>;

    /// The same where nothing lies but the start and the patch, if that can be had.
    fn verify_afresh(&mut self) -> impl Future<Output = Result<Option<TestRun>, EnvironmentError>>;

    /// Git's ids of the start state and of what the patch makes of it as it stands; `None` when git can't tell.
    fn trees(&mut self) -> impl Future<Output = Option<TreeIds>>;

    /// Judges the patch as it stands by what ran on this very tree. Waits at most `patience` for what has to be
    /// known of the start state.
    fn judge(&mut self, ran: Ran<'_>, patience: Duration) -> impl Future<Output = Result<Judgement, EnvironmentError>>;

    /// Looks for a test that shows what the patch mends, once the patch was judged and nothing speaks against it. The last
    /// event is what was found. Takes at most `patience`.
    fn reproduction(&mut self, patience: Duration) -> impl Future<Output = Result<Vec<Event>, EnvironmentError>>;
}
