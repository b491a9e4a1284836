//! The answer if a passage isn't found: the cause if it is evident, and the most similar text of the file.

use similar::{TextDiff, get_close_matches};

use super::EditError;
use super::error::Missing;
use super::find::old_lines;
use super::projection::Projection;
use crate::tools::text::{TextLine, clip, number_line};

/// Lines of the file that are compared; further ones aren't.
const COMPARED: usize = 20_000;
/// Lines of the passage that are searched for, the longest first because they identify it best.
const ANCHORS: usize = 3;
/// Candidates per searched line.
const CANDIDATES: usize = 40;
/// Lines of the passage that are compared with each candidate.
const DEPTH: usize = 60;
/// Lines shown.
const SHOWN: usize = 12;
/// Least similarity of a candidate.
const ALIKE: f32 = 0.5;
/// Least similarity at which a candidate is surely meant.
const SURE: f32 = 0.7;

/// The lines of a file that are most similar to a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// Number of its first line, from 1.
    pub first: usize,
    /// Number of lines.
    pub length: usize,
    /// Whether it is so similar that nothing else can be meant.
    pub sure: bool,
    /// The numbered lines, at most the first 12.
    pub shown: String,
    /// The first line that differs: its number, the file's text, the passage's text.
    pub difference: Option<(usize, String, String)>,
}

