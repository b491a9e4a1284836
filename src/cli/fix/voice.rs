//! Who answers the run's requests: the provider, or a recording.

use super::discreet::Discreet;
use crate::model::{Client, Model, ModelError, Progress, Reply, Request};
use crate::replay::Player;

/// The model of a run.
pub enum Voice {
    /// Over the network.
    Live(Discreet<Client>),
    /// In a replay.
    Recorded(Player),
}

impl Model for Voice {
    async fn ask(&self, request: &Request, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Reply, ModelError> {
        match self {
            Self::Live(model) => model.ask(request, progress).await,
            Self::Recorded(player) => player.ask(request, progress).await,
        }
    }
}
