//! The folder that `kcode ci` left, read as hostile input: ordinary files of a bounded size, no links, and nothing is used that
//! result, report and patch don't say alike.

use std::io;
use std::path::Path;

use serde::Deserialize;

use super::PublishError;
use crate::journal::{Digest, Outcome, RunId, read_own};
use crate::report::{REPORT_SCHEMA, Report};

const SCHEMA: &str = "kcode.ci/1";
/// Bytes of each file.
const MAX_RESULT: u64 = 1 << 20;
const MAX_REPORT: u64 = 32 << 20;
const MAX_PATCH: u64 = 32 << 20;
const HINT: &str = "run the agent's job again; nothing of this artifact was published";

/// What of `result.json` is used. Further fields are left alone: other versions write more.
#[derive(Debug, Deserialize)]
struct ResultFile {
    schema: String,
    finished: bool,
    run: Option<RunId>,
    outcome: Outcome,
    reason: String,
    hint: Option<String>,
    commit: Option<String>,
    follows: Option<RunId>,
    patch: Option<NotedPatch>,
}

#[derive(Debug, Deserialize)]
struct NotedPatch {
    path: String,
    sha256: Digest,
    bytes: u64,
}

/// A job's result whose parts fit together.
#[derive(Debug)]
pub(crate) struct JobArtifact {
    /// The run; `None` if none began.
    pub run: Option<RunId>,
    /// False for a job that was killed.
    pub finished: bool,
    /// How the run ended.
    pub outcome: Outcome,
    /// Why, in the words of that job.
    pub reason: String,
    /// What can be done about it.
    pub hint: Option<String>,
    /// The commit that the run started from.
    pub commit: Option<String>,
    /// The run that it continues.
    pub follows: Option<RunId>,
    /// The report of the run.
    pub report: Option<Report>,
    /// The patch, byte for byte.
    pub patch: Option<Vec<u8>>,
}

impl JobArtifact {
    /// Reads the folder at `dir`.
    ///
    /// # Errors
    /// When a file can't be read, or isn't what another one says of it.
    pub(crate) fn read(dir: &Path) -> Result<Self, PublishError> {
        let file = |name: &str, most: u64| match read_own(&dir.join(name), most) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PublishError::refused(format!("{name} can't be used: {error}"), HINT)),
            Ok(bytes) => Ok(Some(bytes)),
        };
        let result = file("result.json", MAX_RESULT)?.ok_or_else(|| {
            let hint = "name the folder that kcode ci wrote with --out";
            PublishError::new(Outcome::Usage, format!("there is no result.json in {}", dir.display()), hint)
        })?;
        let result: ResultFile = parsed("result.json", &result)?;
        if result.schema != SCHEMA {
            return Err(PublishError::refused("result.json has a schema that this kcode doesn't know", HINT));
        }
        let report: Option<Report> =
            file("report.json", MAX_REPORT)?.map(|bytes| parsed("report.json", &bytes)).transpose()?;
        let patch = result.patch.as_ref().map(|noted| checked(noted, file("patch.diff", MAX_PATCH)?)).transpose()?;
        let read = Self {
            run: result.run,
            finished: result.finished,
            outcome: result.outcome,
            reason: result.reason,
            hint: result.hint,
            commit: result.commit,
            follows: result.follows,
            report,
            patch,
        };
        read.agrees()?;
        Ok(read)
    }

    /// Whether the report is one of this run and of this patch.
    fn agrees(&self) -> Result<(), PublishError> {
        let Some(report) = &self.report else {
            return match &self.patch {
                Some(_) => Err(PublishError::refused("there is a patch without report.json", HINT)),
                None => Ok(()),
            };
        };
        let patch = report.patch.as_ref().map(|patch| patch.sha256);
        let own = self.patch.as_deref().map(Digest::of);
        let wrong = if report.schema != REPORT_SCHEMA {
            "report.json has a schema that this kcode doesn't know"
        } else if Some(&report.run) != self.run.as_ref() {
            "report.json is of another run than result.json"
        } else if report.outcome != self.outcome && self.finished && own.is_some() && self.is_success() {
            "report.json and result.json tell of different outcomes"
        } else if own.is_some() && own != patch {
            "report.json is of another patch"
        } else {
            return Ok(());
        };
        Err(PublishError::refused(wrong, HINT))
    }

    const fn is_success(&self) -> bool {
        matches!(self.outcome, Outcome::Verified | Outcome::Unverified)
    }

    /// The patch and its report if the run came to something that can be proposed.
    #[must_use]
    pub(crate) fn proposal(&self) -> Option<(&RunId, &[u8], &Report)> {
        let complete = self.finished && self.is_success();
        Some((self.run.as_ref()?, self.patch.as_deref()?, self.report.as_ref()?)).filter(|_| complete)
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(name: &str, bytes: &[u8]) -> Result<T, PublishError> {
    serde_json::from_slice(bytes).map_err(|error| PublishError::refused(format!("{name} can't be read: {error}"), HINT))
}

fn checked(noted: &NotedPatch, patch: Option<Vec<u8>>) -> Result<Vec<u8>, PublishError> {
    let patch = patch.ok_or_else(|| PublishError::refused("result.json tells of a patch that isn't there", HINT))?;
    let fits = noted.path == "patch.diff" && noted.bytes == patch.len() as u64 && noted.sha256 == Digest::of(&patch);
    if fits {
        Ok(patch)
    } else {
        Err(PublishError::refused("patch.diff isn't the patch that result.json tells of", HINT))
    }
}
