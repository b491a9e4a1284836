//! The private view of a run, made in the background.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::view_slot::PendingView;
use crate::planner::EnvironmentError;
use crate::settings::Writes;
use crate::workspace::{ChangeSet, Copying, Overlay, Repository, View};

pub(super) struct NewView {
    pub repository: Repository,
    pub run: PathBuf,
    /// Ignored folders to make visible in it.
    pub dependencies: Vec<String>,
    /// What of the files that commands write is part of the patch; `None`: all of them.
    pub writes: Option<Writes>,
    /// Notes about the view for the report.
    pub notes: Vec<String>,
    pub kind: NewViewKind,
}

pub(super) enum NewViewKind {
    /// From layers that the worker mounted, with the changes so far in them.
    Overlay(Overlay),
    Copy {
        place: PathBuf,
        /// Changes of a stopped run, to be made in the copy.
        changes: ChangeSet,
    },
}

impl NewView {
    /// Makes it in the background, not before `asked` turns true.
    pub(super) fn begin(self, asked: watch::Sender<bool>) -> PendingView {
        let stop = Arc::<AtomicBool>::default();
        let called_off = Arc::clone(&stop);
        PendingView::new(asked, stop, move || self.make(&called_off))
    }

    fn make(self, stop: &AtomicBool) -> Result<View, EnvironmentError> {
        let Self { repository, run, dependencies, writes, notes, kind } = self;
        let (mut view, changes) = match kind {
            NewViewKind::Overlay(overlay) => (View::over(&repository, &run, &overlay, &dependencies)?, None),
            NewViewKind::Copy { place, changes } => {
                let copying = Copying { repository: &repository, run: &run, place, dependencies: &dependencies, stop };
                (View::fill(&copying)?, Some(changes).filter(|changes| !changes.is_empty()))
            }
        };
        view.note_first(notes);
        if let Some(writes) = writes {
            view.tell_commands_from_tools(writes);
        }
        if let Some(changes) = changes
            && !stop.load(Ordering::Relaxed)
            && let Err(error) = view.restore(&changes)
        {
            // The run can't go on in this view; nothing of it may stay.
            let _ = view.remove();
            return Err(error.into());
        }
        Ok(view)
    }
}
