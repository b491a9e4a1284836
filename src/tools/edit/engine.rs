//! From a request to an [`Edit`], or to the reason why not.

use std::ops::Range;

use super::find::{self, Passage, Tier};
use super::splice::{self, EditRequest};
use super::{EditError, MAX_BYTES, nearest};
use crate::tools::text::{BOM, decode, lines};

/// One range of a file and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Bytes of the file that are replaced.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub replacement: String,
    /// How the passage was found.
    pub tier: Tier,
}

impl Edit {
    /// The file after the edit; `input` must be the bytes that the edit was planned for.
    #[must_use]
    pub fn apply(&self, input: &[u8]) -> Vec<u8> {
        [&input[..self.range.start], self.replacement.as_bytes(), &input[self.range.end..]].concat()
    }
}

/// Plans to replace the one passage `old_text` of `input` by `new_text`.
///
/// # Errors
/// Says why there is no such edit; the message is meant for the model and names the next step.
pub fn plan(input: &[u8], old_text: &str, new_text: &str) -> Result<Edit, EditError> {
    if input.len() > MAX_BYTES {
        return Err(EditError::TooLarge { size: input.len() });
    }
    let file = decode(input).map_err(EditError::NotText)?;
    // The mark is no part of the first line, for whoever reads or replaces it.
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
    // A file has its mark or has none; an edit of its first line gives it none.
    if passage.range.start == 0 && !request.content.starts_with(BOM) {
        replacement = replacement.trim_start_matches(BOM).to_owned();
    }
    if replacement == request.content[passage.range.clone()] {
        return Err(EditError::NoChange);
    }
    Ok(Edit { range: passage.range.start + mark..passage.range.end + mark, replacement, tier })
}

/// Text of the model in the form that files are compared in: lines end with `\n`, and the mark that a file keeps for
/// itself is left out.
fn normal(text: &str, marked: bool) -> String {
    let text = if marked { text.strip_prefix(BOM).unwrap_or(text) } else { text };
    text.replace("\r\n", "\n")
}
