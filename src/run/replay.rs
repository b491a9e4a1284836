//! A recorded run, played again: the run's own steps, with a model, a journal and an environment that go by the recording.

use std::sync::Arc;

use tokio::sync::watch;

use super::chosen_tests::ChosenTests;
use super::conversation::no_environment;
use super::current_run::Run;
use super::failure::Failure;
use super::finish;
use super::interrupt::Interrupts;
use super::live::{Ended, on_a_runtime, unless_insisted};
use super::model_backend::ModelBackend;
use super::opening::Opening;
use super::options::RunOptions;
use super::run_spec::RunSpec;
use super::start_conditions::StartConditions;
use super::user_interface::Front;
use crate::journal::{Outcome, RunFlag, StopReason};
use crate::planner::Stop;
use crate::render::Verbosity;
use crate::replay::{Player, RecordedEnvironment, Recording, Script, Watched};
use crate::settings::{Environment, Redactor, Settings};
use crate::workspace::{Blobs, ChangeSet, Repository};

/// A recorded run that is played again.
pub(crate) struct ReplayContext {
    pub recording: Recording,
    pub script: Arc<Script>,
    /// What the run had changed and the tree has by now; empty when the tree is as it was at the start.
    pub applied: ChangeSet,
    /// See [`Player::speed`].
    pub speed: Option<f64>,
}

impl ReplayContext {
    /// The recorded run's task in `repository`, with what it was asked for and what it went by.
    pub(crate) fn spec<'a>(
        &self,
        repository: Repository,
        settings: Settings,
        loudness: Verbosity,
        front: &'a dyn Front,
    ) -> RunSpec<'a> {
        let started = self.script.started();
        let asked = |flag| started.flags.contains(&flag);
        let options = RunOptions {
            allow_test_edits: asked(RunFlag::AllowTestEdits),
            reproduce: asked(RunFlag::Reproduce),
            // What comes of tests that can't run was recorded.
            allow_failing_setup: true,
            loudness,
            ..RunOptions::default()
        };
        let tests = self.tests(&settings, &repository, &Redactor::of(&Environment::from_process()));
        let spec = RunSpec::new(started.task.clone(), repository, settings, options, front);
        let conditions = StartConditions {
            applied: self.applied.clone(),
            tests: Some(tests),
            // What commands write belongs to the patch of an older run.
            writes: started.writes.as_ref().and(spec.conditions.writes),
            test_rules: started.test_rules,
            counts_own_runs: false,
            cache_key: Some(started.cache_key.clone()),
            base_url: format!("the recording of {}", started.run),
        };
        RunSpec { conditions, kept: false, ..spec }
    }

    /// The tests of the recorded run: those that are found as they were then, with somebody's own settings or without; else,
    /// as they were named by a flag or by settings that aren't here, by the commands as they were typed.
    fn tests(&self, settings: &Settings, repository: &Repository, redactor: &Redactor) -> ChosenTests {
        let found = ChosenTests::choose(settings, repository);
        let Some(recorded) = self.script.tests() else { return found };
        let mut plain = settings.clone();
        plain.verify.value = true;
        plain.test.value = None;
        plain.checks.value.clear();
        if found.event(redactor) == *recorded {
            return found;
        }
        ChosenTests::choose(&plain, repository).recalled(recorded, repository, redactor)
    }
}

/// Plays `context` again, as `spec` says. What it differs in, the script knows.
///
/// # Errors
/// What kept it from playing.
pub(crate) fn replay(spec: RunSpec<'_>, context: &ReplayContext) -> Result<Outcome, Failure> {
    let ended = on_a_runtime(async {
        let interrupts = Interrupts::listen()?;
        let player = Player { script: Arc::clone(&context.script), speed: context.speed };
        let redactor = Redactor::of(&Environment::from_process());
        let mut run = Run::open(spec, ModelBackend::Recorded(player), redactor)?;
        run.open = run.open.through(|journal| Box::new(Watched { journal, script: Arc::clone(&context.script) }));
        let in_order = async |mut run: Run<'_>, cancelled| {
            let ended = Box::pin(play(&mut run, context, cancelled)).await;
            let outcome = Box::pin(put_away(run, context, ended)).await?;
            Ok(Ended { outcome, review: None })
        };
        Box::pin(unless_insisted(run, interrupts, in_order)).await
    });
    Ok(ended?.outcome)
}

/// The conversation, with what was recorded in it.
async fn play(run: &mut Run<'_>, context: &ReplayContext, cancelled: watch::Receiver<bool>) -> Result<Stop, Failure> {
    if !context.applied.is_empty() {
        // The contents that the way back to the start needs.
        context.recording.lay_out(&Blobs::at(&run.open.folder.blobs())).map_err(anyhow::Error::from)?;
    }
    let mut prepared = run.prepare().await?;
    if let Opening::Survey(survey, _) = &mut prepared.opening {
        // The tree that it tells of isn't the start when the patch stands in it.
        let said = std::mem::take(&mut survey.text);
        survey.text = context.script.survey(said, !context.applied.is_empty());
    }
    let conversation = run.begin(prepared)?;
    let mut environment = run.environment.take().ok_or_else(no_environment)?;
    let mut recorded = RecordedEnvironment { environment: &mut environment, script: Arc::clone(&context.script) };
    let stop = Box::pin(run.ask(&mut recorded, conversation, cancelled)).await;
    run.environment = Some(environment);
    stop
}

/// Ends a replay: nothing of it is left running, and nobody is told how its patch fares.
async fn put_away(mut run: Run<'_>, context: &ReplayContext, ended: Result<Stop, Failure>) -> Result<Outcome, Failure> {
    finish::close(&mut run).await;
    run.open.people().clear();
    match ended {
        Ok(stop) if stop.reason == StopReason::Interrupted => Ok(Outcome::Interrupted),
        // A divergence before the loop began stops it there.
        Err(failure) if context.script.played().is_ok() => Err(failure),
        _ => Ok(Outcome::Verified),
    }
}