/// Why `old` isn't in `content`. The request's texts use `\n` as their only line ending.
pub(super) fn explain(lines: &[TextLine<'_>], content: &str, old: &str, new: &str) -> EditError {
    let cause = cause(content, old);
    let nearest = if cause.is_none() { nearest(lines, old) } else { None };
    let done_at = nearest.as_ref().filter(|nearest| nearest.sure).and_then(|nearest| done_at(lines, old, new, nearest));
    EditError::Missing(Box::new(Missing { cause, done_at, nearest }))
}

/// The line at which `new` already stands in place of `old`. A wrong answer makes the model give up a needed edit, so
/// it requires whole lines, in one place only, at least one of them new, overlapping the most similar place.
fn done_at(lines: &[TextLine<'_>], old: &str, new: &str, nearest: &Nearest) -> Option<usize> {
    let wanted: Vec<_> = old_lines(new).collect();
    let old: Vec<_> = old_lines(old).collect();
    if wanted.iter().all(|line| line.trim().is_empty() || old.contains(line)) {
        return None;
    }
    let same = |window: &[TextLine<'_>]| window.iter().map(|line| line.text).eq(wanted.iter().copied());
    let mut places = lines.windows(wanted.len()).enumerate().filter(|(_, window)| same(window)).map(|(at, _)| at + 1);
    let (place, other) = (places.next()?, places.next());
    let overlaps = place < nearest.first + nearest.length && nearest.first < place + wanted.len();
    (other.is_none() && overlaps).then_some(place)
}

/// Mistakes that the request itself shows.
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

/// The text with one level of JSON escapes removed.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"")
}

fn is_in(content: &str, text: &str) -> bool {
    Projection::new(content, |char| char).text.contains(text)
}

fn nearest(lines: &[TextLine<'_>], old: &str) -> Option<Nearest> {
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

/// Possible starts of the passage: each line of the file that resembles one of its longest lines, minus that line's
/// offset.
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

/// Similarity from 0 to 1, each line weighted by its length.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::text::lines;

    fn found(file: &str, old: &str) -> Option<Nearest> {
        nearest(&lines(file), old)
    }

    /// The lines `1` to `count`, which are like nothing else.
    fn filler(count: usize) -> String {
        (1..=count).flat_map(|n| [n.to_string(), "\n".to_owned()]).collect()
    }

    #[test]
    fn the_place_that_is_most_like_it_is_taken_and_the_first_of_equals() {
        let file = "let total = sum(items);\nreturn total;\n\nlet total = sum(prices);\nreturn total;\n";
        let at = |old| found(file, old).map(|nearest| (nearest.first, nearest.length, nearest.sure));
        assert_eq!(at("let total = sum(price);\nreturn total;\n"), Some((4, 2, true)));
        assert_eq!(at("let total = sum(item);\nreturn total;\n"), Some((1, 2, true)));
        assert_eq!(at("return totals;"), Some((2, 1, true)), "both are as like");
        assert_eq!(at("fn main() {}"), None);
    }

    #[test]
    fn the_first_line_that_differs_is_told_with_its_number() {
        let nearest = found("a = 1\nbb = 22\ncc = 33\n", "bb = 22\ncc = 34\n").unwrap();
        assert_eq!((nearest.first, nearest.length), (2, 2));
        assert_eq!(nearest.difference, Some((3, "cc = 33".to_owned(), "cc = 34".to_owned())));
        assert_eq!(nearest.shown.lines().count(), 2);
        assert!(nearest.shown.contains("2\tbb = 22"), "{}", nearest.shown);
        // The passage goes on where the file ends.
        let nearest = found("bb = 22\ncc = 33\n", "bb = 22\ncc = 33\ndd\n").unwrap();
        assert_eq!((nearest.length, nearest.difference), (2, None));
    }

    #[test]
    fn the_longest_lines_are_looked_for_and_the_passage_begins_at_their_distance() {
        let at = |file, old| found(file, old).map(|nearest| (nearest.first, nearest.length));
        let file = "1\n2\n3\nlet total = sum(items);\n";
        assert_eq!(at(file, "a\nb\nc\nlet total = sum(items);\n"), Some((1, 4)));
        assert_eq!(at(file, "zz\nlet total = sum(item);\n"), Some((3, 2)));
        // One line is alike, and the whole is not.
        assert_eq!(at("abcdefghij\n123456789\n123456789\n", "abcdefghij\nklmnopqrs\ntuvwxyzkl\n"), None);
    }

    #[test]
    fn a_passage_that_begins_before_the_file_has_no_place() {
        assert_eq!(found("return total;\n", "let total = sum(items);\nlet other = 1;\nreturn total;\n"), None);
    }

    #[test]
    fn only_so_much_is_shown_and_compared() {
        let passage: String =
            (0..SHOWN + 3).flat_map(|n| [format!("value_{n} = compute({n})"), "\n".to_owned()]).collect();
        let nearest = found(&passage, &passage.replace("compute(3)", "compute(4)")).unwrap();
        assert_eq!((nearest.length, nearest.shown.lines().count()), (SHOWN + 3, SHOWN));
        let last = |lines: usize| found(&(filler(lines - 1) + "return total_of(items)\n"), "return total_of(item)");
        assert_eq!(last(COMPARED).map(|nearest| nearest.first), Some(COMPARED));
        assert_eq!(last(COMPARED + 1), None);
    }

    #[test]
    fn likeness_counts_each_line_by_its_length_and_not_its_indentation() {
        assert!((likeness(&["    abcdefgh"], &["abcdefgh"]) - 1.0).abs() < f32::EPSILON);
        assert!((likeness(&["abcdefgh", "zz"], &["abcdefgh", "xy"]) - 0.8).abs() < 1e-6);
        assert!((likeness(&["abcdefgh"], &["abcdefgh", "xy"]) - 0.8).abs() < 1e-6, "a line that is not there");
        assert!((likeness(&["abcd"], &["abxy"]) - 0.5).abs() < 1e-6);
        assert!(likeness(&["a"], &["", " "]).abs() < f32::EPSILON);
        // What is far down no longer counts.
        let (mut file, old) = (vec!["same"; DEPTH + 1], vec!["same"; DEPTH + 1]);
        file[DEPTH] = "other";
        assert!((likeness(&file, &old) - 1.0).abs() < f32::EPSILON);
        file[DEPTH - 1] = "other";
        assert!(likeness(&file, &old) < 1.0);
    }

    #[test]
    fn how_sure_it_is_depends_on_the_likeness() {
        // Of ten characters seven, six and four are the same.
        for (file, expected) in [("abcdefg123", Some(true)), ("abcdef1234", Some(false)), ("abcd123456", None)] {
            assert_eq!(found(file, "abcdefghij").map(|nearest| nearest.sure), expected, "{file}");
        }
    }

    fn done(file: &str, old: &str, new: &str) -> Option<usize> {
        match explain(&lines(file), file, old, new) {
            EditError::Missing(missing) => missing.done_at,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_edit_is_done_already_where_its_new_lines_stand_once_and_at_that_place() {
        let file = "let rate = 2;\nlet total = rate * 3;\n";
        assert_eq!(done(file, "let rate = 1;\n", "let rate = 2;\n"), Some(1));
        assert_eq!(done(file, "let rate = 1;\n", "let rate = 3;\n"), None, "it is not there");
        let twice = "let rate = 2;\nlet rate = 2;\n";
        assert_eq!(done(twice, "let rate = 1;\n", "let rate = 2;\n"), None, "it is there twice");
        let elsewhere = "let rate = 7;\nlet total = 3;\n\n\nreturn total + 1;\n";
        assert_eq!(done(elsewhere, "let rate = 8;\n", "return total + 1;\n"), None, "another place");
        assert_eq!(done(file, "let rate = 2;\nlet total = 2;\n", "let rate = 2;\n"), None, "none of it is new");
        assert_eq!(done(file, "let rate = 1;\n", "\n"), None, "blank lines tell nothing");
        let behind = "let rate = 7;\nreturn total + 1;\n";
        assert_eq!(done(behind, "let rate = 8;\n", "return total + 1;\n"), None, "right behind that place");
        assert_eq!(done("abcdef1234\n", "abcdefghij\n", "abcdef1234\n"), None, "it may be another line");
    }

    #[test]
    fn a_cause_that_the_request_shows_comes_first() {
        let told = |content: &str, old: &str| cause(content, old);
        assert!(told("", "a").is_some_and(|cause| cause.starts_with("The file is empty")));
        assert!(told("a\nb\n", "1\ta\n2\tb\n").is_some_and(|cause| cause.contains("numbers")));
        assert_eq!(told("a\nb\n", "1\ta\nb\n"), None, "not every line has one");
        assert_eq!(told("a\nb\n", "\ta\n\tb\n"), None, "a tab is no number");
        assert_eq!(told("a\nb\n", "\n\n"), None, "nothing is told");
        assert!(told("a\nb\n", "a\\nb").is_some_and(|cause| cause.contains("escape them once")));
        assert_eq!(told("a\nb\n", "a\\nc"), None, "it would not be there either");
        let EditError::Missing(missing) = explain(&lines("aaaa\nb\n"), "aaaa\nb\n", "1\taaaa\n", "x") else {
            panic!("it is there");
        };
        assert!(missing.cause.is_some() && missing.nearest.is_none(), "nothing else is looked for then");
    }
}
