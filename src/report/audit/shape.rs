//! The shape of an audit, schema `kcode.audit/1`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::journal::{
    Digest, Nudged, Outcome, Proof, RepairCause, Residue, RunId, TamperFlag, TestPurpose, TestsRan, Tokens, Usd,
};

/// The schema that an audit names.
pub const AUDIT_SCHEMA: &str = "kcode.audit/1";

/// What the journal of one run tells of the laws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Always `kcode.audit/1` when written by this version.
    pub schema: String,
    /// The run.
    pub run: RunId,
    /// What it came to.
    pub outcome: Outcome,
    /// The model.
    pub model: String,
    /// kcode's version.
    pub version: String,
    /// Every breach of a law that the journal shows, a sentence each; empty for a run without any.
    pub breaches: Vec<String>,
    /// Law 4, reply by reply.
    pub reasoning: Vec<ReasoningTurn>,
    /// What was changed of the conversation after the host had refused it, and so is no breach of laws 4 and 5.
    #[serde(default)]
    pub repairs: Vec<HistoryRepair>,
    /// Law 5, request by request.
    pub prefixes: Vec<PrefixSent>,
    /// Law 6, request by request.
    pub budget: Vec<RequestCost>,
    /// Every file that a tool call names or the patch changes, by path.
    pub files: Vec<TouchedFile>,
    /// How often each tool was called without naming a file: on the whole repository, or to run tests.
    pub on_everything: BTreeMap<String, u64>,
    /// Law 2: the attempts to break out that were made before the run, and what came of them.
    pub wall: Vec<Proof>,
    /// What was stopped while the run ran: paths that lead out, and tests that were ended.
    pub stopped: Vec<StoppedAct>,
    /// Law 7: every run of the tests, and of the checks beside them.
    pub tests: Vec<TestsSeen>,
    /// What in the patch touches tests.
    pub touched: Vec<TamperFlag>,
    /// What kcode said to the model that the task didn't.
    pub nudges: Vec<Nudged>,
    /// Law 10: what had to be killed at the end; `null` when the run never got so far.
    pub residue: Option<Residue>,
}

/// A reply, as it was received and as it was kept to be sent back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasoningTurn {
    /// The turn.
    pub turn: u32,
    /// SHA-256 of the reasoning as received; `null` when there was none.
    pub received: Option<Digest>,
    /// SHA-256 of the reasoning in the message that joined the conversation.
    pub kept: Option<Digest>,
    /// Whether that message is, byte for byte, what was received.
    pub is_same: bool,
    /// Requests that sent it back, as their prefix hashes prove; `null` where a prefix can't be computed anew.
    pub sent_back: Option<u64>,
}

/// Messages of the model that were changed, because the host refused to take them back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Repair")]
pub struct HistoryRepair {
    /// The turn whose request was refused.
    pub turn: u32,
    /// What the host refused.
    pub cause: RepairCause,
    /// What changed, message by message.
    pub what: Vec<String>,
    /// Whether a refusal came right before, and the reasoning is what it was (unless that was refused).
    pub is_allowed: bool,
}

/// The part of a request that later ones have to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrefixSent {
    /// The turn.
    pub turn: u32,
    /// The attempt.
    pub attempt: u32,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, noted before it was sent.
    pub sha256: Digest,
    /// Whether it began with the one before, as was checked before it was sent.
    pub kept: bool,
    /// Whether the messages in the journal come to the same hash; `null` for a version whose tools this one doesn't know.
    pub proved: Option<bool>,
}

/// What was held back for a request, and what it was charged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Charge")]
pub struct RequestCost {
    /// The turn.
    pub turn: u32,
    /// The attempt.
    pub attempt: u32,
    /// Reserved before it was sent.
    pub reserved_tokens: Tokens,
    /// The same at list price.
    pub reserved_usd: Usd,
    /// Charged for its reply, or for its failure; all that was reserved when nobody knows.
    pub charged_tokens: Tokens,
    /// The same at list price.
    pub charged_usd: Usd,
    /// True when the provider let the model say more than the request allowed; that is no breach of ours.
    pub above_cap: bool,
    /// What became of it: `reply`, `failed` or `unanswered`.
    pub end: String,
}

/// A file that tools were asked about, or that the patch changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TouchedFile {
    /// The path below the repository's root, or `@logs/` and the name of a log.
    pub path: String,
    /// How often each tool was called on it.
    pub tools: BTreeMap<String, u64>,
    /// In which turns.
    pub turns: Vec<u32>,
    /// Whether the patch changes it.
    pub changed: bool,
}

/// Something that was tried during the run and not let happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoppedAct {
    /// The turn, where it was the model's wish.
    pub turn: Option<u32>,
    /// The tool, or `tests` for those that kcode ran by itself.
    pub by: String,
    /// The path that was asked for, or the command that ran.
    pub what: String,
    /// Why it was stopped.
    pub why: String,
    /// False when the answer shows that it was not stopped.
    pub held: bool,
}

/// A run of the tests, and what it ran on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestsSeen {
    /// The check's name; `null` for the tests themselves.
    pub check: Option<String>,
    /// Who asked.
    pub purpose: TestPurpose,
    /// Whether they passed.
    pub passed: bool,
    /// Why kcode ended them, if it did: `deadline`, `idle`, `disk`, `memory` or `cancelled`.
    pub stopped: Option<String>,
    /// What in the runner's own report contradicts its exit code.
    pub contradiction: Option<String>,
    /// Git's id of the tree that they ran on, where it is known.
    pub tree: Option<String>,
    /// SHA-256 of the patch that they ran on; `null` for the start state.
    pub patch_sha256: Option<Digest>,
    /// True when an earlier run on the same tree told it.
    pub cached: bool,
}

impl From<&TestsRan> for TestsSeen {
    fn from(ran: &TestsRan) -> Self {
        Self {
            check: None,
            purpose: ran.purpose,
            passed: ran.result.passed,
            stopped: ran.result.stopped.clone(),
            contradiction: ran.result.contradiction.clone(),
            tree: ran.tree.clone(),
            patch_sha256: ran.patch_sha256,
            cached: ran.cached,
        }
    }
}
