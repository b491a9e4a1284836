//! Clears away what killed processes left of their runs.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::journal::{RunFolder, is_abandoned, recover};
use crate::sandbox::clear_baits;
use crate::settings::{Environment, Redactor};
use crate::testing::clean_logs;
use crate::workspace::{remove_tree, remove_tree_soon};

/// Folders of replays in the state folder begin so.
pub(crate) const REPLAYS: &str = "replay-";
/// So many are looked at in any case; a run that is over waits for no more.
const LEAST: usize = 200;
/// And no more in one run's time: each takes a few looks at the disk, which the run beside it would be slower for.
const MOST: usize = 600;

/// Sweeps the runs below `state`, beside a run, once `asked` turns true: before the first request it would only hold that up. Where
/// there are too many for the time that the run takes, another one sweeps others: each begins somewhere else.
pub(super) fn sweep(state: PathBuf, mut asked: watch::Receiver<bool>) {
    tokio::spawn(async move {
        if asked.wait_for(|asked| *asked).await.is_ok() {
            tokio::task::spawn_blocking(move || {
                if let Some(home) = std::env::home_dir() {
                    clear_baits(&home);
                }
                clear_replays(&state);
                // Whoever asked is gone when the run is over.
                sweep_until(&state, || asked.has_changed().is_err());
            });
        }
    });
}

/// Sweeps until `is_over`, and returns how many runs were looked at.
fn sweep_until(state: &Path, is_over: impl Fn() -> bool) -> usize {
    let mut runs = RunFolder::named(state).unwrap_or_default();
    let begins = fastrand::usize(..runs.len().max(1));
    runs.rotate_left(begins);
    let all = runs.iter().enumerate();
    let all = all.take(MOST);
    all.take_while(|(number, _)| *number < LEAST || !is_over()).map(|(_, run)| clear(run)).count()
}

/// Clears away what is left of `run` beside what is kept of it, unless a process works on it.
pub(crate) fn clear(run: &RunFolder) {
    let left: Vec<PathBuf> = run.passing().into_iter().filter(|folder| folder.exists()).collect();
    let drafts = run.drafts();
    clear_baits(run.path());
    if left.is_empty() && drafts.is_empty() || !is_abandoned(&run.journal()) {
        return;
    }
    for draft in drafts {
        drop(fs::remove_file(draft));
    }
    // Nobody read what commands wrote that were killed with it.
    clean_logs(&run.logs(), &Redactor::of(&Environment::from_process()));
    // It had its scratch folder, so that its journal had been locked: nobody is about to write the first event.
    let never_began = !left.is_empty() && recover(&run.journal()).is_ok_and(|recovered| recovered.records.is_empty());
    // What takes longer goes with the sweeps after this one.
    for folder in left {
        drop(remove_tree_soon(&folder));
    }
    if never_began {
        drop(remove_tree(run.path()));
    }
}

/// Removes what killed replays left.
pub(crate) fn clear_replays(state: &Path) {
    for entry in fs::read_dir(state).into_iter().flatten().flatten() {
        let left = entry.file_name().to_string_lossy().starts_with(REPLAYS);
        let runs = || RunFolder::all(&entry.path()).unwrap_or_default();
        // One without a journal may just begin.
        if left && !runs().is_empty() && runs().iter().all(|run| is_abandoned(&run.journal())) {
            let _ = remove_tree_soon(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Applied, Event, FileJournal, Journal as _, RunId};

    #[test]
    fn logs_of_a_killed_run_lose_their_secrets() {
        let state = tempfile::tempdir().unwrap();
        let run = RunFolder::at(state.path(), &RunId::random());
        for folder in [run.scratch(), run.logs().join("baseline")] {
            fs::create_dir_all(folder).unwrap();
        }
        let mut journal = FileJournal::create(&run.journal()).unwrap();
        journal.append(vec![Event::Applied(Applied::default())]).unwrap();
        drop(journal);
        let token = concat!("ghp", "_16C7e42F292c6912E7710c838347Ae178B4a\n");
        let logs = ["tests-1.log", "baseline/tests-1.log"].map(|name| run.logs().join(name));
        for log in &logs {
            fs::write(log, token).unwrap();
        }
        clear(&run);
        assert_eq!(logs.map(|log| fs::read_to_string(log).unwrap()), ["[redacted:github-token]\n"; 2]);
    }

    #[test]
    fn a_run_that_is_over_waits_for_few() {
        let state = tempfile::tempdir().unwrap();
        for _ in 0..3 * LEAST {
            fs::create_dir_all(RunFolder::at(state.path(), &RunId::random()).path()).unwrap();
        }
        assert_eq!(sweep_until(state.path(), || true), LEAST);
        assert_eq!(sweep_until(state.path(), || false), 3 * LEAST);
    }

    #[test]
    fn a_long_run_looks_at_some_of_very_many() {
        let state = tempfile::tempdir().unwrap();
        for _ in 0..MOST + 5 {
            fs::create_dir_all(RunFolder::at(state.path(), &RunId::random()).path()).unwrap();
        }
        assert_eq!(sweep_until(state.path(), || false), MOST);
    }
}
