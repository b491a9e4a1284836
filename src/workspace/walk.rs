//! Walks a folder by git's rules: with hidden files, without ignored ones.
//!
//! The walker opens each `.gitignore` itself, and what a `.git` leads to, follows links while doing so and reads to the
//! end. Somebody else may have made such files, so a walk only enters folders for which [`may_enter`] returns true.

use std::io;
use std::path::Path;

use ignore::WalkBuilder;

use super::git::{GitDir, excludes_file};

/// Bytes; more than any real `.gitignore` has.
pub(super) const RULES_LIMIT: u64 = 1 << 20;

/// A walk below the canonical `root`. With `git` it is a work tree, and nested repositories have ignore rules of their
/// own; without, every `.gitignore` counts.
pub(super) fn walk(root: &Path, git: bool) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root);
    builder.hidden(false).parents(false).ignore(false).follow_links(false);
    // The walker would open the user's own settings and rules itself, whatever is there.
    builder.git_global(false).current_dir(root);
    if let Some(file) = excludes_file() {
        // Git doesn't follow an invalid rule either.
        drop(builder.add_ignore(file));
    }
    builder.require_git(git).git_exclude(git).git_ignore(has_sane_rules(root, root));
    builder
}

/// Returns true when the `.gitignore` in `folder` is missing or an ordinary file of the tree: no pipe that would block,
/// no device, no link out of `root`, not huge.
pub(super) fn has_sane_rules(root: &Path, folder: &Path) -> bool {
    let sane = folder.join(".gitignore").canonicalize().and_then(|file| {
        let metadata = file.symlink_metadata()?;
        Ok(file.starts_with(root) && metadata.is_file() && metadata.len() <= RULES_LIMIT)
    });
    // A dangling link has no rules, like a missing file.
    sane.unwrap_or_else(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Returns true for a file, and for a folder whose rules are ordinary files: its `.gitignore`, and those of a nested
/// repository.
#[must_use]
pub fn may_enter(root: &Path, entry: &ignore::DirEntry) -> bool {
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    !is_folder || has_sane_rules(root, entry.path()) && GitDir::is_harmless(entry.path())
}

/// The walker doesn't call its filter for the folder that it starts in: this drops rules of any kind that aren't
/// ordinary files in `start`.
pub fn use_harmless_rules(builder: &mut WalkBuilder, root: &Path, start: &Path) {
    builder.git_ignore(has_sane_rules(root, start)).git_exclude(GitDir::is_harmless(start));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn rules_from_elsewhere_are_not_read() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let root = world.path().canonicalize().expect("a canonical path");
        let folder = |name: &str, target: &str| {
            fs::create_dir(root.join(name)).expect("a folder");
            symlink(target, root.join(name).join(".gitignore")).expect("a link");
            has_sane_rules(&root, &root.join(name))
        };
        assert!(!folder("device", "/dev/zero") && !folder("outside", "/etc/passwd"));
        assert!(folder("dangling", "nowhere"));
        fs::write(root.join("shared-rules"), "*.log\n").expect("a file");
        assert!(folder("inside", "../shared-rules"));
        fs::File::create(root.join(".gitignore")).and_then(|file| file.set_len(RULES_LIMIT + 1)).expect("a file");
        assert!(!has_sane_rules(&root, &root));
    }
}
