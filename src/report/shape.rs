//! The shape of `report.json`, schema `kcode.report/1`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::CheckReport;
use super::review::ReviewReport;
use crate::journal::{
    Digest, FileChange, GeneratedFile, Layer, Limits, Matrix, Minimized, Outcome, Proof, RelPath, Reproduction,
    Residue, ResultsKept, RunId, StopReason, TestEnvironment, TestResult, TestsRan, TestsTouched, Tokens, Usage, Usd,
};

/// The schema that a report names.
pub const REPORT_SCHEMA: &str = "kcode.report/1";

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always [`REPORT_SCHEMA`] when written by this version.
    pub schema: String,
    /// The run.
    pub run: RunId,
    /// What it came to; `interrupted` for a run that never noted its end.
    pub outcome: Outcome,
    /// The exit code of that outcome.
    pub exit_code: u8,
    /// What stands behind the outcome, in one line.
    pub detail: String,
    /// What to do about it, when there is something.
    pub hint: Option<String>,
    /// kcode's version.
    pub version: String,
    /// The task.
    pub task: String,
    /// The run whose conversation went on in this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<RunId>,
    /// The repository's root.
    pub repository: String,
    /// The commit that HEAD named at the start.
    pub head: Option<String>,
    /// The model.
    pub model: String,
    /// Where requests went.
    pub base_url: String,
    /// What the model said at the end; a claim, not evidence.
    pub said: Option<String>,
    /// The patch; `null` when nothing changed.
    pub patch: Option<PatchReport>,
    /// What commands wrote, such as the tests.
    #[serde(default)]
    pub generated: GeneratedReport,
    /// The evidence.
    pub tests: TestsReport,
    /// What the patch has to pass besides the tests, in the order in which it was run.
    #[serde(default)]
    pub checks: Vec<CheckReport>,
    /// What somebody else needs to run the tests again: `kcode verify`.
    #[serde(default)]
    pub certificate: CertificateReport,
    /// Tokens and money.
    pub usage: UsageReport,
    /// How long replies took.
    pub latency: LatencyReport,
    /// Tool calls.
    pub tools: ToolsReport,
    /// Law 4.
    pub reasoning: ReasoningReport,
    /// Law 5.
    pub cache: CacheReport,
    /// Law 2.
    pub wall: SandboxReport,
    /// Law 6.
    pub budget: BudgetReport,
    /// Milliseconds.
    pub timing: TimingReport,
    /// Files written to the user's tree; `null` when nothing is applied.
    pub applied: Option<u64>,
    /// Those of them that the patch was merged into, because they had changed since the run began; no test ran on that.
    pub merged: Vec<RelPath>,
    /// What a person decided about the patch hunk by hunk; `null` when nobody came to an end with that.
    #[serde(default)]
    pub review: Option<ReviewReport>,
    /// Files put back after the patch had been applied; `null` unless that was the last that happened to it.
    pub undone: Option<u64>,
    /// Law 10; `null` when the run never got so far.
    pub residue: Option<Residue>,
}

/// See [`Report::generated`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratedReport {
    /// The files: all that are `included` in the patch, because a flag or settings name them, and the first others.
    pub files: Vec<GeneratedFile>,
    /// How many more others there are.
    pub more: u64,
    /// Globs of `--include-generated` that name nothing that was written.
    #[serde(default)]
    pub named_nothing: Vec<String>,
}

/// See [`Report::patch`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchReport {
    /// The patch file.
    pub path: String,
    /// Its SHA-256.
    pub sha256: Digest,
    /// What it changes.
    pub files: Vec<FileChange>,
    /// Changes of the view that could not become part of it, a sentence each.
    pub left_out: Vec<String>,
    /// How it was made smaller, with `--minimize`; `null` when nobody asked for that, or there was nothing to stand behind.
    pub minimized: Option<Minimized>,
}

