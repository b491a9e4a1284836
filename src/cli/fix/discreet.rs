//! A model whose failures don't repeat secrets: providers quote keys and prompts in what they say of an error.

use crate::model::{Model, ModelError, Progress, Reply, Request};
use crate::settings::Redactor;

/// Replies pass as they come; errors are cleaned.
pub struct Discreet<M> {
    /// Who answers.
    pub model: M,
    /// What no error may say.
    pub redactor: Redactor,
}

impl<M: Model + Sync> Model for Discreet<M> {
    async fn ask(&self, request: &Request, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Reply, ModelError> {
        self.model.ask(request, progress).await.map_err(|mut error| {
            self.redactor.clean(&mut error.message);
            error
        })
    }
}
