//! Renders a patch for people: line numbers, colours, changed words in bold.

use std::borrow::Cow;

use console::{Style, style};
use similar::{ChangeTag, TextDiff};

use crate::text::sanitise;

/// Renders a git patch, one file after another. Colours follow `console`'s setting for standard output.
#[must_use]
pub(crate) fn coloured_diff(patch: &str) -> String {
    let mut drawing = Drawing::default();
    for line in patch.lines() {
        drawing.line(line);
    }
    drawing.flush();
    drawing.out
}

#[derive(Default)]
struct Drawing {
    out: String,
    old_line: usize,
    /// Remaining lines of the current hunk, on the old and the new side.
    left: (usize, usize),
    removed: Vec<String>,
    added: Vec<String>,
}

impl Drawing {
    fn line(&mut self, line: &str) {
        if self.left == (0, 0) {
            return self.outside_hunk(line);
        }
        match line.as_bytes().first() {
            Some(b'-') => {
                self.left.0 = self.left.0.saturating_sub(1);
                self.removed.push(line[1..].to_owned());
            }
            Some(b'+') => {
                self.left.1 = self.left.1.saturating_sub(1);
                self.added.push(line[1..].to_owned());
            }
            Some(b'\\') => {}
            _ => {
                self.flush();
                self.left = (self.left.0.saturating_sub(1), self.left.1.saturating_sub(1));
                self.row(Some(self.old_line), ' ', line.get(1..).unwrap_or_default(), &Style::new().dim());
                self.old_line += 1;
            }
        }
    }

    fn outside_hunk(&mut self, line: &str) {
        self.flush();
        if let Some((old, new)) = hunk_ranges(line) {
            self.old_line = old.0;
            self.left = (old.1, new.1);
        } else if line.starts_with("diff --git ") {
            let name = new_name(line);
            self.out_line("");
            self.out_line(&style(sanitise(&name)).bold().to_string());
        } else if ["new file", "deleted file", "rename ", "old mode", "new mode", "GIT binary", "Binary"]
            .iter()
            .any(|start| line.starts_with(start))
        {
            self.out_line(&format!("     {}", style(sanitise(line)).dim()));
        }
    }

    /// Draws the removed and added lines collected so far, with changed words in bold.
    fn flush(&mut self) {
        let (removed, added) = (std::mem::take(&mut self.removed), std::mem::take(&mut self.added));
        let (red, green) = (Style::new().red(), Style::new().green());
        if removed.len() != added.len() {
            for line in &removed {
                self.row(Some(self.old_line), '-', line, &red);
                self.old_line += 1;
            }
            for line in &added {
                self.row(None, '+', line, &green);
            }
            return;
        }
        let pairs: Vec<_> = removed.iter().zip(&added).map(|(old, new)| words(old, new, &red, &green)).collect();
        for (old, _) in &pairs {
            self.raw_row(Some(self.old_line), &format!("{}{old}", red.apply_to('-')));
            self.old_line += 1;
        }
        for (_, new) in &pairs {
            self.raw_row(None, &format!("{}{new}", green.apply_to('+')));
        }
    }

    fn row(&mut self, number: Option<usize>, sign: char, text: &str, paint: &Style) {
        self.raw_row(number, &paint.apply_to(format!("{sign}{}", sanitise(text))).to_string());
    }

    fn raw_row(&mut self, number: Option<usize>, drawn: &str) {
        let number = number.map_or_else(String::new, |number| number.to_string());
        self.out_line(&format!("{} {drawn}", style(format!("{number:>4} │")).dim()));
    }

    fn out_line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }
}

/// The new path in a patch's first line. Git quotes a path with unusual bytes, C-style (`core.quotePath`).
fn new_name(line: &str) -> Cow<'_, str> {
    let Some(quoted) = line.strip_suffix('"') else {
        return line.rsplit_once(" b/").map_or(line, |(_, name)| name).into();
    };
    let name = quoted.rsplit_once(" \"b/").map_or(quoted, |(_, name)| name);
    let (mut bytes, mut rest) = (Vec::new(), name.bytes());
    while let Some(byte) = rest.next() {
        let escaped = (byte == b'\\').then(|| rest.next()).flatten();
        bytes.push(match escaped {
            None => byte,
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(digit @ b'0'..=b'7') => {
                let digits = [Some(digit), rest.next(), rest.next()].into_iter().flatten();
                digits.fold(0, |value: u8, digit| value.wrapping_mul(8).wrapping_add(digit.wrapping_sub(b'0')))
            }
            Some(other) => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// Renders a changed line on both sides, with changed words in bold.
fn words(old: &str, new: &str, red: &Style, green: &Style) -> (String, String) {
    let (old, new) = (sanitise(old), sanitise(new));
    let diff = TextDiff::from_words(old.as_ref(), new.as_ref());
    let (mut left, mut right) = (String::new(), String::new());
    for change in diff.iter_all_changes() {
        let text = change.value();
        match change.tag() {
            ChangeTag::Equal => {
                left.push_str(&red.apply_to(text).to_string());
                right.push_str(&green.apply_to(text).to_string());
            }
            ChangeTag::Delete => left.push_str(&red.clone().bold().apply_to(text).to_string()),
            ChangeTag::Insert => right.push_str(&green.clone().bold().apply_to(text).to_string()),
        }
    }
    (left, right)
}

/// Parses `@@ -12,7 +12,8 @@` as ((12, 7), (12, 8)); a missing count is 1.
fn hunk_ranges(line: &str) -> Option<((usize, usize), (usize, usize))> {
    let mut words = line.strip_prefix("@@ ")?.split(' ');
    let mut range = |sign| {
        let word = words.next()?.strip_prefix(sign)?;
        let (start, count) = word.split_once(',').unwrap_or((word, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    Some((range('-')?, range('+')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hunks_are_read() {
        assert_eq!(hunk_ranges("@@ -12,7 +13,8 @@ fn x"), Some(((12, 7), (13, 8))));
        assert_eq!(hunk_ranges("@@ -1 +1 @@"), Some(((1, 1), (1, 1))));
        assert_eq!(hunk_ranges("--- a/x"), None);
    }

    #[test]
    fn names_that_git_quotes_are_shown_as_they_are() {
        let name = |line: &str| new_name(line).into_owned();
        assert_eq!(name("diff --git a/x b/y.txt"), "y.txt");
        assert_eq!(name(r#"diff --git "a/\303\274.py" "b/\303\274.py""#), "ü.py");
        assert_eq!(name(r#"diff --git a/x "b/a\tb \"c\" \\d""#), "a\tb \"c\" \\d");
        assert_eq!(name(r#"diff --git "a/\303\274" b/x y"#), "x y");
        assert_eq!(name(r#"diff --git "a/x" "b/\3""#), "\u{3}");
    }

    #[test]
    fn a_line_that_looks_like_a_header_inside_a_hunk_is_content() {
        console::set_colors_enabled(false);
        let patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -3,2 +3,1 @@\n a\n--- sql comment\n";
        assert_eq!(coloured_diff(patch), "\nx\n   3 │  a\n   4 │ --- sql comment\n");
    }
}
