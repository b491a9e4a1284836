//! The messages between broker and worker: JSON, each preceded by its length as four big-endian bytes.
//!
//! Encoding and decoding do no I/O, so both ends share them: the broker's is asynchronous, the worker's blocks. A frame
//! that is too long or isn't the expected message is an error, after which the connection can't be used any more.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::plan::WorkerConfig;
use super::progress::CommandProgress;
use crate::journal::{Residue, SandboxBuilt};
use crate::settings::TestCommand;
use crate::tools::{Observation, TestRun};

/// Longest message in bytes; far larger than any tool's answer, small enough to be held in memory.
pub(super) const MAX_FRAME: usize = 16 * 1024 * 1024;

/// A message from the broker to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToWorker {
    /// The first message: what to confine itself to. Answered by [`FromWorker::Ready`] or [`FromWorker::Unfit`].
    Begin(Box<WorkerConfig>),
    /// Runs a tool. Answered by [`FromWorker::Observed`] or [`FromWorker::Failed`].
    Call {
        /// Identifies the answer.
        id: u64,
        /// The tool's name as the model wrote it.
        name: String,
        /// The arguments as the model wrote them; should be JSON.
        arguments: String,
    },
    /// Runs the tests for kcode itself. Answered by [`FromWorker::TestsRan`] or [`FromWorker::Failed`].
    RunTests {
        /// Identifies the answer.
        id: u64,
        /// A command other than the one in [`WorkerConfig`]; the broker is trusted.
        #[serde(default)]
        command: Option<TestCommand>,
        /// Which tests to run; all if empty.
        filter: Vec<String>,
    },
    /// Ends every running or waiting command; their calls are answered as usual.
    Cancel,
    /// Kills what is left, answers [`FromWorker::Stopped`], and exits.
    Stop,
}

/// A message from the worker to the broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromWorker {
    /// The worker serves.
    Ready {
        /// The layers that confine it.
        sandbox: Box<SandboxBuilt>,
        /// What to keep of its search for later runs. It is told now, because nothing of the repository has been opened yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        searched: Option<String>,
    },
    /// The worker can't serve.
    Unfit {
        /// Description for people.
        reason: String,
    },
    /// A tool's answer.
    Observed {
        /// Id of the call.
        id: u64,
        /// The tool's result.
        observation: Observation,
    },
    /// Progress of a command; not an answer.
    Progress(CommandProgress),
    /// The result of a test run.
    TestsRan {
        /// Id of the call.
        id: u64,
        /// Exit status, log and excerpt.
        run: TestRun,
    },
    /// A call failed in a way that the model can't change.
    Failed {
        /// Id of the call.
        id: u64,
        /// Description for people.
        reason: String,
        /// Whether the disk is the cause.
        #[serde(default)]
        disk: bool,
    },
    /// The answer to [`ToWorker::Stop`] and the last message.
    Stopped(Residue),
}

/// Why bytes aren't a message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The frame is longer than [`MAX_FRAME`].
    #[error("a message of {bytes} bytes is longer than {MAX_FRAME}")]
    Oversized {
        /// Length of the frame.
        bytes: usize,
    },
    /// The frame isn't an expected message.
    #[error("a message could not be read: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Encodes a message as a frame.
///
/// # Errors
/// If it is longer than [`MAX_FRAME`].
pub(super) fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let bytes = frame.len() - 4;
    match u32::try_from(bytes) {
        Ok(length) if bytes <= MAX_FRAME => {
            frame[..4].copy_from_slice(&length.to_be_bytes());
            Ok(frame)
        }
        _ => Err(FrameError::Oversized { bytes }),
    }
}

/// Reads one message and not a byte more, so that another process can continue reading.
///
/// # Errors
/// If the connection ends early or the frame isn't a message.
pub(super) fn receive<T: DeserializeOwned>(connection: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    connection.read_exact(&mut length)?;
    let bytes = u32::from_be_bytes(length) as usize;
    if bytes > MAX_FRAME {
        return Err(io::Error::other(FrameError::Oversized { bytes }));
    }
    let mut json = vec![0; bytes];
    connection.read_exact(&mut json)?;
    serde_json::from_slice(&json).map_err(io::Error::other)
}

/// Splits received bytes into messages.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: Vec<u8>,
}

