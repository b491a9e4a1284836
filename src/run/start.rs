//! The beginning of a run: everything that can happen beside each other does, so that the first request leaves early.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::baseline_runs::BaselineJob;
use super::beside::Beside;
use super::certificate::{Certificate, EnvironmentProbe};
use super::chosen_tests::ChosenTests;
use super::enclosure::{LaunchedSandbox, RunningSandbox};
use super::environment::RunEnvironment;
use super::failure::Failure;
use super::guard::TamperGuard;
use super::model_backend::ModelBackend;
use super::open_run::{OpenRun, cache_key, lock};
use super::opening::{self, RepositorySnapshot};
use super::redacted_errors::RedactedErrors;
use super::replay_context;
use super::reproduction::PatchVerification;
use super::resumed_run::ResumedRun;
use super::run_spec::RunSpec;
use super::start_state::StartState;
use super::sweep::sweep;
use super::terms::{client, folders, limits, price, unusable};
use super::trial_runs::TrialRuns;
use super::view_slot::ViewSlot;
use crate::context::Survey;
use crate::journal::{Event, Journal, RunFolder, TEST_RULES, TestsChosen};
use crate::model::{Conversation, ModelError, Price};
use crate::planner::{Planner, State, Stop, TestRules, budget::Budget};
use crate::replay::Watched;
use crate::sandbox::{self, CommandProgress, ProgressListener, WorkerPlan};
use crate::settings::{Environment, Redactor, Sandbox, TestCommand, Writes};
use crate::testing::{Baselines, Copies, Trials};
use crate::workspace::{Outside, Repository};

/// What takes longer than that is told.
const TOLD_AFTER: Duration = Duration::from_secs(5);

/// A run with its journal open. Whatever goes wrong from here on, [`finish`](super::finish::finish) notes its end.
pub struct Run<'a> {
    /// What was asked for.
    pub order: RunSpec<'a>,
    /// Where it is kept, and who watches.
    pub open: OpenRun,
    /// `None` before there is a worker.
    pub environment: Option<RunEnvironment>,
    model: ModelBackend,
    price: Option<Price>,
    redactor: Redactor,
    began: Instant,
}

impl<'a> Run<'a> {
    /// Opens the run that `order` asks for. What can't be held or sent is refused before there is a run.
    pub fn open(order: RunSpec<'a>) -> Result<Self, Failure> {
        let began = Instant::now();
        let redactor = Redactor::of(&Environment::from_process());
        let model = match &order.again {
            Some(again) => ModelBackend::Recorded(again.player()),
            None => ModelBackend::Live(RedactedErrors { model: client(&order.settings)?, redactor: redactor.clone() }),
        };
        let price = price(&order.settings)?;
        folders(&order.settings, order.repository.root())?;
        order.options.shown.check(&order.settings, order.repository.root())?;
        let open = OpenRun::open(&order, &redactor)?;
        Ok(Self { order, open, environment: None, model, price, redactor, began })
    }

    /// Sees the conversation through.
    ///
    /// # Errors
    /// What kept it from beginning, or a journal that can't be written any more.
    pub async fn converse(&mut self, cancelled: watch::Receiver<bool>) -> Result<Stop, Failure> {
        sweep(self.order.settings.state_dir.value.clone(), self.open.asked.subscribe());
        let conversation = self.prepare().await?;
        self.check_setup(cancelled.clone()).await?;
        let stop = Box::pin(self.ask(conversation, cancelled.clone())).await?;
        self.minimize(stop, cancelled).await
    }

