//! Reading a journal back, also one whose writer died.

use std::fs;
use std::io;
use std::path::Path;

use super::{EVENT_SCHEMA, Record};

/// What a journal holds.
#[derive(Debug)]
pub struct Recovered {
    /// Every whole record, in order.
    pub records: Vec<Record>,
    /// Bytes up to the end of the last whole record.
    pub good_bytes: u64,
    /// True when a torn line followed.
    pub torn: bool,
}

/// Reads `path`. A torn last line is what a killed writer leaves, and is tolerated; damage before it is not.
///
/// # Errors
/// When the file can't be read, holds a line that is not a record of this version, or skips a number.
pub fn recover(path: &Path) -> io::Result<Recovered> {
    parse(&fs::read(path)?)
}

fn parse(bytes: &[u8]) -> io::Result<Recovered> {
    let mut recovered = Recovered { records: Vec::new(), good_bytes: 0, torn: false };
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        let record: Record = match serde_json::from_slice(line) {
            Ok(record) => record,
            // Blocks of a file may reach the disk out of order: the last line can be whole in length and torn in content.
            Err(_) if after.is_empty() => break,
            Err(error) => return Err(damaged(recovered.records.len(), &error.to_string())),
        };
        if record.schema != EVENT_SCHEMA {
            return Err(damaged(
                recovered.records.len(),
                &format!("its schema is {:?}, not {EVENT_SCHEMA:?}", record.schema),
            ));
        }
        if record.seq != recovered.records.len() as u64 {
            return Err(damaged(recovered.records.len(), &format!("it has number {}", record.seq)));
        }
        recovered.records.push(record);
        recovered.good_bytes += end as u64 + 1;
        rest = after;
    }
    recovered.torn = !rest.is_empty();
    Ok(recovered)
}

pub(super) fn damaged(line: usize, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {} of the journal is damaged: {why}", line + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Applied, Event};

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
            let read = parse(&whole[..cut]).expect("a torn tail is tolerated");
            assert_eq!(read.records.len(), 2, "cut at {cut}");
            assert_eq!(read.good_bytes, second_end as u64);
            assert_eq!(read.torn, cut > second_end);
        }
    }

    #[test]
    fn damage_in_the_middle_is_told() {
        let mut bytes = lines(1);
        bytes.extend_from_slice(b"garbage\n");
        bytes.extend_from_slice(&lines(1));
        let error = parse(&bytes).expect_err("the middle is damaged");
        assert!(error.to_string().starts_with("line 2 of the journal is damaged"), "{error}");
    }
}
