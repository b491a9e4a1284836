//! `edit_file`: one passage replaced, every other byte untouched.

use std::ops::Range;

use serde::Deserialize;
use similar::{DiffTag, TextDiff};

use super::edit::{self, Edit};
use super::encoding::{Decoded, Encoding};
use super::place::ToolPath;
use super::plain_words::quoted;
use super::text::{TextLine, around, counted, lines, number_line};
use super::tool::{Tool, ToolError, tell};
use super::{Access, Observation, ToolContext, arguments};
use crate::journal::{Digest, RelPath};
use crate::settings::{Redactor, holds_marker};

/// Lines shown around the landed ones.
const AROUND: usize = 2;
/// Changed lines shown; of more, the first and the last half.
const SHOWN: usize = 40;
/// Bytes shown of a line; of a longer one, the part around the change.
const LINE: usize = 500;

pub(super) struct EditFile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EditFileArguments {
    path: String,
    old_text: String,
    new_text: String,
}

impl Tool for EditFile {
    fn name(&self) -> &'static str {
        "edit_file"
    }

    fn access(&self) -> Access {
        Access::Write
    }

    fn run(&self, room: &ToolContext, arguments: &str) -> Result<Observation, ToolError> {
        let EditFileArguments { path, old_text, new_text } = arguments::parse(self.name(), arguments)?;
        let path = ToolPath::writable(room, &path)?;
        let Some(file) = room.existing(&path, edit::MAX_BYTES as u64)? else {
            return Err(room.missing(&path));
        };
        let decoded = match room.decode(path.as_str(), &file.bytes) {
            Ok(decoded) => decoded,
            Err(error) => return tell(format!("{path} is unchanged: {error}.")),
        };
        let before = decoded.text.as_bytes();
        refuse_markers(&path, before, &[&old_text, &new_text])?;
        let edit = match edit::plan(before, &old_text, &new_text) {
            Ok(edit) => edit,
            Err(error) => return tell(format!("{path} is unchanged: {error}")),
        };
        let after = written(&path, &decoded, &edit)?;
        room.store(&path, &after, Some(&file))?;
        room.tracker().changed(path.as_str(), Some(Digest::of(&file.bytes)), Digest::of(&after));
        Ok(landed(path, before, &edit.apply(before), &edit))
    }
}

/// The file's bytes after the edit; bytes outside the edited range are copied.
fn written(path: &RelPath, decoded: &Decoded<'_>, edit: &Edit) -> Result<Vec<u8>, ToolError> {
    let (text, Range { start, end }) = (&*decoded.text, edit.range.clone());
    let parts = [&text[..start], &edit.replacement, &text[end..]].map(|part| decoded.encoding.encode(part));
    let parts: Result<Vec<_>, char> = parts.into_iter().collect();
    parts.map(|parts| parts.concat()).or_else(|char| tell(unwritable(path, decoded.encoding, char)))
}

/// The answer if the file's encoding lacks a character.
pub(super) fn unwritable(path: &RelPath, encoding: Encoding, char: char) -> String {
    format!(
        "{path} is unchanged: it is {} text, which has no character {}; write it without.",
        encoding.name().unwrap_or("UTF-8"),
        quoted(&char.to_string())
    )
}

/// Refuses texts that hold redaction markers. A marker stands for what the model hasn't seen: a passage with one can't
/// be found, and writing one would destroy a secret.
///
/// # Errors
/// [`ToolError::Tell`], unless the file itself holds markers.
pub(super) fn refuse_markers(path: &RelPath, before: &[u8], texts: &[&str]) -> Result<(), ToolError> {
    let ours = |text: &&str| holds_marker(text) && !holds_marker(&String::from_utf8_lossy(before));
    if !texts.iter().any(ours) {
        return Ok(());
    }
    tell(format!(
        "{path} is unchanged: [redacted:…] stands where kcode hides a secret from you; the file holds something else \
         there. Choose passages without it, and leave the lines that hold secrets as they are."
    ))
}

/// The answer after an edit, from the bytes before and after it.
fn landed(path: RelPath, before: &[u8], after: &[u8], edit: &Edit) -> Observation {
    // The engine has checked that both are UTF-8, so nothing is lost.
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let diff = TextDiff::from_lines(before.as_ref(), after.as_ref());
    let changes: Vec<_> = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal).collect();
    let removed: usize = changes.iter().map(|op| op.old_range().len()).sum();
    let added: usize = changes.iter().map(|op| op.new_range().len()).sum();
    let first = changes.first().map_or(0, |op| op.new_range().start);
    let end = changes.last().map_or(0, |op| op.new_range().end);
    let clean = Redactor::shapes().text(&after);
    let all = lines(&clean);

    let mut text = format!("{path}: −{removed} +{added}, now {}", counted(all.len(), "line"));
    if let Some(remark) = edit.tier.remark() {
        text = text + "; " + remark;
    }
    text.push_str(". As it stands:\n");
    let fresh = edit.range.start..edit.range.start + edit.replacement.len();
    show(&mut text, &all, &fresh, first.saturating_sub(AROUND)..(end + AROUND).min(all.len()));
    let summary = format!("{path}:{}  −{removed} +{added}", first + 1);
    Observation { touched: vec![path], ..Observation::of(text, summary) }
}

/// Appends numbered lines, or the first and the last of many. `fresh` is the range of new bytes.
fn show(text: &mut String, all: &[TextLine<'_>], fresh: &Range<usize>, range: Range<usize>) {
    let hidden = if range.len() > SHOWN { range.start + SHOWN / 2..range.end - SHOWN / 2 } else { 0..0 };
    for index in range {
        if hidden.contains(&index) {
            if index == hidden.start {
                text.push_str("…\n");
            }
        } else {
            number_line(text, index + 1, &shown_line(&all[index], fresh));
        }
    }
}

fn shown_line(line: &TextLine<'_>, fresh: &Range<usize>) -> String {
    if line.text.len() <= LINE {
        return line.text.to_owned();
    }
    let within = |at: usize| at.clamp(line.start, line.text_end()) - line.start;
    around(line.text, within(fresh.start)..within(fresh.end), LINE)
}
