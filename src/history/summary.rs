//! Summary of one run, which `kcode runs` lists and statistics count.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ReviewSummary;
use crate::journal::{
    Applied, AttemptFailed, Digest, Nudged, Outcome, PatchWritten, RelPath, ReplyReceived, RequestSent, RunEnded,
    RunId, RunStarted, Skimmed, TestCounts, TestPurpose, TestsRan, Usage, Usd, skim,
};

/// Most characters kept of the task's first line.
const TASK_CHARS: usize = 200;

/// Summary of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunSummary {
    /// Id of the run.
    pub run: RunId,
    /// Start of the run: UTC, RFC 3339.
    pub started_at: String,
    /// How the run ended; `interrupted` if it never recorded its end.
    pub outcome: Outcome,
    /// False if the run never recorded its end: it is still running, or was killed.
    pub ended: bool,
    /// First line of the task.
    pub task: String,
    /// Root of the repository.
    pub repository: String,
    /// The commit of HEAD at the start, for searching git's history from there.
    #[serde(skip)]
    pub head: Option<String>,
    /// Name of the model.
    pub model: String,
    /// Version of kcode.
    pub version: String,
    /// Milliseconds from the start to the run's end (or its last event), without a person's later decisions.
    pub total_ms: u64,
    /// Number of requests sent, including retries.
    pub requests: u64,
    /// Number of failed attempts that were retried.
    pub retries: u64,
    /// Latency of each reply in milliseconds.
    pub latencies_ms: Vec<u64>,
    /// Tokens of all replies.
    #[serde(flatten)]
    pub usage: Usage,
    /// Cost of all replies at list price; `null` if the model's price is unknown, or nothing was sent.
    pub cost_usd: Option<Usd>,
    /// Number of answered tool calls.
    pub tool_calls: u64,
    /// Number of tool calls whose answer told the model what was wrong.
    pub tool_failures: u64,
    /// The last test run that kcode made to verify the patch.
    pub tests: Option<TestsSummary>,
    /// How often a verification sent the model back to work.
    pub sent_back: u64,
    /// True if the run ended verified, whatever happened to its patch afterwards.
    pub verified: bool,
    /// True if it was verified and no verification had sent the model back.
    pub first_success: bool,
    /// Size of the patch; `null` if nothing changed.
    pub patch: Option<PatchSummary>,
    /// Files of the patch, for searching git's history.
    #[serde(skip)]
    pub paths: Vec<RelPath>,
    /// What happened to the patch.
    pub fate: PatchFate,
    /// The review after which it was applied; `null` if it was applied without one, or isn't applied.
    pub review: Option<ReviewSummary>,
    /// Time when the patch was last applied: UTC, RFC 3339.
    pub applied_at: Option<String>,
    /// The commit that `apply` made of it, for searching git's history.
    #[serde(skip)]
    pub commit: Option<String>,
}

/// Result of the last test run on the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestsSummary {
    /// Whether the tests passed.
    pub passed: bool,
    /// The runner's own counts, if its output is understood.
    pub counts: Option<TestCounts>,
}

/// Size of the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatchSummary {
    /// SHA-256 of `patch.diff`.
    pub sha256: Digest,
    /// Number of changed files.
    pub files: u64,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

/// What happened to a patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatchFate {
    /// There is no patch.
    #[default]
    None,
    /// The patch wasn't applied.
    Waiting,
    /// The whole patch was applied.
    Applied,
    /// A part of it was applied, or hunks as a reviewer rewrote them.
    Partly,
    /// It was applied and then undone.
    Undone,
}

impl PatchFate {
    /// True if the patch, or a part of it, is applied.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Applied | Self::Partly)
    }
}

/// The only field needed of a `ToolAnswered`: there are dozens in each run.
#[derive(Deserialize)]
struct ToolAnswerCount {
    ok: bool,
}

/// Folds a journal into a summary; `None` if it holds no run.
///
/// # Errors
/// When the journal is damaged.
pub fn summarise(journal: &[u8]) -> io::Result<Option<RunSummary>> {
    let mut lines = skim(journal);
    let Some(first) = lines.next().transpose()?.filter(|line| line.kind == "run_started") else { return Ok(None) };
    let Some(started) = first.read::<RunStarted>()? else { return Ok(None) };
    let mut summary = RunSummary::begin(started, first.at);
    for line in lines {
        let line = line?;
        if !summary.ended {
            summary.total_ms = line.elapsed_ms;
        }
        summary.take(&line)?;
    }
    Ok(Some(summary))
}

