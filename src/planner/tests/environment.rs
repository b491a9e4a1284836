//! A fake environment that records what it is asked for, and answers as a test prescribes.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::watch;

use crate::journal::{
    Digest, Event, FileChange, Matrix, PatchWritten, RelPath, Reproduction, StopReason, TamperFlag, TamperKind,
};
use crate::model::ToolCall;
use crate::planner::{EnvironmentError, Judgement, Obstacle, Ran, ToolExecutor, Verifier};
use crate::tools::{Access, Observation, TestRun};
use crate::workspace::TreeIds;

#[derive(Clone, Copy)]
pub(super) enum Fate {
    /// It never ends.
    Hangs,
    /// The user interrupts during it.
    Interrupted,
    /// The sandbox breaks.
    Breaks,
}

/// Tools: `read`; `write` sets the tree to its arguments (`start`: the start state); `run_tests` runs
/// [`Self::own_run`].
pub(super) struct FakeEnvironment {
    /// Steps in order: `prepare`, `begin read a`, `end read a`, `patch`, `verify`…
    pub(super) steps: RefCell<Vec<String>>,
    /// By the first word of a step.
    pub(super) fates: HashMap<&'static str, Fate>,
    pub(super) interrupt: watch::Sender<bool>,
    tree: RefCell<Option<String>>,
    /// True if there are tests; each run then takes a result from `runs`.
    has_tests: bool,
    /// Answer of `read` in place of its arguments.
    pub(super) read_says: Option<&'static str>,
    /// Result of the model's test runs.
    pub(super) own_run: TestRun,
    /// Result of `is_whole` for that run.
    pub(super) own_run_is_whole: bool,
    /// Results of kcode's test runs, in order; empty if there are no tests.
    pub(super) runs: VecDeque<TestRun>,
    /// Content that the next test run writes to the tree.
    pub(super) run_writes: Option<&'static str>,
    pub(super) checks: Vec<(&'static str, bool)>,
    /// Results of checks, in order; further ones pass.
    pub(super) check_runs: VecDeque<TestRun>,
    /// Judgements in order; the last one repeats.
    pub(super) judgements: VecDeque<Judgement>,
    /// Results in order; the last one repeats.
    pub(super) reproductions: VecDeque<Reproduction>,
    pub(super) obstacle: Option<Obstacle>,
}

impl FakeEnvironment {
    pub(super) fn new() -> Self {
        Self {
            steps: RefCell::default(),
            fates: HashMap::new(),
            interrupt: watch::channel(false).0,
            tree: RefCell::default(),
            has_tests: false,
            read_says: None,
            own_run: failing("own.log"),
            own_run_is_whole: false,
            runs: VecDeque::new(),
            run_writes: None,
            checks: Vec::new(),
            check_runs: VecDeque::new(),
            judgements: VecDeque::new(),
            reproductions: VecDeque::new(),
            obstacle: None,
        }
    }

    pub(super) fn times(&self, step: &str) -> usize {
        self.steps.borrow().iter().filter(|taken| *taken == step).count()
    }

    fn note(&self, step: &str) {
        self.steps.borrow_mut().push(step.to_owned());
    }

    async fn step(&self, step: &str) -> Result<(), EnvironmentError> {
        self.note(step);
        let kind = step.split(' ').next().unwrap_or_default();
        match self.fates.get(kind) {
            None => return Ok(()),
            Some(Fate::Breaks) => return Err(broken()),
            Some(Fate::Interrupted) => _ = self.interrupt.send_replace(true),
            Some(Fate::Hangs) => {}
        }
        std::future::pending().await
    }

    fn sha256(&self) -> Option<Digest> {
        self.tree.borrow().as_deref().map(Digest::of)
    }

    fn next_run(&mut self) -> Option<TestRun> {
        if let Some(content) = self.run_writes.take() {
            self.tree = RefCell::new(Some(content.to_owned()));
        }
        let run = self.runs.pop_front();
        assert!(run.is_some() || !self.has_tests, "a run of the tests that the script has no outcome for");
        self.has_tests |= run.is_some();
        run
    }
}

impl ToolExecutor for FakeEnvironment {
    fn access(&self, tool: &str) -> Access {
        if tool == "read" { Access::Read } else { Access::Write }
    }

    async fn prepare(&mut self) -> Result<Vec<Event>, EnvironmentError> {
        self.step("prepare").await?;
        Ok(Vec::new())
    }

