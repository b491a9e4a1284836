//! The beginning of a run: everything that can happen beside each other does, so that the first request leaves early.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::chosen_tests::ChosenTests;
use super::clean_up::sweep;
use super::consents::{Beside, is_any_allowed};
use super::current_run::Run;
use super::environment::RunEnvironment;
use super::failure::Failure;
use super::open_run::{cache_key, lock};
use super::opening::{self, Opening, RepositorySnapshot};
use super::run_limits::unusable;
use super::sandbox_start::{ConfinedSandbox, LaunchedSandbox};
use crate::journal::{Event, SandboxBuilt};
use crate::model::{Conversation, ModelError};
use crate::sandbox::{CommandProgress, ProgressListener, WorkerPlan};
use crate::settings::Sandbox;
use crate::testing::Copies;
use crate::workspace::{Outline, Outside, Repository};

/// What a conversation needs to begin.
pub(super) struct Prepared {
    pub built: SandboxBuilt,
    /// The first messages.
    pub opening: Opening,
}

impl Run<'_> {
    /// Sandbox, view, survey and start state, beside each other. The first three wait for nothing; the last begin with the first
    /// request.
    ///
    /// # Errors
    /// What kept the run from beginning. What was started by then is in the run's environment.
    pub(super) async fn prepare(&mut self) -> Result<Prepared, Failure> {
        sweep(self.spec.settings.state_dir.value.clone(), self.open.asked.subscribe());
        let outline = in_background(&self.spec.repository, |it| it.outline_paths(opening::MAX_PATHS));
        let launched = self.launch_sandbox()?;
        let tests = self.choose_tests()?;
        let launched = self.confine_early(launched, &tests).await;
        let outline = Arc::new(outline.await.map_err(anyhow::Error::from)?);
        let changes = self.list_changes(&outline);
        let confined = self.confine_sandbox(launched, &tests, &outline).await?;
        let seen = RepositorySnapshot { outline, changes: changes.await.map_err(anyhow::Error::from)? };
        let opening = self.opening(&seen, &tests);
        drop(seen);
        let built = self.work_in(confined, tests).await?;
        self.model.ready().map_err(|error| unusable(&self.spec.settings, &error))?;
        Ok(Prepared { built, opening: opening? })
    }

    /// Starts the worker's process, and connects to the provider.
    fn launch_sandbox(&self) -> Result<LaunchedSandbox, Failure> {
        let launched = LaunchedSandbox::begin(&self.spec, &self.open.folder)?;
        // Whoever wants it strict talks to nobody before the proof.
        if self.spec.settings.sandbox.value != Sandbox::Strict {
            self.model.connect();
        }
        Ok(launched)
    }

    /// The tests that the run stands on, noted.
    fn choose_tests(&mut self) -> Result<ChosenTests, Failure> {
        let known = self.spec.conditions.tests.take();
        let tests = known.unwrap_or_else(|| ChosenTests::choose(&self.spec.settings, &self.spec.repository));
        self.open.journal.note(vec![Event::TestsChosen(tests.event(&self.redactor))])?;
        Ok(tests)
    }

    /// What of the tree differs from HEAD.
    fn list_changes(&self, outline: &Arc<Outline>) -> JoinHandle<opening::Changes> {
        let outline = Arc::clone(outline);
        in_background(&self.spec.repository, move |it| it.changes(&outline, opening::MAX_CHANGES))
    }

    /// Tells the worker what to confine itself to, unless what is still to be found may add to what tests see.
    async fn confine_early(&self, launched: LaunchedSandbox, tests: &ChosenTests) -> LaunchedSandbox {
        let root = self.spec.repository.root();
        let copies = Copies::of(&self.spec.settings.state_dir.value, root, tests.command.as_ref());
        let launched = launched.heard_by(self.listener()).copied_where(&copies);
        let launched = launched.confine_early(tests, root, is_any_allowed(&self.spec.consents, root));
        // Now it is told, and confines itself while git lists the files and the survey is written.
        tokio::task::yield_now().await;
        launched
    }

    /// Tells the worker what to confine itself to, unless it was told, once it is known what tests may see.
    async fn confine_sandbox(
        &mut self,
        launched: LaunchedSandbox,
        tests: &ChosenTests,
        outline: &Arc<Outline>,
    ) -> Result<ConfinedSandbox, Failure> {
        let (named, is_asked) = (Arc::clone(outline), tests.command.is_some());
        let look = move |it: &Repository| if is_asked { it.outside(&named) } else { Vec::new() };
        let outside = in_background(&self.spec.repository, look);
        let dependencies = self.spec.repository.dependencies(&self.spec.settings.dependencies.value, outline);
        let outside = outside.await.map_err(anyhow::Error::from)?;
        let allowed = self.allowed(outside, launched.plan()).await?;
        let confined = launched.confine(tests, dependencies, allowed, self.spec.repository.root());
        // If it wasn't told, it is now.
        tokio::task::yield_now().await;
        Ok(confined)
    }

    /// What of `outside` tests may see; a person who is there is asked.
    async fn allowed(&mut self, outside: Vec<Outside>, plan: &WorkerPlan) -> Result<Beside, Failure> {
        let mut allowed = Beside::of(outside, plan, &self.spec.repository, &self.spec.consents);
        let began = Instant::now();
        if self.spec.front.is_attended() && allowed.has_questions() {
            let people = self.open.shared_people();
            lock(&people).clear();
            let asked = self.spec.front.ask(&mut allowed, plan).await;
            lock(&people).resume();
            asked?;
        }
        // What a person takes to answer isn't the run's time.
        self.began += began.elapsed();
        Ok(allowed)
    }

    /// A person sees how far tests are, without known secrets.
    fn listener(&self) -> ProgressListener {
        let (people, redactor) = (self.open.shared_people(), self.redactor.clone());
        ProgressListener::new(move |trial, progress| {
            let progress = CommandProgress { line: redactor.text(&progress.line).into_owned(), ..progress.clone() };
            lock(&people).tests(trial, &progress);
        })
    }

    /// What is said first, or what was said so far.
    fn opening(&self, seen: &RepositorySnapshot, tests: &ChosenTests) -> Result<Opening, Failure> {
        let lost = |error: ModelError| Failure::internal(format!("{}: {}", error.headline(), error.message));
        let spec = &self.spec;
        if let Some(past) = spec.past.as_ref().filter(|past| past.was_opened()) {
            let earlier: Vec<&Event> = spec.earlier_events().collect();
            let (conversation, events) = past.conversation(earlier.into_iter()).map_err(lost)?;
            return Ok(Opening::Restored(Box::new(conversation), events));
        }
        if let Some(inherited) = &spec.inherited {
            let (task, key) = (self.redactor.text(&spec.task), cache_key(spec, &self.open.folder));
            let restored = inherited.conversation(&spec.settings.model.value, &key, &task);
            let (conversation, events) = restored.map_err(lost)?;
            return Ok(Opening::Restored(Box::new(conversation), events));
        }
        let mut survey = opening::survey(spec, seen, tests)?;
        survey.text = self.redactor.text(&survey.text).into_owned();
        if spec.options.reproduce && tests.command.is_some() {
            survey.text.push_str(opening::REPRODUCE);
        }
        Ok(Opening::Survey(survey, seen.outline.total))
    }

    /// The conversation, ready for the next request. The events are what joined it and isn't kept yet.
    pub(super) fn open_conversation(&self, opening: Opening) -> (Conversation, Vec<Event>) {
        let (conversation, events) = match opening {
            Opening::Restored(conversation, events) => (*conversation, events),
            Opening::Survey(survey, paths) => {
                let key = cache_key(&self.spec, &self.open.folder);
                opening::open(&self.spec.settings.model.value, &key, survey, paths)
            }
        };
        match self.spec.past.as_ref().filter(|past| !past.was_opened()) {
            Some(past) => (conversation, past.without_kept(events)),
            None => (conversation, events),
        }
    }

    /// Waits for the sandbox, and makes it the run's environment. Returns what confines it.
    async fn work_in(&mut self, confined: ConfinedSandbox, tests: ChosenTests) -> Result<SandboxBuilt, Failure> {
        let serving = confined.serve(&self.spec, &self.open.folder, &self.redactor, self.open.asked.clone());
        let serving = self.telling("for the sandbox to be built; the machine is busy", serving);
        let (sandbox, built) = serving.await?;
        let environment = RunEnvironment::new(&self.spec, &self.open, sandbox, tests, &self.redactor);
        self.environment.insert(environment).measure();
        Ok(built)
    }
}

/// BaselineRuns `look` on a thread of its own.
fn in_background<T: Send + 'static>(
    repository: &Repository,
    look: impl FnOnce(&Repository) -> T + Send + 'static,
) -> JoinHandle<T> {
    let repository = repository.clone();
    tokio::task::spawn_blocking(move || look(&repository))
}
