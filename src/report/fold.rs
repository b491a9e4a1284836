//! Folds a journal into a report.

use serde_json::Value;

use super::Latest;
use super::review::ReviewReport;
use super::shape::{
    BudgetReport, CacheReport, CertificateReport, GeneratedReport, LatencyReport, PatchReport, REPORT_SCHEMA,
    ReasoningReport, Report, SandboxReport, TestsReport, TestsReported, TimingReport, ToolsReport, UsageReport,
};
use crate::journal::{
    Event, Message, Minimized, Outcome, PatchWritten, Record, ReplyReceived, RequestSent, RunEnded, RunStarted,
    TestPurpose, TestsRan, Tokens, Usage, Usd,
};
use crate::model::Receipt;

/// Most characters kept of the model's last message.
const SAID_CHARS: usize = 4_000;

/// Reason for a missing baseline if no event gives one.
const NOT_REACHED: &str = "the run ended before its patch was judged";

/// Detail of a run that hasn't recorded its end.
const NO_END: &str = "the run did not record its end";

/// Folds `records` into a report; `None` if they hold no run. `patch_path` is the path of the patch file.
#[must_use]
pub fn fold(records: &[Record], patch_path: &str) -> Option<Report> {
    let first = records.first()?;
    let Event::RunStarted(started) = &first.event else { return None };
    let mut folding =
        Folding { report: empty(started, &first.at), latencies: Vec::new(), received: None, unanswered: None };
    for record in records {
        folding.take(record);
    }
    let mut report = folding.finish(Latest::of(records), patch_path);
    report.review = ReviewReport::last(records, &report.checks);
    Some(report)
}

impl Report {
    /// Replaces outcome, exit code, detail and hint by those of `ended`.
    pub fn end(&mut self, ended: &RunEnded) {
        self.outcome = ended.outcome;
        self.exit_code = ended.exit_code;
        self.detail.clone_from(&ended.detail);
        self.hint.clone_from(&ended.hint);
    }
}

struct Folding {
    report: Report,
    latencies: Vec<u64>,
    /// Hashes of the last reply as received.
    received: Option<Receipt>,
    /// The request without a reply, which may be billed all the same.
    unanswered: Option<RequestSent>,
}

impl Folding {
    fn take(&mut self, record: &Record) {
        let report = &mut self.report;
        report.timing.total_ms = record.elapsed_ms;
        match &record.event {
            Event::ViewMade(view) => report.timing.view_ms = view.ms,
            Event::SandboxBuilt(sandbox) => {
                report.wall.tree = sandbox.tree;
                report.wall.process = sandbox.process;
                report.wall.network = sandbox.network;
                report.wall.layers.clone_from(&sandbox.layers);
                report.wall.proof.clone_from(&sandbox.proof);
            }
            Event::Resumed(resumed) => {
                charge_unanswered(&mut report.budget, self.unanswered.take());
                report.base_url.clone_from(&resumed.base_url);
                report.wall.mode.clone_from(&resumed.sandbox);
                report.budget.limits = resumed.limits;
                report.budget.stop_reason = None;
                (report.outcome, report.hint) = (Outcome::Interrupted, None);
                report.exit_code = report.outcome.exit_code();
                NO_END.clone_into(&mut report.detail);
            }
            Event::TestsChosen(chosen) => {
                report.tests.command.clone_from(&chosen.command);
                report.tests.origin = Some(chosen.origin.clone());
            }
            Event::Message(message) if message.role == "assistant" => self.message(message),
            Event::Request(request) => {
                report.usage.requests += 1;
                report.timing.first_request_ms.get_or_insert(record.elapsed_ms);
                report.cache.prefix_breaks += u64::from(!request.prefix_kept);
                self.unanswered = Some(request.clone());
            }
            Event::AttemptFailed(failed) => {
                self.unanswered = None;
                report.usage.retries += u64::from(failed.wait_ms.is_some());
                // If the price is known, it is known before the first reply, too.
                report.usage.cost_usd = report.usage.cost_usd.or(failed.charged_usd.map(|_| Usd::default()));
                charge(&mut report.budget, failed.charged, failed.charged_usd);
            }
            Event::Reply(reply) => self.reply(reply),
            Event::ToolAnswered(answered) => {
                report.tools.calls += 1;
                report.tools.failures += u64::from(!answered.ok);
                report.timing.tools_ms += answered.ms;
            }
            Event::TestsRan(tests) if tests.purpose == TestPurpose::Verification => {
                report.timing.tools_ms += tests.result.ms;
            }
            Event::CheckRan(check) if check.ran.purpose == TestPurpose::Verification => {
                report.timing.tools_ms += check.ran.result.ms;
            }
            Event::Stopped(stopped) => {
                report.budget.stop_reason = Some(stopped.reason);
                report.detail.clone_from(&stopped.detail);
            }
            Event::Applied(applied) => {
                (report.applied, report.undone) = (Some(applied.files), None);
                report.merged.clone_from(&applied.merged);
            }
            Event::Undone(undone) => {
                (report.applied, report.undone) = (None, Some(undone.files));
                report.merged.clear();
            }
            Event::Residue(residue) => report.residue = Some(residue.clone()),
            Event::RunEnded(ended) => report.end(ended),
            Event::RunStarted(_)
            | Event::StartSeen(_)
            | Event::Surveyed(_)
            | Event::Message(_)
            | Event::ToolCalled(_)
            | Event::PatchWritten(_)
            | Event::TestsRan(_)
            | Event::CheckAdded(_)
            | Event::CheckRan(_)
            | Event::BaselineMissing(_)
            | Event::TestEnvironment(_)
            | Event::ResultsKept(_)
            | Event::Compared(_)
            | Event::TestsTouched(_)
            | Event::Reproduced(_)
            | Event::HunksTried(_)
            | Event::Minimized(_)
            | Event::HistoryRepaired(_)
            | Event::Nudged(_)
            | Event::Reviewed(_) => {}
        }
    }

