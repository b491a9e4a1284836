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

/// One line of the journal: an event with its place and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Always [`EVENT_SCHEMA`] when written by this version.
    pub schema: String,
    /// Counts from 0 without gaps.
    pub seq: u64,
    /// UTC, RFC 3339 with milliseconds.
    pub at: String,
    /// Milliseconds since the run began, by a clock that doesn't jump.
    pub elapsed_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A run began; everything that was decided before the first step.
    RunStarted(RunStarted),
    /// The private view is being made; tools wait for [`Event::ViewMade`].
    ViewMade(ViewMade),
    /// It is known which tree the run started from.
    StartSeen(StartSeen),
    /// The worker runs and says what confines it.
    #[serde(rename = "wall_built")]
    SandboxBuilt(SandboxBuilt),
    /// A run that had stopped goes on, in a new process and a new view.
    Resumed(Resumed),
    /// Which tests kcode will stand on.
    TestsChosen(TestsChosen),
    /// The first messages were written.
    Surveyed(Surveyed),
    /// A message joined the conversation, byte for byte as it is sent.
    Message(Message),
    /// A request is about to be sent; its worst case is reserved.
    Request(RequestSent),
    /// An attempt failed; it is repeated after a wait, or the run gives up.
    AttemptFailed(AttemptFailed),
    /// The host refused a message that the model had written; what is wrong with it was put right, and the request is made
    /// again. The one exception to laws 4 and 5 that there is.
    HistoryRepaired(HistoryRepaired),
    /// A whole reply arrived (its message follows as [`Event::Message`] in the same write).
    Reply(ReplyReceived),
    /// A tool is about to run.
    ToolCalled(ToolCalled),
    /// A tool answered (the full text follows as [`Event::Message`]).
    ToolAnswered(ToolAnswered),
    /// The patch file on disk now describes the view.
    PatchWritten(PatchWritten),
    /// Tests ran, asked for by the model or by kcode.
    TestsRan(TestsRan),
    /// What changed lies in a project with tests of its own: they have to pass, too.
    CheckAdded(CheckChosen),
    /// A command beside the tests ran, for kcode.
    CheckRan(CheckRan),
    /// How the tests on the start state went is not known.
    BaselineMissing(BaselineMissing),
    /// What the tests were run in, and how.
    TestEnvironment(TestEnvironment),
    /// What each test said before and after is in a file of the run's folder.
    ResultsKept(ResultsKept),
    /// The tests after the last edit were held against those on the start state.
    Compared(Matrix),
    /// The patch touches tests, or what they are run by.
    TestsTouched(TestsTouched),
    /// It was looked for a test that shows what the patch mends.
    Reproduced(Reproduction),
    /// The tests ran on a part of the patch, to find out which hunks they need.
    HunksTried(HunksTried),
    /// The search for a smaller patch is over; one that was found is the run's patch by now.
    Minimized(Minimized),
    /// kcode said something to the model that the task didn't.
    Nudged(Nudged),
    /// The conversation is over.
    Stopped(Stopped),
    /// A person decided about the patch, hunk by hunk.
    Reviewed(Reviewed),
    /// The patch, or what a review accepted of it, was written to the user's tree.
    Applied(Applied),
    /// What the patch had replaced was put back into the user's tree.
    Undone(Undone),
    /// What was checked to be gone when the run ended.
    Residue(Residue),
    /// The end of the run itself; only what a person decides later follows: [`Event::Reviewed`] with its tests,
    /// [`Event::Applied`], [`Event::Undone`], or another end when the
    /// patch that was wanted could not be applied.
    RunEnded(RunEnded),
}
