//! Everything that a review needs of a run. Its journal is locked from the beginning, so that no other process
//! continues the run.

use std::path::Path;

use anyhow::Context;

use super::options::ReviewOptions;
use crate::cli::arguments::Global;
use crate::cli::output;
use crate::journal::{
    Event, FileJournal, Journal as _, Outcome, RUN_FILE_LIMIT, Record, RunFolder, read_own, recover, recover_chain,
};
use crate::report::Report;
use crate::review::{Given, Material, Review, Size, recalled};
use crate::run::{self, Failure, noted};
use crate::settings::{Environment, FlagLayer, Redactor, Sandbox, Settings};
use crate::workspace::{Blobs, ChangeSet, Parts, Repository};

pub(super) struct ReviewContext {
    pub run: RunFolder,
    pub report: Report,
    /// Locked; new events are appended here.
    pub journal: FileJournal,
    /// The hunks of its patch.
    pub parts: Parts,
    /// The contents of its patch.
    pub blobs: Blobs,
    /// The repository that the patch is for.
    pub repository: Repository,
    /// The settings as they are now, or what is wrong with them: only a trial needs them.
    settings: Result<Settings, Failure>,
    /// Removes secrets from what is shown.
    pub redactor: Redactor,
    pub options: ReviewOptions,
    inherited: Vec<Record>,
    records: Vec<Record>,
}

impl ReviewContext {
    /// Opens `run` for a review.
    ///
    /// # Errors
    /// When it has no patch, was applied already, is running, or can't be read.
    pub(super) fn open(global: &Global, run: RunFolder, options: ReviewOptions) -> Result<Self, Failure> {
        let report = run::load(&run)?;
        if report.patch.is_none() {
            return Err(Failure::new(Outcome::NoChange, format!("run {} has no patch", run.id()), report.detail));
        }
        if report.applied.is_some() {
            let message = format!("run {} was applied already", run.id());
            let hint = format!("take it back with: kcode undo {}", run.id());
            return Err(Failure::new(Outcome::Refused, message, hint));
        }
        let repository = Repository::open(Path::new(&report.repository))?;
        // The parts of a run with a strict sandbox are tested in a strict one too.
        let was_strict = report.wall.mode == Sandbox::Strict.to_string();
        let recovered = recover(&run.journal()).map_err(anyhow::Error::from)?;
        let shown = options.shown.with(&noted(recovered.records.iter().map(|record| &record.event)));
        let (sandbox, readable) = (was_strict.then_some(Sandbox::Strict), shown.0.clone());
        let flags = FlagLayer { readable, sandbox, ..FlagLayer::default() };
        let settings = match global.settings(&flags, &repository) {
            Ok(settings) => {
                shown.check(&settings, repository.root())?;
                Ok(settings)
            }
            Err(error) if error.is_of_a_flag() => return Err(error.into()),
            Err(error) => {
                output::say(&format!("warning: {error}; a part of the patch can't be tested so ({})", error.hint()));
                Err(Failure::from(error))
            }
        };
        let journal = FileJournal::reopen(&run.journal(), &recovered)?;
        let blobs = Blobs::at(&run.blobs());
        let parts = ChangeSet::load(&run.changes()).and_then(|changes| Parts::of(&changes, &blobs));
        let parts = parts.map_err(|error| run::unreadable(run.path(), &error))?;
        let redactor = Redactor::of(&Environment::from_process());
        let records = recovered.records;
        // Without the records of earlier tasks, only the origin of some hunks can't be shown.
        let inherited = read_own(&run.inherited(), RUN_FILE_LIMIT)
            .ok()
            .and_then(|bytes| recover_chain(&bytes).ok())
            .unwrap_or_default();
        Ok(Self { run, report, journal, parts, blobs, repository, settings, redactor, options, inherited, records })
    }

    /// The review, with the decisions of an earlier one.
    ///
    /// # Errors
    /// When a content can't be read.
    pub(super) fn review(&self) -> Result<Review, Failure> {
        let events: Vec<&Event> = self.records.iter().map(|record| &record.event).collect();
        let inherited: Vec<&Event> = self.inherited.iter().map(|record| &record.event).collect();
        let given = Given {
            report: &self.report,
            inherited: &inherited,
            events: &events,
            parts: &self.parts,
            blobs: &self.blobs,
            clean: &|text| self.redactor.text(text).into_owned(),
        };
        let (material, hunks) = Material::of(&given).context("the patch can't be read")?;
        if hunks.is_empty() {
            let message = format!("{} holds no change", self.run.changes().display());
            return Err(Failure::new(Outcome::NoChange, message, "the run's folder is damaged; run the task again"));
        }
        let last = events.iter().rev().find_map(|event| match event {
            Event::Reviewed(reviewed) => Some(reviewed),
            _ => None,
        });
        let sha256 = self.report.patch.as_ref().map(|patch| patch.sha256);
        let kept = last.filter(|reviewed| reviewed.patch_sha256 == sha256);
        let kept = kept.and_then(|reviewed| recalled(&hunks, reviewed, &self.blobs));
        let mut review = Review::new(material, hunks, Size { rows: 24, columns: 80 });
        if let Some(kept) = kept {
            review.recall(kept);
        }
        Ok(review)
    }

    /// The settings, for a trial.
    ///
    /// # Errors
    /// When they can't be used: what is wrong with them, and how to do without a trial.
    pub(super) fn settings(&self) -> Result<&Settings, Failure> {
        self.settings.as_ref().map_err(|failure| {
            let message = format!("what you accepted can't be tested: {}", failure.message);
            self.untested(Failure { message, ..failure.clone() }, failure.hint.as_deref().unwrap_or_default())
        })
    }

    /// `failure`, which keeps what was accepted from being tested, with `hint` and the command that does without.
    pub(super) fn untested(&self, failure: Failure, hint: &str) -> Failure {
        let kept = format!("your decisions; to apply them untested: kcode review --no-verify {}", self.run.id());
        Failure { hint: Some(hint.to_owned()), ..failure }.fact("kept", kept)
    }

    /// Records the decisions in the journal.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn note_decisions(&mut self, review: &Review, concluded: bool) -> Result<(), Failure> {
        let sha256 = self.report.patch.as_ref().map(|patch| patch.sha256);
        let reviewed = review.event(sha256, concluded, &self.blobs).context("the decisions can't be kept")?;
        Ok(self.journal.append(vec![Event::Reviewed(reviewed)])?)
    }
}
