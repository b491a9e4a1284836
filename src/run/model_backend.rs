//! Who answers the run's requests: the provider, or a recording.

use super::failure::Failure;
use super::redacted_errors::RedactedErrors;
use super::run_limits::client;
use crate::model::{Client, Model, ModelError, Progress, Reply, Request};
use crate::replay::Player;
use crate::settings::{Redactor, Settings};

pub(super) enum ModelBackend {
    Live(RedactedErrors<Client>),
    Recorded(Player),
}

impl ModelBackend {
    /// The provider that `settings` name.
    ///
    /// # Errors
    /// When there is no key for it, or no client can be made.
    pub(super) fn live(settings: &Settings, redactor: &Redactor) -> Result<Self, Failure> {
        Ok(Self::Live(RedactedErrors { model: client(settings)?, redactor: redactor.clone() }))
    }

    /// Connects for the first request, if there is anybody to connect to.
    pub(super) fn connect(&self) {
        if let Self::Live(RedactedErrors { model, .. }) = self {
            let model = model.clone();
            tokio::spawn(async move { model.connect().await });
        }
    }

    /// Waits until requests can be made.
    ///
    /// # Errors
    /// When none can.
    pub(super) fn ready(&self) -> Result<(), ModelError> {
        match self {
            Self::Live(RedactedErrors { model, .. }) => model.ready(),
            Self::Recorded(_) => Ok(()),
        }
    }
}

impl Model for ModelBackend {
    async fn ask(&self, request: &Request, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Reply, ModelError> {
        match self {
            Self::Live(model) => model.ask(request, progress).await,
            Self::Recorded(player) => player.ask(request, progress).await,
        }
    }
}
