//! Folds a journal into an audit.

use std::collections::BTreeMap;

use serde_json::Value;

use super::named::Named;
use super::rebuilt::Rebuilt;
use super::shape::{
    AUDIT_SCHEMA, Audit, HistoryRepair, PrefixSent, ReasoningTurn, RequestCost, StoppedAct, TestsSeen, TouchedFile,
};
use crate::journal::{
    AttemptFailed, Event, HistoryRepaired, Message, Outcome, PatchWritten, Record, RepairCause, ReplyReceived,
    RequestSent, RunStarted, TestPurpose, TestsRan, Tokens, ToolAnswered, ToolCalled, Usd,
};
use crate::model::Receipt;

/// Folds `records` into an audit; `None` if they hold no run. `earlier` are the records of the runs before it in the
/// conversation: their messages were sent in this run, too.
#[must_use]
pub fn audit(earlier: &[Record], records: &[Record]) -> Option<Audit> {
    let Event::RunStarted(started) = &records.first()?.event else { return None };
    let mut auditing = Auditing {
        audit: empty(started),
        sent: Rebuilt::of(started),
        received: None,
        pending: None,
        was_refused: false,
        in_patch: Vec::new(),
        root: started.repository.clone(),
        led_out: Vec::new(),
    };
    for record in earlier {
        match &record.event {
            Event::Message(message) => auditing.sent.push(&message.json),
            Event::HistoryRepaired(repaired) => {
                for change in &repaired.messages {
                    auditing.sent.replace(change.message, &change.json);
                }
            }
            _ => {}
        }
    }
    for record in records {
        auditing.take(&record.event);
    }
    Some(auditing.finish())
}

struct Auditing {
    audit: Audit,
    /// The conversation's bytes, rebuilt from the journal's messages.
    sent: Rebuilt,
    /// The reply whose message hasn't joined the conversation yet.
    received: Option<ReplyReceived>,
    /// The request that has neither a reply nor a failure yet.
    pending: Option<RequestSent>,
    /// True right after the host answered a request with a refusal.
    was_refused: bool,
    in_patch: Vec<String>,
    root: String,
    /// Unanswered calls on paths outside the repository: turn, id and index in `audit.stopped`.
    led_out: Vec<(u32, String, usize)>,
}

impl Auditing {
    fn take(&mut self, event: &Event) {
        match event {
            Event::SandboxBuilt(wall) => self.audit.wall.clone_from(&wall.proof),
            Event::Request(request) => self.request(request),
            Event::Reply(reply) => self.reply(reply),
            Event::AttemptFailed(failed) => self.failed(failed),
            Event::HistoryRepaired(repaired) => self.repaired(repaired),
            Event::Message(message) => self.message(message),
            Event::ToolCalled(called) => self.called(called),
            Event::ToolAnswered(answered) => self.answered(answered),
            Event::PatchWritten(written) => self.patch(written),
            Event::TestsRan(ran) => self.tests(None, ran),
            Event::CheckRan(check) => self.tests(Some(&check.name), &check.ran),
            Event::TestsTouched(touched) => self.audit.touched.clone_from(&touched.flags),
            Event::Nudged(nudged) => self.audit.nudges.push(nudged.clone()),
            Event::Residue(residue) => self.audit.residue = Some(residue.clone()),
            Event::Resumed(_) => {
                self.unanswered();
                self.audit.outcome = Outcome::Interrupted;
            }
            Event::RunEnded(ended) => self.audit.outcome = ended.outcome,
            _ => {}
        }
    }

    fn request(&mut self, request: &RequestSent) {
        self.unanswered();
        let proved = self.sent.is(request);
        self.audit.prefixes.push(PrefixSent {
            turn: request.turn,
            attempt: request.attempt,
            bytes: request.prefix_bytes,
            sha256: request.prefix_sha256,
            kept: request.prefix_kept,
            proved,
        });
        for turn in &mut self.audit.reasoning {
            // Whatever is in the prefix is sent back.
            turn.sent_back = proved.map(|proved| turn.sent_back.unwrap_or_default() + u64::from(proved));
        }
        self.pending = Some(request.clone());
    }

