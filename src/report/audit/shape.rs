//! The audit as JSON, schema `kcode.audit/1`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::journal::{
    Digest, Nudged, Outcome, Proof, RepairCause, Residue, RunId, TamperFlag, TestPurpose, TestsRan, Tokens, Usd,
};

/// Schema name of an audit.
pub(crate) const AUDIT_SCHEMA: &str = "kcode.audit/1";

/// What the journal of one run shows about the laws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// Always `kcode.audit/1` when written by this version.
    pub schema: String,
    /// Id of the run.
    pub run: RunId,
    /// How the run ended.
    pub outcome: Outcome,
    /// Name of the model.
    pub model: String,
    /// Version of kcode.
    pub version: String,
    /// Every breach of a law that the journal shows, one sentence each.
    pub breaches: Vec<String>,
    /// Law 4: whether reasoning was kept, for each reply.
    pub reasoning: Vec<ReasoningTurn>,
    /// Changes to the conversation after the host had refused it; these are no breaches of laws 4 and 5.
    #[serde(default)]
    pub repairs: Vec<HistoryRepair>,
    /// Law 5: the prefix of each request.
    pub prefixes: Vec<PrefixSent>,
    /// Law 6: reserved and charged amounts of each request.
    pub budget: Vec<RequestCost>,
    /// Every file that a tool call names or that the patch changes, sorted by path.
    pub files: Vec<TouchedFile>,
    /// Number of calls of each tool that named no file: on the whole repository, or test runs.
    pub on_everything: BTreeMap<String, u64>,
    /// Law 2: the attempts to break out of the sandbox before the run, and their results.
    pub wall: Vec<Proof>,
    /// What was stopped during the run: access to paths outside the repository, and test runs that kcode ended.
    pub stopped: Vec<StoppedAct>,
    /// Law 7: all runs of the tests and of the checks.
    pub tests: Vec<TestsSeen>,
    /// Changes of the patch that touch tests.
    pub touched: Vec<TamperFlag>,
    /// Messages that kcode itself added to the conversation.
    pub nudges: Vec<Nudged>,
    /// Law 10: processes left at the end; `null` if the run didn't get so far.
    pub residue: Option<Residue>,
}

/// A reply as received, and as kept in the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasoningTurn {
    /// Turn number.
    pub turn: u32,
    /// SHA-256 of the reasoning as received; `null` if there was none.
    pub received: Option<Digest>,
    /// SHA-256 of the reasoning in the message in the conversation.
    pub kept: Option<Digest>,
    /// True if that message is byte for byte what was received.
    pub is_same: bool,
    /// Number of requests that sent it back, proved by their prefix hashes; `null` if a prefix can't be recomputed.
    pub sent_back: Option<u64>,
}

/// Messages of the model that were changed because the host refused them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Repair")]
pub struct HistoryRepair {
    /// Turn whose request was refused.
    pub turn: u32,
    /// The reason of the refusal.
    pub cause: RepairCause,
    /// The changes, one per message.
    pub what: Vec<String>,
    /// True if a refusal came right before, and the reasoning is unchanged (unless it was what the host refused).
    pub is_allowed: bool,
}

/// The part of a request with which later requests have to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrefixSent {
    /// Turn number.
    pub turn: u32,
    /// Attempt number.
    pub attempt: u32,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, recorded before sending.
    pub sha256: Digest,
    /// True if it begins with the prefix before, as checked before sending.
    pub kept: bool,
    /// True if the messages in the journal have the same hash; `null` if the version had other tools than this one.
    pub proved: Option<bool>,
}

/// Amounts reserved and charged for a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Charge")]
pub struct RequestCost {
    /// Turn number.
    pub turn: u32,
    /// Attempt number.
    pub attempt: u32,
    /// Tokens reserved before sending.
    pub reserved_tokens: Tokens,
    /// `reserved_tokens` at list price.
    pub reserved_usd: Usd,
    /// Tokens charged for the reply or the failure; all reserved ones if the actual usage is unknown.
    pub charged_tokens: Tokens,
    /// `charged_tokens` at list price.
    pub charged_usd: Usd,
    /// True if the provider let the model write more than the request allowed, which is no breach by kcode.
    pub above_cap: bool,
    /// How the request ended: `reply`, `failed` or `unanswered`.
    pub end: String,
}

/// A file that a tool call names or that the patch changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TouchedFile {
    /// Path below the repository's root, or `@logs/` and the name of a log.
    pub path: String,
    /// Number of calls of each tool on it.
    pub tools: BTreeMap<String, u64>,
    /// Turns with such calls.
    pub turns: Vec<u32>,
    /// True if the patch changes it.
    pub changed: bool,
}

/// An action that was stopped during the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoppedAct {
    /// Turn number, if the model requested it.
    pub turn: Option<u32>,
    /// Name of the tool, or `tests` for test runs that kcode started.
    pub by: String,
    /// The requested path, or the command that ran.
    pub what: String,
    /// Why it was stopped.
    pub why: String,
    /// False if the answer shows that it was not stopped.
    pub held: bool,
}

/// A test run and the tree on which it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestsSeen {
    /// Name of the check; `null` for the tests themselves.
    pub check: Option<String>,
    /// Who requested the run, and on which tree.
    pub purpose: TestPurpose,
    /// Whether the tests passed.
    pub passed: bool,
    /// Why kcode ended the run, if it did: `deadline`, `idle`, `disk`, `memory` or `cancelled`.
    pub stopped: Option<String>,
    /// What in the runner's report contradicts the exit code.
    pub contradiction: Option<String>,
    /// Git's id of the tree under test, if known.
    pub tree: Option<String>,
    /// SHA-256 of the patch under test; `null` for the start state.
    pub patch_sha256: Option<Digest>,
    /// True if the result comes from an earlier run on the same tree.
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
