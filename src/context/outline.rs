//! A repository's files as an outline: folders with file counts, and as many names as the budget allows.

use std::collections::BTreeMap;

use super::plain::plain_name;
use crate::journal::Tokens;

#[derive(Default)]
struct OutlineFolder<'a> {
    folders: BTreeMap<&'a str, OutlineFolder<'a>>,
    files: Vec<&'a str>,
    /// Number of files in the folder and below.
    total: usize,
}

/// How much an outline shows.
#[derive(Clone, Copy)]
struct Detail {
    /// Number of folder levels whose contents are shown.
    depth: usize,
    /// Number of file names that each folder shows.
    names: usize,
}

/// From everything to almost nothing; the outline uses the first that fits its budget.
const DETAILS: [Detail; 9] = [
    Detail { depth: usize::MAX, names: usize::MAX },
    Detail { depth: usize::MAX, names: 20 },
    Detail { depth: 6, names: 10 },
    Detail { depth: 4, names: 10 },
    Detail { depth: 3, names: 8 },
    Detail { depth: 2, names: 8 },
    Detail { depth: 2, names: 3 },
    Detail { depth: 1, names: 8 },
    Detail { depth: 0, names: 8 },
];

/// Lists the files below `under` (empty, or ending in `/`), within `budget`.
pub(super) fn outline(paths: &[&str], under: &str, budget: Tokens) -> String {
    let mut root = OutlineFolder::default();
    let below: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix(under)).collect();
    // Sorted paths of one folder are mostly adjacent, so its path is split once for all of them.
    for together in below.chunk_by(|one, other| parent(one) == parent(other)) {
        root.insert(parent(together[0]), together);
    }
    let fitting = DETAILS.iter().find_map(|detail| {
        let mut lines = Lines { text: String::new(), budget };
        root.write(&mut lines, 0, *detail).then_some(lines.text)
    });
    fitting.unwrap_or_else(|| format!("{} in {} folders\n", files(root.total), root.folders.len()))
}

/// Lines that count against a budget.
struct Lines {
    text: String,
    budget: Tokens,
}

impl Lines {
    /// Returns false if the line doesn't fit. Counts a token for every four bytes, since paths are rarely plain English
    /// words.
    fn push(&mut self, line: &str) -> bool {
        self.text.push_str(line);
        self.text.push('\n');
        (self.text.len() as u64).div_ceil(4) <= self.budget.0
    }
}

impl<'a> OutlineFolder<'a> {
    /// Adds files that all lie in `folder`.
    fn insert(&mut self, folder: &'a str, paths: &[&'a str]) {
        let mut at = self;
        at.total += paths.len();
        for name in folder.split('/').filter(|name| !name.is_empty()) {
            at = at.folders.entry(name).or_default();
            at.total += paths.len();
        }
        at.files.extend(paths.iter().map(|path| path.rsplit_once('/').map_or(*path, |(_, name)| name)));
    }

    /// Returns false if the folder doesn't fit.
    fn write(&self, lines: &mut Lines, level: usize, detail: Detail) -> bool {
        let indent = " ".repeat(level);
        for (name, folder) in &self.folders {
            let (mut name, mut folder) = (plain_name(name), folder);
            // A folder that holds nothing but one folder is written with it: `src/main/java/`.
            while let (true, Some((below, only))) = (folder.files.is_empty(), folder.only_folder()) {
                name = format!("{name}/{}", plain_name(below));
                folder = only;
            }
            let opened = level < detail.depth;
            let names = if opened { folder.names(detail.names) } else { String::new() };
            if !lines.push(&format!("{indent}{name}/ ({}){names}", folder.total)) {
                return false;
            }
            if opened && !folder.write(lines, level + 1, detail) {
                return false;
            }
        }
        level > 0 || self.files.is_empty() || lines.push(self.names(detail.names).trim_start())
    }

    fn only_folder(&self) -> Option<(&'a str, &Self)> {
        let mut folders = self.folders.iter();
        let (name, folder) = folders.next()?;
        folders.next().is_none().then_some((*name, folder))
    }

    fn names(&self, limit: usize) -> String {
        let shown = self.files.iter().take(limit).map(|name| {
            let name = plain_name(name);
            if name.contains(' ') { format!(" {name:?}") } else { format!(" {name}") }
        });
        let more = self.files.len().saturating_sub(limit);
        let more = (more > 0).then(|| format!(" +{more} more"));
        shown.chain(more).collect()
    }
}

/// Returns the folder of `path`; empty at the top.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Formats `1 file`, `12 files`.
pub(super) fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: [&str; 7] =
        ["README.md", "calc/core.py", "calc/my file.py", "calc/x\ny.py", "src/main/java/A.java", "tests/a.py", "z.txt"];

    #[test]
    fn a_small_repository_is_shown_whole() {
        insta::assert_snapshot!(outline(&PATHS, "", Tokens(1_000)));
        assert_eq!(outline(&PATHS, "calc/", Tokens(1_000)), "core.py \"my file.py\" x\u{fffd}y.py\n");
    }

    #[test]
    fn a_large_one_keeps_to_the_budget_and_still_says_where_things_are() {
        let many: Vec<String> =
            (0..50_000).map(|n| format!("d{:02}/e{:02}/f{:02}/file{n}.rs", n % 20, n % 50, n % 7)).collect();
        let paths: Vec<&str> = many.iter().map(String::as_str).collect();
        for budget in [20, 100, 500, 2_500] {
            let outline = outline(&paths, "", Tokens(budget));
            assert!(Tokens::estimate(&outline) <= Tokens(budget), "{budget}: {outline}");
        }
        assert!(outline(&paths, "", Tokens(500)).contains("d00/ (2500)"));
        assert_eq!(outline(&paths, "", Tokens(20)), "50000 files in 20 folders\n");
    }
}
