//! Hunks of text, whose counts have to hold.

use super::lines::PatchLines;
use super::unreadable::UnreadablePatch;
use super::{AddedLine, PatchSection};

const START: &[u8] = b"@@ -";

/// Reads all hunks of a section. There is at least one, since the section has `---` and `+++`.
pub(super) fn parse_all(lines: &mut PatchLines<'_>, section: &mut PatchSection) -> Result<(), UnreadablePatch> {
    if !lines.peek().is_some_and(|line| line.starts_with(START)) {
        return Err(lines.refuse("`---` and `+++` without a hunk"));
    }
    let mut before = 0;
    while lines.peek().is_some_and(|line| line.starts_with(START)) {
        let counts = Counts::of(lines.peek().unwrap_or_default()).ok_or_else(|| lines.refuse("no header of a hunk"))?;
        if counts.old_start < before {
            return Err(lines.refuse("hunks that overlap or aren't in order"));
        }
        before = counts.old_start.saturating_add(counts.old);
        lines.take()?;
        parse(lines, counts, section)?;
    }
    section.has_content = true;
    Ok(())
}

/// What a hunk's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    old_start: u64,
    old: u64,
    new_start: u64,
    new: u64,
}

impl Counts {
    /// `@@ -1,2 +3,4 @@`, a count of 1 may be left out; a function's name may follow.
    fn of(line: &[u8]) -> Option<Self> {
        let (old_start, old, rest) = range(line.strip_prefix(START)?)?;
        let (new_start, new, rest) = range(rest.strip_prefix(b" +")?)?;
        let rest = rest.strip_prefix(b" @@")?;
        (rest.is_empty() || rest.starts_with(b" ")).then_some(Self { old_start, old, new_start, new })
    }
}

fn range(text: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (start, rest) = number(text)?;
    match rest.strip_prefix(b",") {
        Some(rest) => number(rest).map(|(count, rest)| (start, count, rest)),
        None => Some((start, 1, rest)),
    }
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    // Ten digits are more lines than any file has, and can't overflow.
    let digits = (1..=10).contains(&end).then(|| std::str::from_utf8(&text[..end]).ok())??;
    Some((digits.parse().ok()?, &text[end..]))
}

fn parse(lines: &mut PatchLines<'_>, counts: Counts, section: &mut PatchSection) -> Result<(), UnreadablePatch> {
    let (mut old, mut new, mut number) = (counts.old, counts.new, counts.new_start);
    let mut changed = 0_u64;
    while old > 0 || new > 0 {
        let wrong_count = lines.refuse("the hunk isn't as long as its header says");
        let line = lines.take()?;
        let (takes_old, takes_new) = match line.first() {
            None | Some(b' ') => (1, 1),
            Some(b'-') => (1, 0),
            Some(b'+') => (0, 1),
            Some(b'\\') if is_no_newline(line) => {
                section.is_unterminated = true;
                continue;
            }
            _ => return Err(wrong_count),
        };
        let (Some(old_left), Some(new_left)) = (old.checked_sub(takes_old), new.checked_sub(takes_new)) else {
            return Err(wrong_count);
        };
        (old, new) = (old_left, new_left);
        if takes_old == 0 {
            section.added.push(AddedLine { number, text: line[1..].to_vec() });
        }
        if takes_new == 0 {
            section.removed += 1;
        }
        section.is_unterminated = false;
        changed += u64::from(takes_old != takes_new);
        number += takes_new;
    }
    if lines.peek().is_some_and(|line| line.starts_with(b"\\")) {
        if !is_no_newline(lines.take()?) {
            return Err(lines.refuse("a line that begins with a backslash"));
        }
        section.is_unterminated = true;
    }
    if changed == 0 {
        return Err(lines.refuse("a hunk that changes nothing"));
    }
    Ok(())
}

/// Git takes any translation of `\ No newline at end of file`; only its own words are taken here.
fn is_no_newline(line: &[u8]) -> bool {
    line == b"\\ No newline at end of file"
}
