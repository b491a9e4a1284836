//! The report as JSON (`report.json`), schema `kcode.report/1`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::CheckReport;
use super::review::ReviewReport;
use crate::journal::{
    Digest, FileChange, GeneratedFile, Layer, Limits, Matrix, Minimized, Outcome, Proof, RelPath, Reproduction,
    Residue, ResultsKept, RunId, StopReason, TestEnvironment, TestResult, TestsRan, TestsTouched, Tokens, Usage, Usd,
};

/// Schema name of a report.
pub const REPORT_SCHEMA: &str = "kcode.report/1";

/// Report of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Schema name: always `kcode.report/1` when written by this version.
    pub schema: String,
    /// Id of the run.
    pub run: RunId,
    /// How the run ended; `interrupted` if it never recorded its end.
    pub outcome: Outcome,
    /// Exit code of the outcome.
    pub exit_code: u8,
    /// The reason for the outcome, in one line.
    pub detail: String,
    /// What the user can do about it, if anything.
    pub hint: Option<String>,
    /// Version of kcode.
    pub version: String,
    /// The task as given.
    pub task: String,
    /// The run whose conversation this one continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<RunId>,
    /// Root of the repository.
    pub repository: String,
    /// The commit of HEAD at the start.
    pub head: Option<String>,
    /// Name of the model.
    pub model: String,
    /// Base URL of requests.
    pub base_url: String,
    /// The model's last message; a claim, not evidence.
    pub said: Option<String>,
    /// The patch; `null` if nothing changed.
    pub patch: Option<PatchReport>,
    /// Files that commands wrote, such as the tests.
    #[serde(default)]
    pub generated: GeneratedReport,
    /// Results of the tests.
    pub tests: TestsReport,
    /// Results of the checks, in the order in which they ran.
    #[serde(default)]
    pub checks: Vec<CheckReport>,
    /// What somebody else needs to run the tests again with `kcode verify`.
    #[serde(default)]
    pub certificate: CertificateReport,
    /// Tokens and cost.
    pub usage: UsageReport,
    /// Latency of replies.
    pub latency: LatencyReport,
    /// Number of tool calls.
    pub tools: ToolsReport,
    /// Law 4: whether reasoning was kept.
    pub reasoning: ReasoningReport,
    /// Law 5: whether requests kept the prefix.
    pub cache: CacheReport,
    /// Law 2: the sandbox.
    pub wall: SandboxReport,
    /// Law 6: limits and what was charged.
    pub budget: BudgetReport,
    /// Durations.
    pub timing: TimingReport,
    /// Number of files written to the user's tree; `null` if the patch isn't applied.
    pub applied: Option<u64>,
    /// Those into which the patch was merged, because they had changed since the run began; no test ran on the result.
    pub merged: Vec<RelPath>,
    /// A person's review of the patch; `null` if none was finished.
    #[serde(default)]
    pub review: Option<ReviewReport>,
    /// Number of files restored by undo; `null` unless undo was the last action.
    pub undone: Option<u64>,
    /// Law 10: processes left at the end; `null` if the run didn't get so far.
    pub residue: Option<Residue>,
}

/// Files that commands of the run wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratedReport {
    /// All files that are `included` in the patch because a flag or settings name them, and the first of the others.
    pub files: Vec<GeneratedFile>,
    /// Number of other files that aren't listed.
    pub more: u64,
    /// Globs of `--include-generated` that match no generated file.
    #[serde(default)]
    pub named_nothing: Vec<String>,
}

/// The patch of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchReport {
    /// Path of the patch file.
    pub path: String,
    /// SHA-256 of the patch file.
    pub sha256: Digest,
    /// The changed files.
    pub files: Vec<FileChange>,
    /// Changes of the view that can't be part of the patch, one sentence each.
    pub left_out: Vec<String>,
    /// Result of `--minimize`; `null` without the flag, or if the patch wasn't verified.
    pub minimized: Option<Minimized>,
}

/// Test command, results before and after, and their comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsReport {
    /// The test command; `null` if none is known or with `--no-verify`.
    pub command: Option<String>,
    /// Where the command comes from.
    pub origin: Option<String>,
    /// Result on the start state; `null` if it wasn't measured.
    pub baseline: Option<TestsReported>,
    /// Why the start state wasn't measured; `null` if it was, or if there are no tests.
    #[serde(default)]
    pub baseline_missing: Option<String>,
    /// The last run that kcode made to verify the patch.
    pub after: Option<TestsReported>,
    /// Number of runs on that tree, which reveals flaky tests: kcode's own, and the model's last one if it counts.
    #[serde(default)]
    pub runs: u64,
    /// Number of those runs that failed.
    #[serde(default)]
    pub failed_runs: u64,
    /// True if single tests were compared; if false, the lists are empty because nothing is known.
    pub compared: bool,
    /// Tests before and after, compared.
    #[serde(flatten)]
    pub matrix: Matrix,
    /// Changes of the patch that touch tests; `null` if there are none.
    pub touched: Option<TestsTouched>,
    /// Whether a test fails without the fix and passes with it.
    pub reproduced: Reproduction,
    /// True if `after` ran on exactly the tree that the patch describes.
    pub fresh: bool,
}

