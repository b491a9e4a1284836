//! What takes a passage's place: the request's change, laid over the file's own lines.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Tier;
use super::find::Passage;
use crate::tools::text::{TextLine, lines};

/// A request and the file it is for; `old` and `new` have `\n` as their only line ending.
pub(super) struct EditRequest<'a> {
    pub content: &'a str,
    pub lines: &'a [TextLine<'a>],
    pub old: &'a str,
    pub new: &'a str,
}

/// A line of the passage as the file has it. The first and the last may be parts of lines.
struct Own<'a> {
    text: &'a str,
    ending: &'static str,
}

/// The bytes for the passage. Lines that `old` and `new` share keep the file's bytes, their endings too.
pub(super) fn replacement(request: &EditRequest<'_>, passage: &Passage, tier: Tier) -> String {
    let (old, new) = (request.old, request.new);
    let own = own_lines(request, passage);
    // `old` ends with a line break that the end of the file doesn't have: `new` brings none either.
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

/// Each line of `new` with the text and the ending that it gets in the file.
fn laid_over(
    own: &[Own<'_>],
    old: &[&str],
    new: &[&str],
    passage: &Passage,
    tier: Tier,
) -> Vec<(String, &'static str)> {
    // A line that can't be shifted was refused when the passage was looked for.
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

/// `new` with the file's own characters where `old` and `new` agree; `own` and `old` match character by character.
fn graft(own: &str, old: &str, new: &str) -> String {
    let [own, old, new] = [own, old, new].map(|text| text.chars().collect::<Vec<_>>());
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    let piece = |op: &DiffOp| match op {
        DiffOp::Equal { .. } => own[op.old_range()].iter().collect::<String>(),
        _ => new[op.new_range()].iter().collect(),
    };
    ops.iter().map(piece).collect()
}

/// The passage line by line. What ends the last one lies behind the passage; lines that come to follow it get the same.
fn own_lines<'a>(request: &EditRequest<'a>, passage: &Passage) -> Vec<Own<'a>> {
    let region = &request.content[passage.range.clone()];
    let mut own: Vec<_> = lines(region).iter().map(|line| Own { text: line.text, ending: line.ending }).collect();
    if own.last().is_none_or(|last| !last.ending.is_empty()) {
        own.push(Own { text: "", ending: "" });
    }
    // A passage that ends with a line break is followed by lines like that one; any other by the rest of its last line.
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
