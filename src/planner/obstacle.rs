//! Ends a run whose tests can't run on this machine at all, because no patch could be verified.

use super::environment::{Obstacle, ToolExecutor, Verifier};
use super::turns::{Halt, Planner, Stop};
use crate::journal::StopReason;
use crate::model::{Model, ToolCall};

impl<M: Model, E: ToolExecutor + Verifier> Planner<'_, M, E> {
    /// Stops the run if it is known by now that no test can run. `calls` of the last reply get an answer, so that the
    /// run can be resumed once the cause is removed.
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