/// See [`Report::tests`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsReport {
    /// The command; `null` when none is known or `--no-verify`.
    pub command: Option<String>,
    /// Where the command comes from.
    pub origin: Option<String>,
    /// The start state's result; `null` when it wasn't measured.
    pub baseline: Option<TestsReported>,
    /// Why the start state wasn't measured; `null` when it was, or when there are no tests.
    #[serde(default)]
    pub baseline_missing: Option<String>,
    /// The last run that kcode made to verify.
    pub after: Option<TestsReported>,
    /// How often they ran on that very tree, to tell flaky tests: kcode's own runs, and the model's last one where it counts.
    #[serde(default)]
    pub runs: u64,
    /// How many of these runs failed.
    #[serde(default)]
    pub failed_runs: u64,
    /// True when single tests were compared; else the lists are empty for lack of knowledge.
    pub compared: bool,
    /// The tests before and after.
    #[serde(flatten)]
    pub matrix: Matrix,
    /// How the patch touches tests; `null` when it doesn't.
    pub touched: Option<TestsTouched>,
    /// Whether a test shows what the patch mends: it fails without the fix and passes with it.
    pub reproduced: Reproduction,
    /// True when `after` ran on exactly the tree that the patch describes.
    pub fresh: bool,
}

/// One run of the test command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestsReported {
    /// How it went.
    #[serde(flatten)]
    pub result: TestResult,
    /// The log, relative to the run's folder; `null` when an earlier run on the same tree measured it.
    pub log: Option<String>,
    /// True when it is known from an earlier run on the same tree.
    #[serde(default)]
    pub cached: bool,
    /// Git's id of the tree that they ran on; `null` when git can't tell.
    pub tree: Option<String>,
}

impl From<&TestsRan> for TestsReported {
    fn from(ran: &TestsRan) -> Self {
        let log = (!ran.cached).then(|| format!("logs/{}", ran.log));
        Self { result: ran.result.clone(), log, cached: ran.cached, tree: ran.tree.clone() }
    }
}

/// See [`Report::certificate`]; matrix and durations are in [`Report::tests`], the patch in [`Report::patch`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateReport {
    /// What the tests were run in, and how; `null` when kcode ran none to verify.
    pub environment: Option<TestEnvironment>,
    /// Git's id of the tree that the run started from; `null` when git can't tell.
    pub start_tree: Option<String>,
    /// Git's id of the same tree with the patch; `null` when git can't tell.
    pub patched_tree: Option<String>,
    /// What each test said, in a file beside the report; `null` when nobody knows.
    pub results: Option<ResultsKept>,
}

/// See [`Report::usage`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsageReport {
    /// Requests sent, retries included.
    pub requests: u64,
    /// Tokens of all replies.
    #[serde(flatten)]
    pub tokens: Usage,
    /// At list price; `null` when the model's price isn't known.
    pub cost_usd: Option<Usd>,
    /// Attempts that failed and were repeated.
    pub retries: u64,
}

/// See [`Report::latency`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyReport {
    /// Mean time of a reply.
    pub mean_ms: u64,
    /// 95th percentile.
    pub p95_ms: u64,
}

/// See [`Report::tools`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolsReport {
    /// Calls answered.
    pub calls: u64,
    /// Calls whose answer told the model what was wrong.
    pub failures: u64,
}

/// See [`Report::reasoning`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReasoningReport {
    /// Replies.
    pub turns: u64,
    /// Replies whose reasoning is in the history as it came (or that had none).
    pub kept: u64,
    /// Replies whose reasoning is not; such a run stops.
    pub lost: u64,
}

/// See [`Report::cache`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheReport {
    /// Requests that did not begin with the bytes of the one before.
    pub prefix_breaks: u64,
}

/// See [`Report::wall`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WallReport")]
pub struct SandboxReport {
    /// Nothing outside the view could be written.
    pub tree: bool,
    /// No process could reach others or outlive the run.
    pub process: bool,
    /// No network.
    pub network: bool,
    /// `strict`, `auto` or `off`.
    pub mode: String,
    /// The layers that were tried.
    pub layers: Vec<Layer>,
    /// Attempts to break out, and what came of them.
    pub proof: Vec<Proof>,
}

/// See [`Report::budget`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetReport {
    /// The limits.
    pub limits: Limits,
    /// Replies.
    pub turns: u32,
    /// Tokens charged: used ones, and reservations of failed attempts that may have been billed.
    pub charged_tokens: Tokens,
    /// The same at list price.
    pub charged_usd: Usd,
    /// Why the conversation ended; `null` for a run that never noted it.
    pub stop_reason: Option<StopReason>,
}

/// See [`Report::timing`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimingReport {
    /// UTC, RFC 3339.
    pub started_at: String,
    /// From the start to the run's end (or its last event).
    pub total_ms: u64,
    /// From the start to the first request.
    pub first_request_ms: Option<u64>,
    /// Waiting for replies.
    pub model_ms: u64,
    /// Running tools and tests.
    pub tools_ms: u64,
    /// Making the private view (beside the first request).
    pub view_ms: u64,
}
