//! What to answer when a passage isn't there: the cause if it shows, and the text that is most like it.

use similar::{TextDiff, get_close_matches};

use super::EditError;
use super::error::Missing;
use super::find::old_lines;
use super::projection::Projection;
use crate::tools::text::{Line, clip, number_line};

/// Lines of the file that are compared; a miss in a longer file is answered from its start.
const COMPARED: usize = 20_000;
/// Lines of the passage that are looked for, the longest first: they tell the most.
const ANCHORS: usize = 3;
/// Places that are compared line by line.
const CANDIDATES: usize = 40;
/// Lines of the passage and of a place that are compared.
const DEPTH: usize = 60;
/// Lines that are shown.
const SHOWN: usize = 12;
/// Below this share of likeness a line is another line.
const ALIKE: f32 = 0.5;
/// Below this one it is only perhaps the one that is meant.
const SURE: f32 = 0.7;

/// The lines of a file that are most like a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// Its first line, from 1.
    pub first: usize,
    /// How many lines it has.
    pub length: usize,
    /// It is so like the passage that nothing else can be meant.
    pub sure: bool,
    /// The lines with their numbers; the first few of many.
    pub shown: String,
    /// The first line that differs: its number, what the file has, what the passage has.
    pub difference: Option<(usize, String, String)>,
}

/// Why `old` isn't in `content`. Both texts of the request have `\n` as their only line ending.
pub(super) fn explain(lines: &[Line<'_>], content: &str, old: &str, new: &str) -> EditError {
    let cause = cause(content, old);
    let nearest = if cause.is_none() { nearest(lines, old) } else { None };
    let done_at = nearest.as_ref().filter(|nearest| nearest.sure).and_then(|nearest| done_at(lines, old, new, nearest));
    EditError::Missing(Box::new(Missing { cause, done_at, nearest }))
}

/// The line from which `new` stands in the file where `old` would. Whoever is told so wrongly gives up an edit that is
/// still to be made, so that it takes whole lines, in one place only, one of them new, and nothing more like `old`.
fn done_at(lines: &[Line<'_>], old: &str, new: &str, nearest: &Nearest) -> Option<usize> {
    let wanted: Vec<_> = old_lines(new).collect();
    let old: Vec<_> = old_lines(old).collect();
    if wanted.iter().all(|line| line.trim().is_empty() || old.contains(line)) {
        return None;
    }
    let same = |window: &[Line<'_>]| window.iter().map(|line| line.text).eq(wanted.iter().copied());
    let mut places = lines.windows(wanted.len()).enumerate().filter(|(_, window)| same(window)).map(|(at, _)| at + 1);
    let (place, other) = (places.next()?, places.next());
    let overlaps = place < nearest.first + nearest.length && nearest.first < place + wanted.len();
    (other.is_none() && overlaps).then_some(place)
}

/// Faults that the request itself shows.
fn cause(content: &str, old: &str) -> Option<&'static str> {
    let mut told = old_lines(old).filter(|line| !line.is_empty()).peekable();
    let numbered = |line: &str| {
        let rest = line.trim_start().trim_start_matches(|char: char| char.is_ascii_digit());
        rest.starts_with('\t') && rest.len() < line.trim_start().len()
    };
    if content.is_empty() {
        Some("The file is empty; use write_file to fill it.")
    } else if told.peek().is_some() && told.all(numbered) {
        Some("Its lines begin with the numbers that read_file shows; leave out each number and the tab behind it.")
    } else if old.contains("\\n") && is_in(content, &unescaped(old)) {
        Some("old_text contains the two characters \\ and n where the file has line breaks; escape them once.")
    } else {
        None
    }
}

/// As it would be with one level of JSON's escapes less.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"")
}

fn is_in(content: &str, text: &str) -> bool {
    Projection::new(content, |char| char).text.contains(text)
}

fn nearest(lines: &[Line<'_>], old: &str) -> Option<Nearest> {
    let old: Vec<_> = old_lines(old).collect();
    let file: Vec<_> = lines.iter().take(COMPARED).map(|line| line.text).collect();
    let (likeness, start) = starts(&file, &old)
        .into_iter()
        .map(|start| (likeness(&file[start..], &old), start))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
    let end = (start + old.len()).min(file.len());
    let mut shown = String::new();
    for (index, text) in file[..end].iter().enumerate().skip(start).take(SHOWN) {
        number_line(&mut shown, index + 1, text);
    }
    let differs = file[start..end].iter().zip(&old).position(|(file, old)| file != old);
    let quote = |text: &str| clip(text, 200).to_owned();
    let difference = differs.map(|index| (start + index + 1, quote(file[start + index]), quote(old[index])));
    Some(Nearest { first: start + 1, length: end - start, sure: likeness >= SURE, shown, difference })
}

/// Where the passage may start: where one of its telling lines, or one like it, stands at its distance.
fn starts(file: &[&str], old: &[&str]) -> Vec<usize> {
    let mut anchors: Vec<_> = (0..old.len()).filter(|index| !old[*index].trim().is_empty()).collect();
    anchors.sort_by_key(|index| std::cmp::Reverse(old[*index].trim().len()));
    let trimmed: Vec<_> = file.iter().map(|line| line.trim()).collect();
    let mut distinct: Vec<_> = trimmed.iter().copied().filter(|line| !line.is_empty()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let mut starts = Vec::new();
    for anchor in anchors.into_iter().take(ANCHORS) {
        let near = get_close_matches(clip(old[anchor].trim(), 400), &distinct, 3, ALIKE);
        let places = (0..trimmed.len()).filter(|index| near.contains(&trimmed[*index]));
        starts.extend(places.filter_map(|index| index.checked_sub(anchor)).take(CANDIDATES));
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// How like the passage the lines are, from 0 to 1; every line counts as much as it is long.
fn likeness(file: &[&str], old: &[&str]) -> f32 {
    let (mut same, mut total) = (0.0, 0.0);
    for (index, line) in old.iter().enumerate().take(DEPTH) {
        let (line, weight) = (line.trim(), line.trim().chars().count() as f32);
        total += weight;
        same += match file.get(index).map(|line| line.trim()) {
            None => 0.0,
            Some(other) if other == line => weight,
            Some(other) => weight * TextDiff::from_chars(clip(other, 400), clip(line, 400)).ratio(),
        };
    }
    if total > 0.0 { same / total } else { 0.0 }
}
