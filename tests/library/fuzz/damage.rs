//! Input that is nearly right: what a fixture holds, cut, repeated, mixed with others and salted with odd bytes.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Few enough for every day; `PROPTEST_CASES` asks for more.
const CASES: u32 = 48;
/// No case grows beyond this: what is to be found is in the form, not in the size.
const MAX_BYTES: usize = 64 * 1024;

/// How often properties are tried.
pub fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(CASES), failure_persistence: None, ..ProptestConfig::default() }
}

/// Every file below a folder of `fixtures` whose name `wanted` says yes to; short ones.
pub fn fixtures(folder: &str, wanted: fn(&str) -> bool) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut ahead = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)];
    while let Some(folder) = ahead.pop() {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                ahead.push(path);
            } else if path.file_name().and_then(|name| name.to_str()).is_some_and(wanted) {
                found.push(fs::read(path).unwrap());
            }
        }
    }
    found.retain(|content| content.len() <= MAX_BYTES);
    assert!(!found.is_empty(), "no fixtures in {folder}");
    found
}

/// Bytes and words that mean something to some parser.
const SALT: [&[u8]; 40] = [
    b"\0",
    b"\n",
    b"\r",
    b"\r\n",
    b"\t",
    b" ",
    b"\x1b[31m",
    b"\x1b]0;x\x07",
    b"\xc2\x9b",
    b"\xe2\x80\xae",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\\",
    b"\"",
    b"'",
    b"<",
    b">",
    b"&",
    b"&#0;",
    b"&#x110000;",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"null",
    b"-1",
    b"18446744073709551616",
    b"1e999",
    b"0",
    b"/",
    b"../",
    b"@@ -0,0 +1 @@",
    b"\\ No newline at end of file\n",
    b"::set-env name=X::",
    b"##[error]",
];

/// What is done to it; places are told as shares, so that they fit any length.
#[derive(Clone, Debug)]
enum Damage {
    Cut(Index, Index),
    Drop(Index, Index),
    Repeat(Index, Index, usize),
    Splice(Index, Index, Index, Index),
    Salt(Index, &'static [u8]),
    Byte(Index, u8),
    /// Takes out a line, or says it again elsewhere.
    Line(Index, Option<Index>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<Index>;
    prop_oneof![
        1 => (place(), place()).prop_map(|(from, to)| Damage::Cut(from, to)),
        2 => (place(), place()).prop_map(|(from, to)| Damage::Drop(from, to)),
        2 => (place(), place(), 1..40_usize).prop_map(|(from, to, times)| Damage::Repeat(from, to, times)),
        2 => (place(), place(), place(), place()).prop_map(|(at, other, from, to)| Damage::Splice(at, other, from, to)),
        4 => (place(), select(&SALT[..])).prop_map(|(at, salt)| Damage::Salt(at, salt)),
        2 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        4 => (place(), proptest::option::of(place())).prop_map(|(line, to)| Damage::Line(line, to)),
    ]
}

/// One of `sources` with some damage, or raw bytes.
pub fn damaged(sources: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let number = sources.len();
    let near = (0..number, vec(damage(), 0..8)).prop_map(move |(source, damages)| {
        damages.iter().fold(sources[source].clone(), |bytes, damage| done(damage, bytes, &sources))
    });
    prop_oneof![12 => near, 1 => vec(any::<u8>(), 0..2000), 1 => "\\PC{0,400}".prop_map(String::into_bytes)]
}

/// The same as text; what is no UTF-8 is replaced.
pub fn damaged_text(sources: Vec<Vec<u8>>) -> impl Strategy<Value = String> {
    damaged(sources).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// In pieces, as a stream may bring it.
pub fn pieces<'b>(bytes: &'b [u8], sizes: &[usize]) -> Vec<&'b [u8]> {
    let (mut rest, mut pieces, mut sizes) = (bytes, Vec::new(), sizes.iter().cycle());
    while let Some(size) = sizes.next().filter(|_| !rest.is_empty()) {
        let (piece, after) = rest.split_at((*size).clamp(1, rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn span(from: Index, to: Index, length: usize) -> std::ops::Range<usize> {
    let (one, other) = (from.index(length + 1), to.index(length + 1));
    one.min(other)..one.max(other)
}

fn done(damage: &Damage, mut bytes: Vec<u8>, sources: &[Vec<u8>]) -> Vec<u8> {
    let length = bytes.len();
    match damage {
        Damage::Cut(from, to) => bytes = bytes[span(*from, *to, length)].to_vec(),
        Damage::Drop(from, to) => drop(bytes.drain(span(*from, *to, length))),
        Damage::Repeat(from, to, times) => {
            let span = span(*from, *to, length);
            let part = bytes[span.clone()].repeat(*times);
            bytes.splice(span.end..span.end, part);
        }
        Damage::Splice(at, other, from, to) => {
            let (at, other) = (at.index(length + 1), &sources[other.index(sources.len())]);
            bytes.splice(at..at, other[span(*from, *to, other.len())].iter().copied());
        }
        Damage::Salt(at, salt) => {
            let at = at.index(length + 1);
            bytes.splice(at..at, salt.iter().copied());
        }
        Damage::Byte(at, byte) if length > 0 => bytes[at.index(length)] = *byte,
        Damage::Byte(..) => {}
        Damage::Line(line, to) => {
            let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            if !lines.is_empty() {
                let line = line.index(lines.len());
                match to {
                    Some(to) => lines.insert(to.index(lines.len()), lines[line]),
                    None => drop(lines.remove(line)),
                }
            }
            bytes = lines.concat();
        }
    }
    bytes.truncate(MAX_BYTES);
    bytes
}
