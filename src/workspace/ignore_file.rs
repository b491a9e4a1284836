//! The rules in a `.gitignore`, which anybody may have written.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// More than any real `.gitignore` has. Each rule becomes a part of one regular expression.
const MAX_RULES: usize = 10_000;
/// Bytes of a rule that are no path's any more.
const MAX_RULE: usize = 4096;

/// Nobody should go by these rules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit;

/// The rules of `folder`.
pub(super) fn parse(folder: &Path, text: &[u8]) -> Result<Gitignore, Unfit> {
    let mut builder = GitignoreBuilder::new(folder);
    let text = String::from_utf8_lossy(text);
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(&text).lines().enumerate() {
        if index >= MAX_RULES || line.len() > MAX_RULE {
            return Err(Unfit);
        }
        // A rule that can't be read is one that git doesn't follow either.
        drop(builder.add_line(None, line));
    }
    // Together they are too large for a regular expression.
    builder.build().map_err(|_| Unfit)
}
