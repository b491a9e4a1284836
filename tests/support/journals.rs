//! Journals of runs that never ran, made of real events: for what looks at many runs.

use std::fs;
use std::path::{Path, PathBuf};

use kcode::journal::{
    Applied, AttemptFailed, ChangeKind, Digest, EVENT_SCHEMA, Event, FileChange, Limits, Message, Nudged, Outcome,
    PatchWritten, Record, RelPath, ReplyReceived, RequestSent, RunEnded, RunId, RunStarted, TestCounts, TestPurpose,
    TestResult, TestsRan, Tokens, ToolAnswered, ToolCalled, Usage, Usd,
};

/// A run in the making. Each method adds what such a run notes.
pub struct MadeRun {
    pub id: RunId,
    at: String,
    turn: u32,
    price: Option<Usd>,
    records: Vec<Record>,
}

impl MadeRun {
    /// A run that began then (RFC 3339) in the repository at `root`.
    pub fn new(id: &str, at: &str, root: &Path) -> Self {
        Self::of_model(id, at, root, "kimi-k2.7-code")
    }

    pub fn of_model(id: &str, at: &str, root: &Path, model: &str) -> Self {
        let id: RunId = id.parse().expect("a run's id");
        let mut made =
            Self { id: id.clone(), at: at.to_owned(), turn: 0, price: Usd::from_dollars(0.01), records: Vec::new() };
        made.add(Event::RunStarted(RunStarted {
            run: id,
            // No version's tools: nobody can tell which bytes were sent.
            version: "0.0.0".into(),
            task: format!("mend what {at} broke\nand more"),
            repository: root.display().to_string(),
            focus: None,
            head: None,
            model: model.to_owned(),
            base_url: "https://api.moonshot.ai/v1".into(),
            sandbox: "auto".into(),
            limits: Limits { max_turns: 60, max_tokens: None, max_cost_usd: None, max_time_s: 1_200 },
            cache_key: "k".into(),
            flags: vec![],
            test: None,
            writes: None,
            repository_writes: vec![],
            test_rules: kcode::journal::TEST_RULES,
            readable: vec![],
            follows: None,
            quoted: Vec::new(),
        }));
        made.message(&serde_json::json!({ "role": "system", "content": "You mend code. ".repeat(300) }));
        made
    }

    pub fn add(&mut self, event: Event) {
        let seq = self.records.len() as u64;
        let record = Record { schema: EVENT_SCHEMA.into(), seq, at: self.at.clone(), elapsed_ms: seq * 100, event };
        self.records.push(record);
    }

    /// A model whose price nobody knows.
    pub fn unpriced(mut self) -> Self {
        self.price = None;
        self
    }

    /// From now on events happen then.
    pub fn later(mut self, at: &str) -> Self {
        at.clone_into(&mut self.at);
        self
    }

    fn message(&mut self, message: &serde_json::Value) {
        let role = message["role"].as_str().expect("a role").to_owned();
        self.add(Event::Message(Message { role, json: message.to_string() }));
    }

    /// A request and its reply, which says something.
    pub fn reply(mut self, latency_ms: u64) -> Self {
        self.turn(latency_ms, None);
        self
    }

    /// A request, its reply, which calls a tool, and the tool's answer.
    pub fn call(mut self, tool: &str, ok: bool, answer: &str) -> Self {
        let id = format!("{tool}:{}", self.turn);
        let arguments = r#"{"path": "greeting.txt"}"#;
        self.turn(1_000, Some((&id, tool, arguments)));
        let (turn, arguments) = (self.turn, arguments.to_owned());
        self.add(Event::ToolCalled(ToolCalled { turn, id: id.clone(), tool: tool.into(), arguments }));
        let (tool, summary) = (tool.to_owned(), "greeting.txt".to_owned());
        let result_sha256 = Digest::of(answer);
        self.add(Event::ToolAnswered(ToolAnswered { turn, id: id.clone(), tool, ok, summary, ms: 3, result_sha256 }));
        self.message(&serde_json::json!({ "role": "tool", "tool_call_id": id, "content": answer }));
        self
    }

