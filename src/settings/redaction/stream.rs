//! Redacts output that comes in pieces, for writers that write it as it comes.

use super::Redactor;

/// Bytes; a longer line is redacted in parts of about this size.
const MOST_HELD: usize = 64 * 1024;
/// Bytes; no token is longer, so a part is cut at least this far from the end of what has come.
const OVERLAP: usize = 4 * 1024;
/// Bytes; a part that can't be cut isn't held longer than this.
const MOST_UNCUT: usize = 4 * MOST_HELD;
/// Replaces the rest of a line that could be cut nowhere without cutting a secret.
const UNCUT: &[u8] = b"[redacted:long-line]";
const KEY_BEGIN: &[u8] = b"-----BEGIN ";
const KEY_END: &[u8] = b"-----END ";

/// Holds back what may be the beginning of a secret until its end has come: a line, or a block that contains a key.
#[derive(Debug, Default)]
pub struct RedactedStream {
    redactor: Redactor,
    held: Vec<u8>,
    /// Length that a line must reach before another place to cut it is searched.
    uncut: usize,
    /// True when the rest of the current line is dropped.
    skips: bool,
}

impl RedactedStream {
    /// A stream that removes secrets with `redactor`.
    #[must_use]
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, ..Self::default() }
    }

    /// Takes a chunk and returns what can't change any more.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut chunk = chunk;
        if self.skips {
            let Some(end) = memchr::memchr(b'\n', chunk) else { return Vec::new() };
            (self.skips, chunk) = (false, &chunk[end..]);
        }
        self.held.extend_from_slice(chunk);
        match self.ready() {
            0 if self.held.len() >= MOST_UNCUT => {
                (self.skips, self.uncut) = (true, 0);
                self.held.clear();
                UNCUT.to_vec()
            }
            ready => self.give(ready),
        }
    }

    /// Returns the rest, redacted.
    pub fn finish(&mut self) -> Vec<u8> {
        self.give(self.held.len())
    }

    fn give(&mut self, length: usize) -> Vec<u8> {
        let clean = self.redactor.bytes(&self.held[..length]).into_owned();
        self.held.drain(..length);
        clean
    }

    /// Number of bytes that no later input can change.
    fn ready(&mut self) -> usize {
        let Some(lines) = memchr::memrchr(b'\n', &self.held).map(|end| end + 1) else { return self.part() };
        let lines_held = &self.held[..lines];
        let is_open = memchr::memmem::rfind(lines_held, KEY_BEGIN)
            .is_some_and(|begin| memchr::memmem::find(&lines_held[begin..], KEY_END).is_none());
        // From the first block on: one may end on the line where the next begins.
        let begin = memchr::memmem::find(lines_held, KEY_BEGIN).filter(|_| is_open);
        let line = begin.map(|begin| memchr::memrchr(b'\n', &self.held[..begin]).map_or(0, |end| end + 1));
        line.filter(|line| self.held.len() - line < MOST_HELD).unwrap_or(lines)
    }

    /// For a line without an end: all bytes but those that may belong to a secret with later input.
    fn part(&mut self) -> usize {
        if self.held.len() < MOST_HELD.max(self.uncut) {
            return 0;
        }
        let whole = self.redactor.bytes(&self.held);
        // Both sides, redacted separately, must give what they give together.
        let is_safe = |cut: &usize| {
            let (before, after) = self.held.split_at(*cut);
            let (before, after) = (self.redactor.bytes(before), self.redactor.bytes(after));
            whole.strip_prefix(before.as_ref()) == Some(after.as_ref())
        };
        let cut = self.cuts().find(is_safe).unwrap_or(0);
        self.uncut = if cut == 0 { self.held.len() + MOST_HELD / 4 } else { 0 };
        cut
    }

    /// Places where a line may be cut, the best ones first.
    fn cuts(&self) -> impl Iterator<Item = usize> {
        let end = self.held.len() - OVERLAP;
        let window = &self.held[end - OVERLAP..end];
        let after = |is_it: fn(&u8) -> bool, most: usize| {
            let places = window.iter().enumerate().rev().filter(move |(_, byte)| is_it(byte));
            places.map(move |(at, _)| end - OVERLAP + at + 1).take(most)
        };
        let is_outside = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"-_./+=:@%~\\\"' ".contains(byte);
        let blank = |byte: &u8| *byte == b' ';
        after(is_outside, 2).chain(after(blank, 4)).chain((0..4).map(move |step| end - step * OVERLAP / 4))
    }
}
