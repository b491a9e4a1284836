//! What the survey tells the model about the repository: its paths and its dirty files.
//!
//! Both are deterministic and bounded. Paths come from the index (a few milliseconds for 50,000), without git from a
//! walk that stops at the limit. Dirty files are only asked for where that is cheap.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::git::{Git, GitDir};
use super::paths::{PathList, escaped};
use super::walk::{may_enter, walk};
use super::{Repository, file_state};
use crate::settings::is_git_name;

/// Bytes; an index of this size lists about 2,000 files.
const SMALL_INDEX: u64 = 256 * 1024;
/// Bytes of an index that is read in this process when git can't list it.
const LARGEST_INDEX: u64 = 64 << 20;
/// Above this many tracked files `git status` is noticeably slow, and the survey goes without.
const CHANGES_UP_TO: u64 = 5_000;

/// Paths of a repository, sorted bytewise.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    paths: PathList,
    /// Number of paths, also of those beyond the limit; for a walk, the number seen before it stopped.
    pub total: u64,
    /// False when the limit left paths out.
    pub complete: bool,
    /// True when these are git's tracked paths, false when a walk found them.
    pub tracked: bool,
}

impl Outline {
    /// The paths relative to the root, without those that aren't UTF-8.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().filter_map(|path| std::str::from_utf8(path).ok())
    }

    /// The paths that aren't UTF-8, escaped.
    pub fn unnamed(&self) -> impl Iterator<Item = String> {
        self.paths.iter().filter(|path| std::str::from_utf8(path).is_err()).map(escaped)
    }
}

/// A file that differs from HEAD, the index, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirtyFile {
    /// Relative to the root; a folder ends in `/` when everything in it is untracked.
    pub path: String,
    /// Git's two letters, index and work tree, such as `.M`, `A.`, `??`, `UU`.
    pub status: String,
}

impl Repository {
    /// Lists at most `limit` paths: tracked ones, or without git those that a walk finds and no `.gitignore` excludes.
    #[must_use]
    pub fn outline_paths(&self, limit: usize) -> Outline {
        let Some(mut paths) = self.git_dir().and_then(tracked_paths) else { return self.walked(limit) };
        paths.sort();
        let total = paths.len() as u64;
        paths.truncate(limit);
        Outline { paths, total, complete: total <= limit as u64, tracked: true }
    }

    fn walked(&self, limit: usize) -> Outline {
        let mut outline = Outline { complete: true, ..Outline::default() };
        let root = self.root().to_owned();
        let filter = move |entry: &ignore::DirEntry| entry.file_name() != ".git" && may_enter(&root, entry);
        let walk = walk(self.root(), false).sort_by_file_name(std::cmp::Ord::cmp).filter_entry(filter).build();
        let files = walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()));
        for entry in files {
            if outline.total == limit as u64 {
                outline.complete = false;
                break;
            }
            let path = file_state::relative(self.root(), entry.path()).unwrap_or_default();
            outline.paths.push(path.as_os_str().as_encoded_bytes(), false);
            outline.total += 1;
        }
        outline.paths.sort();
        outline
    }

    /// At most `limit` dirty files, and whether there are more; `None` without git, when git fails, and when `outline`
    /// shows that asking would be slow.
    #[must_use]
    pub fn changes(&self, outline: &Outline, limit: usize) -> Option<(Vec<DirtyFile>, bool)> {
        if !outline.tracked || outline.total > CHANGES_UP_TO {
            return None;
        }
        // With alternates, git would read objects of another repository.
        let git = self.git_dir().filter(|git| !git.has_alternates())?;
        let arguments =
            ["status", "--porcelain=v2", "-z", "--untracked-files=normal", "--no-renames", "--ignore-submodules=all"];
        let output = Git::at_head(git).ok()?.args(arguments).run(&[]).ok()?;
        let mut files: Vec<_> = output.split(|byte| *byte == 0).filter_map(dirty_file).collect();
        let more = files.len() > limit;
        files.truncate(limit);
        Some((files, more))
    }
}

/// Parses one record of `git status --porcelain=v2`; git-status(1) describes the format.
fn dirty_file(record: &[u8]) -> Option<DirtyFile> {
    let record = std::str::from_utf8(record).ok()?;
    let (kind, rest) = record.split_once(' ')?;
    // Number of fields up to and including the path, which may contain spaces.
    let fields = match kind {
        "1" => 8,
        "u" => 10,
        "?" => 1,
        _ => return None,
    };
    let path = rest.splitn(fields, ' ').nth(fields - 1)?.to_owned();
    let status = if kind == "?" { "??" } else { rest.get(..2)? }.to_owned();
    Some(DirtyFile { path, status })
}

