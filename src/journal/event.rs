//! The events of a run: what the journal keeps, `--output jsonl` prints and the renderer draws.
//!
//! Adding a variant or an optional field keeps `kcode.event/1`; changing a field's meaning makes it `/2`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, Outcome, PatchWritten, RunId, StopReason, TestsChosen, TestsRan, Tokens, Usage, Usd};

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
    /// The worker runs and says what confines it.
    WallBuilt(WallBuilt),
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
    /// kcode said something to the model that the task didn't.
    Nudged(Nudged),
    /// The conversation is over.
    Stopped(Stopped),
    /// The patch was written to the user's tree.
    Applied(Applied),
    /// What was checked to be gone when the run ended.
    Residue(Residue),
    /// The last event of the run itself; only what a person decides later ([`Event::Applied`]) follows.
    RunEnded(RunEnded),
}

/// See [`Event::RunStarted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// The run's id.
    pub run: RunId,
    /// kcode's version.
    pub version: String,
    /// The task, as given.
    pub task: String,
    /// The repository's root.
    pub repository: String,
    /// The commit that HEAD named, if any.
    pub head: Option<String>,
    /// The model that was asked for.
    pub model: String,
    /// Where requests go.
    pub base_url: String,
    /// `strict`, `auto` or `off`.
    pub sandbox: String,
    /// The limits of law 6.
    pub limits: Limits,
    /// The conversation's cache key.
    pub cache_key: String,
}

/// See [`Event::Resumed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resumed {
    /// The run.
    pub run: RunId,
    /// The version that goes on.
    pub version: String,
    /// The model.
    pub model: String,
    /// Where requests go now.
    pub base_url: String,
    /// `strict`, `auto` or `off`.
    pub sandbox: String,
    /// The limits from now on. Turns, tokens and money count from the run's first start, time from now.
    pub limits: Limits,
}

/// The hard limits of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Replies of the model.
    pub max_turns: u32,
    /// Input and output tokens over all requests.
    pub max_tokens: Option<Tokens>,
    /// Money at list price.
    pub max_cost_usd: Option<Usd>,
    /// Seconds from launch.
    pub max_time_s: u64,
}

/// See [`Event::ViewMade`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViewMade {
    /// `overlay` or `copy`.
    pub kind: String,
    /// Files and links that were copied: none for an overlay, which shows the tree itself.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Milliseconds it took.
    pub ms: u64,
    /// What was left out or made visible otherwise, a sentence each.
    pub notes: Vec<String>,
}

/// See [`Event::WallBuilt`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WallBuilt {
    /// Nothing outside the view can be written.
    pub tree: bool,
    /// Processes of the run can't reach others, and none outlives it.
    pub process: bool,
    /// No network.
    pub network: bool,
    /// Every layer that was tried.
    pub layers: Vec<Layer>,
    /// Attempts to break out, made as a test command could make them; empty with `--sandbox off`.
    #[serde(default)]
    pub proof: Vec<Proof>,
    /// Milliseconds from launch of the worker to its word.
    pub ms: u64,
    /// Of those, what the attempts took.
    #[serde(default)]
    pub proof_ms: u64,
}

/// One layer of the wall, probed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Layer {
    /// Such as `landlock`.
    pub name: String,
    /// Whether it is in force.
    pub holds: bool,
    /// Version or reason.
    pub detail: String,
    /// What a person can do about it, when it isn't in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl WallBuilt {
    /// Whether the wall guards this.
    #[must_use]
    pub const fn holds(&self, guard: Guard) -> bool {
        match guard {
            Guard::Files => self.tree,
            Guard::Processes => self.process,
            Guard::Network => self.network,
        }
    }
}

impl Layer {
    /// A layer that is in force.
    #[must_use]
    pub fn holding(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), holds: true, detail: detail.into(), hint: None }
    }

    /// A layer that isn't, and why.
    #[must_use]
    pub fn missing(name: &str, reason: impl Into<String>) -> Self {
        Self { holds: false, ..Self::holding(name, reason) }
    }

    /// The same with a word on what can be done about it.
    #[must_use]
    pub fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

/// One attempt to break out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// What it was aimed at.
    pub guards: Guard,
    /// What was tried.
    pub attempt: String,
    /// Whether the wall held.
    pub held: bool,
    /// How it was refused, or what became of it.
    pub detail: String,
}

/// What the wall guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Nothing outside the view can be written, and no secret be read.
    Files,
    /// No process outside can be reached, and none outlives the run.
    Processes,
    /// Nothing of this machine's network, nor of any other, can be reached.
    Network,
}

