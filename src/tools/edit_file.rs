//! `edit_file`: one passage replaced, every other byte untouched.

use std::fmt::Write;

use serde::Deserialize;
use similar::{ChangeTag, TextDiff};

use super::edit::{self, Edit};
use super::place::Place;
use super::text::{lines, number_line};
use super::tool::{Tool, ToolError, tell};
use super::{Access, Observation, Workroom, arguments};
use crate::journal::{Digest, RelPath};

/// Lines shown around the landed ones.
const AROUND: usize = 2;
/// Landed lines that are shown; of more, the first and the last half.
const SHOWN: usize = 40;

/// See the module.
pub(super) struct EditFile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
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

    fn run(&self, room: &Workroom, arguments: &str) -> Result<Observation, ToolError> {
        let Arguments { path, old_text, new_text } = arguments::parse(self.name(), arguments)?;
        let path = Place::writable(room, &path)?;
        let Some(file) = room.existing(&path, edit::MAX_BYTES as u64)? else {
            return Err(room.missing(&path));
        };
        let edit = match edit::plan(&file.bytes, &old_text, &new_text) {
            Ok(edit) => edit,
            Err(error) => return tell(format!("{path} is unchanged: {error}")),
        };
        let after = edit.apply(&file.bytes);
        room.store(&path, &after, Some(&file))?;
        room.ledger().changed(path.as_str(), Some(Digest::of(&file.bytes)), Digest::of(&after));
        Ok(landed(path, &file.bytes, &after, &edit))
    }
}

/// What is told of an edit that was made, from the bytes before and after it.
fn landed(path: RelPath, before: &[u8], after: &[u8], edit: &Edit) -> Observation {
    // Both were checked to be UTF-8 by the engine; nothing is lost here.
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let end = edit.range.start + edit.replacement.len();
    let old = touched_lines(&before, edit.range.start, edit.range.end);
    let new = touched_lines(&after, edit.range.start, end);
    let all = lines(&after);
    let diff = TextDiff::from_lines(text_of(&before, &old), text_of(&after, &new));
    let changes: Vec<_> = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal).collect();
    let count = |tag| changes.iter().filter(|change| change.tag() == tag).count();
    let (removed, added) = (count(ChangeTag::Delete), count(ChangeTag::Insert));
    let first = changes.iter().find_map(similar::Change::new_index).map_or(new.start, |index| new.start + index);

    let mut text = format!("{path}: −{removed} +{added}, now {} lines", all.len());
    if let Some(remark) = edit.tier.remark() {
        let _ = write!(text, "; {remark}");
    }
    text.push_str(". As it stands:\n");
    let from = new.start.saturating_sub(AROUND);
    let to = (new.end + AROUND).min(all.len());
    for (index, line) in all.iter().enumerate().take(to).skip(from) {
        if to - from > SHOWN && index == from + SHOWN / 2 {
            let _ = writeln!(text, "… ({} lines)", to - from - SHOWN);
        }
        if to - from <= SHOWN || index < from + SHOWN / 2 || index >= to - SHOWN / 2 {
            number_line(&mut text, index + 1, line.text);
        }
    }
    let summary = format!("{path}:{}  −{removed} +{added}", first + 1);
    Observation { touched: vec![path], ..Observation::of(text, summary) }
}

/// The lines, from 0, that the bytes `start..end` lie in; a range that ends with a line leaves the next one alone.
fn touched_lines(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let all = lines(text);
    let first = all.partition_point(|line| line.end() <= start).min(all.len());
    let last = all.partition_point(|line| line.start < end).max(first);
    first..last
}

/// The text of those lines.
fn text_of<'a>(text: &'a str, range: &std::ops::Range<usize>) -> &'a str {
    let all = lines(text);
    let start = all.get(range.start).map_or(text.len(), |line| line.start);
    let end = all.get(range.end).map_or(text.len(), |line| line.start);
    &text[start..end]
}
