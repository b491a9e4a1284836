//! Clears away what killed processes left of their runs.

use std::fs;
use std::path::PathBuf;

use tokio::sync::watch;

use crate::cli::replay;
use crate::journal::{RunFolder, is_abandoned, recover};
use crate::workspace::remove_tree;

/// Sweeps the runs below `state`, beside a run, once `asked` turns true: before the first request it would only hold that up.
pub fn sweep(state: PathBuf, mut asked: watch::Receiver<bool>) {
    tokio::spawn(async move {
        if asked.wait_for(|asked| *asked).await.is_ok() {
            tokio::task::spawn_blocking(move || {
                replay::clear(&state);
                RunFolder::all(&state).unwrap_or_default().iter().for_each(clear);
            });
        }
    });
}

/// Clears away what is left of `run` beside what is kept of it, unless a process works on it.
pub fn clear(run: &RunFolder) {
    let left: Vec<PathBuf> = run.passing().into_iter().filter(|folder| folder.exists()).collect();
    let drafts = run.drafts();
    if left.is_empty() && drafts.is_empty() || !is_abandoned(&run.journal()) {
        return;
    }
    for draft in drafts {
        drop(fs::remove_file(draft));
    }
    // It had its scratch folder, so that its journal had been locked: nobody is about to write the first event.
    let never_began = !left.is_empty() && recover(&run.journal()).is_ok_and(|recovered| recovered.records.is_empty());
    for folder in left {
        drop(remove_tree(&folder));
    }
    if never_began {
        drop(remove_tree(run.path()));
    }
}
