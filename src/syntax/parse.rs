//! A parse and its limits.

use std::cell::Cell;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser};

use super::grammar::Grammar;
use super::source::Source;
use super::walk::walk;
use crate::settings::count;

/// Bytes; a larger text isn't parsed.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// Limits of progress reports: a base, and one more for each so many bytes. The parser reports every hundred steps;
/// unlike seconds, steps are the same on every machine.
const REPORTS: usize = 2_000;
const BYTES_A_REPORT: usize = 8;
/// The parser reads the text in pieces, and the number of reads is limited: it may scan the same text over and over. A
/// comment that is opened a thousand times and never closed would be scanned to the end a thousand times. Long comments
/// are legitimately read often, too: Python's grammar looks past them at each line for the next indentation.
const PIECE: usize = 4 * 1024;
const PIECES: usize = 32 * 1024;
const READINGS: usize = 32;
/// A tree is rejected if more than one byte in this many lies in errors.
const TOLERATED: usize = 4;

/// Why a text was not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnparsedReason {
    /// It has more than two mebibytes.
    TooLarge,
    /// Parsing it took more steps than code of its size needs.
    TooHard,
    /// It isn't of this language, or its syntax is broken.
    MostlyErrors,
}

/// Parses `text`, whose lines end in `\n`.
///
/// # Errors
/// If the text is too large, takes too many steps, or is mostly errors.
pub(crate) fn parse(text: &str, grammar: Grammar) -> Result<Source, UnparsedReason> {
    if text.len() > MAX_BYTES {
        return Err(UnparsedReason::TooLarge);
    }
    let (mut source, mut wrong) = read(text, grammar)?;
    // JavaScript files may hold type annotations, which only the TypeScript grammars read.
    let with_types = (grammar == Grammar::JavaScript && wrong > 0).then(|| read(text, Grammar::Tsx));
    if let Some(Ok(other)) = with_types.filter(|other| other.as_ref().is_ok_and(|(_, less)| *less < wrong)) {
        (source, wrong) = other;
    }
    if wrong * TOLERATED > text.len() { Err(UnparsedReason::MostlyErrors) } else { Ok(source) }
}

/// Parses `text` once; returns what was found and the number of bytes in errors.
fn read(text: &str, grammar: Grammar) -> Result<(Source, usize), UnparsedReason> {
    count("a parse");
    let mut parser = Parser::new();
    parser.set_language(&grammar.language()).map_err(|_| UnparsedReason::TooHard)?;
    let (reports, readings) = (REPORTS + text.len() / BYTES_A_REPORT, PIECES + READINGS * text.len() / PIECE);
    let (reported, pieces) = (Cell::new(0), Cell::new(0));
    let mut progress = |_: &ParseState| {
        reported.set(reported.get() + 1);
        let is_hard = reported.get() > reports || pieces.get() > readings;
        if is_hard { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut read = |at: usize, _| {
        pieces.set(pieces.get() + 1);
        let end = if pieces.get() > readings { at } else { text.len().min(at + PIECE) };
        text.as_bytes().get(at..end).unwrap_or_default()
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut read, None, Some(options)).ok_or(UnparsedReason::TooHard)?;
    if pieces.get() > readings {
        return Err(UnparsedReason::TooHard);
    }
    walk(text, &tree, grammar).ok_or(UnparsedReason::TooHard)
}
