//! Determines how a file's indentation differs from a request's, and converts lines.

use crate::tools::text::TextLine;

/// A change of indentation that fits the request's lines to the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// Prepend this.
    Add(String),
    /// Remove this prefix.
    Remove(String),
    /// Count levels in unit `from`, write them in unit `to`, `deeper` levels deeper.
    Convert { from: &'static str, to: &'static str, deeper: isize },
}

/// Spellings of one level, the commonest first.
const UNITS: [&str; 5] = ["\t", "    ", "  ", "        ", "   "];

impl Shift {
    /// Leaves lines unchanged.
    pub(super) const NONE: Self = Self::Add(String::new());

    /// The shift from `old` to the found lines that every line of `new` can follow too; `None` if there is none.
    pub(super) fn between<'a>(old: impl Iterator<Item = &'a str>, found: &[TextLine<'a>], new: &str) -> Option<Self> {
        let pairs: Vec<_> = old
            .zip(found)
            .filter(|(old, _)| !old.trim().is_empty())
            .map(|(old, found)| (indentation(old), indentation(found.text)))
            .collect();
        let (old, found) = *pairs.first()?;
        let prefixes = [
            found.strip_suffix(old).map(|prefix| Self::Add(prefix.to_owned())),
            old.strip_suffix(found).map(|prefix| Self::Remove(prefix.to_owned())),
        ];
        let new: Vec<_> = new.split('\n').filter(|line| !line.trim().is_empty()).map(indentation).collect();
        let fits = |shift: &Self| {
            pairs.iter().all(|(old, found)| shift.carry(old).as_deref() == Some(*found))
                && new.iter().all(|line| shift.carry(line).is_some())
        };
        let simple = prefixes.into_iter().flatten().find(fits);
        // A file indented with tabs gets tabs, even if the passage has too few levels to show it.
        if simple.is_some() && !mixes(&pairs, &new) {
            return simple;
        }
        let converted = Self::conversions(old, found).filter(fits);
        converted.min_by_key(|shift| shift.strangeness(&new)).or(simple)
    }

    /// Every conversion that fits the first line.
    fn conversions(old: &str, found: &str) -> impl Iterator<Item = Self> {
        let pairs =
            UNITS.iter().flat_map(|from| UNITS.iter().map(move |to| (*from, *to))).filter(|(from, to)| from != to);
        pairs.filter_map(move |(from, to)| {
            let deeper = levels(found, to)?.0 as isize - levels(old, from)?.0 as isize;
            Some(Self::Convert { from, to, deeper })
        })
    }

    /// Ranks conversions, lowest first: whole levels before odd columns, then the smallest change of depth; ties keep
    /// the order of `UNITS`.
    fn strangeness(&self, new: &[&str]) -> (usize, usize) {
        let Self::Convert { from, deeper, .. } = self else { return (0, 0) };
        let odd = new.iter().filter(|line| levels(line, from).is_none_or(|(_, rest)| !rest.is_empty())).count();
        (odd, deeper.unsigned_abs())
    }

    /// The line as indented in the file; `None` if it can't be moved that far left.
    pub(super) fn line(&self, line: &str) -> Option<String> {
        if line.trim().is_empty() {
            return Some(line.to_owned());
        }
        let old = indentation(line);
        Some(self.carry(old)? + &line[old.len()..])
    }

    fn carry(&self, indentation: &str) -> Option<String> {
        match self {
            Self::Add(prefix) => Some(format!("{prefix}{indentation}")),
            Self::Remove(prefix) => indentation.strip_prefix(prefix.as_str()).map(str::to_owned),
            Self::Convert { from, to, deeper } => {
                let (levels, rest) = levels(indentation, from)?;
                Some(to.repeat(levels.checked_add_signed(*deeper)?) + rest)
            }
        }
    }
}

/// Whether file and request mix tabs and spaces.
fn mixes(pairs: &[(&str, &str)], new: &[&str]) -> bool {
    let request = |unit| pairs.iter().map(|(old, _)| old).chain(new).any(|line| line.starts_with(unit));
    let file = |unit| pairs.iter().any(|(_, found)| found.starts_with(unit));
    request(' ') && file('\t') || request('\t') && file(' ')
}

/// The number of `unit`s that the indentation begins with, and the spaces after them.
fn levels<'a>(indentation: &'a str, unit: &str) -> Option<(usize, &'a str)> {
    let rest = indentation.trim_start_matches(unit);
    rest.chars().all(|char| char == ' ').then_some(((indentation.len() - rest.len()) / unit.len(), rest))
}

/// The whitespace that a line starts with.
fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::text::lines;

    fn between(old: &str, found: &str, new: &str) -> Option<Shift> {
        Shift::between(old.split('\n'), &lines(found), new)
    }

    #[test]
    fn prefixes_come_first() {
        assert_eq!(between("a\n  b", "    a\n      b", "a"), Some(Shift::Add("    ".to_owned())));
        assert_eq!(between("    a\n\n      b", "a\n   \n  b", "    c"), Some(Shift::Remove("    ".to_owned())));
        assert_eq!(between("      a", "a", "  c"), None, "c can't go further left");
        assert_eq!(between("a\n  b", "  a\n  b", "a"), None, "two shifts");
    }

    #[test]
    fn tabs_and_spaces_are_converted_by_level() {
        let tabs = |from, deeper| Some(Shift::Convert { from, to: "\t", deeper });
        assert_eq!(between("    a\n        b", "\ta\n\t\tb", "    c"), tabs("    ", 0));
        assert_eq!(between("  a\n    b", "\ta\n\t\tb", "  c"), tabs("  ", 0));
        assert_eq!(between("a\n    b", "\ta\n\t\tb", "c"), tabs("    ", 1));
        assert_eq!(between("a", "\ta", "a\n    b"), tabs("    ", 1), "tabs also where the passage has one level");
        assert_eq!(
            between("\ta\n\t\tb", "  a\n    b", "\tc"),
            Some(Shift::Convert { from: "\t", to: "  ", deeper: 0 })
        );
        assert_eq!(
            between("  a\n    b", "    a\n        b", "  c"),
            Some(Shift::Convert { from: "  ", to: "    ", deeper: 0 })
        );
    }
}
