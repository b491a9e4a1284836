//! The private view of a run while it is made, beside the model's first thoughts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::bench::broken;
use crate::planner::BenchError;
use crate::workspace::View;

/// The view, made in the background while the model thinks.
pub enum ViewSlot {
    /// Not yet.
    Making(Making),
    /// It is there.
    Made(Box<View>),
}

/// A view that is being made, and the way to call it off.
pub struct Making {
    /// `None` once it was waited for.
    made: Option<JoinHandle<Result<View, BenchError>>>,
    stop: Arc<AtomicBool>,
    go: watch::Sender<bool>,
}

impl Making {
    /// Does `work` in the background, not before `go` turns true; it ends early when `stop` does.
    pub fn new(
        go: watch::Sender<bool>,
        stop: Arc<AtomicBool>,
        work: impl FnOnce() -> Result<View, BenchError> + Send + 'static,
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

    /// Waits for the view; whoever stops waiting may come again.
    ///
    /// # Errors
    /// When it can't be made, or was waited for before.
    pub async fn wait(&mut self) -> Result<View, BenchError> {
        self.go.send_replace(true);
        let Some(made) = &mut self.made else { return Err(broken("the private view could not be made", None)) };
        let joined = made.await;
        self.made = None;
        joined.unwrap_or_else(|panic| Err(broken(format!("making the private view failed: {panic}"), None)))
    }

    /// Ends the making and leaves nothing of it.
    pub async fn call_off(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.go.send_replace(true);
        // Called off, it removes itself; made in the last moment, it is removed here.
        let Some(made) = self.made else { return };
        if let Ok(Ok(view)) = made.await {
            let _ = view.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_view_that_cant_be_made_can_be_waited_for_again_and_called_off() {
        let mut making = Making::new(watch::Sender::new(false), Arc::default(), || Err(broken("no space", None)));
        let why = making.wait().await.err().map(|error| error.message);
        assert_eq!(why.as_deref(), Some("no space"));
        assert!(making.wait().await.is_err());
        making.call_off().await;
    }
}
