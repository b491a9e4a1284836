//! What is to be verified: a run that is kept here, or a report that came from somewhere with its files beside it.

use std::io;
use std::path::{Path, PathBuf};

use crate::journal::{ChangeKind, Digest, FileChange, Outcome, RUN_FILE_LIMIT, RelPath, RunFolder, read_regular};
use crate::report::{REPORT_SCHEMA, Report};
use crate::run::failure::Failure;
use crate::run::stored_run::load;
use crate::testing::KeptResults;

/// A finished run, or a report from elsewhere with its files.
pub(crate) struct Subject {
    pub report: Report,
    pub source: PatchSource,
    /// What each test said; `None` when nobody kept it.
    pub results: Option<KeptResults>,
    /// Sentences about what is missing.
    pub notes: Vec<String>,
}

pub(crate) enum PatchSource {
    Run(RunFolder),
    /// The bytes of a patch file, which are those that the report names.
    Patch(Vec<u8>),
}

impl Subject {
    /// A run that is kept.
    ///
    /// # Errors
    /// When its folder was changed since.
    pub(crate) fn of_run(run: &RunFolder) -> Result<Self, Failure> {
        let report = load(run)?;
        let (results, notes) = results(&report, run.path())?;
        Ok(Self { report, source: PatchSource::Run(run.clone()), results, notes })
    }

    /// The report in `file`.
    ///
    /// # Errors
    /// When it is none, its patch isn't beside it, or one of its files isn't what it says.
    pub(crate) fn of_file(file: &Path) -> Result<Self, Failure> {
        let hint = "give the path of a report.json, with patch.diff and results.json in the same folder";
        let unusable = |why: String| Failure::usage(format!("{} {why}", file.display()), hint);
        let bytes = read_regular(file, RUN_FILE_LIMIT).map_err(|error| unusable(format!("can't be read: {error}")))?;
        let report: Report =
            serde_json::from_slice(&bytes).map_err(|error| unusable(format!("is no report: {error}")))?;
        if report.schema != REPORT_SCHEMA {
            return Err(unusable(format!("has the schema {:?}, not {REPORT_SCHEMA:?}", report.schema)));
        }
        let folder = file.parent().map_or_else(PathBuf::new, Path::to_owned);
        let (results, notes) = results(&report, &folder)?;
        let patch = folder.join(RunFolder::PATCH);
        let bytes = match &report.patch {
            None => Vec::new(),
            Some(named) => {
                let missing = |error: io::Error| unusable(format!("has no readable patch in its folder: {error}"));
                let bytes = read_regular(&patch, RUN_FILE_LIMIT).map_err(missing)?;
                held(&patch, &bytes, named.sha256)?;
                bytes
            }
        };
        Ok(Self { report, source: PatchSource::Patch(bytes), results, notes })
    }

    /// Every path that the patch touches.
    pub(crate) fn paths(&self) -> Vec<RelPath> {
        let files = self.report.patch.iter().flat_map(|patch| &patch.files);
        files
            .flat_map(|file: &FileChange| {
                let from = match &file.kind {
                    ChangeKind::Renamed { from } => Some(from.clone()),
                    _ => None,
                };
                [Some(file.path.clone()), from].into_iter().flatten()
            })
            .collect()
    }
}

/// The single results that `report` names, from its `folder`.
fn results(report: &Report, folder: &Path) -> Result<(Option<KeptResults>, Vec<String>), Failure> {
    let none = |why: &str| Ok((None, vec![format!("single tests are not compared: {why}")]));
    let Some(kept) = &report.certificate.results else { return none("the report names no results") };
    let path = folder.join(RunFolder::RESULTS);
    let bytes = match read_regular(&path, RUN_FILE_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return none("results.json isn't in the report's folder");
        }
        bytes => bytes.map_err(|error| changed(&path, &format!("can't be read: {error}")))?,
    };
    held(&path, &bytes, kept.sha256)?;
    let results = KeptResults::read(&bytes);
    let results = results.map_err(|error| changed(&path, &format!("can't be read: {error}")))?;
    let notes = if results.after.is_some() { Vec::new() } else { none("the run knew of none")?.1 };
    Ok((Some(results), notes))
}

fn held(path: &Path, bytes: &[u8], sha256: Digest) -> Result<(), Failure> {
    if Digest::of(bytes) == sha256 { Ok(()) } else { Err(changed(path, "is not the file that the report speaks of")) }
}

fn changed(path: &Path, why: &str) -> Failure {
    let hint = "report and files belong together: take all of them from the same run";
    Failure::new(Outcome::Refused, format!("{} {why}", path.display()), hint)
}
