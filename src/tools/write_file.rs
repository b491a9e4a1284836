//! `write_file`: creates a file, or replaces one that the model has read completely.

use serde::Deserialize;

use super::edit_file::{refuse_markers, unwritable};
use super::encoding::Encoding;
use super::files::Existing;
use super::place::ToolPath;
use super::read_tracker::ReadStanding;
use super::text::{BOM, Endings, counted, lines, too_long};
use super::tool::{Tool, ToolError, tell};
use super::{Access, Observation, ToolContext, arguments, edit};
use crate::journal::{Digest, RelPath};

pub(super) struct WriteFile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteFileArguments {
    path: String,
    content: String,
}

impl Tool for WriteFile {
    fn name(&self) -> &'static str {
        "write_file"
    }

    fn access(&self) -> Access {
        Access::Write
    }

    fn run(&self, room: &ToolContext, arguments: &str) -> Result<Observation, ToolError> {
        let WriteFileArguments { path, content } = arguments::parse(self.name(), arguments)?;
        let path = ToolPath::writable(room, &path)?;
        let before = room.existing(&path, edit::MAX_BYTES as u64)?;
        let mut encoding = Encoding::Utf8;
        let (content, kept) = match &before {
            None => (content, Vec::new()),
            Some(before) => {
                let old = room.decode(path.as_str(), &before.bytes).ok();
                encoding = old.as_ref().map_or(encoding, |old| old.encoding);
                refuse_markers(&path, old.as_ref().map_or(&before.bytes, |old| old.text.as_bytes()), &[&content])?;
                in_the_manner_of(before, content, room, &path)?
            }
        };
        let bytes = encoding.encode(&content).or_else(|char| tell(unwritable(&path, encoding, char)))?;
        if before.as_ref().is_some_and(|before| before.bytes == *bytes) {
            let text = format!("{path} has exactly this content already; nothing was written.");
            return Ok(Observation::of(text, format!("{path} unchanged")));
        }
        room.store(&path, &bytes, before.as_ref())?;
        room.tracker().changed(path.as_str(), None, Digest::of(&bytes));
        Ok(landed(path, &content, before.is_some(), &kept))
    }
}

/// The content with the line endings and byte order mark of the file that it replaces, and what was kept of them.
fn in_the_manner_of(
    before: &Existing,
    content: String,
    room: &ToolContext,
    path: &RelPath,
) -> Result<(String, Vec<String>), ToolError> {
    // An empty file has nothing to lose.
    if before.bytes.is_empty() {
        return Ok((content, Vec::new()));
    }
    let why = match room.tracker().standing(path.as_str(), Digest::of(&before.bytes)) {
        ReadStanding::Known => None,
        ReadStanding::Unread => Some("you have not read it"),
        ReadStanding::Partly => Some("you have read only a part of it"),
        ReadStanding::Stale => Some("it has changed since you read it"),
    };
    if let Some(why) = why {
        // A file that can't be decoded can't be read first.
        if let Err(error) = room.decode(path.as_str(), &before.bytes) {
            return tell(format!("{path} exists and was not overwritten: {error}. Write to another path."));
        }
        // Reading all of it wouldn't help.
        if let Ok(Some(line)) = room.decode(path.as_str(), &before.bytes).map(|old| too_long(&lines(&old.text))) {
            return tell(format!(
                "{path} exists ({} bytes) and was not overwritten: line {line} is too long to be read whole. Change a \
                 part with edit_file.",
                before.bytes.len()
            ));
        }
        return tell(format!(
            "{path} exists ({} bytes) and was not overwritten: {why}. Read all of it first, or change a part with \
             edit_file.",
            before.bytes.len()
        ));
    }
    let Ok(old) = room.decode(path.as_str(), &before.bytes) else { return Ok((content, Vec::new())) };
    let (mut content, mut kept) = (content, Vec::new());
    kept.extend(old.encoding.name().map(|name| format!("{name} kept")));
    if Endings::of(&lines(&old.text)).all_crlf() && !content.contains('\r') {
        content = content.replace('\n', "\r\n");
        kept.push("CRLF line ends kept".to_owned());
    }
    if old.text.starts_with(BOM) && !content.starts_with(BOM) {
        content.insert_str(0, BOM);
        kept.push("byte order mark kept".to_owned());
    }
    Ok((content, kept))
}

fn landed(path: RelPath, content: &str, replaced: bool, kept: &[String]) -> Observation {
    let all = lines(content);
    let mut text = format!(
        "{path} {} with {}, {}",
        if replaced { "replaced" } else { "made" },
        counted(all.len(), "line"),
        counted(content.len(), "byte")
    );
    if all.last().is_some_and(|line| line.ending.is_empty()) {
        text.push_str("; it has no newline at the end");
    }
    for kept in kept {
        text = text + "; " + kept;
    }
    let what = if replaced { "replaced, " } else { "new, " };
    let summary = format!("{path}  {what}{}", counted(all.len(), "line"));
    Observation { touched: vec![path], ..Observation::of(text + ".", summary) }
}
