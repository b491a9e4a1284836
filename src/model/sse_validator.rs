//! Checks the body of an event stream before the parser sees it: time limits, size limits, and input that the parser
//! can't handle.
//!
//! It removes a byte order mark (eventsource-stream 0.2.3 panics on one), fails on bytes that aren't UTF-8 and on lines
//! without end (the parser would buffer them without limit), and turns a body that breaks off into an error. The parser
//! stops reading after `[DONE]`. If a body ends cleanly without it, the validator appends it and notes that; the finish
//! reason then tells whether the reply was complete.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use super::client::chain;
use super::service::{Exchange, silence};
use super::{ErrorKind, ModelError, tls_errors};

/// Twice a context window of 262,144 tokens at 250 bytes an event.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// Longest line. The parser rereads a line from its start with each piece, so long lines are expensive.
const MAX_LINE: usize = 1024 * 1024;
/// Largest event, over all of its lines.
const MAX_EVENT: usize = 2 * MAX_LINE;
/// Bytes passed to the parser at once, rounded up to the end of the line. With each line the parser copies everything
/// behind it, and a proxy that buffers a reply sends all of it in one piece.
const SLICE: usize = 1024;
/// Bytes after which the task yields, even if the parser made no event of them: from comments and empty lines it makes
/// none and reads on.
const TURN_BYTES: usize = 64 * 1024;
/// Line ends in a row that are passed on: two lines of `\r\n` each.
const MOST_ENDS: usize = 4;
/// Appended to a body that ends cleanly without it: the end of its last event, then `[DONE]`.
const DONE: &[u8] = b"\n\ndata: [DONE]\n\n";
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

type ByteStream = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

pub(super) struct SseValidator {
    source: ByteStream,
    exchange: Arc<Exchange>,
    idle: Duration,
    /// Fires when no byte came for `idle`.
    alarm: Pin<Box<Sleep>>,
    text: TextState,
    /// Bytes that were checked but not passed on yet.
    rest: Bytes,
    /// Bytes passed on since the task last yielded.
    since_turn: usize,
    /// Line ends since the last other byte.
    ends: usize,
    ended: bool,
}

impl SseValidator {
    pub(super) fn new(
        source: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
        exchange: Arc<Exchange>,
        idle: Duration,
    ) -> Self {
        let alarm = Box::pin(tokio::time::sleep(idle));
        Self {
            source: Box::pin(source),
            exchange,
            idle,
            alarm,
            text: TextState::default(),
            rest: Bytes::new(),
            since_turn: 0,
            ends: 0,
            ended: false,
        }
    }

    /// Passes `text` as the last piece of the stream.
    fn end(&mut self, text: &'static [u8]) -> Poll<Option<Result<Bytes, ModelError>>> {
        self.ended = true;
        Poll::Ready(Some(Ok(Bytes::from_static(text))))
    }

    /// Drops all but the first few of many line ends in a row: the parser is slowest on empty lines and makes nothing
    /// of them.
    fn without_blanks(&mut self, text: Bytes) -> Bytes {
        let mut is_kept = |byte: u8| {
            self.ends = if matches!(byte, b'\r' | b'\n') { self.ends.saturating_add(1) } else { 0 };
            self.ends <= MOST_ENDS
        };
        // A stream that holds none is passed on as it is, without a copy.
        match text.iter().position(|byte| !is_kept(*byte)) {
            None => text,
            Some(first) => {
                let after = text[first + 1..].iter().copied().filter(|byte| is_kept(*byte)).collect::<Vec<_>>();
                [&text[..first], &after].concat().into()
            }
        }
    }

    /// Takes at least [`SLICE`] bytes up to the end of a line, or the whole rest if no line ends there.
    fn next_slice(&mut self) -> Poll<Option<Result<Bytes, ModelError>>> {
        let rest = &mut self.rest;
        let end = rest.iter().skip(SLICE).position(|byte| *byte == b'\n').map_or(rest.len(), |at| SLICE + at + 1);
        self.since_turn += end;
        Poll::Ready(Some(Ok(self.rest.split_to(end))))
    }

    fn fail(&mut self, error: ModelError) -> Poll<Option<Result<Bytes, ModelError>>> {
        self.ended = true;
        Poll::Ready(Some(Err(self.exchange.note_failure(error))))
    }

    fn pass(&mut self, piece: &Bytes) -> Poll<Option<Result<Bytes, ModelError>>> {
        self.exchange.note_byte();
        let deadline = Instant::now() + self.idle;
        self.alarm.as_mut().reset(deadline);
        match self.text.take(piece) {
            Ok(text) => {
                self.rest = self.without_blanks(text);
                self.since_turn += piece.len().saturating_sub(self.rest.len());
                self.next_slice()
            }
            Err(why) => self.fail(billed(ErrorKind::Garbled, why)),
        }
    }
}

