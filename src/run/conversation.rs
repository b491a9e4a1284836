//! The conversation of a run: prepared, opened, and seen through by the planner.

use tokio::sync::watch;

use super::current_run::Run;
use super::failure::Failure;
use super::open_run::lock;
use super::prepare::Prepared;
use super::run_limits::limits;
use crate::journal::Event;
use crate::model::Conversation;
use crate::planner::{Planner, State, Stop, TestRules, ToolExecutor, Verifier, budget::Budget};

impl Run<'_> {
    /// Sees the conversation through.
    ///
    /// # Errors
    /// What kept it from beginning, or a journal that can't be written any more.
    pub(super) async fn converse(&mut self, cancelled: watch::Receiver<bool>) -> Result<Stop, Failure> {
        let prepared = self.prepare().await?;
        let conversation = self.begin(prepared)?;
        self.check_setup(cancelled.clone()).await?;
        let mut environment = self.environment.take().ok_or_else(no_environment)?;
        let stop = Box::pin(self.ask(&mut environment, conversation, cancelled.clone())).await;
        self.environment = Some(environment);
        self.minimize(stop?, cancelled).await
    }

    /// Notes how the conversation begins or goes on.
    ///
    /// # Errors
    /// When that can't be noted.
    pub(super) fn begin(&mut self, prepared: Prepared) -> Result<Conversation, Failure> {
        let Prepared { built, opening } = prepared;
        let (conversation, messages) = self.open_conversation(opening);
        self.open.journal.note([vec![Event::SandboxBuilt(built)], messages].concat())?;
        Ok(conversation)
    }

    /// The loop, from the first request to the last.
    ///
    /// # Errors
    /// When the journal can't be written any more.
    pub(super) async fn ask<E: ToolExecutor + Verifier>(
        &mut self,
        environment: &mut E,
        conversation: Conversation,
        cancelled: watch::Receiver<bool>,
    ) -> Result<Stop, Failure> {
        let (spec, settings, deadline) = (&self.spec, &self.spec.settings, self.deadline());
        let mut budget = Budget::new(limits(settings), self.price);
        budget.recall(spec.events());
        let state = State::recall(spec.events()).after(spec.earlier_events());
        let drawn = self.open.shared_people();
        let stopped = Planner {
            model: &self.model,
            environment,
            journal: &mut *self.open.journal,
            conversation,
            budget,
            max_completion_tokens: settings.max_completion_tokens.value,
            max_retries: settings.max_retries.value,
            deadline,
            cancelled,
            progress: &mut |progress| lock(&drawn).progress(progress),
            state: state.by(TestRules::numbered(spec.conditions.test_rules)),
        }
        .run()
        .await?;
        Ok(stopped)
    }
}

/// The failure of a step that needs an environment before one was prepared.
pub(super) fn no_environment() -> Failure {
    Failure::internal("the conversation began without a worker")
}