impl Decoder {
    /// Adds received bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next message once it is complete.
    ///
    /// # Errors
    /// If the next frame isn't a message.
    pub(super) fn next_message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
        let Some((length, rest)) = self.buffer.split_first_chunk::<4>() else { return Ok(None) };
        let bytes = u32::from_be_bytes(*length) as usize;
        if bytes > MAX_FRAME {
            return Err(FrameError::Oversized { bytes });
        }
        let Some(json) = rest.get(..bytes) else { return Ok(None) };
        let message = serde_json::from_slice(json)?;
        self.buffer.drain(..4 + bytes);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<ToWorker> {
        vec![
            ToWorker::Call { id: 1, name: "read_file".into(), arguments: "{\"path\":\"ä\\u0000\"}".into() },
            ToWorker::RunTests { id: 2, command: Some(TestCommand::shell("make lint")), filter: vec![] },
            ToWorker::RunTests { id: u64::MAX, command: None, filter: vec![String::new(), "tests::a b".into()] },
            ToWorker::Cancel,
            ToWorker::Stop,
        ]
    }

    #[test]
    fn messages_survive_a_cut_at_every_byte() {
        let stream: Vec<u8> = messages().iter().flat_map(|message| encode(message).unwrap()).collect();
        for cut in 0..=stream.len() {
            let (mut decoder, mut seen) = (Decoder::default(), Vec::<ToWorker>::new());
            for part in [&stream[..cut], &stream[cut..]] {
                decoder.push(part);
                while let Some(message) = decoder.next_message().unwrap() {
                    seen.push(message);
                }
            }
            assert_eq!(seen, messages(), "cut at {cut}");
            assert!(decoder.buffer.is_empty());
        }
    }

    #[test]
    fn one_message_is_read_and_not_a_byte_more() {
        let stream: Vec<u8> = messages().iter().flat_map(|message| encode(message).unwrap()).collect();
        let mut rest = &stream[..];
        for message in messages() {
            assert_eq!(receive::<ToWorker>(&mut rest).unwrap(), message);
        }
        assert!(receive::<ToWorker>(&mut rest).is_err() && receive::<ToWorker>(&mut &stream[..7]).is_err());
        assert!(receive::<ToWorker>(&mut &u32::MAX.to_be_bytes()[..]).is_err());
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_is_kept() {
        let long = ToWorker::Call { id: 1, name: "x".repeat(MAX_FRAME), arguments: String::new() };
        assert!(matches!(encode(&long), Err(FrameError::Oversized { .. })));
        let mut decoder = Decoder::default();
        decoder.push(&u32::MAX.to_be_bytes());
        assert!(matches!(decoder.next_message::<ToWorker>(), Err(FrameError::Oversized { .. })));
    }

    #[test]
    fn garbage_is_an_error() {
        for json in [&b"{}"[..], b"{\"type\":\"fly\"}", b"\xff\xfe", b"", b"{\"type\":\"stop\"} {}"] {
            let mut decoder = Decoder::default();
            decoder.push(&(json.len() as u32).to_be_bytes());
            decoder.push(json);
            assert!(matches!(decoder.next_message::<ToWorker>(), Err(FrameError::Malformed(_))), "{json:?}");
        }
    }

    /// All messages before the first invalid frame, fed in pieces of `size` bytes.
    fn seen(bytes: &[u8], size: usize) -> (Vec<ToWorker>, Option<String>) {
        let (mut decoder, mut seen) = (Decoder::default(), Vec::new());
        for piece in bytes.chunks(size) {
            decoder.push(piece);
            loop {
                match decoder.next_message() {
                    Ok(Some(message)) => seen.push(message),
                    Ok(None) => break,
                    Err(error) => return (seen, Some(error.to_string())),
                }
            }
        }
        (seen, None)
    }

    proptest::proptest! {
        #[test]
        fn damaged_frames_say_the_same_however_they_are_cut(at: proptest::sample::Index, byte: u8, size in 1..60_usize) {
            let mut stream: Vec<u8> = messages().iter().flat_map(|message| encode(message).unwrap()).collect();
            let at = at.index(stream.len());
            stream[at] = byte;
            let whole = seen(&stream, usize::MAX);
            proptest::prop_assert_eq!(&whole, &seen(&stream, size));
            let (mut rest, mut one_by_one) = (&stream[..], Vec::new());
            while let Ok(message) = receive::<ToWorker>(&mut rest) {
                one_by_one.push(message);
            }
            proptest::prop_assert_eq!(whole.0, one_by_one);
        }
    }
}