    /// Worker, view and survey, beside each other. The messages that open the conversation are noted.
    async fn prepare(&mut self) -> Result<Conversation, Failure> {
        let (repository, settings) = (&self.order.repository, &self.order.settings);
        let outline = beside(repository, |repository| repository.outline_paths(opening::MAX_PATHS));
        let enclosing = LaunchedSandbox::begin(&self.order, &self.open.folder)?;
        // Whoever wants it strict talks to nobody before the proof.
        if self.order.settings.sandbox.value != Sandbox::Strict {
            self.model.connect();
        }
        let tests = self.tests();
        self.open.journal.note(vec![Event::TestsChosen(self.chosen(&tests))])?;
        let outline = Arc::new(outline.await.map_err(anyhow::Error::from)?);
        let changes = {
            let outline = Arc::clone(&outline);
            beside(repository, move |repository| repository.changes(&outline, opening::MAX_CHANGES))
        };
        let outside = {
            let outline = Arc::clone(&outline);
            let is_asked = tests.command.is_some();
            beside(repository, move |it| if is_asked { it.outside(&outline) } else { Vec::new() })
        };
        let dependencies = repository.dependencies(&settings.dependencies.value, &outline);
        let outside = outside.await.map_err(anyhow::Error::from)?;
        let (allowed, waited) = self.allowed(outside, enclosing.plan()).await?;
        let copies = Copies::of(&settings.state_dir.value, repository.root(), tests.command.as_ref());
        let enclosing = enclosing.heard_by(self.listener()).copied_where(&copies);
        let confining = enclosing.confine(&tests, dependencies, allowed, repository.root());
        // Now it is told, and confines itself while the survey is written.
        tokio::task::yield_now().await;
        let seen = RepositorySnapshot { outline, changes: changes.await.map_err(anyhow::Error::from)? };
        let opened = self.conversation(&seen, &tests);
        drop(seen);
        let asked = self.open.asked.clone();
        let serving = confining.serve(&self.order, &self.open.folder, &self.redactor, asked);
        let enclosure = self.telling("for the sandbox to be built; the machine is busy", serving).await?;
        let RunningSandbox { worker, sandbox, making, plan } = enclosure;
        let (folder, redactor) = (self.open.folder.clone(), self.redactor.clone());
        let job = self.job(plan, copies);
        let trials = TrialRuns::new(job.trials.clone(), folder.clone(), redactor.clone());
        let start = StartState::find_out(job, self.open.asked.subscribe());
        let guard = TamperGuard {
            allowed: self.order.options.allow_test_edits,
            tasks: self.order.tasks().map(str::to_owned).collect(),
        };
        let view = ViewSlot::Making(making);
        let certificate = self.certificate(&folder, tests.command.as_ref());
        let environment = RunEnvironment {
            worker,
            view,
            folder,
            repository: self.order.repository.clone(),
            tests,
            redactor,
            start,
            guard,
            certificate,
            changed: self.order.changed_files(),
            trials,
            goes_on: self.order.options.allow_failing_setup,
            reproduce: self.order.options.reproduce,
            seen_failing: BTreeSet::new(),
            judged: PatchVerification::default(),
            again: self.order.again.clone(),
            beside: Vec::new(),
            not_alone: None,
            alone: 0,
            takes_writes: !self.order.settings.writes.value.is_empty(),
            is_untouched: self.order.is_at_the_start(),
            untold: Vec::new(),
        };
        self.environment.insert(environment).measure();
        self.model.ready().map_err(|error| unusable(&self.order.settings, &error))?;
        // What a person takes to answer isn't the run's time.
        self.began += waited;
        let (conversation, messages) = opened?;
        if let Some(again) = &self.order.again
            && let Err(differs) = again.script.meet(&messages)
        {
            return Err(replay_context::refused(&self.open.folder, differs.what));
        }
        self.open.journal.note([vec![Event::SandboxBuilt(sandbox)], messages].concat())?;
        Ok(conversation)
    }

    /// What of `outside` tests may see; a person who is there is asked. And how long that took.
    async fn allowed(&self, outside: Vec<Outside>, plan: &WorkerPlan) -> Result<(Beside, Duration), Failure> {
        let mut allowed = Beside::of(outside, plan, &self.order.repository, &self.order.consents);
        let began = Instant::now();
        if self.order.front.is_attended() && allowed.has_questions() && self.order.again.is_none() {
            let people = self.open.shared_people();
            lock(&people).clear();
            let asked = self.order.front.ask(&mut allowed, plan).await;
            lock(&people).resume();
            asked?;
        }
        Ok((allowed, began.elapsed()))
    }

