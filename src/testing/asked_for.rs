//! The text of a test command, and of the script, makefile or package script that it runs.

use std::cell::OnceCell;
use std::path::Path;

use super::runner_words::target;
use crate::settings::{RepositoryFiles, TestCommand};

/// Bytes that are read of a script.
const MAX_BYTES: u64 = 256 * 1024;

/// Reads files on first use only.
pub(super) struct AskedFor<'a> {
    pub(super) command: &'a str,
    tree: &'a Path,
    text: OnceCell<String>,
}

impl<'a> AskedFor<'a> {
    pub(super) fn new(command: &'a str, tree: &'a Path) -> Self {
        Self { command, tree, text: OnceCell::new() }
    }

    pub(super) fn files(&self) -> Option<RepositoryFiles> {
        RepositoryFiles::open(self.tree).ok()
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| {
            let files = self.files();
            let read = |name: &str| Some(files.as_ref()?.read(name.trim_start_matches("./"), MAX_BYTES)?.text());
            let target = target(&TestCommand::shell(self.command), read);
            [self.command, &target.words.join(" "), &target.text].join("\n")
        })
    }

    /// Whether `word` occurs in the text as a whole word.
    pub(super) fn names(&self, word: &str) -> bool {
        let is_part = |it: char| it.is_alphanumeric() || "_-".contains(it);
        !word.is_empty()
            && self.text().match_indices(word).any(|(at, _)| {
                let (before, after) = (&self.text()[..at], &self.text()[at + word.len()..]);
                !before.ends_with(is_part) && !after.starts_with(is_part)
            })
    }

    pub(super) fn names_any(&self, words: &[&str]) -> bool {
        // Some programs' names end in a version.
        words.iter().any(|word| self.names(word) || (*word == "python" && self.text().contains("python")))
    }
}
