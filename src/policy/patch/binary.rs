//! Contents in git's binary form: deflated bytes in base85, forward and back.

use super::lines::PatchLines;
use super::unreadable::UnreadablePatch;

pub(super) const START: &[u8] = b"GIT binary patch";
const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// Steps over a binary section: the contents forward, and mostly the contents back.
pub(super) fn parse(lines: &mut PatchLines<'_>) -> Result<(), UnreadablePatch> {
    lines.take()?;
    if !contents(lines)? {
        return Err(lines.refuse("a binary section without contents"));
    }
    contents(lines).map(drop)
}

/// Steps over one set of contents, with the empty line that ends it. False when there is none.
fn contents(lines: &mut PatchLines<'_>) -> Result<bool, UnreadablePatch> {
    let Some(line) = lines.peek() else { return Ok(false) };
    let Some(size) = line.strip_prefix(b"literal ").or_else(|| line.strip_prefix(b"delta ")) else { return Ok(false) };
    if size.is_empty() || size.len() > 12 || !size.iter().all(u8::is_ascii_digit) {
        return Err(lines.refuse("the size of binary contents is no number"));
    }
    lines.take()?;
    loop {
        let here = lines.refuse("this is no line of binary contents");
        let line = lines.take()?;
        let Some((first, digits)) = line.split_first() else { return Ok(true) };
        let length = match first {
            b'A'..=b'Z' => first - b'A' + 1,
            b'a'..=b'z' => first - b'a' + 27,
            _ => return Err(here),
        };
        let groups = usize::from(length).div_ceil(4);
        if digits.len() != groups * 5 || !digits.iter().all(|digit| DIGITS.contains(digit)) {
            return Err(here);
        }
    }
}