/// The paths in the index, submodules as folders ending in `/`; `None` without an index, or when it names a path
/// outside the tree.
pub(super) fn tracked_paths(git: &GitDir) -> Option<PathList> {
    if !git.is_classic() {
        return command_index(git);
    }
    // Reading a small index takes less time than starting a command. A large one takes memory that is better spent in
    // another process, and libgit2 refuses sparse and split ones.
    library_index(git, SMALL_INDEX).or_else(|| command_index(git)).or_else(|| library_index(git, LARGEST_INDEX))
}

fn library_index(git: &GitDir, limit: u64) -> Option<PathList> {
    let file = git.own.join("index");
    if file.metadata().is_ok_and(|index| index.len() > limit) {
        return None;
    }
    let index = git2::Index::open(&file).ok()?;
    let mut paths = Tracked::default();
    index.iter().for_each(|entry| paths.push(&entry.path));
    paths.all()
}

fn command_index(git: &GitDir) -> Option<PathList> {
    let mut paths = Tracked::default();
    Git::of(git).ok()?.args(["ls-files", "-z"]).each_part(|path| paths.push(path)).ok()?;
    paths.all()
}

/// Collects the paths of an index and checks each.
#[derive(Default)]
struct Tracked {
    paths: PathList,
    before: Vec<u8>,
    is_wrong: bool,
}

impl Tracked {
    fn push(&mut self, path: &[u8]) {
        self.paths.push(path, true);
        // Components shared with the previous path were checked with it.
        let shared = self.before.iter().zip(path).take_while(|(old, new)| old == new).count();
        let new = memchr::memrchr(b'/', &path[..shared]).map_or(0, |at| at + 1);
        self.is_wrong |= !is_possible(&path[new..]);
        self.before.clear();
        self.before.extend_from_slice(path);
    }

    /// `None` when a tree can't contain all of them.
    fn all(self) -> Option<PathList> {
        (!self.is_wrong).then_some(self.paths)
    }
}

/// Returns true when a tree can contain the path. A hostile index may name files anywhere, and git would look at them.
fn is_possible(path: &[u8]) -> bool {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !is_git_name(OsStr::from_bytes(part));
    path.split(|byte| *byte == b'/').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_a_tree_are_told_apart() {
        for path in ["a", "a/b..c", ".github/x", "sub/", "a/.gitignore"] {
            assert!(is_possible(path.as_bytes()), "{path}");
        }
        for path in ["", "/etc/passwd", "../a", "a/../../b", "a//b", "./a", ".git/config", "sub/.GIT/config"] {
            assert!(!is_possible(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn a_path_is_looked_at_behind_what_it_shares_with_the_one_before() {
        let are_possible = |paths: &[&str]| {
            let mut tracked = Tracked::default();
            for path in paths {
                tracked.push(path.as_bytes());
            }
            tracked.all().is_some()
        };
        assert!(are_possible(&["a/b", "a/b/c", "a/bc", "ab", "sub/", "x"]));
        for wrong in ["a/..", "a/b/../c", "a/b/.git", "a/b/.git/x", "a/b//", "a//b", "..", ""] {
            assert!(!are_possible(&["a/b/.gi", "a/b/c", wrong]) && !are_possible(&[wrong, "z"]), "{wrong}");
            assert!(!are_possible(&[wrong, wrong]), "{wrong}");
        }
    }

    #[test]
    fn records_of_git_status_are_read() {
        let read = |text: &str| dirty_file(text.as_bytes()).map(|file| (file.status, file.path));
        let hash = "0".repeat(40);
        let changed = format!("1 .M N... 100644 100644 100644 {hash} {hash} a file with spaces");
        assert_eq!(read(&changed), Some((".M".into(), "a file with spaces".into())));
        let conflict = format!("u UU N... 100644 100644 100644 100644 {hash} {hash} {hash} both");
        assert_eq!(read(&conflict), Some(("UU".into(), "both".into())));
        assert_eq!(read("? new folder/"), Some(("??".into(), "new folder/".into())));
        assert_eq!(read("# branch.oid (initial)"), None);
    }
}
