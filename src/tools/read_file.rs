//! `read_file`: a window of numbered lines.

use std::ops::Range;

use serde::Deserialize;

use super::encoding::{Decoded, Encoding};
use super::place::ToolPath;
use super::text::{TextLine, counted, lines, number_line, oddities};
use super::tool::{Tool, ToolError, tell};
use super::{Access, Observation, ToolContext, arguments};
use crate::journal::Digest;
use crate::settings::Redactor;

/// Largest file in bytes; larger ones are refused with their size.
const FILE_CAP: u64 = 8 << 20;
/// Largest log in bytes; logs of test runs are longer than sources.
const LOG_CAP: u64 = 64 << 20;
/// Default number of lines.
const LINES: i64 = 400;
/// Most bytes of a window, about 8,000 tokens, so that one call can't fill the context.
const WINDOW: usize = 32 << 10;

pub(super) struct ReadFile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadFileArguments {
    path: String,
    start_line: Option<i64>,
    line_count: Option<i64>,
}

impl Tool for ReadFile {
    fn name(&self) -> &'static str {
        "read_file"
    }

    fn access(&self) -> Access {
        Access::Read
    }

    fn run(&self, room: &ToolContext, arguments: &str) -> Result<Observation, ToolError> {
        let wanted: ReadFileArguments = arguments::parse(self.name(), arguments)?;
        let place = ToolPath::parse(room, &wanted.path)?;
        match &place {
            ToolPath::View(_) => {
                let bytes = room.read(&place, FILE_CAP)?;
                match room.decode(&place.to_string(), &bytes) {
                    Ok(decoded) => show(room, &place, &decoded, Digest::of(&bytes), &wanted),
                    Err(error) => tell(format!("{place} can't be shown: {error}.")),
                }
            }
            // A log is never edited, so nothing is lost if a stray byte is shown as U+FFFD.
            ToolPath::Log(_) => {
                let bytes = room.read(&place, LOG_CAP)?;
                let lossy = Decoded { text: String::from_utf8_lossy(&bytes), encoding: Encoding::Utf8 };
                show(room, &place, &lossy, Digest::of(&bytes), &wanted)
            }
        }
    }
}

fn show(
    room: &ToolContext,
    place: &ToolPath,
    decoded: &Decoded<'_>,
    digest: Digest,
    wanted: &ReadFileArguments,
) -> Result<Observation, ToolError> {
    let text = &*decoded.text;
    // Redacts the whole file: a part of it may not look like a secret any more.
    let clean = Redactor::shapes().text(text);
    let (name, all) = (place.to_string(), lines(&clean));
    let asked = window(&name, wanted, all.len())?;
    let page = NumberedLines::of(&all, asked.clone());
    let (first, last, total) = (page.lines.start + 1, page.lines.end, all.len());
    let summary = if total == 0 { format!("{name} (empty)") } else { format!("{name} {first}-{last}") };
    if room.tracker().show(&name, digest, page.lines.clone(), page.whole.then_some(total)) {
        let text = format!("{name} is unchanged: lines {first}-{last} of {total} are as you have read them above.");
        return Ok(Observation::of(text, format!("{summary} unchanged")));
    }
    // Enough to see whether two answers show the same version; no tool takes it.
    let mut facts = format!("sha256 {:.8}", digest.short());
    if let Some(encoding) = decoded.encoding.name() {
        facts = format!("{facts}; {encoding}, which edits keep");
    }
    for odd in oddities(text, &all) {
        facts = facts + "; " + &odd;
    }
    if clean != text {
        facts.push_str("; secrets stand as [redacted:KIND], which no edit can contain");
    }
    let head = match total {
        0 => format!("{name} is empty ({facts})\n"),
        _ => format!("{name} lines {first}-{last} of {total} ({facts})\n"),
    };
    let tail = if asked.end > last {
        format!("(stopped at {} KiB; go on with start_line {})\n", WINDOW >> 10, last + 1)
    } else {
        String::new()
    };
    Ok(Observation::of(head + &page.body + &tail, summary))
}

/// The requested lines, counted from 0, cut to those that exist.
fn window(name: &str, wanted: &ReadFileArguments, total: usize) -> Result<Range<usize>, ToolError> {
    let count = wanted.line_count.unwrap_or(LINES);
    let start = match wanted.start_line {
        None | Some(0) => 0,
        Some(back) if back < 0 => total.saturating_sub(back.unsigned_abs() as usize),
        Some(line) => line as usize - 1,
    };
    if count < 1 {
        return tell(format!("line_count is {count}; ask for at least 1 line, or leave it out for {LINES}."));
    }
    if start >= total && start > 0 {
        return tell(format!("{name} has {}; start_line is {}.", counted(total, "line"), start + 1));
    }
    Ok(start..total.min(start.saturating_add(count as usize)))
}

struct NumberedLines {
    body: String,
    /// The lines that fit into the window, counted from 0; at least one.
    lines: Range<usize>,
    /// Whether no line is cut.
    whole: bool,
}

impl NumberedLines {
    fn of(all: &[TextLine<'_>], asked: Range<usize>) -> Self {
        let mut page = Self { body: String::new(), lines: asked.start..asked.start, whole: true };
        for index in asked {
            let before = page.body.len();
            let whole = number_line(&mut page.body, index + 1, all[index].text);
            if page.body.len() > WINDOW && before > 0 {
                page.body.truncate(before);
                break;
            }
            page.whole &= whole;
            page.lines.end = index + 1;
        }
        page
    }
}
