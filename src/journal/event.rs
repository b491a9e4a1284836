//! The events of a run: what the journal keeps, `--output jsonl` prints and the renderer draws.
//!
//! Adding a variant or an optional field keeps `kcode.event/1`; changing a field's meaning makes it `/2`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Applied, AttemptFailed, BaselineMissing, CheckChosen, CheckRan, HistoryRepaired, HunksTried, Matrix, Message,
    Minimized, Nudged, PatchWritten, ReplyReceived, Reproduction, RequestSent, Residue, ResultsKept, Resumed, Reviewed,
    RunEnded, RunStarted, SandboxBuilt, StartSeen, Stopped, Surveyed, TestEnvironment, TestsChosen, TestsRan,
    TestsTouched, ToolAnswered, ToolCalled, Undone, ViewMade,
};

/// The schema that each line of a journal names.
pub const EVENT_SCHEMA: &str = "kcode.event/1";

/// One line of the journal: an event with its number and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Schema name: always `kcode.event/1` when written by this version.
    pub schema: String,
    /// Number of the record; counts from 0 without gaps.
    pub seq: u64,
    /// Time of the write: UTC, RFC 3339 with milliseconds.
    pub at: String,
    /// Milliseconds since the run began, by a monotonic clock.
    pub elapsed_ms: u64,
    /// The event; its fields are at the same level of the JSON object.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A run began, with everything that was decided before its first step.
    RunStarted(RunStarted),
    /// The private view is ready; tools wait for it.
    ViewMade(ViewMade),
    /// Git's id of the tree that the run starts from was computed.
    StartSeen(StartSeen),
    /// The worker is running and reports which layers of the sandbox hold.
    #[serde(rename = "wall_built")]
    SandboxBuilt(SandboxBuilt),
    /// An interrupted run goes on, in a new process and a new view.
    Resumed(Resumed),
    /// The test command and the checks were chosen.
    TestsChosen(TestsChosen),
    /// The repository was surveyed, and the first messages were written.
    Surveyed(Surveyed),
    /// A message joined the conversation, exactly as it is sent.
    Message(Message),
    /// A request is about to be sent; its worst-case cost is reserved.
    Request(RequestSent),
    /// An attempt failed; it is retried after a wait, or the run gives up.
    AttemptFailed(AttemptFailed),
    /// The host refused a message that the model had written. kcode repaired it and sends the request again: the only
    /// exception to laws 4 and 5.
    HistoryRepaired(HistoryRepaired),
    /// A whole reply arrived; a `message` event in the same write holds its text.
    Reply(ReplyReceived),
    /// A tool is about to run.
    ToolCalled(ToolCalled),
    /// A tool returned; the `message` event that follows holds the full text.
    ToolAnswered(ToolAnswered),
    /// `patch.diff` on disk now describes the view.
    PatchWritten(PatchWritten),
    /// Tests ran, requested by the model or by kcode.
    TestsRan(TestsRan),
    /// The patch changes a project that has its own tests; they were added as a check.
    CheckAdded(CheckChosen),
    /// kcode ran a check.
    CheckRan(CheckRan),
    /// There are no test results for the start state.
    BaselineMissing(BaselineMissing),
    /// The environment in which the tests ran.
    TestEnvironment(TestEnvironment),
    /// The result of each test before and after was written to a file of the run's folder.
    ResultsKept(ResultsKept),
    /// The test results after the last edit were compared with those of the start state.
    Compared(Matrix),
    /// The patch touches tests, or how they are run.
    TestsTouched(TestsTouched),
    /// kcode checked whether a test fails without the fix and passes with it.
    Reproduced(Reproduction),
    /// The tests ran on a part of the patch, to find out which hunks they need.
    HunksTried(HunksTried),
    /// The search for a smaller patch is over; if one was found, it is now the run's patch.
    Minimized(Minimized),
    /// kcode added a message of its own to the conversation.
    Nudged(Nudged),
    /// The conversation ended.
    Stopped(Stopped),
    /// A person reviewed the patch hunk by hunk.
    Reviewed(Reviewed),
    /// The patch, or the part that a review accepted, was written to the user's tree.
    Applied(Applied),
    /// An applied patch was undone in the user's tree.
    Undone(Undone),
    /// The processes that were left at the end of the run.
    Residue(Residue),
    /// The run ended. Only a person's later decisions follow: `reviewed` with its tests, `applied`, `undone`, or
    /// another end if the patch that was asked for could not be applied.
    RunEnded(RunEnded),
}
