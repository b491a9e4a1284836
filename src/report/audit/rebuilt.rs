//! Recomputes from the journal what was sent, so that the audit needn't trust recorded hashes.

use sha2::Digest as _;

use crate::journal::{Digest, RequestSent, RunStarted};
use crate::model::Conversation;
use crate::tools;

/// Hash of what was sent: model, tools and messages, laid out as by [`Conversation`].
pub(super) struct Rebuilt {
    head: String,
    messages: Vec<String>,
    hasher: sha2::Sha256,
    bytes: u64,
    /// False for a run of another version, whose tool schemas are unknown here.
    is_ours: bool,
}

impl Rebuilt {
    /// The conversation of a run before its first message.
    pub(super) fn of(started: &RunStarted) -> Self {
        let head = Conversation::new(&started.model, Some(&started.cache_key), tools::schemas()).prefix().to_owned();
        let is_ours = started.version == env!("CARGO_PKG_VERSION");
        let mut rebuilt =
            Self { head: head.clone(), messages: Vec::new(), hasher: sha2::Sha256::new(), bytes: 0, is_ours };
        rebuilt.append(&head);
        rebuilt
    }

    pub(super) fn push(&mut self, message: &str) {
        if !self.messages.is_empty() {
            self.append(",");
        }
        self.append(message);
        self.messages.push(message.to_owned());
    }

    /// Replaces the message with that number and returns the former one; `None` if there is none.
    pub(super) fn replace(&mut self, number: u64, message: &str) -> Option<String> {
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

    /// Whether the request's prefix has this hash; `None` if that can't be known.
    pub(super) fn is(&self, request: &RequestSent) -> Option<bool> {
        let digest = Digest::from_raw(self.hasher.clone().finalize().into());
        self.is_ours.then(|| digest == request.prefix_sha256 && self.bytes == request.prefix_bytes)
    }
}