    fn reply(&mut self, reply: &ReplyReceived) {
        let tokens = reply.usage.prompt_tokens + reply.usage.completion_tokens;
        let cap = self.pending.as_ref().map(|request| request.max_completion_tokens);
        let above_cap = cap.is_some_and(|cap| reply.usage.completion_tokens > cap);
        self.charge("reply", |cost| {
            cost.above_cap = above_cap;
            cost.charged_tokens = tokens;
            cost.charged_usd = reply.cost_usd.unwrap_or_default();
        });
        self.received = Some(reply.clone());
    }

    fn failed(&mut self, failed: &AttemptFailed) {
        self.was_refused = failed.status.is_some();
        let tokens = failed.charged.prompt_tokens + failed.charged.completion_tokens;
        self.charge("failed", |cost| {
            cost.charged_tokens = tokens;
            cost.charged_usd = failed.charged_usd.unwrap_or_default();
        });
    }

    /// Allowed only right after a refusal, and if the reasoning stays unchanged unless it was what the host refused.
    fn repaired(&mut self, repaired: &HistoryRepaired) {
        let mut is_allowed = std::mem::take(&mut self.was_refused);
        for change in &repaired.messages {
            let former = self.sent.replace(change.message, &change.json);
            let (before, now) = (former.as_deref().map(Receipt::of), Receipt::of(&change.json));
            let is_same = before.is_some_and(|before| before.reasoning == now.reasoning);
            is_allowed &= is_same || (before.is_some() && repaired.cause != RepairCause::BrokenCall);
        }
        self.audit.repairs.push(HistoryRepair {
            turn: repaired.turn,
            cause: repaired.cause,
            what: repaired
                .messages
                .iter()
                .map(|change| format!("message {}: {}", change.message, change.what))
                .collect(),
            is_allowed,
        });
    }

    /// Charges the whole reservation, because it is unknown what the provider billed.
    fn unanswered(&mut self) {
        self.charge("unanswered", |cost| {
            (cost.charged_tokens, cost.charged_usd) = (cost.reserved_tokens, cost.reserved_usd);
        });
    }

    fn charge(&mut self, end: &str, charged: impl FnOnce(&mut RequestCost)) {
        let Some(RequestSent { turn, attempt, reserved_tokens, reserved_usd, .. }) = self.pending.take() else {
            return;
        };
        let mut cost = RequestCost {
            turn,
            attempt,
            reserved_tokens,
            reserved_usd,
            charged_tokens: Tokens(0),
            charged_usd: Usd::default(),
            above_cap: false,
            end: end.to_owned(),
        };
        charged(&mut cost);
        self.audit.budget.push(cost);
    }

    fn message(&mut self, message: &Message) {
        self.sent.push(&message.json);
        if message.role != "assistant" {
            return;
        }
        let Some(reply) = self.received.take() else { return };
        let kept = Receipt::of(&message.json);
        self.audit.reasoning.push(ReasoningTurn {
            turn: reply.turn,
            received: reply.reasoning_sha256,
            kept: kept.reasoning,
            is_same: kept == Receipt::from(&reply),
            sent_back: Some(0),
        });
    }

    fn called(&mut self, called: &ToolCalled) {
        let arguments: Value = serde_json::from_str(&called.arguments).unwrap_or_default();
        let (turn, tool) = (called.turn, called.tool.clone());
        match Named::of(arguments["path"].as_str(), &self.root) {
            Named::Everything => *self.audit.on_everything.entry(tool).or_default() += 1,
            Named::File(path) => {
                let file = file_at(&mut self.audit.files, &path);
                *file.tools.entry(tool).or_default() += 1;
                if file.turns.last() != Some(&turn) {
                    file.turns.push(turn);
                }
            }
            Named::Out { path, why } => {
                self.led_out.push((turn, called.id.clone(), self.audit.stopped.len()));
                let act = StoppedAct { turn: Some(turn), by: tool, what: path, why: why.to_owned(), held: true };
                self.audit.stopped.push(act);
            }
        }
    }

    /// A call on a path outside the repository must have been refused.
    fn answered(&mut self, answered: &ToolAnswered) {
        for (_, _, place) in self.led_out.extract_if(.., |(turn, id, _)| (*turn, &*id) == (answered.turn, &answered.id))
        {
            self.audit.stopped[place].held = !answered.ok;
        }
    }

