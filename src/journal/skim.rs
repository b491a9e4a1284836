//! Reads a journal by the heads of its lines, for commands that look at thousands of runs and need little of each.
//!
//! Most of a journal is the conversation, which is neither parsed nor copied here. The head of each line is checked;
//! damage inside a body that nobody asks for goes unnoticed, but [`recover`](super::recover()) reports it.

use std::io;
use std::str;

use memchr::memchr;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{EVENT_SCHEMA, RecoverError};

/// One line of a journal: its head is parsed, its event isn't.
#[derive(Clone, Copy, Debug)]
pub struct Skimmed<'a> {
    /// Number of the record.
    pub seq: u64,
    /// Time: UTC, RFC 3339.
    pub at: &'a str,
    /// Milliseconds since the run began.
    pub elapsed_ms: u64,
    /// The event's `type`.
    pub kind: &'a str,
    line: &'a [u8],
    is_last: bool,
}

impl Skimmed<'_> {
    /// Parses the event as the type that belongs to its kind; `None` for a torn last line.
    ///
    /// # Errors
    /// When the line is not such an event.
    pub fn read<T: DeserializeOwned>(&self) -> io::Result<Option<T>> {
        match serde_json::from_slice(self.line) {
            Ok(event) => Ok(Some(event)),
            Err(_) if self.is_last => Ok(None),
            Err(error) => Err(wrong(self.seq, error.to_string())),
        }
    }
}

/// Iterates over a journal's lines in order, up to a torn tail.
pub fn skim(journal: &[u8]) -> impl Iterator<Item = io::Result<Skimmed<'_>>> {
    let mut rest = journal;
    let mut next = 0;
    std::iter::from_fn(move || {
        let end = memchr(b'\n', rest)?;
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        let is_last = after.is_empty();
        match checked(line, next, is_last) {
            Err(_) if is_last => None,
            Err(error) => {
                rest = &[];
                Some(Err(error))
            }
            skimmed => {
                next += 1;
                Some(skimmed)
            }
        }
    })
}

fn checked(line: &[u8], number: u64, is_last: bool) -> io::Result<Skimmed<'_>> {
    let head = RecordHead::quick(line).or_else(|| serde_json::from_slice(line).ok());
    let Some(RecordHead { schema, seq, at, elapsed_ms, kind }) = head.filter(|_| line.trim_ascii_end().ends_with(b"}"))
    else {
        return Err(wrong(number, "it is no event".to_owned()));
    };
    if schema != EVENT_SCHEMA {
        let what = format!("its schema is {schema:?}, not {EVENT_SCHEMA:?}");
        return Err(RecoverError::Newer { line: number as usize + 1, what }.into());
    }
    if seq != number {
        return Err(wrong(number, format!("it has number {seq}")));
    }
    Ok(Skimmed { seq, at, elapsed_ms, kind, line, is_last })
}

fn wrong(number: u64, why: String) -> io::Error {
    RecoverError::Damaged { line: number as usize + 1, why }.into()
}

/// The fields that every record begins with.
#[derive(Deserialize)]
struct RecordHead<'a> {
    schema: &'a str,
    seq: u64,
    at: &'a str,
    elapsed_ms: u64,
    #[serde(rename = "type")]
    kind: &'a str,
}

impl<'a> RecordHead<'a> {
    /// Parses a line that begins with its head, as kcode writes it, without looking at the rest, which may be a
    /// megabyte.
    fn quick(line: &'a [u8]) -> Option<Self> {
        let (schema, rest) = upto(line.strip_prefix(br#"{"schema":""#)?, b'"')?;
        let (seq, rest) = upto(rest.strip_prefix(br#","seq":"#)?, b',')?;
        let (at, rest) = upto(rest.strip_prefix(br#""at":""#)?, b'"')?;
        let (elapsed_ms, rest) = upto(rest.strip_prefix(br#","elapsed_ms":"#)?, b',')?;
        let (kind, _) = upto(rest.strip_prefix(br#""type":""#)?, b'"')?;
        Some(Self { schema, seq: seq.parse().ok()?, at, elapsed_ms: elapsed_ms.parse().ok()?, kind })
    }
}

/// Splits at `end`. Fails on escapes, because the raw text would differ from the value.
fn upto(bytes: &[u8], end: u8) -> Option<(&str, &[u8])> {
    let (text, rest) = bytes.split_at_checked(memchr(end, bytes)?)?;
    let text = str::from_utf8(text).ok().filter(|text| !text.contains('\\'))?;
    Some((text, &rest[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Applied, Event, Record};

    fn record(seq: u64) -> String {
        let event = Event::Applied(Applied { files: seq, ..Applied::default() });
        let record = Record { schema: EVENT_SCHEMA.into(), seq, at: "2026-01-02".into(), elapsed_ms: 7, event };
        serde_json::to_string(&record).unwrap() + "\n"
    }

    fn heads(journal: &str) -> io::Result<Vec<(u64, String)>> {
        skim(journal.as_bytes()).map(|line| line.map(|line| (line.seq, line.kind.to_owned()))).collect()
    }

    #[test]
    fn heads_and_bodies_are_those_that_were_written() {
        let journal = record(0) + &record(1);
        let lines: Vec<_> = skim(journal.as_bytes()).collect::<io::Result<_>>().unwrap();
        assert_eq!((lines[1].seq, lines[1].at, lines[1].elapsed_ms, lines[1].kind), (1, "2026-01-02", 7, "applied"));
        assert_eq!(lines[1].read::<Applied>().unwrap(), Some(Applied { files: 1, ..Applied::default() }));
    }

    #[test]
    fn blanks_behind_a_record_are_no_damage() {
        assert_eq!(heads(&(record(0).trim_end().to_owned() + " \t\r\n" + &record(1))).unwrap().len(), 2);
    }

    #[test]
    fn the_order_of_keys_is_no_promise() {
        let turned =
            format!("{{\"type\":\"applied\",\"elapsed_ms\":1,\"at\":\"x\",\"seq\":0,\"schema\":\"{EVENT_SCHEMA}\"}}\n");
        assert_eq!(heads(&turned).unwrap(), [(0, "applied".to_owned())]);
    }

    #[test]
    fn a_torn_tail_is_left_out_and_damage_before_it_is_told() {
        let whole = record(0) + &record(1);
        for cut in record(0).len()..whole.len() {
            assert_eq!(heads(&whole[..cut]).unwrap().len(), 1, "cut at {cut}");
        }
        let error = heads(&(record(0) + "garbage\n" + &record(1))).unwrap_err();
        assert!(error.to_string().starts_with("line 2 of the journal is damaged"), "{error}");
        let error = heads(&(record(0) + &record(5) + &record(6))).unwrap_err();
        assert!(error.to_string().contains("it has number 5"), "{error}");
    }
}
