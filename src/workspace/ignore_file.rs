//! Parses the rules of a `.gitignore`, which anybody may have written.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// More than any real `.gitignore` has. Each rule becomes a part of one regular expression.
const MAX_RULES: usize = 10_000;
/// Bytes; longer rules match no path.
const MAX_RULE: usize = 1024;
/// Wildcards of all rules together: each costs some kilobytes when it is compiled.
const MAX_WILDCARDS: usize = 10_000;

/// The rules exceed the limits and must not be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit;

pub(super) fn parse(folder: &Path, text: &[u8]) -> Result<Gitignore, Unfit> {
    let mut builder = GitignoreBuilder::new(folder);
    let text = String::from_utf8_lossy(text);
    if text.bytes().filter(|byte| b"*?[".contains(byte)).count() > MAX_WILDCARDS {
        return Err(Unfit);
    }
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(&text).lines().enumerate() {
        if index >= MAX_RULES || line.len() > MAX_RULE {
            return Err(Unfit);
        }
        // Git doesn't follow an invalid rule either.
        drop(builder.add_line(None, line));
    }
    // All rules together are too large for a regular expression.
    builder.build().map_err(|_| Unfit)
}

/// The rules in a file of git's own settings, which hold below `folder`; none where there is no such file.
pub(super) fn of_file(folder: &Path, file: Option<PathBuf>) -> Gitignore {
    let mut builder = GitignoreBuilder::new(folder);
    if let Some(file) = file {
        // Git doesn't follow an invalid rule either.
        drop(builder.add(file));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_rules_or_is_refused(lines in proptest::collection::vec("[]a*?!/\\\\{}#,. \\[-]{0,40}|\\PC{0,20}", 0..30), path in "[a-z/.]{1,30}") {
            let text = lines.join("\n");
            if let Ok(rules) = parse(Path::new("/project"), text.as_bytes()) {
                let path = Path::new("/project").join(path.trim_start_matches('/'));
                let _ = rules.matched(&path, false);
            }
        }
    }

    #[test]
    fn more_rules_than_anybody_has_are_refused() {
        let parse = |text: &str| parse(Path::new("/project"), text.as_bytes()).map(|rules| rules.num_ignores());
        assert_eq!(parse(&"a*b\n".repeat(MAX_RULES)), Ok(MAX_RULES as u64));
        assert_eq!(parse(&"a*b\n".repeat(MAX_RULES + 1)), Err(Unfit));
        assert_eq!(parse(&"a".repeat(MAX_RULE + 1)), Err(Unfit));
        assert_eq!(parse(&("*a".repeat(500) + "\n").repeat(400)), Err(Unfit));
    }
}