    /// 1,000 tokens in, 800 of them cached, 100 out, for a cent.
    fn turn(&mut self, latency_ms: u64, call: Option<(&str, &str, &str)>) {
        self.turn += 1;
        self.request(1);
        let reasoning = "I look at it, and then at what calls it. ".repeat(20);
        let mut message =
            serde_json::json!({ "role": "assistant", "content": "I look at it.", "reasoning_content": reasoning });
        if let Some((id, name, arguments)) = call {
            let function = serde_json::json!({ "name": name, "arguments": arguments });
            message["tool_calls"] = serde_json::json!([{ "id": id, "type": "function", "function": function }]);
        }
        self.add(Event::Reply(ReplyReceived {
            turn: self.turn,
            finish_reason: if call.is_some() { "tool_calls" } else { "stop" }.into(),
            usage: Usage { prompt_tokens: Tokens(1_000), cached_tokens: Tokens(800), completion_tokens: Tokens(100) },
            usage_estimated: false,
            cost_usd: self.price,
            latency_ms,
            first_byte_ms: 10,
            request_id: None,
            reasoning_sha256: Some(Digest::of(&reasoning)),
            message_sha256: Digest::of(message.to_string()),
        }));
        self.message(&message);
    }

    fn request(&mut self, attempt: u32) {
        self.add(Event::Request(RequestSent {
            turn: self.turn,
            attempt,
            bytes: 9_000,
            prefix_sha256: Digest::of("p"),
            prefix_bytes: 8_900,
            prefix_kept: true,
            max_completion_tokens: Tokens(32_768),
            reserved_tokens: Tokens(34_000),
            reserved_usd: Usd::from_dollars(0.1).expect("dollars"),
        }));
    }

    /// An attempt at the next turn that failed and is repeated.
    pub fn retry(mut self) -> Self {
        self.turn += 1;
        self.request(1);
        let (turn, attempt) = (self.turn, 1);
        let charged = Usage::default();
        self.add(Event::AttemptFailed(AttemptFailed {
            turn,
            attempt,
            wait_ms: Some(500),
            error: "overloaded".into(),
            said: String::new(),
            status: Some(429),
            charged,
            charged_usd: None,
        }));
        self.turn -= 1;
        self
    }

    /// A patch of so many files, a line each.
    pub fn patch(mut self, files: usize) -> Self {
        let file = |n| FileChange {
            path: RelPath::new(&format!("file{n}.txt")).expect("a path"),
            kind: ChangeKind::Modified,
            added: 1,
            removed: 1,
            binary: false,
        };
        let sha256 = (files > 0).then(|| Digest::of(format!("patch of {files}")));
        self.add(Event::PatchWritten(PatchWritten {
            sha256,
            files: (0..files).map(file).collect(),
            ..PatchWritten::default()
        }));
        self
    }

    /// Tests that kcode ran; when they fail, the model is told.
    pub fn verified(mut self, passed: bool) -> Self {
        let counts = Some(TestCounts { passed: 3, failed: u64::from(!passed), skipped: 0 });
        let result = TestResult {
            passed,
            exit_code: Some(i32::from(!passed)),
            stopped: None,
            counts,
            ms: 200,
            contradiction: None,
            why: None,
        };
        self.add(Event::TestsRan(TestsRan {
            purpose: TestPurpose::Verification,
            command: "./test.sh".into(),
            result,
            log: "1.log".into(),
            patch_sha256: Some(Digest::of("patch of 1")),
            tree: None,
            start_tree: None,
            cached: false,
            counted: None,
            only_failed: false,
        }));
        if !passed {
            self.add(Event::Nudged(Nudged { turn: self.turn, kind: "tests_failed".into() }));
        }
        self
    }

    pub fn ended(mut self, outcome: Outcome) -> Self {
        let exit_code = outcome.exit_code();
        self.add(Event::RunEnded(RunEnded { outcome, exit_code, detail: "so it ended".into(), hint: None }));
        self
    }

    pub fn applied(mut self, files: u64) -> Self {
        self.add(Event::Applied(Applied { files, ..Applied::default() }));
        self
    }

    /// The usual run: two replies, a patch of a file, tests that pass.
    pub fn verified_run(self) -> Self {
        let run = self.call("read_file", true, "Hello, Wrold!").patch(1).reply(2_000);
        run.verified(true).ended(Outcome::Verified)
    }

    /// As the journal's lines.
    pub fn lines(&self) -> Vec<u8> {
        let line = |record: &Record| [serde_json::to_vec(record).expect("JSON"), b"\n".to_vec()].concat();
        self.records.iter().flat_map(line).collect()
    }

    /// Keeps the run below `state`; its folder.
    pub fn keep(&self, state: &Path) -> PathBuf {
        let folder = state.join("runs").join(self.id.as_str());
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("journal.jsonl"), self.lines()).expect("a journal");
        let has_patch =
            |record: &Record| matches!(&record.event, Event::PatchWritten(written) if written.sha256.is_some());
        if self.records.iter().any(has_patch) {
            fs::write(folder.join("patch.diff"), "diff --git a/file0.txt b/file0.txt\n").expect("a patch");
        }
        folder
    }
}
