//! The lines of a patch, with their numbers.

use super::unreadable::UnreadablePatch;

/// Lines that end in a newline; what follows the last newline is a line that no part of a patch may be.
pub(super) struct PatchLines<'a> {
    rest: &'a [u8],
    /// Number of the next line, counted from 1.
    number: usize,
}

impl<'a> PatchLines<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self { rest: text, number: 1 }
    }

    /// The next line, without its newline.
    pub(super) fn peek(&self) -> Option<&'a [u8]> {
        (!self.rest.is_empty()).then(|| &self.rest[..self.end()])
    }

    /// Number of the next line, counted from 1.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Steps over the next line.
    pub(super) fn skip(&mut self) {
        let end = (self.end() + 1).min(self.rest.len());
        self.rest = &self.rest[end..];
        self.number += 1;
    }

    /// The next line, stepped over. Refused when there is none, or no newline ends it.
    pub(super) fn take(&mut self) -> Result<&'a [u8], UnreadablePatch> {
        let end = self.end();
        if end == self.rest.len() {
            return Err(self.refuse("the patch ends in the middle"));
        }
        let line = &self.rest[..end];
        self.skip();
        Ok(line)
    }

    /// A refusal at the next line.
    pub(super) fn refuse(&self, problem: &str) -> UnreadablePatch {
        UnreadablePatch { line: self.number, problem: problem.to_owned() }
    }

    fn end(&self) -> usize {
        memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len())
    }
}
