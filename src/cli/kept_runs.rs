//! The kept runs: finds a run by name, and those of the current repository.

use std::path::PathBuf;

use super::arguments::{Global, RunArgument};
use super::output;
use crate::history::{Catalogue, Unreadable, beginning};
use crate::journal::RunFolder;
use crate::report::Report;
use crate::run::Failure;
use crate::settings::{self, Environment};
use crate::text::sanitise;

/// The named run, or the latest one of this repository.
pub(super) fn find(global: &Global, arguments: &RunArgument) -> Result<RunFolder, Failure> {
    let place = KeptRuns::of(global)?;
    if let Some(prefix) = &arguments.run {
        return Ok(RunFolder::find(&place.state, prefix)?);
    }
    place.runs()?.next().ok_or_else(KeptRuns::no_runs)
}

/// "in" and the tree of a run, when the user is in another one.
pub(super) fn elsewhere(global: &Global, report: &Report) -> Option<String> {
    let here = global.repository_if_any().ok().flatten().map(|repository| repository.root().to_owned());
    let is_here = here.is_some_and(|root| root.as_os_str() == report.repository.as_str());
    (!is_here).then(|| format!("in {}", report.repository))
}

/// The state folder, and the repository that the user is in.
pub(super) struct KeptRuns {
    pub state: PathBuf,
    root: Option<PathBuf>,
}

impl KeptRuns {
    /// The kept runs as seen from the current folder.
    ///
    /// # Errors
    /// When settings can't be read, or the user named a folder without a repository.
    pub(super) fn of(global: &Global) -> Result<Self, Failure> {
        let root = global.repository_if_any()?.map(|repository| repository.root().to_owned());
        let env = Environment::from_process();
        let state = settings::state_dir(&env, global.config.as_deref(), root.as_deref())?.value;
        Ok(Self { state, root })
    }

    /// The runs of this repository, newest first.
    ///
    /// # Errors
    /// When the folder of runs can't be read.
    pub(super) fn runs(&self) -> Result<impl Iterator<Item = RunFolder>, Failure> {
        let is_of_here = |run: &RunFolder| {
            beginning(run).is_ok_and(|begun| begun.is_some_and(|(_, started)| self.is_home_of(&started.repository)))
        };
        Ok(RunFolder::all(&self.state)?.into_iter().filter(is_of_here))
    }

    /// The runs of the current repository, or of all.
    pub(super) fn catalogue(&self, all: bool) -> Result<Catalogue, Failure> {
        let mut catalogue = Catalogue::read(&self.state)?;
        if !all {
            catalogue.runs.retain(|run| self.is_home_of(&run.repository));
            // A run whose journal doesn't tell its repository may be of this one.
            catalogue
                .unreadable
                .retain(|run| run.repository.as_ref().is_none_or(|repository| self.is_home_of(repository)));
        }
        Ok(catalogue)
    }

    /// Error for a repository without runs.
    pub(super) fn no_runs() -> Failure {
        Failure::usage("this repository has no runs", "`kcode runs --all` lists those of others")
    }

    /// True when `repository` is the root of the current one.
    pub(super) fn is_home_of(&self, repository: &str) -> bool {
        self.root.as_ref().is_some_and(|root| root.as_os_str() == repository)
    }
}

/// Prints which journals can't be read.
pub(super) fn name(unreadable: &[Unreadable]) {
    for Unreadable { run, problem, .. } in unreadable {
        output::say(&format!("run {run} is unreadable: {}", sanitise(problem)));
    }
}
