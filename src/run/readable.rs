//! What of the machine tests see besides the tree and toolchains, for one run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::journal::{Event, Outcome, RunFolder, recover};
use crate::sandbox;
use crate::settings::Settings;

/// Folders that a person named for it, as they were typed.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShownFolders(pub Vec<PathBuf>);

impl ShownFolders {
    /// Refuses what would be shown to nobody: whoever named it counts on it. `settings` have it as well.
    ///
    /// # Errors
    /// Names the folder and the reason.
    pub(crate) fn check(&self, settings: &Settings, root: &Path) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let own = [settings.state_dir.value.clone(), root.to_owned()];
        let refused = self.in_settings(settings).find_map(|path| {
            let why = sandbox::why_refused(path, &own)?;
            Some(format!("--readable {} can't be shown to tests: {why}", path.display()))
        });
        let hint = "name a folder that holds what the tests need and nothing else";
        refused.map_or(Ok(()), |message| Err(Failure::new(Outcome::Config, message, hint)))
    }

    /// The same with what a run `noted`, as far as it is still there.
    pub(crate) fn with(&self, noted: &[String]) -> Self {
        let noted = noted.iter().map(PathBuf::from).filter(|path| path.exists());
        Self(self.0.iter().cloned().chain(noted).collect())
    }

    /// The same with those of a run that is kept.
    pub(crate) fn with_those_of(&self, run: &RunFolder) -> Self {
        let recovered = recover(&run.journal()).ok();
        let events = recovered.iter().flat_map(|all| all.records.iter().map(|record| &record.event));
        self.with(&noted(events))
    }

    /// What a run notes of them: absolute, as settings resolved them.
    pub(crate) fn noted(&self, settings: &Settings) -> Vec<String> {
        self.in_settings(settings).filter_map(|path| path.to_str().map(str::to_owned)).collect()
    }

    fn in_settings<'a>(&self, settings: &'a Settings) -> impl Iterator<Item = &'a PathBuf> {
        let typed: Vec<_> = self.0.iter().filter_map(|typed| typed.canonicalize().ok()).collect();
        settings.readable.value.iter().filter(move |path| path.canonicalize().is_ok_and(|real| typed.contains(&real)))
    }
}

/// What flags of a run had tests see, when it was started and when it was taken up again.
pub(crate) fn noted<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<String> {
    let noted = events.flat_map(|event| match event {
        Event::RunStarted(started) => started.readable.as_slice(),
        Event::Resumed(resumed) => resumed.readable.as_slice(),
        _ => &[],
    });
    noted.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
