//! What was sent, made anew from the journal: the audit takes no hash on trust that it can compute.

use sha2::Digest as _;

use crate::journal::{Digest, RequestSent, RunStarted};
use crate::model::Conversation;
use crate::tools;

/// What went out, hashed anew: model, tools and messages, as [`Conversation`] lays them out.
pub(super) struct Rebuilt {
    head: String,
    messages: Vec<String>,
    hasher: sha2::Sha256,
    bytes: u64,
    /// Another version has other tools; its bytes can't be made anew.
    is_ours: bool,
}

impl Rebuilt {
    /// The conversation of a run before its first message.
    pub fn of(started: &RunStarted) -> Self {
        let head = Conversation::new(&started.model, Some(&started.cache_key), tools::schemas()).prefix().to_owned();
        let is_ours = started.version == env!("CARGO_PKG_VERSION");
        let mut rebuilt =
            Self { head: head.clone(), messages: Vec::new(), hasher: sha2::Sha256::new(), bytes: 0, is_ours };
        rebuilt.append(&head);
        rebuilt
    }

    /// A message joins it.
    pub fn push(&mut self, message: &str) {
        if !self.messages.is_empty() {
            self.append(",");
        }
        self.append(message);
        self.messages.push(message.to_owned());
    }

    /// A message changes; returns what it was, if there is one of that number.
    pub fn replace(&mut self, number: u64, message: &str) -> Option<String> {
        let place = self.messages.get_mut(number as usize)?;
        let former = std::mem::replace(place, message.to_owned());
        (self.hasher, self.bytes) = (sha2::Sha256::new(), 0);
        let whole = format!("{}{}", self.head, self.messages.join(","));
        self.append(&whole);
        Some(former)
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
