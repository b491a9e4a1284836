//! The planner's environment: tools in the sandbox, the patch that they make, and the tests.

use std::future::Future;
use std::time::Duration;

use crate::journal::{Digest, Event, FailureCause, FileChange, Matrix, PatchWritten, StopReason, TamperFlag};
use crate::model::ToolCall;
use crate::tools::{Access, Observation, TestRun};
use crate::workspace::TreeIds;

/// The worker died, the view can't be read, or the disk is full. The run stops.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct EnvironmentError {
    /// [`StopReason::WorkerFailed`], or [`StopReason::StorageFailed`] if the disk is the cause.
    pub reason: StopReason,
    /// What failed, in one line.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
}

/// What the tests say about the patch, and what the patch does to the tests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    /// Events to record: tests on the start state, the comparison, the flags.
    pub events: Vec<Event>,
    /// The tests before and after, if both are known test by test; without the checks.
    pub matrix: Option<Matrix>,
    /// The same for each check, in the order of [`Ran::checks`].
    pub checks: Vec<JudgedCheck>,
    /// Why the tests fail on the patch as on the start state, if no edit can fix that.
    pub cause: Option<FailureCause>,
    /// Why the patch is refused even if the tests pass.
    pub refusing: Vec<TamperFlag>,
}

/// What is known about a check besides its run.
#[derive(Clone, Debug, Default)]
pub(crate) struct JudgedCheck {
    /// Whether it passed on the start state; `None` if that wasn't measured.
    pub passed_before: Option<bool>,
    /// Single tests before and after, if it reports them.
    pub matrix: Option<Matrix>,
}

/// A run of a check for the verification.
#[derive(Clone, Debug)]
pub(crate) struct CheckRun {
    /// Name of the check.
    pub name: String,
    /// True if the patch has to pass it.
    pub required: bool,
    /// The run itself.
    pub run: TestRun,
    /// Digest of the patch on which it ran.
    pub ran_on: Option<Digest>,
}

/// All runs on the current patch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ran<'a> {
    /// Runs of the tests; empty if there are none.
    pub tests: &'a [TestRun],
    /// One run per check.
    pub checks: &'a [CheckRun],
}

/// Executes the model's tool calls and keeps the resulting patch.
pub(crate) trait ToolExecutor {
    /// Whether a tool may run in parallel with others. Unknown tools count as reads; their answer says that they are
    /// unknown.
    fn access(&self, tool: &str) -> Access;

    /// Waits until tools can be called, and returns the events of the meantime. Cheap once they can.
    fn prepare(&mut self) -> impl Future<Output = Result<Vec<Event>, EnvironmentError>>;

    /// Runs one call in the sandbox.
    fn call(&self, call: &ToolCall) -> impl Future<Output = Result<Observation, EnvironmentError>>;

    /// Updates `patch.diff` after `observations` and returns its description.
    fn patch(&mut self, observations: &[Observation]) -> impl Future<Output = Result<PatchWritten, EnvironmentError>>;

    /// Files of the patch as last written.
    fn written_files(&self) -> Vec<FileChange>;

    /// Text of a message from kcode itself. A replay returns the recorded text if it differs only in volatile parts.
    fn wording(&self, text: &str) -> String {
        text.to_owned()
    }

    /// Ends all running calls.
    fn cancel(&self) -> impl Future<Output = ()>;
}

/// Runs tests and checks, and judges the patch by them.
pub(crate) trait Verifier {
    /// A cause because of which no test can run, if one is known by now, and the events of the meantime.
    fn obstacle(&mut self) -> impl Future<Output = (Vec<Event>, Option<Obstacle>)> {
        std::future::ready((Vec::new(), None))
    }

    /// Whether `run`, which the model requested, ran the whole verification command to its end, in a view that held
    /// nothing but the start state and the patch when it began.
    fn is_whole(&self, _run: &TestRun) -> bool {
        false
    }

    /// Whether files that tests write may become part of the patch.
    fn takes_what_tests_write(&self) -> bool {
        false
    }

    /// Finds the projects that the patch now changes, and adds their tests as checks. Returns the events.
    fn follow(&mut self) -> impl Future<Output = Result<Vec<Event>, EnvironmentError>>;

    /// Names of the checks in the order in which they run, and whether each is required.
    fn checks(&self) -> Vec<(String, bool)>;

    fn run_check(&mut self, name: &str) -> impl Future<Output = Result<TestRun, EnvironmentError>>;

    /// Runs the whole test command; `None` if there is none.
    fn verify(&mut self) -> impl Future<Output = Result<Option<TestRun>, EnvironmentError>>;

    /// Runs it in a fresh view of the start state and the patch, if possible.
    fn verify_afresh(&mut self) -> impl Future<Output = Result<Option<TestRun>, EnvironmentError>>;

    /// Git's ids of the start tree and of the tree with the current patch; `None` if git can't tell.
    fn trees(&mut self) -> impl Future<Output = Option<TreeIds>>;

    /// Judges the current patch by its runs. Waits at most `patience` for the results of the start state.
    fn judge(&mut self, ran: Ran<'_>, patience: Duration) -> impl Future<Output = Result<Judgement, EnvironmentError>>;

    /// Looks for a test that fails without the fix and passes with it, after a judgement without objections. The last
    /// event holds the result. Takes at most `patience`.
    fn reproduction(&mut self, patience: Duration) -> impl Future<Output = Result<Vec<Event>, EnvironmentError>>;
}

/// A cause because of which no test can give a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// The cause, as a clause.
    pub what: String,
    /// What the user can do about it.
    pub hint: String,
}