    fn reply(&mut self, reply: &ReplyReceived) {
        let report = &mut self.report;
        let usage = &mut report.usage;
        usage.tokens += reply.usage;
        usage.cost_usd = reply.cost_usd.map(|cost| usage.cost_usd.unwrap_or_default() + cost);
        report.budget.turns = reply.turn;
        charge(&mut report.budget, reply.usage, reply.cost_usd);
        self.received = Some(Receipt::from(reply));
        self.unanswered = None;
        report.timing.model_ms += reply.latency_ms;
        self.latencies.push(reply.latency_ms);
    }

    /// Compares the message that joined the conversation with the reply as received.
    fn message(&mut self, message: &Message) {
        self.report.said = said(message);
        let Some(received) = self.received.take() else { return };
        let reasoning = &mut self.report.reasoning;
        reasoning.turns += 1;
        if Receipt::of(&message.json) == received { reasoning.kept += 1 } else { reasoning.lost += 1 }
    }

    fn finish(mut self, latest: Latest<'_>, patch_path: &str) -> Report {
        let report = &mut self.report;
        charge_unanswered(&mut report.budget, self.unanswered);
        report.latency = latency(self.latencies);
        report.certificate = certificate(&latest);
        weigh(&mut report.tests, &latest);
        let sha256 = latest.sha256();
        report.checks = latest.checks.into_iter().map(|check| check.report(sha256)).collect();
        report.generated = latest.patch.map(generated).unwrap_or_default();
        report.patch = latest.patch.and_then(|patch| patch_report(patch, latest.minimized, patch_path));
        self.report
    }
}

/// Adds the latest test results.
fn weigh(tests: &mut TestsReport, latest: &Latest<'_>) {
    tests.fresh = latest.is_fresh();
    tests.after = latest.verification.map(TestsReported::from);
    (tests.runs, tests.failed_runs) = (latest.verifications.runs, latest.verifications.failed);
    tests.baseline = latest.baseline.map(TestsReported::from);
    let missing = tests.command.is_some() && tests.baseline.is_none();
    tests.baseline_missing = missing.then(|| latest.baseline_missing.unwrap_or(NOT_REACHED).to_owned());
    tests.compared = latest.matrix.is_some();
    tests.matrix = latest.matrix.cloned().unwrap_or_default();
    tests.touched = latest.touched.filter(|touched| !touched.flags.is_empty()).cloned();
    tests.reproduced = latest.reproduced.cloned().unwrap_or_default();
}

