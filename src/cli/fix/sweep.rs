//! Clears away, beside a run, what killed processes left of theirs.

use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::cli::replay;
use crate::journal::{RunFolder, is_abandoned};
use crate::workspace::remove_tree;

/// Sweeps the runs below `state` once `asked` turns true: before the first request it would only hold that up.
pub fn sweep(state: PathBuf, mut asked: watch::Receiver<bool>) {
    tokio::spawn(async move {
        if asked.wait_for(|asked| *asked).await.is_ok() {
            tokio::task::spawn_blocking(move || clear(&state));
        }
    });
}

fn clear(state: &Path) {
    replay::clear(state);
    for run in RunFolder::all(state).unwrap_or_default() {
        let mut left = run.passing().into_iter().filter(|folder| folder.exists()).peekable();
        if left.peek().is_some() && is_abandoned(&run.journal()) {
            for folder in left {
                drop(remove_tree(&folder));
            }
        }
    }
}