impl RunSummary {
    fn begin(started: RunStarted, at: &str) -> Self {
        let task = started.task.trim_start().lines().next().unwrap_or_default();
        Self {
            run: started.run,
            started_at: at.to_owned(),
            outcome: Outcome::Interrupted,
            ended: false,
            task: task.chars().take(TASK_CHARS).collect(),
            repository: started.repository,
            head: started.head,
            model: started.model,
            version: started.version,
            total_ms: 0,
            requests: 0,
            retries: 0,
            latencies_ms: Vec::new(),
            usage: Usage::default(),
            cost_usd: None,
            tool_calls: 0,
            tool_failures: 0,
            tests: None,
            sent_back: 0,
            verified: false,
            first_success: false,
            patch: None,
            paths: Vec::new(),
            fate: PatchFate::None,
            review: None,
            applied_at: None,
            commit: None,
        }
    }

    /// Events that aren't named here aren't even parsed.
    fn take(&mut self, line: &Skimmed<'_>) -> io::Result<()> {
        match line.kind {
            "request" => self.request(line)?,
            "attempt_failed" => self.failed(line.read()?),
            "reply" => self.reply(line.read()?),
            "tool_answered" => {
                let failed = line.read::<ToolAnswerCount>()?.is_some_and(|answered| !answered.ok);
                (self.tool_calls, self.tool_failures) = (self.tool_calls + 1, self.tool_failures + u64::from(failed));
            }
            "tests_ran" => self.tests(line.read()?),
            "nudged" => {
                let nudged: Option<Nudged> = line.read()?;
                self.sent_back += u64::from(nudged.is_some_and(|nudged| nudged.is_verdict()));
            }
            "patch_written" => self.patch(line.read()?),
            "resumed" => (self.outcome, self.ended) = (Outcome::Interrupted, false),
            "reviewed" => self.review = ReviewSummary::read(line)?,
            "run_ended" => self.end(line.read()?),
            "applied" => self.applied(line.read()?, line.at),
            "undone" => (self.fate, self.review) = (PatchFate::Undone, None),
            _ => {}
        }
        Ok(())
    }

    fn request(&mut self, line: &Skimmed<'_>) -> io::Result<()> {
        self.requests += 1;
        // A known price is known before the first reply, too: without one nothing is reserved.
        if self.cost_usd.is_none() {
            let reserved = line.read::<RequestSent>()?.map(|request| request.reserved_usd);
            self.cost_usd = reserved.filter(|reserved| *reserved > Usd::default()).map(|_| Usd::default());
        }
        Ok(())
    }

    fn failed(&mut self, failed: Option<AttemptFailed>) {
        let Some(failed) = failed else { return };
        self.retries += u64::from(failed.wait_ms.is_some());
        self.cost_usd = self.cost_usd.or(failed.charged_usd.map(|_| Usd::default()));
    }

    fn reply(&mut self, reply: Option<ReplyReceived>) {
        let Some(reply) = reply else { return };
        self.usage += reply.usage;
        self.cost_usd = reply.cost_usd.map(|cost| self.cost_usd.unwrap_or_default() + cost);
        self.latencies_ms.push(reply.latency_ms);
    }

    fn tests(&mut self, ran: Option<TestsRan>) {
        if let Some(ran) = ran.filter(|ran| ran.purpose == TestPurpose::Verification) {
            self.tests = Some(TestsSummary { passed: ran.result.passed, counts: ran.result.counts });
        }
    }

    fn patch(&mut self, written: Option<PatchWritten>) {
        let Some(written) = written else { return };
        let lines =
            written.files.iter().fold((0, 0), |(added, removed), file| (added + file.added, removed + file.removed));
        self.patch = written.sha256.map(|sha256| PatchSummary {
            sha256,
            files: written.files.len() as u64,
            added: lines.0,
            removed: lines.1,
        });
        self.review = None;
        self.paths = written.files.into_iter().map(|file| file.path).collect();
        self.fate = if self.patch.is_some() { PatchFate::Waiting } else { PatchFate::None };
    }

    fn end(&mut self, ended: Option<RunEnded>) {
        let Some(ended) = ended else { return };
        // A second end only reports that the patch could not be applied; the verification is unchanged.
        if !self.ended {
            self.verified = ended.outcome == Outcome::Verified;
            self.first_success = self.verified && self.sent_back == 0;
        }
        (self.outcome, self.ended) = (ended.outcome, true);
    }

    fn applied(&mut self, applied: Option<Applied>, at: &str) {
        let Some(applied) = applied else { return };
        let whole = !applied.partial && self.patch.is_none_or(|patch| applied.files >= patch.files);
        // The whole patch was applied although a review had left something out: it was applied without that review.
        self.review.take_if(|review| !applied.partial && !review.takes_all());
        if let Some(review) = &self.review {
            self.paths.clone_from(&review.paths);
        }
        self.fate = if whole { PatchFate::Applied } else { PatchFate::Partly };
        self.applied_at = Some(at.to_owned());
        self.commit = applied.commit;
    }
}