fn certificate(latest: &Latest<'_>) -> CertificateReport {
    let start = |ran: &TestsRan| ran.start_tree.clone();
    CertificateReport {
        environment: latest.environment.cloned(),
        start_tree: latest.verification.and_then(start).or_else(|| latest.baseline?.tree.clone()),
        patched_tree: latest.verification.filter(|_| latest.is_fresh()).and_then(|ran| ran.tree.clone()),
        results: latest.results.cloned(),
    }
}

fn patch_report(written: &PatchWritten, minimized: Option<&Minimized>, path: &str) -> Option<PatchReport> {
    let PatchWritten { sha256, files, left_out, .. } = written.clone();
    let minimized = minimized.cloned();
    sha256.map(|sha256| PatchReport { path: path.to_owned(), sha256, files, left_out, minimized })
}

fn generated(written: &PatchWritten) -> GeneratedReport {
    let PatchWritten { generated, generated_more, named_nothing, .. } = written.clone();
    GeneratedReport { files: generated, more: generated_more, named_nothing }
}

fn charge_unanswered(budget: &mut BudgetReport, request: Option<RequestSent>) {
    if let Some(request) = request {
        budget.charged_tokens += request.reserved_tokens;
        budget.charged_usd += request.reserved_usd;
    }
}

fn charge(budget: &mut BudgetReport, usage: Usage, cost: Option<Usd>) {
    budget.charged_tokens += usage.prompt_tokens + usage.completion_tokens;
    budget.charged_usd += cost.unwrap_or_default();
}

/// The visible text of an assistant message, capped; `None` if it has none.
fn said(message: &Message) -> Option<String> {
    let json: Value = serde_json::from_str(&message.json).ok()?;
    let text = json.get("content")?.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(SAID_CHARS).collect())
}

fn latency(mut all: Vec<u64>) -> LatencyReport {
    if all.is_empty() {
        return LatencyReport::default();
    }
    all.sort_unstable();
    let nearest_rank = (all.len() * 95).div_ceil(100);
    LatencyReport { mean_ms: all.iter().sum::<u64>() / all.len() as u64, p95_ms: all[nearest_rank - 1] }
}

fn empty(started: &RunStarted, at: &str) -> Report {
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        run: started.run.clone(),
        outcome: Outcome::Interrupted,
        exit_code: Outcome::Interrupted.exit_code(),
        detail: NO_END.to_owned(),
        hint: None,
        version: started.version.clone(),
        task: started.task.clone(),
        follows: started.follows.as_ref().map(|follows| follows.run.clone()),
        repository: started.repository.clone(),
        head: started.head.clone(),
        model: started.model.clone(),
        base_url: started.base_url.clone(),
        said: None,
        patch: None,
        generated: GeneratedReport::default(),
        tests: TestsReport::default(),
        checks: Vec::new(),
        certificate: CertificateReport::default(),
        usage: UsageReport::default(),
        latency: LatencyReport::default(),
        tools: ToolsReport::default(),
        reasoning: ReasoningReport::default(),
        cache: CacheReport::default(),
        wall: SandboxReport { mode: started.sandbox.clone(), ..SandboxReport::default() },
        budget: BudgetReport {
            limits: started.limits,
            turns: 0,
            charged_tokens: Tokens(0),
            charged_usd: Usd::default(),
            stop_reason: None,
        },
        timing: TimingReport { started_at: at.to_owned(), ..TimingReport::default() },
        applied: None,
        merged: Vec::new(),
        review: None,
        undone: None,
        residue: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_by_nearest_rank() {
        assert_eq!(latency((1..=100).collect()), LatencyReport { mean_ms: 50, p95_ms: 95 });
        assert_eq!(latency(vec![7]), LatencyReport { mean_ms: 7, p95_ms: 7 });
        assert_eq!(latency(vec![]), LatencyReport::default());
    }

    #[test]
    fn a_journal_without_a_run_is_no_report() {
        assert_eq!(fold(&[], "patch.diff"), None);
    }
}
