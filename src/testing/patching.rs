//! Computes the patch of a view on a thread of its own: it may take long, depending on what commands wrote, and signals
//! and time limits still apply.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::journal::RelPath;
use crate::workspace::{Patch, Touched, View, WorkspaceError};

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Computes the patch of the `paths` that tools wrote, or with `anything` of the whole view. Dropping the future stops
/// the work.
///
/// # Errors
/// As [`View::patch`].
pub async fn patch_of(view: &Arc<View>, paths: Vec<RelPath>, anything: bool) -> Result<Patch, WorkspaceError> {
    let waiting = StopOnDrop(Arc::default());
    let (view, stop) = (Arc::clone(view), Arc::clone(&waiting.0));
    let work = move || {
        if !anything {
            return view.patch_unless(Touched::Paths(&paths), &stop);
        }
        if !paths.is_empty() {
            view.patch_unless(Touched::Paths(&paths), &stop)?;
        }
        view.patch_unless(Touched::Anything, &stop)
    };
    let died = |panic| io::Error::other(format!("comparing the private view failed: {panic}"));
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|panic| {
        Err(WorkspaceError::Io { action: "compare", path: "the private view".into(), source: died(panic) })
    })
}