    async fn call(&self, call: &ToolCall) -> Result<Observation, EnvironmentError> {
        let ToolCall { name, arguments, .. } = call;
        self.step(&format!("call {name} {arguments}")).await?;
        tokio::task::yield_now().await;
        self.note(&format!("done {name} {arguments}"));
        let observed = Observation { ok: true, text: format!("{name} {arguments}"), ..Observation::default() };
        Ok(match &**name {
            "write" => {
                self.tree.replace(Some(arguments.clone()).filter(|content| content != "start"));
                Observation { touched: vec![file()], ..observed }
            }
            "run_tests" => Observation { tests: Some(self.own_run.clone()), ..observed },
            _ => Observation { text: self.read_says.map_or(observed.text, str::to_owned), ..observed },
        })
    }

    async fn patch(&mut self, _observations: &[Observation]) -> Result<PatchWritten, EnvironmentError> {
        self.step("patch").await?;
        Ok(PatchWritten { sha256: self.sha256(), ..PatchWritten::default() })
    }

    fn written_files(&self) -> Vec<FileChange> {
        Vec::new()
    }

    async fn cancel(&self) {
        self.note("cancel");
    }
}

impl Verifier for FakeEnvironment {
    async fn obstacle(&mut self) -> (Vec<Event>, Option<Obstacle>) {
        (Vec::new(), self.obstacle.take())
    }

    fn is_whole(&self, _run: &TestRun) -> bool {
        self.own_run_is_whole
    }

    async fn follow(&mut self) -> Result<Vec<Event>, EnvironmentError> {
        self.step("follow").await?;
        Ok(Vec::new())
    }

    fn checks(&self) -> Vec<(String, bool)> {
        self.checks.iter().map(|(name, required)| ((*name).to_owned(), *required)).collect()
    }

    async fn run_check(&mut self, name: &str) -> Result<TestRun, EnvironmentError> {
        self.step(&format!("check {name}")).await?;
        Ok(self.check_runs.pop_front().unwrap_or_else(|| passing("check.log")))
    }

    async fn verify(&mut self) -> Result<Option<TestRun>, EnvironmentError> {
        self.step("verify").await?;
        Ok(self.next_run())
    }

    async fn verify_afresh(&mut self) -> Result<Option<TestRun>, EnvironmentError> {
        self.step("verify_afresh").await?;
        Ok(self.next_run())
    }

    async fn trees(&mut self) -> Option<TreeIds> {
        self.step("trees").await.ok().and(None)
    }

    async fn judge(&mut self, ran: Ran<'_>, _patience: Duration) -> Result<Judgement, EnvironmentError> {
        self.step(&format!("judge {}", ran.tests.len())).await?;
        Ok(next_or_last(&mut self.judgements).unwrap_or_default())
    }

    async fn reproduction(&mut self, _patience: Duration) -> Result<Vec<Event>, EnvironmentError> {
        self.step("reproduction").await?;
        Ok(next_or_last(&mut self.reproductions).map(Event::Reproduced).into_iter().collect())
    }
}

fn next_or_last<T: Clone>(queue: &mut VecDeque<T>) -> Option<T> {
    if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() }
}

fn broken() -> EnvironmentError {
    EnvironmentError { reason: StopReason::WorkerFailed, message: "the worker died".to_owned(), hint: None }
}

pub(super) fn file() -> RelPath {
    RelPath::new("src/lib.rs").unwrap()
}

pub(super) fn passing(log: &str) -> TestRun {
    TestRun { command: "make test".to_owned(), exit_code: Some(0), ms: 5, log: log.to_owned(), ..TestRun::default() }
}

pub(super) fn failing(log: &str) -> TestRun {
    TestRun { exit_code: Some(1), excerpt: format!("it failed ({log})"), ..passing(log) }
}

/// A judgement with a comparison that lists these tests.
pub(super) fn compared(fixed: &[&str], new_failing: &[&str]) -> Judgement {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let matrix = Matrix { fixed: named(fixed), new_failing: named(new_failing), ..Matrix::default() };
    Judgement { matrix: Some(matrix), ..Judgement::default() }
}

/// A judgement that a test was weakened.
pub(super) fn weakening() -> Judgement {
    let flag = TamperFlag {
        path: file(),
        line: 7,
        kind: TamperKind::TestSkipped,
        weakens: true,
        reason: "a test is skipped".to_owned(),
        tests: Vec::new(),
    };
    Judgement { refusing: vec![flag], ..Judgement::default() }
}
