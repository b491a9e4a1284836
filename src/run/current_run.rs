//! A run between its beginning and its end, with its journal open.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::environment::RunEnvironment;
use super::failure::Failure;
use super::model_backend::ModelBackend;
use super::open_run::{OpenRun, lock};
use super::resumed_run::ResumedRun;
use super::run_limits::{folders, price};
use super::run_spec::RunSpec;
use crate::model::Price;
use crate::settings::Redactor;

/// What takes longer than that is told.
const TOLD_AFTER: Duration = Duration::from_secs(5);

/// A run with its journal open. Whatever goes wrong from here on, its end is noted.
pub(super) struct Run<'a> {
    pub spec: RunSpec<'a>,
    pub open: OpenRun,
    /// `None` before the worker serves.
    pub environment: Option<RunEnvironment>,
    pub model: ModelBackend,
    /// What a token costs, if it is known.
    pub price: Option<Price>,
    /// Takes known secrets out of what isn't the conversation.
    pub redactor: Redactor,
    /// When it began, as far as its own time goes.
    pub began: Instant,
}

impl<'a> Run<'a> {
    /// Opens the run that `spec` asks for. What can't be held or sent is refused before there is a run.
    pub(super) fn open(spec: RunSpec<'a>, model: ModelBackend, redactor: Redactor) -> Result<Self, Failure> {
        let began = Instant::now();
        let price = price(&spec.settings)?;
        folders(&spec.settings, spec.repository.root())?;
        spec.options.shown.check(&spec.settings, spec.repository.root())?;
        let open = OpenRun::open(&spec, &redactor)?;
        Ok(Self { spec, open, environment: None, model, price, redactor, began })
    }

    /// When `--max-time` is over; what the run took before it was resumed counts.
    pub(super) fn deadline(&self) -> Instant {
        let before = self.spec.past.as_ref().map(ResumedRun::elapsed).unwrap_or_default();
        self.began + self.spec.settings.max_time.value.saturating_sub(before)
    }

    /// Waits for `work`, and says what for when it takes long.
    pub(super) async fn telling<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Ok(done) = timeout(TOLD_AFTER, &mut work).await {
            return done;
        }
        lock(&self.open.shared_people()).awaits(what);
        work.await
    }
}
