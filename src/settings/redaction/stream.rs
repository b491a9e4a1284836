//! Redaction of output that comes in pieces, for whoever writes it down as it comes.

use super::Redactor;

/// A line that is longer is looked at in parts of about this many bytes.
const MOST_HELD: usize = 64 * 1024;
/// How far back from such a part's end a place to cut is looked for: no token is longer.
const OVERLAP: usize = 4 * 1024;
const KEY_BEGIN: &[u8] = b"-----BEGIN ";
const KEY_END: &[u8] = b"-----END ";

/// Holds back what may be the beginning of a secret until its end has come: a line, or a block that holds a key.
#[derive(Debug, Default)]
pub struct RedactedStream {
    redactor: Redactor,
    held: Vec<u8>,
}

impl RedactedStream {
    /// A stream from which `redactor` takes the secrets.
    #[must_use]
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, held: Vec::new() }
    }

    /// Takes in what came, and gives out what is certain.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(chunk);
        let ready = self.ready();
        self.give(ready)
    }

    /// Gives out the rest.
    pub fn finish(&mut self) -> Vec<u8> {
        self.give(self.held.len())
    }

    fn give(&mut self, length: usize) -> Vec<u8> {
        let clean = self.redactor.bytes(&self.held[..length]).into_owned();
        self.held.drain(..length);
        clean
    }

    /// How many bytes can't be changed by what is still to come.
    fn ready(&self) -> usize {
        let Some(lines) = memchr::memrchr(b'\n', &self.held).map(|end| end + 1) else { return self.part() };
        let lines_held = &self.held[..lines];
        let is_open = memchr::memmem::rfind(lines_held, KEY_BEGIN)
            .is_some_and(|begin| memchr::memmem::find(&lines_held[begin..], KEY_END).is_none());
        // From the first one on: one may end on the line where the next begins.
        let begin = memchr::memmem::find(lines_held, KEY_BEGIN).filter(|_| is_open);
        let line = begin.map(|begin| memchr::memrchr(b'\n', &self.held[..begin]).map_or(0, |end| end + 1));
        line.filter(|line| self.held.len() - line < MOST_HELD).unwrap_or(lines)
    }

    /// Of a line without an end: all but what may belong together with what comes.
    fn part(&self) -> usize {
        if self.held.len() < MOST_HELD {
            return 0;
        }
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./+=:@%~\\\"' ".contains(byte);
        let from = self.held.len() - OVERLAP;
        let cut = self.held[from..].iter().rposition(|byte| !is_token(byte));
        from + cut.map_or(0, |at| at + 1)
    }
}