/// One run of the test command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsReported {
    /// Result of the run.
    #[serde(flatten)]
    pub result: TestResult,
    /// Path of the log, relative to the run's folder; `null` if the result comes from an earlier run on the same tree.
    pub log: Option<String>,
    /// True if the result comes from an earlier run on the same tree.
    #[serde(default)]
    pub cached: bool,
    /// Git's id of the tree under test; `null` if git can't tell.
    pub tree: Option<String>,
}

impl From<&TestsRan> for TestsReported {
    fn from(ran: &TestsRan) -> Self {
        let log = (!ran.cached).then(|| format!("logs/{}", ran.log));
        Self { result: ran.result.clone(), log, cached: ran.cached, tree: ran.tree.clone() }
    }
}

/// What somebody else needs to run the tests again; their results and durations are in `tests`, the patch is in
/// `patch`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateReport {
    /// Environment of the tests; `null` if kcode ran none to verify the patch.
    pub environment: Option<TestEnvironment>,
    /// Git's id of the start tree; `null` if git can't tell.
    pub start_tree: Option<String>,
    /// Git's id of that tree with the patch applied; `null` if git can't tell.
    pub patched_tree: Option<String>,
    /// The file with the result of each test; `null` if single results are unknown.
    pub results: Option<ResultsKept>,
}

/// Tokens and cost of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsageReport {
    /// Number of requests sent, including retries.
    pub requests: u64,
    /// Tokens of all replies.
    #[serde(flatten)]
    pub tokens: Usage,
    /// Cost at list price; `null` if the model's price is unknown.
    pub cost_usd: Option<Usd>,
    /// Number of failed attempts that were retried.
    pub retries: u64,
}

/// Latency of replies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyReport {
    /// Mean in milliseconds.
    pub mean_ms: u64,
    /// 95th percentile in milliseconds.
    pub p95_ms: u64,
}

/// Counts of tool calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolsReport {
    /// Number of answered calls.
    pub calls: u64,
    /// Number of calls whose answer told the model what was wrong.
    pub failures: u64,
}

/// Law 4: whether the model's reasoning was kept in the conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReasoningReport {
    /// Number of replies.
    pub turns: u64,
    /// Replies whose reasoning is in the conversation as received (or that had none).
    pub kept: u64,
    /// Replies whose reasoning isn't; such a run stops.
    pub lost: u64,
}

/// Law 5: whether requests kept the prefix, so that the provider's cache could serve it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheReport {
    /// Requests that did not begin with the bytes of the one before.
    pub prefix_breaks: u64,
}

/// Law 2: the sandbox and its guarantees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WallReport")]
pub struct SandboxReport {
    /// True if nothing outside the view could be written.
    pub tree: bool,
    /// True if no process could reach others or outlive the run.
    pub process: bool,
    /// True if commands had no network.
    pub network: bool,
    /// Sandbox mode: `strict`, `auto` or `off`.
    pub mode: String,
    /// All layers that were tried.
    pub layers: Vec<Layer>,
    /// Attempts to break out, and their results.
    pub proof: Vec<Proof>,
}

/// Law 6: the limits, and what was charged against them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetReport {
    /// Limits of the run.
    pub limits: Limits,
    /// Number of replies.
    pub turns: u32,
    /// Tokens charged: those used, and reservations of failed attempts that may have been billed.
    pub charged_tokens: Tokens,
    /// `charged_tokens` at list price.
    pub charged_usd: Usd,
    /// Why the conversation ended; `null` if the run never recorded it.
    pub stop_reason: Option<StopReason>,
}

/// Start and durations of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimingReport {
    /// Start of the run: UTC, RFC 3339.
    pub started_at: String,
    /// Milliseconds from the start to the run's end (or its last event).
    pub total_ms: u64,
    /// Milliseconds from the start to the first request.
    pub first_request_ms: Option<u64>,
    /// Milliseconds of waiting for replies.
    pub model_ms: u64,
    /// Milliseconds of tool calls and test runs.
    pub tools_ms: u64,
    /// Milliseconds of making the private view, which happens in parallel with the first request.
    pub view_ms: u64,
}
