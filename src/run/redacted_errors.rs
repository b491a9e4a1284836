//! A model none of whose words repeat secrets: providers quote keys and prompts in what they say of an error, and can put them
//! anywhere else. This is the one place where that is redacted. The message of a reply goes back to the provider as it came,
//! and is redacted where it is shown.

use crate::model::{Model, ModelError, Progress, Reply, Request};
use crate::settings::Redactor;

/// What the provider says passes without secrets, but for the message of a reply.
pub(super) struct RedactedErrors<M> {
    pub model: M,
    pub redactor: Redactor,
}

impl<M: Model + Sync> Model for RedactedErrors<M> {
    async fn ask(&self, request: &Request, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<Reply, ModelError> {
        let clean = |mut text: String| {
            self.redactor.clean(&mut text);
            text
        };
        let mut reply = self.model.ask(request, progress).await.map_err(|error| error.reworded(clean))?;
        reply.finish_reason = clean(reply.finish_reason);
        reply.request_id = reply.request_id.map(clean);
        // The message's JSON is what is sent back; these names are what is looked up, noted and shown.
        for call in &mut reply.message.tool_calls {
            self.redactor.clean(&mut call.name);
        }
        Ok(reply)
    }
}
