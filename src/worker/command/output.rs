//! What a command writes: everything into the log, head and tail into memory.
//!
//! Memory stays bounded however much comes; the log has a cap of its own and says so at its end. What has the shape of
//! a secret is taken out before any of it is kept.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};

use crate::settings::{RedactedStream, Redactor};

/// Kept from the beginning, in bytes.
const HEAD: usize = 128 * 1024;
/// Kept from the end. Most runners sum up at the end, so it is the larger part.
const TAIL: usize = 512 * 1024;
/// The log's cap.
const LOG: u64 = 64 * 1024 * 1024;

/// The output of one command while it comes in.
#[derive(Debug)]
pub(super) struct Output<W = File> {
    redacted: RedactedStream,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    bytes: u64,
    lines: u64,
    log: W,
    /// Why the log doesn't hold everything.
    log_gap: Option<String>,
}

/// What is left of it in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// The beginning.
    pub(super) head: Vec<u8>,
    /// The end; with nothing between the two when `cut` is 0.
    pub(super) tail: Vec<u8>,
    /// Bytes between them that only the log holds.
    pub(super) cut: u64,
    /// Line ends in all of it.
    pub(super) lines: u64,
    /// Why the log doesn't hold everything.
    pub(super) log_gap: Option<String>,
}

impl<W: Write> Output<W> {
    pub(super) fn new(log: W) -> Self {
        let redacted = RedactedStream::new(Redactor::shapes());
        Self { redacted, head: Vec::new(), tail: VecDeque::new(), bytes: 0, lines: 0, log, log_gap: None }
    }

    /// Takes in what was read; returns what of it is known to be free of secrets by now.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        let clean = self.redacted.push(chunk);
        self.keep(&clean);
        clean
    }

    fn keep(&mut self, chunk: &[u8]) {
        self.spool(chunk);
        self.bytes += chunk.len() as u64;
        self.lines += chunk.split(|byte| *byte == b'\n').skip(1).count() as u64;
        let (for_head, for_tail) = chunk.split_at(chunk.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(for_head);
        self.tail.extend(for_tail);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
    }

    /// A log that can't be written any more costs the log, not the run.
    fn spool(&mut self, chunk: &[u8]) {
        if self.log_gap.is_some() {
            return;
        }
        let room = usize::try_from(LOG - self.bytes.min(LOG)).unwrap_or(usize::MAX);
        let written = self.log.write_all(&chunk[..chunk.len().min(room)]).and_then(|()| {
            if chunk.len() > room { self.log.write_all(b"\n[the log ends here: it reached 64 MiB]\n") } else { Ok(()) }
        });
        self.log_gap = match written {
            Err(error) => Some(error.to_string()),
            Ok(()) if chunk.len() > room => Some("it reached 64 MiB".to_owned()),
            Ok(()) => None,
        };
    }

    /// Closes the log.
    pub(super) fn finish(mut self) -> Kept {
        let rest = self.redacted.finish();
        self.keep(&rest);
        if let Err(error) = self.log.flush() {
            self.log_gap.get_or_insert(error.to_string());
        }
        let cut = self.bytes - (self.head.len() + self.tail.len()) as u64;
        Kept { head: self.head, tail: self.tail.into(), cut, lines: self.lines, log_gap: self.log_gap }
    }
}

/// Makes the next `tests-N.log` in `logs`, and says its name.
///
/// # Errors
/// When no file can be made there.
pub(super) fn next_log(logs: &std::path::Path) -> io::Result<(File, String)> {
    for number in 1_u32.. {
        let name = format!("tests-{number}.log");
        match File::create_new(logs.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file, name)),
        }
    }
    Err(io::Error::other("there are too many logs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_kept_whole() {
        let mut output = Output::new(Vec::new());
        output.push(b"one\n");
        output.push(b"two\n");
        assert_eq!(output.finish(), Kept { head: b"one\ntwo\n".to_vec(), lines: 2, ..Kept::default() });
    }

    #[test]
    fn long_output_keeps_head_and_tail_and_counts_the_rest() {
        let mut output = Output::new(io::sink());
        output.push(b"first");
        for _ in 0..3 {
            output.push(&vec![b'x'; 1024 * 1024]);
        }
        output.push(b"last");
        let kept = output.finish();
        assert!(kept.head.starts_with(b"first") && kept.tail.ends_with(b"last"));
        assert_eq!((kept.head.len(), kept.tail.len()), (HEAD, TAIL));
        assert_eq!(kept.cut, 3 * 1024 * 1024 + 9 - (HEAD + TAIL) as u64);
    }

    #[test]
    fn a_token_is_taken_out_although_it_comes_in_two_pieces() {
        let mut output = Output::new(Vec::new());
        output.push(b"the token is ghp_16C7e42F292c69");
        output.push(b"12E7710c838347Ae178B4a\nfine\n");
        assert_eq!(output.log, b"the token is [redacted:github-token]\nfine\n");
        assert_eq!(output.finish().head, b"the token is [redacted:github-token]\nfine\n");
    }

    #[test]
    fn the_log_stops_at_its_cap_and_says_so() {
        let mut output = Output::new(Vec::new());
        let chunk = vec![b'x'; 7 * 1024 * 1024];
        for _ in 0..11 {
            output.push(&chunk);
        }
        assert!(output.log.ends_with(b"[the log ends here: it reached 64 MiB]\n"));
        assert!(output.log.len() as u64 <= LOG + 64);
        assert!(output.finish().log_gap.is_some());
    }

    #[test]
    fn a_full_disk_costs_the_log_and_not_the_output() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut output = Output::new(Full);
        output.push(b"still here");
        let kept = output.finish();
        assert_eq!(kept.head, b"still here");
        assert!(kept.log_gap.is_some());
    }
}
