//! A commit's whole tree, read from git's objects: what is at a path, and where there are links.

use std::path::Path;

use git2::{ObjectType, Oid, TreeWalkMode, TreeWalkResult};

use super::History;

/// Bytes of a file; nobody asks for a larger one.
const MAX_BYTES: usize = 1 << 20;
const LINK: i32 = 0o120_000;

/// The tree of a commit.
pub struct CommitTree {
    history: History,
    commit: String,
    tree: Oid,
    links: Vec<String>,
}

impl CommitTree {
    /// Reads the commit with this full hash.
    ///
    /// # Errors
    /// In words: when it can't be read.
    pub fn of(root: &Path, commit: &str) -> Result<Self, String> {
        let history = History::of(root).ok_or("this format of git is not supported here")?;
        let failed = |error: git2::Error| error.message().to_owned();
        let id = Oid::from_str(commit).map_err(failed)?;
        let mut links = Vec::new();
        let tree = {
            let tree = history.find_commit(id).and_then(|commit| commit.tree()).map_err(failed)?;
            let walked = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
                if entry.filemode() == LINK || entry.kind() == Some(ObjectType::Commit) {
                    let name = String::from_utf8_lossy(entry.name_bytes());
                    links.push(format!("{}{name}", String::from_utf8_lossy(folder.as_bytes())));
                }
                TreeWalkResult::Ok
            });
            walked.map_err(failed)?;
            tree.id()
        };
        Ok(Self { history, commit: commit.to_owned(), tree, links })
    }

    /// The commit's full hash.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// Git's mode of what is at `path`; `None` for nothing and for a folder.
    #[must_use]
    pub fn mode(&self, path: &str) -> Option<i32> {
        let tree = self.history.find_tree(self.tree).ok()?;
        let entry = tree.get_path(Path::new(path)).ok()?;
        (entry.kind() != Some(ObjectType::Tree)).then(|| entry.filemode())
    }

    /// Content of the file at `path`, or where the link leads; `None` when it can't be read, or is large.
    #[must_use]
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        let tree = self.history.find_tree(self.tree).ok()?;
        let entry = tree.get_path(Path::new(path)).ok()?;
        let (size, kind) = self.history.odb().and_then(|odb| odb.read_header(entry.id())).ok()?;
        if size > MAX_BYTES || kind != ObjectType::Blob {
            return None;
        }
        self.history.find_blob(entry.id()).ok().map(|blob| blob.content().to_vec())
    }

    /// Paths of all symbolic links and submodules.
    #[must_use]
    pub fn links(&self) -> &[String] {
        &self.links
    }
}