impl Guard {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Files, Self::Processes, Self::Network];

    /// As people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Processes => "processes",
            Self::Network => "network",
        }
    }
}

/// See [`Event::Surveyed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Surveyed {
    /// How many paths the repository has, as far as they were counted.
    pub paths: u64,
    /// What had to be cut, a sentence each, such as a long AGENTS.md.
    pub notes: Vec<String>,
}

/// See [`Event::Message`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// The JSON of the message exactly as it is sent, kept as text so that no byte moves.
    pub json: String,
}

/// See [`Event::Request`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestSent {
    /// Counts the model's replies from 1.
    pub turn: u32,
    /// Counts attempts at this turn from 1.
    pub attempt: u32,
    /// Bytes of the body.
    pub bytes: u64,
    /// SHA-256 of the body's stone prefix (model, tools, messages).
    pub prefix_sha256: Digest,
    /// That prefix's length.
    pub prefix_bytes: u64,
    /// True when the body begins with the last request's stone prefix (law 5).
    pub prefix_kept: bool,
    /// The cap on output that went with it.
    pub max_completion_tokens: Tokens,
    /// Estimated input plus that cap.
    pub reserved_tokens: Tokens,
    /// The same at list price.
    pub reserved_usd: Usd,
}

/// See [`Event::AttemptFailed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptFailed {
    /// The turn.
    pub turn: u32,
    /// The attempt that failed.
    pub attempt: u32,
    /// Milliseconds until the next one; `None` when the run gives up.
    pub wait_ms: Option<u64>,
    /// What failed, in one line.
    pub error: String,
    /// The provider's own words about it, or the transport's.
    #[serde(default)]
    pub said: String,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// What the budget is charged: the reservation when the provider may have billed it, else nothing.
    pub charged: Usage,
    /// The same at list price.
    pub charged_usd: Option<Usd>,
}

/// See [`Event::Reply`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplyReceived {
    /// The turn.
    pub turn: u32,
    /// As the provider said it: `stop`, `tool_calls`, `length`…
    pub finish_reason: String,
    /// Tokens.
    pub usage: Usage,
    /// True when the provider sent no usage and these are our estimates.
    pub usage_estimated: bool,
    /// At list price; `None` when the model's price is not known.
    pub cost_usd: Option<Usd>,
    /// Milliseconds from sending to the end of the reply.
    pub latency_ms: u64,
    /// Milliseconds to the first byte of the body.
    pub first_byte_ms: u64,
    /// The provider's request id.
    pub request_id: Option<String>,
    /// SHA-256 of `reasoning_content`, when there was some.
    pub reasoning_sha256: Option<Digest>,
    /// SHA-256 of the message's JSON.
    pub message_sha256: Digest,
}

/// See [`Event::ToolCalled`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCalled {
    /// The turn.
    pub turn: u32,
    /// The call's id as the model gave it (may repeat across turns).
    pub id: String,
    /// The tool's name as the model gave it.
    pub tool: String,
    /// The arguments as the model gave them.
    pub arguments: String,
}

/// See [`Event::ToolAnswered`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolAnswered {
    /// The turn.
    pub turn: u32,
    /// The call's id.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// False when the answer tells the model what was wrong.
    pub ok: bool,
    /// One line for people, such as `calc/core.py:12  −1 +1`.
    pub summary: String,
    /// Milliseconds.
    pub ms: u64,
    /// SHA-256 of the text; what the repeat guard compares.
    pub result_sha256: Digest,
}

/// See [`Event::Nudged`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Nudged {
    /// The turn after which it was said.
    pub turn: u32,
    /// `announced`, `repetition`, `tests_failed`, `truncated`…
    pub kind: String,
}

/// See [`Event::Stopped`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stopped {
    /// Why.
    pub reason: StopReason,
    /// In one line.
    pub detail: String,
}

/// See [`Event::Applied`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// How many files of the user's tree were written.
    pub files: u64,
}

/// See [`Event::Residue`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Residue {
    /// Processes of the run that had to be killed at the end.
    pub killed: u64,
    /// Processes that could not be.
    pub survivors: u64,
}

/// See [`Event::RunEnded`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnded {
    /// The outcome.
    pub outcome: Outcome,
    /// Its exit code.
    pub exit_code: u8,
    /// In one line: what stands behind it.
    pub detail: String,
    /// What to do about it, when there is something.
    pub hint: Option<String>,
}
