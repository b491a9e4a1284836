//! Computes the replacement of a passage: the request's change, applied to the file's own lines.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Tier;
use super::find::Passage;
use crate::tools::text::{TextLine, lines};

/// A request and its file; `old` and `new` use `\n` as their only line ending.
pub(super) struct EditRequest<'a> {
    pub content: &'a str,
    pub lines: &'a [TextLine<'a>],
    pub old: &'a str,
    pub new: &'a str,
}

/// A line of the passage in the file. The first and the last may be partial lines.
struct Own<'a> {
    text: &'a str,
    ending: &'static str,
}

/// The replacement. Lines that `old` and `new` share keep the file's bytes and endings.
pub(super) fn replacement(request: &EditRequest<'_>, passage: &Passage, tier: Tier) -> String {
    let (old, new) = (request.old, request.new);
    let own = own_lines(request, passage);
    // `old` ends with a line break that the end of the file lacks, so `new` doesn't add one either.
    let (old, new) = match (old.strip_suffix('\n'), own.len()) {
        (Some(shorter), n) if n == old_count(shorter) => (shorter, new.strip_suffix('\n').unwrap_or(new)),
        _ => (old, new),
    };
    let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let mut out = String::new();
    for (index, (text, ending)) in laid_over(&own, &old, &new, passage, tier).into_iter().enumerate() {
        out.push_str(&text);
        if index + 1 < new.len() {
            out.push_str(ending);
        }
    }
    out
}

fn old_count(old: &str) -> usize {
    old.split('\n').count()
}

/// Each line of `new` with its text and ending in the file.
fn laid_over(
    own: &[Own<'_>],
    old: &[&str],
    new: &[&str],
    passage: &Passage,
    tier: Tier,
) -> Vec<(String, &'static str)> {
    // Passages with a line that can't be shifted were rejected by the search.
    let written = |line: &str| passage.shift.line(line).unwrap_or_else(|| line.to_owned());
    let ending = |index: usize| own.get(index).or(own.last()).map_or("\n", |own| own.ending);
    let mut out = Vec::with_capacity(new.len());
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        match op {
            DiffOp::Equal { old_index, len, .. } => {
                out.extend(own[old_index..old_index + len].iter().map(|own| (own.text.to_owned(), own.ending)));
            }
            DiffOp::Delete { .. } => {}
            DiffOp::Insert { old_index, new_index, new_len } => {
                let ending = ending(old_index.saturating_sub(1));
                out.extend(new[new_index..new_index + new_len].iter().map(|line| (written(line), ending)));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                for (n, line) in new[new_index..new_index + new_len].iter().enumerate() {
                    let index = old_index + n.min(old_len - 1);
                    let text = match tier {
                        Tier::LookAlikes if n < old_len => graft(own[index].text, old[index], line),
                        _ => written(line),
                    };
                    out.push((text, ending(index)));
                }
            }
        }
    }
    out
}

/// `new`, with the file's characters where `old` and `new` agree; `own` and `old` match character by character.
fn graft(own: &str, old: &str, new: &str) -> String {
    let [own, old, new] = [own, old, new].map(|text| text.chars().collect::<Vec<_>>());
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    let piece = |op: &DiffOp| match op {
        DiffOp::Equal { .. } => own[op.old_range()].iter().collect::<String>(),
        _ => new[op.new_range()].iter().collect(),
    };
    ops.iter().map(piece).collect()
}

/// The lines of the passage. The last line's ending lies behind the passage, and lines inserted after it get the same
/// one.
fn own_lines<'a>(request: &EditRequest<'a>, passage: &Passage) -> Vec<Own<'a>> {
    let region = &request.content[passage.range.clone()];
    let mut own: Vec<_> = lines(region).iter().map(|line| Own { text: line.text, ending: line.ending }).collect();
    if own.last().is_none_or(|last| !last.ending.is_empty()) {
        own.push(Own { text: "", ending: "" });
    }
    // A passage that ends with a line break takes the ending of its last line; any other takes that of the lines around
    // it.
    let before = match own.as_slice() {
        [.., before, last] if last.text.is_empty() => before.ending,
        _ => "",
    };
    let at = request.lines.partition_point(|line| line.end() <= passage.range.end);
    let around = request.lines.iter().take(at + 1).rev().map(|line| line.ending);
    let ending = std::iter::once(before).chain(around).find(|ending| !ending.is_empty()).unwrap_or("\n");
    if let Some(last) = own.last_mut() {
        last.ending = ending;
    }
    own
}
