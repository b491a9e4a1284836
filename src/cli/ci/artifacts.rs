//! The folder that `kcode ci` leaves behind.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{Mode, OFlags};

use super::arguments::CiArguments;
use super::task;
use crate::ci::{self, CiPatch, CiResult, TaskSource};
use crate::cli::arguments::Global;
use crate::cli::output;
use crate::journal::{Digest, Event, Outcome, RUN_FILE_LIMIT, Record, RunFolder, is_disk_failure, open_own, read_own};
use crate::model::replay::CannedConversation;
use crate::replay::{Archive, Recording};
use crate::report;
use crate::run::{self, Ended, Failure, replace};
use crate::settings::{self, Environment, Redactor};
use crate::text::{sanitise_json, sanitise_line};

const RESULT: &str = "result.json";
const PATCH: &str = "patch.diff";
const EVENTS: &str = "events.jsonl";
const REPORT: &str = "report.json";
const REPORT_MD: &str = "report.md";
const TRAJECTORY: &str = "trajectory.json";
/// For GitLab, see [`ci::dotenv`].
const DOTENV: &str = "kcode.env";
/// Bytes of the first event, which holds the task.
const MAX_FIRST: u64 = 4 << 20;

/// The folder, and how the job began.
pub(super) struct Artifacts {
    dir: PathBuf,
    /// Where runs are kept.
    state: Option<PathBuf>,
    /// Where the model's replies go.
    record: Option<PathBuf>,
    redactor: Redactor,
    begun: CiResult,
}

impl Artifacts {
    /// Makes the folder, takes out what an earlier job left there, and notes that this one has begun.
    ///
    /// # Errors
    /// When it is in the repository, or can't be written.
    pub(super) fn begin(global: &Global, arguments: &CiArguments) -> Result<Self, Failure> {
        let dir = &arguments.out;
        let unusable = |error: &io::Error| {
            let outcome = if is_disk_failure(error) { Outcome::Storage } else { Outcome::Usage };
            Failure::new(
                outcome,
                format!("--out {} can't be used: {error}", dir.display()),
                "name a folder that can be written",
            )
        };
        // Looked at before it is made: nothing may be made in the tree.
        let place = place(dir).map_err(|error| unusable(&error))?;
        if let Some(repository) = global.repository_if_any()?
            && place.starts_with(repository.root())
        {
            let hint = "what is written there would become part of the tree; name a folder outside, such as \"$RUNNER_TEMP/kcode\"";
            return Err(Failure::usage(format!("--out {} is in the repository", dir.display()), hint));
        }
        fs::create_dir_all(&place).map_err(|error| unusable(&error))?;
        let dir = place;
        for name in [RESULT, PATCH, EVENTS, REPORT, REPORT_MD, TRAJECTORY, DOTENV] {
            match fs::remove_file(dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(&error)),
                _ => {}
            }
        }
        let state = settings::state_dir(&Environment::from_process(), global.config.as_deref(), None);
        let artifacts = Self {
            dir,
            state: state.ok().map(|state| state.value),
            record: arguments.record.clone(),
            redactor: Redactor::of(&Environment::from_process()),
            begun: CiResult::unfinished(task::source(arguments)),
        };
        artifacts.write_result(&artifacts.begun)?;
        Ok(artifacts)
    }

    /// Notes where the task came from, once that is known.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn started_by(&self, source: &TaskSource) -> Result<(), Failure> {
        self.write_result(&CiResult::unfinished(source.clone()))
    }

    /// The result as it was last written, which tells where the task came from.
    fn begun(&self) -> CiResult {
        let written = read_own(&self.dir.join(RESULT), MAX_FIRST).ok();
        written.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_else(|| self.begun.clone())
    }

    /// Where the run's events go as they happen.
    pub(super) fn events(&self) -> EventFile {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(self.dir.join(EVENTS), flags, Mode::from_raw_mode(0o644));
        EventFile(file.ok().map(File::from))
    }

    /// Writes what the job came to. Whatever can't be written takes the success away, not the rest.
    ///
    /// # Errors
    /// The job's own failure, or what couldn't be written.
    pub(super) fn conclude(&self, ended: Result<Ended, Failure>) -> Result<Outcome, Failure> {
        let run = self.run();
        let mut result = self.begun();
        let written = run.as_ref().map_or(Ok(()), |run| self.write_run(run, &mut result));
        let ended = ended.and_then(|ended| written.map(|()| ended.outcome));
        if let Err(failure) = &ended {
            result = failed(result, failure);
        }
        result.finished = true;
        self.tell(&result, run.as_ref())?;
        ended
    }

    /// Writes what a job came to that was killed.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn killed(&self, how: &str) -> Result<Outcome, Failure> {
        output::say(&format!("kcode ci: {how}"));
        self.instead(Outcome::Interrupted, how)
    }

    /// Writes what a job came to that was ended at the deadline.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn overdue(&self) -> Result<Outcome, Failure> {
        self.instead(Outcome::Budget, "the job took longer than --deadline allows")
    }

    fn instead(&self, outcome: Outcome, reason: &str) -> Result<Outcome, Failure> {
        let run = self.run();
        // What only a running run needs.
        run.as_ref().into_iter().for_each(run::clear);
        let mut result = self.begun();
        let written = run.as_ref().map_or(Ok(()), |run| self.write_run(run, &mut result));
        let result =
            CiResult { outcome, exit_code: outcome.exit_code(), reason: reason.to_owned(), finished: true, ..result };
        self.tell(&result, run.as_ref())?;
        written.map(|()| outcome)
    }

    /// The run that has begun: the first event names it.
    fn run(&self) -> Option<RunFolder> {
        let events = open_own(&self.dir.join(EVENTS)).ok()?;
        let mut first = String::new();
        BufReader::new(events.take(MAX_FIRST)).read_line(&mut first).ok()?;
        let record: Record = serde_json::from_str(&first).ok()?;
        let Event::RunStarted(started) = record.event else { return None };
        Some(RunFolder::at(self.state.as_deref()?, &started.run))
    }

    /// Patch, report and trajectory of `run`.
    fn write_run(&self, run: &RunFolder, result: &mut CiResult) -> Result<(), Failure> {
        let mut report = run::load(run)?;
        let patch = match read_own(&run.patch(), RUN_FILE_LIMIT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(run::unreadable(&run.patch(), &error)),
            Ok(patch) => report.patch.as_mut().map(|told| {
                PATCH.clone_into(&mut told.path);
                (patch, told.files.len() as u64)
            }),
        };
        let noted = patch.as_ref().map(|(patch, files)| CiPatch {
            path: PATCH.to_owned(),
            sha256: Digest::of(patch),
            bytes: patch.len() as u64,
            files: *files,
        });
        *result = result.clone().of_report(&report, noted);
        if let Some((patch, _)) = &patch {
            replace(&self.dir.join(PATCH), patch)?;
        }
        self.write_json(REPORT, &report)?;
        replace(&self.dir.join(REPORT_MD), self.redactor.text(&report::markdown(&report)).as_bytes())?;
        let recording = Recording::of_run(run).map_err(|error| run::unreadable(run.path(), &error))?;
        let archive = Archive::pack(&recording, &self.redactor).context("the run can't be exported")?;
        if let Some(file) = &self.record {
            self.write_json_to(file, &CannedConversation::of(&archive.journal))?;
        }
        self.write_json(TRAJECTORY, &report::trajectory(&archive.journal))
    }

    fn write_result(&self, result: &CiResult) -> Result<(), Failure> {
        self.write_json(RESULT, result)
    }

    fn write_json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), Failure> {
        self.write_json_to(&self.dir.join(name), value)
    }

    fn write_json_to(&self, file: &Path, value: &impl serde::Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
        self.redactor.clean(&mut text);
        replace(file, format!("{}\n", sanitise_json(&text)).as_bytes())
    }

    /// The result, for the publishing job and for the platform.
    fn tell(&self, result: &CiResult, run: Option<&RunFolder>) -> Result<(), Failure> {
        self.write_result(result)?;
        let env = Environment::from_process();
        let report = run.and_then(|run| run::load(run).ok());
        let values = ci::outputs(result);
        if let Some(file) = env.get("GITHUB_OUTPUT") {
            let delimiter = format!("kcode_{:032x}", fastrand::u128(..));
            append(Path::new(file), &ci::output_lines(&values, &delimiter))?;
        }
        if let (Some(file), Some(report)) = (env.get("GITHUB_STEP_SUMMARY"), &report) {
            append(Path::new(file), &self.redactor.text(&ci::step_summary(report)))?;
        }
        if env.get("GITLAB_CI").is_some() {
            replace(&self.dir.join(DOTENV), ci::dotenv(&values).as_bytes())?;
        }
        if let (Some("true"), Some(report)) = (env.get("GITHUB_ACTIONS"), &report) {
            for command in ci::annotations(report) {
                output::data(format!("{}\n", self.redactor.text(&command)).as_bytes())?;
            }
        }
        Ok(())
    }
}

