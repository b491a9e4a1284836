//! The run's private view, which is made beside the first request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::environment_errors::broken;
use crate::journal::ViewMade;
use crate::planner::EnvironmentError;
use crate::workspace::View;

/// The view, made in the background while the model thinks.
pub(super) enum ViewSlot {
    Making(PendingView),
    Made(Arc<View>),
}

/// A view that is being made, and the way to call it off.
pub(super) struct PendingView {
    /// `None` once it was waited for.
    made: Option<JoinHandle<Result<View, EnvironmentError>>>,
    stop: Arc<AtomicBool>,
    go: watch::Sender<bool>,
}

impl PendingView {
    /// Does `work` in the background, not before `go` turns true; it ends early when `stop` does.
    pub(super) fn new(
        go: watch::Sender<bool>,
        stop: Arc<AtomicBool>,
        work: impl FnOnce() -> Result<View, EnvironmentError> + Send + 'static,
    ) -> Self {
        let mut signal = go.subscribe();
        let made = tokio::spawn(async move {
            if signal.wait_for(|go| *go).await.is_err() {
                return Err(broken("the run ended before its private view was made", None));
            }
            let view = tokio::task::spawn_blocking(work).await;
            view.unwrap_or_else(|panic| Err(broken(format!("making the private view failed: {panic}"), None)))
        });
        Self { made: Some(made), stop, go }
    }

    async fn call_off(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.go.send_replace(true);
        if let Some(made) = self.made {
            let _ = made.await;
        }
    }
}

impl ViewSlot {
    /// The view.
    ///
    /// # Errors
    /// When it isn't made yet: whoever wants to use it waits first.
    pub(super) fn made(&self) -> Result<&Arc<View>, EnvironmentError> {
        match self {
            Self::Made(view) => Ok(view),
            Self::Making(_) => Err(broken("the private view was used before it was made", None)),
        }
    }

    /// Waits for the view; tells how it was made, the first time.
    ///
    /// # Errors
    /// When it can't be made.
    pub(super) async fn wait(&mut self) -> Result<Option<ViewMade>, EnvironmentError> {
        let Self::Making(making) = self else { return Ok(None) };
        making.go.send_replace(true);
        let Some(made) = &mut making.made else { return Err(broken("the private view could not be made", None)) };
        let joined = made.await;
        making.made = None;
        let view = joined.map_err(|panic| broken(format!("making the private view failed: {panic}"), None))??;
        let told = view.made().clone();
        *self = Self::Made(Arc::new(view));
        Ok(Some(told))
    }

    /// Nothing is made any more. What was made goes with the run's other folders.
    pub(super) async fn close(self) {
        if let Self::Making(making) = self {
            making.call_off().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_view_that_cant_be_made_can_be_waited_for_again_and_closed() {
        let making = PendingView::new(watch::Sender::new(false), Arc::default(), || Err(broken("no space", None)));
        let mut slot = ViewSlot::Making(making);
        let why = slot.wait().await.err().map(|error| error.message);
        assert_eq!(why.as_deref(), Some("no space"));
        assert!(slot.wait().await.is_err());
        slot.close().await;
    }
}
