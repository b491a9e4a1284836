//! The environment of a replay: it works normally, but returns recorded text if that differs only in volatile parts.

use std::sync::Arc;
use std::time::Duration;

use super::script::Script;
use crate::journal::{Event, FileChange, PatchWritten};
use crate::model::ToolCall;
use crate::planner::{EnvironmentError, Judgement, Obstacle, Ran, ToolExecutor, Verifier};
use crate::tools::{Access, Observation, TestRun};
use crate::workspace::TreeIds;

/// An environment and the script with its recorded answers.
pub struct RecordedEnvironment<'a, E> {
    /// The environment of the replay.
    pub environment: &'a mut E,
    /// The recorded run.
    pub script: Arc<Script>,
}

impl<E> RecordedEnvironment<'_, E> {
    /// Gives a verification its recorded duration, because the number of test runs depends on it.
    fn as_it_took(&self, run: TestRun) -> TestRun {
        TestRun { ms: self.script.verified_ms().unwrap_or(run.ms), ..run }
    }
}

impl<E: ToolExecutor> ToolExecutor for RecordedEnvironment<'_, E> {
    fn access(&self, tool: &str) -> Access {
        self.environment.access(tool)
    }

    async fn prepare(&mut self) -> Result<Vec<Event>, EnvironmentError> {
        self.environment.prepare().await
    }

    async fn call(&self, call: &ToolCall) -> Result<Observation, EnvironmentError> {
        // Calls of one reply begin in order, but end in any order.
        let number = self.script.begin_call();
        let mut observation = self.environment.call(call).await?;
        self.script.answer(number, &mut observation);
        Ok(observation)
    }

    async fn patch(&mut self, observations: &[Observation]) -> Result<PatchWritten, EnvironmentError> {
        self.environment.patch(observations).await
    }

    fn written_files(&self) -> Vec<FileChange> {
        self.environment.written_files()
    }

    fn wording(&self, text: &str) -> String {
        self.script.wording(text)
    }

    async fn cancel(&self) {
        self.environment.cancel().await;
    }
}

impl<E: Verifier> Verifier for RecordedEnvironment<'_, E> {
    async fn obstacle(&mut self) -> (Vec<Event>, Option<Obstacle>) {
        self.environment.obstacle().await
    }

    fn is_whole(&self, run: &TestRun) -> bool {
        self.environment.is_whole(run)
    }

    fn takes_what_tests_write(&self) -> bool {
        self.environment.takes_what_tests_write()
    }

    async fn follow(&mut self) -> Result<Vec<Event>, EnvironmentError> {
        self.environment.follow().await
    }

    fn checks(&self) -> Vec<(String, bool)> {
        self.environment.checks()
    }

    async fn run_check(&mut self, name: &str) -> Result<TestRun, EnvironmentError> {
        self.environment.run_check(name).await
    }

    async fn verify(&mut self) -> Result<Option<TestRun>, EnvironmentError> {
        let run = self.environment.verify().await?;
        Ok(run.map(|run| self.as_it_took(run)))
    }

    async fn verify_afresh(&mut self) -> Result<Option<TestRun>, EnvironmentError> {
        let run = self.environment.verify_afresh().await?;
        Ok(run.map(|run| self.as_it_took(run)))
    }

    async fn trees(&mut self) -> Option<TreeIds> {
        self.environment.trees().await
    }

    async fn judge(&mut self, ran: Ran<'_>, patience: Duration) -> Result<Judgement, EnvironmentError> {
        self.environment.judge(ran, patience).await
    }

    async fn reproduction(&mut self, patience: Duration) -> Result<Vec<Event>, EnvironmentError> {
        self.environment.reproduction(patience).await
    }
}
