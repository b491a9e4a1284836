//! What crosses the wall: JSON messages, each behind its length as four big-endian bytes.
//!
//! Encoding and decoding are pure, so that both ends share them: the broker's is asynchronous,
//! the worker's blocks. A frame that is too long or isn't the expected message is a named error
//! and never a guess: after one, the connection is of no further use.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::plan::WorkerConfig;
use super::progress::CommandProgress;
use crate::journal::{Residue, SandboxBuilt};
use crate::settings::TestCommand;
use crate::tools::{Observation, TestRun};

/// The longest message in bytes; far above any tool's answer, far below harm.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// From the broker to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// The first message: what to confine itself to. Answered by [`FromWorker::Ready`] or [`FromWorker::Unfit`].
    Begin(Box<WorkerConfig>),
    /// Run a tool.
    Call {
        /// Names the answer.
        id: u64,
        /// As the model gave it.
        name: String,
        /// As the model gave them.
        arguments: String,
    },
    /// Run the tests for kcode itself.
    RunTests {
        /// Names the answer.
        id: u64,
        /// Another command than the charge's; what the broker says is trusted.
        #[serde(default)]
        command: Option<TestCommand>,
        /// Which; all of them when empty.
        filter: Vec<String>,
    },
    /// End every command that runs or waits to run; their calls are answered as usual.
    Cancel,
    /// Kill what is left, answer [`FromWorker::Stopped`], and exit.
    Stop,
}

/// From the worker to the broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    /// It is confined as this says, and serves.
    Ready(SandboxBuilt),
    /// It can't serve.
    Unfit {
        /// Why.
        reason: String,
    },
    /// A tool answered.
    Observed {
        /// The call's.
        id: u64,
        /// The answer.
        observation: Observation,
    },
    /// A command is so far; answers nothing.
    Progress(CommandProgress),
    /// The tests ran.
    TestsRan {
        /// The call's.
        id: u64,
        /// How they went.
        run: TestRun,
    },
    /// A call failed in a way that is none of the model's business.
    Failed {
        /// The call's.
        id: u64,
        /// What happened.
        reason: String,
        /// True when the disk is why.
        #[serde(default)]
        disk: bool,
    },
    /// The answer to [`ToWorker::Stop`]; nothing follows it.
    Stopped(Residue),
}

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// It is longer than [`MAX_FRAME`].
    #[error("a message of {bytes} bytes is longer than {MAX_FRAME}")]
    Oversized {
        /// Its length.
        bytes: usize,
    },
    /// It isn't one of the expected messages.
    #[error("a message could not be read: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// A message as the bytes of its frame.
///
/// # Errors
/// When it is too long.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
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

/// Reads one message and not a byte more, so that another process can go on reading.
///
/// # Errors
/// When the connection ends first, or what comes isn't a message.
pub fn receive<T: DeserializeOwned>(connection: &mut impl Read) -> io::Result<T> {
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

/// Turns bytes, however they were cut, back into messages.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
}

impl Decoder {
    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, if its bytes are all here.
    ///
    /// # Errors
    /// When the next frame isn't a message.
    pub fn next_message<T: DeserializeOwned>(&mut self) -> Result<Option<T>, FrameError> {
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

    /// All messages of `bytes` that come before the first frame that is none, taken in pieces of `size`.
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