    fn tests(&mut self, check: Option<&String>, ran: &TestsRan) {
        self.audit.tests.push(TestsSeen { check: check.cloned(), ..ran.into() });
        if let Some(why) = ran.result.stopped.clone().filter(|_| !ran.cached) {
            let tests = if ran.purpose == TestPurpose::Model { "run_tests" } else { "tests" };
            let by = check.map_or(tests, String::as_str).to_owned();
            self.audit.stopped.push(StoppedAct { turn: None, by, what: ran.command.clone(), why, held: true });
        }
    }

    fn patch(&mut self, written: &PatchWritten) {
        self.in_patch = written.files.iter().map(|file| file.path.to_string()).collect();
    }

    fn finish(mut self) -> Audit {
        self.unanswered();
        for path in &self.in_patch {
            file_at(&mut self.audit.files, path).changed = true;
        }
        self.audit.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.audit.breaches = breaches(&self.audit);
        self.audit
    }
}

fn file_at<'a>(files: &'a mut Vec<TouchedFile>, path: &str) -> &'a mut TouchedFile {
    let place = files.iter().position(|file| file.path == path).unwrap_or_else(|| {
        files.push(TouchedFile { path: path.to_owned(), ..TouchedFile::default() });
        files.len() - 1
    });
    &mut files[place]
}

/// All breaches of laws that `audit` shows.
fn breaches(audit: &Audit) -> Vec<String> {
    let open = audit.wall.iter().filter(|proof| !proof.held);
    let open = open.map(|proof| format!("law 2: the sandbox did not stop this: {} ({})", proof.attempt, proof.detail));
    let out = audit.stopped.iter().filter(|act| !act.held);
    let out = out.map(|act| format!("law 2: {} was answered about {}, which leads out", act.by, act.what));
    let lost = audit.reasoning.iter().filter(|turn| !turn.is_same);
    let repairs = audit.repairs.iter().filter(|repair| !repair.is_allowed);
    let repairs = repairs.map(|repair| {
        format!(
            "law 4: before turn {} messages were changed that nobody had refused, or their reasoning was",
            repair.turn
        )
    });
    let lost = lost.map(|turn| format!("law 4: the reply of turn {} was not kept as it was received", turn.turn));
    let moved = audit.prefixes.iter().filter(|prefix| !prefix.kept);
    let moved = moved.map(|prefix| {
        format!("law 5: the request of turn {} did not begin with the bytes of the one before", prefix.turn)
    });
    let unproved = audit.prefixes.iter().filter(|prefix| prefix.proved == Some(false));
    let unproved = unproved
        .map(|prefix| format!("law 5: the request of turn {} doesn't match the journal's messages", prefix.turn));
    let is_above = |cost: &&RequestCost| cost.charged_tokens > cost.reserved_tokens && !cost.above_cap;
    let above = audit.budget.iter().filter(is_above);
    let above = above.map(|cost| {
        let (charged, reserved) = (cost.charged_tokens, cost.reserved_tokens);
        format!("law 6: turn {} was charged {charged} tokens, and {reserved} were reserved", cost.turn)
    });
    let left = audit.residue.iter().filter(|residue| residue.survivors > 0);
    let left = left.map(|residue| format!("law 10: processes outlived the run: {}", residue.survivors));
    open.chain(out).chain(repairs).chain(lost).chain(moved).chain(unproved).chain(above).chain(left).collect()
}

fn empty(started: &RunStarted) -> Audit {
    Audit {
        schema: AUDIT_SCHEMA.to_owned(),
        run: started.run.clone(),
        outcome: Outcome::Interrupted,
        model: started.model.clone(),
        version: started.version.clone(),
        breaches: Vec::new(),
        reasoning: Vec::new(),
        repairs: Vec::new(),
        prefixes: Vec::new(),
        budget: Vec::new(),
        files: Vec::new(),
        on_everything: BTreeMap::new(),
        wall: Vec::new(),
        stopped: Vec::new(),
        tests: Vec::new(),
        touched: Vec::new(),
        nudges: Vec::new(),
        residue: None,
    }
}
