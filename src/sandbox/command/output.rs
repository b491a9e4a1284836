//! Collects a command's output: into the log, and head and tail into memory.
//!
//! Memory and log (`log.rs`) stay bounded whatever comes. Anything that looks like a secret is removed before it is
//! stored.

use std::collections::VecDeque;
use std::fs::File;
use std::io;

use super::log::{Log, Spool};
use crate::settings::{RedactedStream, Redactor};

/// Bytes kept from the beginning.
const HEAD: usize = 128 * 1024;
/// Bytes kept from the end; more than from the beginning because most runners print their summary last.
const TAIL: usize = 512 * 1024;

/// The output of a running command.
#[derive(Debug)]
pub(super) struct CommandOutput<S = File> {
    redacted: RedactedStream,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    bytes: u64,
    lines: u64,
    log: Log<S>,
    /// Why the log can't be written any more.
    log_gap: Option<String>,
}

/// The output that is kept in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeptOutput {
    /// The beginning, up to 128 KiB.
    pub(super) head: Vec<u8>,
    /// The end; follows `head` directly if `cut` is 0.
    pub(super) tail: Vec<u8>,
    /// Bytes between head and tail, which only the log holds.
    pub(super) cut: u64,
    /// Line ends in the whole output.
    pub(super) lines: u64,
    /// Bytes from the middle of the output that the log doesn't hold.
    pub(super) left_out: u64,
    /// Why the log couldn't be written to the end.
    pub(super) log_gap: Option<String>,
}

impl<S: Spool> CommandOutput<S> {
    pub(super) fn new(log: S) -> Self {
        let (redacted, log) = (RedactedStream::new(Redactor::shapes()), Log::new(log));
        Self { redacted, head: Vec::new(), tail: VecDeque::new(), bytes: 0, lines: 0, log, log_gap: None }
    }

    /// Adds output; returns what is now known to hold no secret.
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

    /// Writes to the log. A failure costs the log, not the run.
    fn spool(&mut self, chunk: &[u8]) {
        if self.log_gap.is_some() {
            return;
        }
        self.log_gap = self.log.push(chunk).err().map(|error| error.to_string());
    }

    pub(super) fn finish(mut self) -> KeptOutput {
        let rest = self.redacted.finish();
        self.keep(&rest);
        let (left_out, log_gap) = match (self.log_gap, self.log.finish()) {
            (None, Ok(left_out)) => (left_out, None),
            (None, Err(error)) => (0, Some(error.to_string())),
            (gap, _) => (0, gap),
        };
        let cut = self.bytes - (self.head.len() + self.tail.len()) as u64;
        KeptOutput { head: self.head, tail: self.tail.into(), cut, lines: self.lines, left_out, log_gap }
    }
}

/// Creates the next `tests-N.log` in `logs` and returns it with its name.
///
/// # Errors
/// If no file can be created there.
pub(super) fn next_log(logs: &std::path::Path) -> io::Result<(File, String)> {
    for number in 1_u32.. {
        let name = format!("tests-{number}.log");
        match File::options().read(true).write(true).create_new(true).open(logs.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file, name)),
        }
    }
    Err(io::Error::other("there are too many logs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, SeekFrom, Write};

    #[test]
    fn short_output_is_kept_whole() {
        let mut output = CommandOutput::new(tempfile::tempfile().unwrap());
        output.push(b"one\n");
        output.push(b"two\n");
        assert_eq!(output.finish(), KeptOutput { head: b"one\ntwo\n".to_vec(), lines: 2, ..KeptOutput::default() });
    }

    #[test]
    fn long_output_keeps_head_and_tail_and_counts_the_rest() {
        let mut output = CommandOutput::new(tempfile::tempfile().unwrap());
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
        let folder = tempfile::tempdir().unwrap();
        let (log, name) = next_log(folder.path()).unwrap();
        let mut output = CommandOutput::new(log);
        output.push(b"the token is ghp_16C7e42F292c69");
        output.push(b"12E7710c838347Ae178B4a\nfine\n");
        assert_eq!(output.finish().head, b"the token is [redacted:github-token]\nfine\n");
        let log = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(log, "the token is [redacted:github-token]\nfine\n");
    }

    #[test]
    fn a_full_disk_costs_the_log_and_not_the_output() {
        struct Full;
        impl Read for Full {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Ok(0)
            }
        }
        impl Seek for Full {
            fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
                Ok(0)
            }
        }
        impl Spool for Full {
            fn cut(&mut self, _: u64) -> io::Result<()> {
                Ok(())
            }
        }
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut output = CommandOutput::new(Full);
        output.push(b"still here");
        let kept = output.finish();
        assert_eq!(kept.head, b"still here");
        assert!(kept.log_gap.is_some());
    }
}
