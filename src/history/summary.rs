//! One run in a few lines: what `kcode runs` lists and statistics count.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ReviewSummary;
use crate::journal::{
    Applied, AttemptFailed, Digest, Nudged, Outcome, PatchWritten, RelPath, ReplyReceived, RunEnded, RunId, RunStarted,
    Skimmed, TestCounts, TestPurpose, TestsRan, Usage, Usd, skim,
};

/// The most that is kept of the task's first line.
const TASK_CHARS: usize = 200;

/// What one run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// UTC, RFC 3339.
    pub started_at: String,
    /// What it came to; `interrupted` for a run that never noted its end.
    pub outcome: Outcome,
    /// False for a run that never noted its end: it is running, or was killed.
    pub ended: bool,
    /// The task's first line.
    pub task: String,
    /// The repository's root.
    pub repository: String,
    /// HEAD's commit when it began, for whoever asks git about what came later.
    #[serde(skip)]
    pub head: Option<String>,
    /// The model.
    pub model: String,
    /// kcode's version.
    pub version: String,
    /// Milliseconds from the start to the run's end (or its last event); decisions of a person afterwards don't count.
    pub total_ms: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Attempts that failed and were repeated.
    pub retries: u64,
    /// Milliseconds that each reply took.
    pub latencies_ms: Vec<u64>,
    /// Tokens of all replies.
    #[serde(flatten)]
    pub usage: Usage,
    /// At list price; `null` when the model's price isn't known.
    pub cost_usd: Option<Usd>,
    /// Tool calls answered.
    pub tool_calls: u64,
    /// Tool calls whose answer told the model what was wrong.
    pub tool_failures: u64,
    /// The last run of the tests that kcode made to verify.
    pub tests: Option<TestsSummary>,
    /// How often a verification sent the model back to work.
    pub sent_back: u64,
    /// The run ended verified, whatever happened to its patch afterwards.
    pub verified: bool,
    /// Verified, and no verification had sent the model back.
    pub first_success: bool,
    /// The patch; `null` when nothing changed.
    pub patch: Option<PatchSummary>,
    /// Its files, for whoever asks git about them.
    #[serde(skip)]
    pub paths: Vec<RelPath>,
    /// What became of the patch.
    pub fate: PatchFate,
    /// The review that it was applied after; `null` when it was applied without one, or isn't.
    pub review: Option<ReviewSummary>,
    /// When the patch was last applied, UTC, RFC 3339.
    pub applied_at: Option<String>,
    /// The commit that was made of it then, for whoever asks git about it.
    #[serde(skip)]
    pub commit: Option<String>,
}

/// What the last test run on the patch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestsSummary {
    /// Whether they passed.
    pub passed: bool,
    /// The runner's own count, where its words are known.
    pub counts: Option<TestCounts>,
}

/// How large the patch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatchSummary {
    /// SHA-256 of `patch.diff`.
    pub sha256: Digest,
    /// Files that it changes.
    pub files: u64,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

/// What became of a patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatchFate {
    /// There is none.
    #[default]
    None,
    /// Nobody applied it.
    Waiting,
    /// All of it was applied.
    Applied,
    /// A part of it was applied, or hunks of it as a person rewrote them.
    Partly,
    /// It was applied and undone.
    Undone,
}

impl PatchFate {
    /// True when somebody took the patch, or a part of it, and it stands.
    #[must_use]
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Applied | Self::Partly)
    }
}

/// What counts of a `ToolAnswered`: there are tens of each run.
#[derive(Deserialize)]
struct ToolAnswerCount {
    ok: bool,
}

/// Folds a journal into a summary; `None` when it holds no run.
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

    /// Whatever isn't named here isn't even parsed.
    fn take(&mut self, line: &Skimmed<'_>) -> io::Result<()> {
        match line.kind {
            "request" => self.requests += 1,
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

    fn failed(&mut self, failed: Option<AttemptFailed>) {
        let Some(failed) = failed else { return };
        self.retries += u64::from(failed.wait_ms.is_some());
        // A known price is known before the first reply, too.
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
        // A later end tells of a patch that could not be applied: what the tests said stands.
        if !self.ended {
            self.verified = ended.outcome == Outcome::Verified;
            self.first_success = self.verified && self.sent_back == 0;
        }
        (self.outcome, self.ended) = (ended.outcome, true);
    }

    fn applied(&mut self, applied: Option<Applied>, at: &str) {
        let Some(applied) = applied else { return };
        let whole = !applied.partial && self.patch.is_none_or(|patch| applied.files >= patch.files);
        // All of it, although a review had left something out: then it was applied without that review.
        self.review.take_if(|review| !applied.partial && !review.takes_all());
        if let Some(review) = &self.review {
            self.paths.clone_from(&review.paths);
        }
        self.fate = if whole { PatchFate::Applied } else { PatchFate::Partly };
        self.applied_at = Some(at.to_owned());
        self.commit = applied.commit;
    }
}