impl Stream for SseValidator {
    type Item = Result<Bytes, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.since_turn > TURN_BYTES {
            self.since_turn = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.rest.is_empty() {
            return self.next_slice();
        }
        if let Poll::Ready(next) = self.source.as_mut().poll_next(cx) {
            return match next {
                Some(Ok(piece)) => self.pass(&piece),
                // A server may leave out the empty line after its last event, or close the connection.
                None | Some(Err(_)) if self.text.closes_with_done() => self.end(b"\n\n"),
                Some(Err(error)) => self.fail(cut(&chain(&error))),
                None if self.text.is_between_events() => {
                    self.exchange.note_undone();
                    self.end(DONE)
                }
                None => self.fail(cut("the stream ended in the middle of an event")),
            };
        }
        ready!(self.alarm.as_mut().poll(cx));
        let idle = self.idle;
        self.fail(silence(idle))
    }
}

/// State of the checks on the text.
#[derive(Debug, Default)]
struct TextState {
    began: bool,
    bytes: usize,
    /// Bytes since the last empty line.
    event: usize,
    /// Bytes since the last line end.
    line: Vec<u8>,
    /// The first bytes of an incomplete character, or of what may be a byte order mark.
    held: BytesMut,
    /// The last bytes that passed.
    tail: Vec<u8>,
}

/// Bytes of the tail that are kept.
const TAIL: usize = 16;

impl TextState {
    /// Returns the text that may pass, from `piece` and the bytes held back before; an incomplete character at the end
    /// is held back.
    fn take(&mut self, piece: &Bytes) -> Result<Bytes, &'static str> {
        self.held.extend_from_slice(piece);
        if !self.began {
            if BOM.starts_with(&self.held) && self.held.len() < BOM.len() {
                return Ok(Bytes::new());
            }
            self.began = true;
            if self.held.starts_with(BOM) {
                let _ = self.held.split_to(BOM.len());
            }
        }
        let whole = match std::str::from_utf8(&self.held) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err("the stream holds bytes that aren't UTF-8"),
        };
        let text = self.held.split_to(whole).freeze();
        self.measure(&text)?;
        Ok(text)
    }

    fn measure(&mut self, text: &Bytes) -> Result<(), &'static str> {
        self.bytes += text.len();
        let mut longest = 0;
        for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            self.event += line.len();
            longest = longest.max(self.event);
            let begins = if number == 0 { &self.line[..] } else { &[] };
            if line.ends_with(b"\n") && begins.trim_ascii().is_empty() && line.trim_ascii().is_empty() {
                self.event = 0;
            }
        }
        let since = match text.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => {
                self.line.clear();
                at + 1
            }
            None => 0,
        };
        self.line.extend_from_slice(&text[since..]);
        self.tail.extend_from_slice(&text[text.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        if self.line.len() >= MAX_LINE || longest > MAX_EVENT || self.bytes > MAX_BYTES {
            Err("the stream is longer than any reply")
        } else {
            Ok(())
        }
    }

    fn closes_with_done(&self) -> bool {
        self.tail.trim_ascii_end().ends_with(b"[DONE]")
    }

    /// Whether the stream stopped between events: the last line has ended, or is complete without a line end.
    fn is_between_events(&self) -> bool {
        let line = self.line.trim_ascii();
        let data = line.strip_prefix(b"data:");
        let is_whole = |json: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok();
        self.held.is_empty() && (line.is_empty() || line.starts_with(b":") || data.is_some_and(is_whole))
    }
}

pub(super) fn cut(words: &str) -> ModelError {
    billed(ErrorKind::CutStream, words)
}

/// A failure after the request reached the model, so that it may be billed.
fn billed(kind: ErrorKind, message: &str) -> ModelError {
    ModelError { may_be_billed: true, ..ModelError::new(kind, message) }
}

/// A failure before there was a response. It isn't billed if no connection was made.
pub(super) fn transport(error: &reqwest::Error) -> ModelError {
    let (kind, words) = match tls_errors::find(error) {
        _ if error.is_builder() => (ErrorKind::Client, chain(error)),
        Some((why, words)) => (ErrorKind::Tls(why), words),
        None => (ErrorKind::Network, chain(error)),
    };
    let is_refused = error.is_connect() || error.is_builder() || matches!(kind, ErrorKind::Tls(_));
    ModelError { may_be_billed: !is_refused, ..ModelError::new(kind, &words) }
}

#[cfg(test)]
mod tests;