    /// Waits for `work`, and says what for when it takes long.
    async fn telling<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Ok(done) = timeout(TOLD_AFTER, &mut work).await {
            return done;
        }
        lock(&self.open.shared_people()).awaits(what);
        work.await
    }

    /// A person sees how far tests are, without known secrets.
    fn listener(&self) -> ProgressListener {
        let (people, redactor) = (self.open.shared_people(), self.redactor.clone());
        ProgressListener::new(move |trial, progress| {
            let progress = CommandProgress { line: redactor.text(&progress.line).into_owned(), ..progress.clone() };
            lock(&people).tests(trial, &progress);
        })
    }

    /// What the run stands on; in a replay, what the recorded one did.
    fn tests(&self) -> ChosenTests {
        let RunSpec { settings, repository, again, .. } = &self.order;
        match again {
            Some(again) => again.tests(settings, repository, &self.redactor),
            None => ChosenTests::choose(settings, repository),
        }
    }

    /// The tests as everybody may read of them: a person's command may have a secret in it.
    fn chosen(&self, tests: &ChosenTests) -> TestsChosen {
        tests.event(&self.redactor)
    }

    /// What is noted for whoever runs the tests again.
    fn certificate(&self, folder: &RunFolder, tests: Option<&TestCommand>) -> Certificate {
        let looks = EnvironmentProbe {
            root: self.order.repository.root().to_owned(),
            variables: sandbox::variables(&self.order.settings.child_env.value),
            redactor: self.redactor.clone(),
        };
        let mut certificate = Certificate::new(folder, self.open.asked.subscribe(), looks);
        if let Some(command) = tests {
            certificate.look(command);
        }
        certificate
    }

    /// What is to be found out about the state that the run starts from.
    fn job(&self, plan: WorkerPlan, copies: Copies) -> BaselineJob {
        let (folder, settings) = (self.open.folder.clone(), &self.order.settings);
        // Who asks for a test that fails on the start state asks for the start state's tests as well.
        let wanted = settings.baseline.value || self.order.options.reproduce;
        let unwanted = (!wanted).then(|| format!("turned off ({})", settings.baseline.origin));
        let trials = Trials {
            repository: self.order.repository.clone(),
            plan,
            dependencies: settings.dependencies.value.clone(),
            folder: folder.trials(),
            way_back: self.order.way_back(),
            blobs: folder.blobs(),
            checks: Vec::new(),
            writes: Writes::of_both(&settings.writes.value, &settings.repository_writes)
                .with_asked(&self.order.options.include_generated),
            copies,
            residue: Arc::default(),
        };
        let kept = Baselines::in_state(&settings.state_dir.value);
        BaselineJob { trials, unwanted, kept, folder, redactor: self.redactor.clone() }
    }

    /// The conversation, ready for the next request. The events are what joined it.
    fn conversation(
        &self,
        seen: &RepositorySnapshot,
        tests: &ChosenTests,
    ) -> Result<(Conversation, Vec<Event>), Failure> {
        let lost = |error: ModelError| Failure::internal(format!("{}: {}", error.headline(), error.message));
        let past = self.order.past.as_ref();
        if let Some(past) = past.filter(|past| past.was_opened()) {
            let earlier: Vec<&Event> = self.order.earlier_events().collect();
            return past.conversation(earlier.into_iter()).map_err(lost);
        }
        let key = cache_key(&self.order, &self.open.folder);
        let (conversation, events) = match &self.order.inherited {
            Some(inherited) => {
                let task = self.redactor.text(&self.order.task);
                inherited.conversation(&self.order.settings.model.value, &key, &task).map_err(lost)?
            }
            None => opening::open(&self.order, seen, &key, self.survey(seen, tests)?),
        };
        Ok((
            conversation,
            match past {
                Some(past) => past.without_kept(events),
                None => events,
            },
        ))
    }

    /// The survey, clean of secrets.
    fn survey(&self, seen: &RepositorySnapshot, tests: &ChosenTests) -> Result<Survey, Failure> {
        let mut survey = opening::survey(&self.order, seen, tests)?;
        survey.text = self.redactor.text(&survey.text).into_owned();
        if self.order.options.reproduce && tests.command.is_some() {
            survey.text.push_str(opening::REPRODUCE);
        }
        if let Some(again) = &self.order.again {
            // The tree that it tells of isn't the start when the patch stands in it.
            survey.text = again.script.survey(survey.text, !again.applied.is_empty());
        }
        Ok(survey)
    }

    /// When `--max-time` is over; what the run took before it was resumed counts.
    pub fn deadline(&self) -> Instant {
        let before = self.order.past.as_ref().map(ResumedRun::elapsed).unwrap_or_default();
        self.began + self.order.settings.max_time.value.saturating_sub(before)
    }

    /// The loop, from the first request to the last.
    async fn ask(&mut self, conversation: Conversation, cancelled: watch::Receiver<bool>) -> Result<Stop, Failure> {
        let settings = &self.order.settings;
        let mut budget = Budget::new(limits(settings), self.price);
        budget.recall(self.order.events());
        let rules = self.order.again.as_ref().map_or(TEST_RULES, |again| again.script.started().test_rules);
        let state = State::recall(self.order.events()).after(self.order.earlier_events());
        let state = state.by(TestRules::numbered(rules));
        let deadline = self.deadline();
        let drawn = self.open.shared_people();
        let mut watched;
        let journal: &mut dyn Journal = match &self.order.again {
            Some(again) => {
                watched = Watched { journal: &mut self.open.journal, script: &again.script };
                &mut watched
            }
            None => &mut self.open.journal,
        };
        let environment =
            self.environment.as_mut().ok_or_else(|| Failure::internal("the conversation began without a worker"))?;
        let stopped = Planner {
            model: &self.model,
            environment,
            journal,
            conversation,
            budget,
            max_completion_tokens: settings.max_completion_tokens.value,
            max_retries: settings.max_retries.value,
            deadline,
            cancelled,
            progress: &mut |progress| lock(&drawn).progress(progress),
            state,
        }
        .run()
        .await?;
        Ok(stopped)
    }
}

/// Runs `look` on a thread of its own.
fn beside<T: Send + 'static>(
    repository: &Repository,
    look: impl FnOnce(&Repository) -> T + Send + 'static,
) -> JoinHandle<T> {
    let repository = repository.clone();
    tokio::task::spawn_blocking(move || look(&repository))
}
