//! Reads a patch in git's format as hostile text.
//!
//! Stricter than `git apply`: every patch that is read here means the same to git, and a patch that could be read in
//! two ways isn't read at all. So names have to agree wherever a section gives them, each header line occurs once, and
//! the counts of hunks are exact. Properties are held against `git apply` in tests.

mod binary;
mod header;
mod hunk;
mod lines;
mod quoted;
#[cfg(test)]
mod tests;
mod unreadable;

pub(crate) use header::FileKind;

use header::Header;
use lines::PatchLines;
pub(super) use unreadable::UnreadablePatch;

/// One file's section of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PatchSection {
    /// What happens to the file.
    pub change: SectionChange,
    /// Path before, without prefix; of a new file its own path.
    pub old: String,
    /// Path after, without prefix; of a deleted file its old path.
    pub new: String,
    /// What the file was, if the patch says so.
    pub old_kind: Option<FileKind>,
    /// What the file becomes, if the patch says so.
    pub new_kind: Option<FileKind>,
    /// True when the contents are in git's binary form.
    pub is_binary: bool,
    /// True when the patch changes the contents.
    pub has_content: bool,
    /// The added lines, each with its number in the new file, counted from 1, without its line end.
    pub added: Vec<AddedLine>,
    /// True when the last added line has no line end.
    pub is_unterminated: bool,
    /// Number of removed lines.
    pub removed: usize,
    /// Number of the section's first line in the patch, counted from 1.
    pub at: usize,
}

/// What a section does to its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionChange {
    Added,
    Deleted,
    Modified,
    Renamed,
    Copied,
}

/// An added line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddedLine {
    pub number: u64,
    pub text: Vec<u8>,
}

/// The sections of `patch`, in its order.
pub(super) fn parse(patch: &[u8]) -> Result<Vec<PatchSection>, UnreadablePatch> {
    let mut lines = PatchLines::of(patch);
    let mut sections = Vec::new();
    loop {
        skip_prose(&mut lines, sections.is_empty())?;
        if lines.peek().is_none() {
            return Ok(sections);
        }
        let header = Header::parse(&mut lines)?;
        let mut section = header.section;
        if header.has_names {
            hunk::parse_all(&mut lines, &mut section)?;
        } else if lines.peek() == Some(binary::START) {
            binary::parse(&mut lines)?;
            section.is_binary = true;
            section.has_content = true;
        }
        section.check(&lines)?;
        sections.push(section);
    }
}

/// Skips what is no part of the patch: a mail's header, its message and its signature. Lines that look as if they were
/// part of a patch are refused, because other programs would read them.
fn skip_prose(lines: &mut PatchLines<'_>, is_at_start: bool) -> Result<(), UnreadablePatch> {
    if let (false, Some(line)) = (is_at_start, lines.peek())
        && !(line.is_empty() || line == b"-- " || line.starts_with(b"From ") || line.starts_with(header::START))
    {
        return Err(lines.refuse("this line belongs to no section of the patch; do the counts of its hunk hold?"));
    }
    while let Some(line) = lines.peek() {
        if line.starts_with(header::START) {
            return Ok(());
        }
        let starts = |word: &[u8]| line.trim_ascii_start().starts_with(word);
        if starts(b"@@ -") || starts(b"@@@") {
            return Err(lines.refuse("a hunk without a header `diff --git`"));
        }
        if starts(b"diff ") || starts(b"+++ ") || starts(b"GIT binary patch") || starts(b"Index: ") {
            return Err(lines.refuse("the beginning of a patch that isn't in git's format (`git diff` writes it)"));
        }
        lines.skip();
    }
    Ok(())
}

impl PatchSection {
    /// Refuses a section that changes nothing, or whose parts don't fit together.
    fn check(&self, lines: &PatchLines<'_>) -> Result<(), UnreadablePatch> {
        let refuse = |problem: &str| Err(UnreadablePatch { line: self.at, problem: problem.to_owned() });
        if !self.has_content && !self.changes_metadata() {
            return Err(lines.refuse("its section changes nothing, or not in a form that `git apply` takes"));
        }
        match self.change {
            SectionChange::Added if self.removed > 0 => refuse("a new file can't lose lines"),
            SectionChange::Deleted if !self.added.is_empty() => refuse("a deleted file can't get lines"),
            _ => Ok(()),
        }
    }

    fn changes_metadata(&self) -> bool {
        self.change != SectionChange::Modified || self.old_kind != self.new_kind
    }
}
