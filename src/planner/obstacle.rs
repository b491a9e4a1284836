//! Tests that turn out not to run here at all: whatever the model does, nothing could stand behind it.

use super::environment::{ToolExecutor, Verifier};
use super::turns::{Halt, Planner, Stop};
use crate::journal::StopReason;
use crate::model::{Model, ToolCall};

/// A cause that keeps every test from telling anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What it is, a clause.
    pub what: String,
    /// What a person can do.
    pub hint: String,
}

impl<M: Model, E: ToolExecutor + Verifier> Planner<'_, M, E> {
    /// Ends the run when it is known by now that no test can run. `calls` are those of the reply that just came: they get an
    /// answer, so that the run can be taken up once something was done about it.
    pub(super) async fn unless_obstructed(&mut self, calls: &[ToolCall]) -> Result<(), Halt> {
        let (events, obstacle) = self.environment.obstacle().await;
        if !events.is_empty() {
            self.journal.append(events)?;
        }
        let Some(Obstacle { what, hint }) = obstacle else { return Ok(()) };
        self.decline(calls, "Not run: the run ends here, because the tests can't run on this machine.")?;
        let detail = format!("the tests can't run here: {what}");
        let reason = StopReason::TestsCannotRun;
        Err(Halt::Stop(Box::new(Stop { reason, detail, model_error: None, hint: Some(hint) })))
    }
}
