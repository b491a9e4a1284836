//! `result.json`: how a run of `kcode ci` ended, schema `kcode.ci/1`. The publishing job reads it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::CiPlatform;
use crate::journal::{Digest, Outcome, RunId};
use crate::report::Report;

/// Schema name of a result.
pub(crate) const CI_SCHEMA: &str = "kcode.ci/1";

/// How a run of `kcode ci` ended. It is written before anything else happens, so that a killed job has one as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CiResult {
    /// Schema name: always `kcode.ci/1` when written by this version.
    pub schema: String,
    /// Version of kcode.
    pub version: String,
    /// False until the run has ended; a result that stays so belongs to a job that was killed.
    pub finished: bool,
    /// Id of the run; `null` if none began.
    pub run: Option<RunId>,
    /// How the run ended; `interrupted` as long as it hasn't.
    pub outcome: Outcome,
    /// Exit code of `kcode ci`.
    pub exit_code: u8,
    /// The reason for the outcome, in one line.
    pub reason: String,
    /// What can be done about it, if anything.
    pub hint: Option<String>,
    /// Where the task came from.
    pub task: TaskSource,
    /// The commit that the run started from.
    pub commit: Option<String>,
    /// The run whose conversation this one continues.
    pub follows: Option<RunId>,
    /// The patch beside this file; `null` if there is none.
    pub patch: Option<CiPatch>,
}

/// Where a task came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TaskSource {
    /// The kind of source.
    pub kind: TaskKind,
    /// The file's or variable's name.
    pub name: Option<String>,
    /// The platform of an event.
    #[serde(default)]
    pub platform: Option<CiPlatform>,
    /// The event, such as `issues.labeled`.
    #[serde(default)]
    pub event: Option<String>,
    /// The account that started the run.
    #[serde(default)]
    pub actor: Option<String>,
    /// The number of the issue or pull request.
    #[serde(default)]
    pub number: Option<u64>,
    /// The page of the comment, else of the issue or pull request.
    #[serde(default)]
    pub url: Option<String>,
    /// The platform's id of the comment.
    #[serde(default)]
    pub comment_id: Option<u64>,
}

impl TaskSource {
    /// A source that is no event.
    #[must_use]
    pub(crate) const fn named(kind: TaskKind, name: Option<String>) -> Self {
        Self { kind, name, platform: None, event: None, actor: None, number: None, url: None, comment_id: None }
    }
}

/// The kinds of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskKind {
    /// `--task-file`.
    File,
    /// `--task-env`.
    Env,
    /// Standard input.
    Stdin,
    /// `--event`.
    Event,
    /// `--sarif`.
    Sarif,
    /// `--log`.
    Log,
}

/// The patch of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CiPatch {
    /// Path of the patch, relative to this file.
    pub path: String,
    /// SHA-256 of the patch.
    pub sha256: Digest,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of changed files.
    pub files: u64,
}

impl CiResult {
    /// The result of a job that has only begun.
    #[must_use]
    pub(crate) fn unfinished(task: TaskSource) -> Self {
        let outcome = Outcome::Interrupted;
        Self {
            schema: CI_SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            finished: false,
            run: None,
            outcome,
            exit_code: outcome.exit_code(),
            reason: "the job was ended before kcode could finish".to_owned(),
            hint: None,
            task,
            commit: None,
            follows: None,
            patch: None,
        }
    }

    /// The same job with its run's report.
    #[must_use]
    pub(crate) fn of_report(self, report: &Report, patch: Option<CiPatch>) -> Self {
        Self {
            run: Some(report.run.clone()),
            outcome: report.outcome,
            exit_code: report.exit_code,
            reason: report.detail.clone(),
            hint: report.hint.clone(),
            commit: report.head.clone(),
            follows: report.follows.clone(),
            patch,
            ..self
        }
    }
}
