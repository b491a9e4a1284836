//! Searches one file for a pattern, with ripgrep's crates.

use std::fs::File;
use std::io::{self, Read};

use grep_regex::RegexMatcher;
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkContextKind, SinkFinish, SinkMatch,
};

use super::encoding;

/// Larger files are searched without being read into memory.
const WHOLE: u64 = 8 << 20;

/// A line of a search result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Line number, from 1.
    pub number: u64,
    pub text: String,
    /// False for a context line.
    pub matched: bool,
}

/// Number of matching lines; 0 for binary files.
///
/// # Errors
/// If the file can't be read.
pub(super) fn count(file: &File, matcher: &RegexMatcher) -> io::Result<u64> {
    let mut sink = Collect { keep: 0, ..Collect::default() };
    search(file, matcher, &mut searcher(0), &mut sink)?;
    Ok(if sink.binary { 0 } else { sink.matches })
}

/// The first `keep` matching lines, each with `context` lines around it.
///
/// # Errors
/// If the file can't be read.
pub(super) fn collect(file: &File, matcher: &RegexMatcher, context: usize, keep: u64) -> io::Result<Vec<Hit>> {
    let mut sink = Collect { keep, ..Collect::default() };
    search(file, matcher, &mut searcher(context), &mut sink)?;
    Ok(sink.hits)
}

/// Decodes text that isn't UTF-8; files too large for that are searched as bytes.
fn search(file: &File, matcher: &RegexMatcher, searcher: &mut Searcher, sink: &mut Collect) -> io::Result<()> {
    if file.metadata()?.len() > WHOLE {
        return searcher.search_file(matcher, file, sink);
    }
    let mut bytes = Vec::new();
    file.take(WHOLE).read_to_end(&mut bytes)?;
    match encoding::read(&bytes, None) {
        Ok(decoded) => searcher.search_slice(matcher, decoded.text.as_bytes(), sink),
        Err(_) => searcher.search_slice(matcher, &bytes, sink),
    }
}

fn searcher(context: usize) -> Searcher {
    SearcherBuilder::new()
        .line_number(true)
        .before_context(context)
        .after_context(context)
        .binary_detection(BinaryDetection::quit(0))
        .build()
}

#[derive(Default)]
struct Collect {
    keep: u64,
    matches: u64,
    hits: Vec<Hit>,
    binary: bool,
}

impl Collect {
    fn push(&mut self, number: Option<u64>, bytes: &[u8], matched: bool) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\r', '\n']).to_owned();
        self.hits.push(Hit { number: number.unwrap_or_default(), text, matched });
    }
}

impl Sink for Collect {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        self.matches += 1;
        if self.keep == 0 {
            return Ok(true);
        }
        if self.matches > self.keep {
            return Ok(false);
        }
        self.push(found.line_number(), found.bytes(), true);
        Ok(true)
    }

    fn context(&mut self, _: &Searcher, line: &SinkContext<'_>) -> io::Result<bool> {
        if *line.kind() != SinkContextKind::Other {
            self.push(line.line_number(), line.bytes(), false);
        }
        Ok(true)
    }

    fn finish(&mut self, _: &Searcher, finish: &SinkFinish) -> io::Result<()> {
        self.binary |= finish.binary_byte_offset().is_some();
        Ok(())
    }
}
