//! Turns a request into an [`Edit`], or into the reason why it can't be made.

use std::ops::Range;

use super::find::{self, Passage, Tier};
use super::splice::{self, EditRequest};
use super::{EditError, MAX_BYTES, nearest};
use crate::tools::text::{BOM, decode, lines};

/// One range of a file and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Byte range of the file that is replaced.
    pub range: Range<usize>,
    /// The new text of that range.
    pub replacement: String,
    /// The tier that found the passage.
    pub tier: Tier,
}

impl Edit {
    /// The file's bytes after the edit; `input` must be the bytes that the edit was planned for.
    #[must_use]
    pub fn apply(&self, input: &[u8]) -> Vec<u8> {
        [&input[..self.range.start], self.replacement.as_bytes(), &input[self.range.end..]].concat()
    }
}

/// Plans to replace the only occurrence of `old_text` in `input` by `new_text`.
///
/// # Errors
/// Why there is no such edit, written for the model with the next step.
pub fn plan(input: &[u8], old_text: &str, new_text: &str) -> Result<Edit, EditError> {
    if input.len() > MAX_BYTES {
        return Err(EditError::TooLarge { size: input.len() });
    }
    let file = decode(input).map_err(EditError::NotText)?;
    // The byte order mark isn't part of the first line.
    let mark = if file.starts_with(BOM) { BOM.len() } else { 0 };
    let (old, new) = (normal(old_text, mark > 0), normal(new_text, mark > 0));
    if old.is_empty() {
        return Err(EditError::EmptyOldText);
    }
    if old == new {
        return Err(EditError::NoChange);
    }
    let content = &file[mark..];
    let file_lines = lines(content);
    let (tier, passages) = find::passages(content, &file_lines, &old, &new);
    let [passage] = passages.as_slice() else {
        return Err(match passages.first() {
            None => nearest::explain(&file_lines, content, &old, &new),
            Some(_) => EditError::ambiguous(&file_lines, &passages, tier),
        });
    };
    let request = EditRequest { content, lines: &file_lines, old: &old, new: &new };
    finish(&request, passage, tier, mark)
}

fn finish(request: &EditRequest<'_>, passage: &Passage, tier: Tier, mark: usize) -> Result<Edit, EditError> {
    let mut replacement = splice::replacement(request, passage, tier);
    // An edit of the first line doesn't add a byte order mark.
    if passage.range.start == 0 && !request.content.starts_with(BOM) {
        replacement = replacement.trim_start_matches(BOM).to_owned();
    }
    if replacement == request.content[passage.range.clone()] {
        return Err(EditError::NoChange);
    }
    Ok(Edit { range: passage.range.start + mark..passage.range.end + mark, replacement, tier })
}

/// The model's text in the form that is compared: lines end with `\n`, and the file's byte order mark is left out.
fn normal(text: &str, marked: bool) -> String {
    let text = if marked { text.strip_prefix(BOM).unwrap_or(text) } else { text };
    text.replace("\r\n", "\n")
}
