//! Reads a journal back, including one whose writer died.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::bounded::{RUN_FILE_LIMIT, read_own};
use super::{EVENT_SCHEMA, Event, Record};

/// The records of a journal.
#[derive(Debug)]
pub struct Recovered {
    /// All whole records, in order.
    pub records: Vec<Record>,
    /// Offset behind the last whole record, in bytes.
    pub good_bytes: u64,
    /// True if a torn line follows.
    pub torn: bool,
    /// Size of the journal as read, in bytes.
    pub(super) read: u64,
}

/// Errors of reading a journal.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The file can't be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// A line isn't the record that has to be there.
    #[error("line {line} of the journal is damaged: {why}")]
    Damaged {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A newer version of kcode wrote it.
    #[error("line {line} of the journal was written by a newer kcode: {what}")]
    Newer {
        /// Line number, from 1.
        line: usize,
        /// What this version doesn't know.
        what: String,
    },
}

impl RecoverError {
    /// What the user can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "check that the file is there and that you may read it",
            Self::Damaged { .. } => {
                "the lines before it are intact; the run's patch, if there was one, is patch.diff in the same folder"
            }
            Self::Newer { .. } => "use that version of kcode, or a newer one, for this run",
        }
    }
}

impl From<RecoverError> for io::Error {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Unreadable(error) => error,
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

/// Reads the journal at `path`. A torn last line, which a killed writer leaves, is tolerated; damage before it is not.
///
/// # Errors
/// When the file can't be read, a line is no record or one of a newer version, or the numbers have a gap.
pub fn recover(path: &Path) -> Result<Recovered, RecoverError> {
    parse(&read_own(path, RUN_FILE_LIMIT)?, false)
}

/// Reads records of several journals, written one behind the other.
///
/// # Errors
/// As [`recover`], and when the last line is torn: nobody appends to such a file, so a torn line is damage.
pub fn recover_chain(bytes: &[u8]) -> Result<Vec<Record>, RecoverError> {
    let recovered = parse(bytes, true)?;
    if recovered.torn {
        Err(damaged(recovered.records.len() + 1, "it is torn".to_owned()))
    } else {
        Ok(recovered.records)
    }
}

/// With `chain`, numbers may start again at 0 anywhere.
fn parse(bytes: &[u8], chain: bool) -> Result<Recovered, RecoverError> {
    let mut recovered = Recovered { records: Vec::new(), good_bytes: 0, torn: false, read: bytes.len() as u64 };
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        let number = recovered.records.len() + 1;
        let record: Record = match serde_json::from_slice(line) {
            Ok(record) => record,
            // Blocks of a file may reach the disk out of order: the last line can have its full length and torn
            // content.
            Err(error) => match newer(number, line) {
                Some(newer) => return Err(newer),
                None if after.is_empty() => break,
                None => return Err(damaged(number, error.to_string())),
            },
        };
        if record.schema != EVENT_SCHEMA {
            return Err(newer(number, line).unwrap_or_else(|| damaged(number, "it names no schema".to_owned())));
        }
        let next = recovered.records.last().map_or(0, |record| record.seq + 1);
        if record.seq != next && !(chain && record.seq == 0) {
            return Err(damaged(number, format!("it has number {}", record.seq)));
        }
        recovered.records.push(record);
        recovered.good_bytes += end as u64 + 1;
        rest = after;
    }
    recovered.torn = !rest.is_empty();
    Ok(recovered)
}

/// Recognises a record of another schema, or an event type that this version doesn't know.
fn newer(line: usize, record: &[u8]) -> Option<RecoverError> {
    let record: Value = serde_json::from_slice(record).ok()?;
    let (schema, kind) = (record["schema"].as_str()?, record["type"].as_str().unwrap_or_default());
    let what = if schema != EVENT_SCHEMA {
        format!("its schema is {schema:?}, not {EVENT_SCHEMA:?}")
    } else if is_known(kind) {
        return None;
    } else {
        format!("it has an event of the type {kind:?}")
    };
    Some(RecoverError::Newer { line, what })
}

/// Whether there is an event of that type. Serde reports missing fields, not the type, if the type is known.
fn is_known(kind: &str) -> bool {
    let refused = serde_json::from_value::<Event>(json!({ "type": kind })).err();
    refused.is_none_or(|error| !error.to_string().starts_with("unknown variant"))
}

fn damaged(line: usize, why: String) -> RecoverError {
    RecoverError::Damaged { line, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Applied;

    fn lines(n: u64) -> Vec<u8> {
        let record = |seq| Record {
            schema: EVENT_SCHEMA.into(),
            seq,
            at: String::new(),
            elapsed_ms: 0,
            event: Event::Applied(Applied { files: seq, ..Applied::default() }),
        };
        (0..n).flat_map(|seq| serde_json::to_vec(&record(seq)).unwrap_or_default().into_iter().chain([b'\n'])).collect()
    }

    #[test]
    fn a_cut_at_any_byte_loses_at_most_the_last_record() {
        let whole = lines(3);
        let second_end = lines(2).len();
        for cut in second_end..whole.len() {
            let read = parse(&whole[..cut], false).expect("a torn tail is tolerated");
            assert_eq!(read.records.len(), 2, "cut at {cut}");
            assert_eq!(read.good_bytes, second_end as u64);
            assert_eq!(read.torn, cut > second_end);
        }
    }

    #[test]
    fn a_chain_holds_journals_one_behind_the_other() {
        let chain = [lines(3), lines(2)].concat();
        assert_eq!(recover_chain(&chain).expect("it is whole").len(), 5);
        assert!(recover_chain(&chain[..chain.len() - 4]).is_err(), "nothing of it may be lost");
        assert!(parse(&chain, false).is_err(), "a journal is of one run");
    }

    #[test]
    fn damage_in_the_middle_is_told() {
        let mut bytes = lines(1);
        bytes.extend_from_slice(b"garbage\n");
        bytes.extend_from_slice(&lines(1));
        let error = parse(&bytes, false).expect_err("the middle is damaged");
        assert!(error.to_string().starts_with("line 2 of the journal is damaged"), "{error}");
    }
}
