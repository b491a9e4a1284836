//! What was sent, made anew from the journal: the audit takes no hash on trust that it can compute.

use sha2::Digest as _;

use crate::journal::{Digest, RequestSent, RunStarted};
use crate::model::Conversation;
use crate::tools;

/// What went out, hashed anew: model, tools and messages, as [`Conversation`] lays them out.
pub(super) struct Rebuilt {
    hasher: sha2::Sha256,
    bytes: u64,
    messages: usize,
    /// Another version has other tools; its bytes can't be made anew.
    is_ours: bool,
}

impl Rebuilt {
    /// The conversation of a run before its first message.
    pub fn of(started: &RunStarted) -> Self {
        let head = Conversation::new(&started.model, Some(&started.cache_key), tools::schemas());
        let is_ours = started.version == env!("CARGO_PKG_VERSION");
        let mut rebuilt = Self { hasher: sha2::Sha256::new(), bytes: 0, messages: 0, is_ours };
        rebuilt.append(head.prefix());
        rebuilt
    }

    /// A message joins it.
    pub fn push(&mut self, message: &str) {
        if self.messages > 0 {
            self.append(",");
        }
        self.append(message);
        self.messages += 1;
    }

    fn append(&mut self, text: &str) {
        self.hasher.update(text);
        self.bytes += text.len() as u64;
    }

    /// Whether a request's prefix is this; `None` when that can't be known.
    pub fn is(&self, request: &RequestSent) -> Option<bool> {
        let digest = Digest::from_raw(self.hasher.clone().finalize().into());
        self.is_ours.then(|| digest == request.prefix_sha256 && self.bytes == request.prefix_bytes)
    }
}