/// Where `dir` is or would be, without links.
fn place(dir: &Path) -> io::Result<PathBuf> {
    let dir = std::path::absolute(dir)?;
    let mut rest = Vec::new();
    for ancestor in dir.ancestors() {
        match ancestor.canonicalize() {
            Ok(real) => return Ok(rest.iter().rev().fold(real, |path, name| path.join(name))),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(error) => rest.push(ancestor.file_name().ok_or(error)?),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

fn failed(result: CiResult, failure: &Failure) -> CiResult {
    CiResult {
        outcome: failure.outcome,
        exit_code: failure.outcome.exit_code(),
        reason: sanitise_line(&failure.message).into_owned(),
        hint: failure.hint.clone(),
        ..result
    }
}

/// Adds to a file that the platform has made.
fn append(file: &Path, text: &str) -> Result<(), Failure> {
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(file, flags, Mode::from_raw_mode(0o644)).map_err(io::Error::from);
    let written = opened.map(File::from).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let outcome = if is_disk_failure(&error) { Outcome::Storage } else { Outcome::Config };
        Failure::new(outcome, format!("{} can't be written: {error}", file.display()), "the platform names this file")
    })
}

/// `events.jsonl`; a disk that is full doesn't end the run, whose journal says the same.
pub(super) struct EventFile(Option<File>);

impl EventFile {
    pub(super) fn line(&mut self, line: &str) {
        if let Some(file) = &mut self.0 {
            let _ = file.write_all(format!("{line}\n").as_bytes());
        }
    }
}
