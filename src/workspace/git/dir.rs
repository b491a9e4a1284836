//! Finds and checks git's folders of a work tree, without running git.
//!
//! A tree may come with a `.git` that somebody else wrote. It may name any folder as git's, so one outside the tree is
//! only used when it points back to the tree, as those of linked worktrees and submodules do. It may contain pipes,
//! devices and links, so everything that git opens is checked first.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::facts::GitSettings;
use super::plain::{self, TEXT, Within};

/// Maximum bytes of a file with a name, a hash or a path.
const WORD: u64 = 64 << 10;
/// Maximum bytes of large files: an index of ten million files takes about a gigabyte.
const LARGE: u64 = 1 << 30;

/// Git itself follows only a few.
const MOST_ALTERNATES: usize = 8;

/// The git folders of a work tree.
#[derive(Clone, Debug)]
pub(in crate::workspace) struct GitDir {
    /// Canonical top of the work tree.
    pub(in crate::workspace) root: PathBuf,
    /// Files of this work tree alone: HEAD and the index.
    pub(in crate::workspace) own: PathBuf,
    /// Shared by all work trees of a repository: objects, branches, settings.
    pub(in crate::workspace) common: PathBuf,
    pub(super) facts: GitSettings,
}

/// What is at `.git`.
#[derive(Clone, Debug)]
pub(in crate::workspace) enum DotGit {
    /// Nothing, or nothing that git would accept as a repository.
    Nothing,
    Dir(Box<GitDir>),
    /// A git folder that isn't used, with the reason.
    Refused(String),
}

impl GitDir {
    /// Reads the `.git` of the work tree at the canonical `root`.
    pub(in crate::workspace) fn of(root: &Path) -> DotGit {
        if fs::symlink_metadata(root.join(".git")).is_err() {
            return DotGit::Nothing;
        }
        match Self::read(root) {
            Ok(Some(dir)) => DotGit::Dir(Box::new(dir)),
            Ok(None) => DotGit::Nothing,
            Err(why) => DotGit::Refused(why),
        }
    }

    /// As [`GitDir::of`], without the reason.
    pub(in crate::workspace) fn usable(root: &Path) -> Option<Self> {
        match Self::of(root) {
            DotGit::Dir(dir) => Some(*dir),
            _ => None,
        }
    }

    /// Returns true when the ignore rules of a repository at `folder` are safe to read: ordinary files of a repository
    /// that belongs to the folder, or none.
    pub(in crate::workspace) fn is_harmless(folder: &Path) -> bool {
        let pointer = folder.join(".git");
        let is_plain = |file: &Path| match plain::open(file, TEXT) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        match (Self::of(folder), fs::metadata(&pointer)) {
            (DotGit::Dir(_), _) | (DotGit::Nothing, Err(_)) => true,
            (DotGit::Refused(_), _) => false,
            (DotGit::Nothing, Ok(about)) if about.is_dir() => {
                let rules = pointer.join("info/exclude");
                let real = |path: &Path| fs::canonicalize(path).ok();
                is_plain(&rules)
                    && real(&rules).is_none_or(|rules| real(&pointer).is_some_and(|own| rules.starts_with(own)))
            }
            (DotGit::Nothing, Ok(_)) => is_plain(&pointer) && named(&pointer).is_ok_and(|place| place.is_none()),
        }
    }

    fn read(root: &Path) -> Result<Option<Self>, String> {
        let Some(own) = named(&root.join(".git")).map_err(words)? else { return Ok(None) };
        let common = match plain::read(&own.join("commondir"), WORD).map_err(words)? {
            None => own.clone(),
            Some(line) => fs::canonicalize(own.join(path(&line))).map_err(words)?,
        };
        let looks_so = own.join("HEAD").symlink_metadata().is_ok() && common.join("objects").is_dir();
        if !looks_so {
            return Ok(None);
        }
        let facts = settings(&common.join("config"))?;
        let facts = if facts.is_on("extensions.worktreeconfig") {
            facts.under(settings(&own.join("config.worktree"))?)
        } else {
            facts
        };
        let is_ours = is_inside(root, &own, &common) || knows(&own, &common, root, &facts);
        if !is_ours {
            let place = if own == common || is_inside(root, &own, &own) { &common } else { &own };
            return Err(format!(
                "{} is of another repository, which doesn't know this folder; if it is yours, say so there: \
                 git config core.worktree {}",
                place.display(),
                root.display()
            ));
        }
        facts.check_format()?;
        let dir = Self { root: root.to_owned(), own, common, facts };
        dir.check().map_err(words)?;
        Ok(Some(dir))
    }

    /// Refuses what git would block on, read without end, or follow to another repository.
    fn check(&self) -> io::Result<()> {
        let within = Within { places: [&self.own, &self.common] };
        let (own, common) = (|name: &str| self.own.join(name), |name: &str| self.common.join(name));
        for name in ["ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "info/sparse-checkout", "gitdir", "commondir"] {
            within.file(&own(name), TEXT)?;
        }
        for name in ["config", "objects/info/alternates", "info/grafts", "info/exclude", "info/attributes"] {
            within.file(&common(name), TEXT)?;
        }
        within.file(&common("packed-refs"), LARGE)?;
        within.file(&common("shallow"), LARGE)?;
        for name in ["refs", "objects/info", "info", "logs", "logs/refs", "logs/refs/heads", "reftable"] {
            within.folder(&common(name))?;
        }
        if self.has_ref_files() {
            within.folder(&common("refs/heads"))?;
        }
        within.entries(&common("objects"), |kind| !kind.is_dir())?;
        within.entries(&common("objects/pack"), |kind| !kind.is_file())?;
        within.entries(&common("reftable"), |kind| !kind.is_file())?;
        if self.has_ref_files() {
            self.check_head(&within)?;
        } else {
            within.file(&own("HEAD"), WORD)?;
        }
        for file in self.index_files()? {
            within.file(&file, LARGE)?;
            super::index::check(&plain::open(&file, LARGE)?, if self.is_sha256() { 32 } else { 20 })?;
        }
        Ok(())
    }

    /// The index and the shared parts that a split index may name.
    pub(super) fn index_files(&self) -> io::Result<Vec<PathBuf>> {
        let is_one = |name: &OsStr| name == "index" || name.as_bytes().starts_with(b"sharedindex.");
        let entries = fs::read_dir(&self.own)?.flatten().filter(|entry| is_one(&entry.file_name()));
        Ok(entries.map(|entry| entry.path()).collect())
    }

    fn check_head(&self, within: &Within<'_>) -> io::Result<()> {
        let mut name = "HEAD".to_owned();
        for _ in 0..super::head::DEPTH {
            let place = self.place_of(&name);
            if name != "HEAD" || fs::read_link(&place).is_err() {
                within.file(&place, WORD)?;
            }
            within.file(&self.own.join("logs").join(&name), LARGE)?;
            within.file(&self.common.join("logs").join(&name), LARGE)?;
            match super::head::RefTarget::read(&place)? {
                Some(super::head::RefTarget::Ref(next)) => name = next,
                Some(super::head::RefTarget::Commit(id)) => return self.check_object(within, &id),
                None if place.is_symlink() => return Err(io::Error::other(format!("{} is no ref", place.display()))),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Refuses a branch whose ref or reflog would be written outside of the git folders.
    pub(in crate::workspace) fn check_branch(&self, name: &str) -> io::Result<()> {
        if !self.has_ref_files() {
            return Ok(());
        }
        let within = Within { places: [&self.own, &self.common] };
        for place in [self.common.join(name), self.common.join("logs").join(name)] {
            // Git removes an empty folder that a deleted branch left.
            if place.is_dir() { within.folder(&place)? } else { within.file(&place, LARGE)? }
        }
        Ok(())
    }

    fn check_object(&self, within: &Within<'_>, id: &str) -> io::Result<()> {
        let (folder, file) = id.split_at(2);
        within.file(&self.common.join("objects").join(folder).join(file), LARGE)
    }

    /// Path of a loose ref.
    pub(super) fn place_of(&self, name: &str) -> PathBuf {
        let of_tree = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];
        let is_own = !name.starts_with("refs/") || of_tree.iter().any(|prefix| name.starts_with(prefix));
        if is_own { self.own.join(name) } else { self.common.join(name) }
    }

    /// Returns true when refs are files and object names SHA-1, which can be read without git.
    pub(in crate::workspace) fn is_classic(&self) -> bool {
        !self.is_sha256() && self.has_ref_files()
    }

    fn has_ref_files(&self) -> bool {
        self.facts.extension("refstorage").is_none_or(|storage| storage == "files")
    }

    pub(in crate::workspace) fn is_sha256(&self) -> bool {
        self.facts.extension("objectformat") == Some("sha256")
    }

    /// Returns true when alternates name object folders elsewhere, maybe of another repository.
    pub(in crate::workspace) fn has_alternates(&self) -> bool {
        self.alternates().is_some_and(|text| !text.trim_ascii().is_empty())
    }

    /// Canonical object folders elsewhere that the alternates name. Only the repository says so, so only folders that
    /// look like object folders are returned.
    pub(in crate::workspace) fn borrows_from(&self) -> Vec<PathBuf> {
        let (text, own) = (self.alternates().unwrap_or_default(), self.common.join("objects"));
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        let places = lines.take(MOST_ALTERNATES).filter_map(|line| fs::canonicalize(own.join(path(line))).ok());
        let places = places.filter(|place| !place.starts_with(&self.root) && !place.starts_with(&self.common));
        places.filter(|place| place.ends_with("objects") && place.join("pack").is_dir()).collect()
    }

    fn alternates(&self) -> Option<Vec<u8>> {
        plain::read(&self.common.join("objects/info/alternates"), TEXT).ok().flatten()
    }

    /// `info/exclude` of this clone, if it is an ordinary file.
    pub(in crate::workspace) fn exclude_file(&self) -> Option<PathBuf> {
        let file = self.common.join("info/exclude");
        plain::open(&file, TEXT).ok().map(|_| file)
    }
}

/// Returns true when both folders are inside the tree.
fn is_inside(root: &Path, own: &Path, common: &Path) -> bool {
    [own, common].iter().all(|folder| folder.starts_with(root) && *folder != root)
}

/// Returns true when git folders elsewhere point back to this tree: a linked worktree's by its `gitdir` file, a
/// submodule's by `core.worktree`.
fn knows(own: &Path, common: &Path, root: &Path, facts: &GitSettings) -> bool {
    if own != common {
        let is_listed = own.parent() == Some(&common.join("worktrees"));
        let back = plain::read(&own.join("gitdir"), WORD).ok().flatten();
        let back = back.and_then(|line| place(&own.join(path(&line))));
        return is_listed && back.is_some_and(|back| back == root.join(".git"));
    }
    let tree = facts.get("core.worktree").and_then(|tree| fs::canonicalize(own.join(tree)).ok());
    tree.is_some_and(|tree| tree == root)
}

/// A path with its parent made canonical; its last component may be a link.
fn place(path: &Path) -> Option<PathBuf> {
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

fn settings(file: &Path) -> Result<GitSettings, String> {
    let text = plain::read(file, TEXT).map_err(words)?.unwrap_or_default();
    GitSettings::parse(&text).map_err(|why| format!("{}: {why}", file.display()))
}

/// The canonical folder that `.git` is or names.
fn named(pointer: &Path) -> io::Result<Option<PathBuf>> {
    let about = fs::metadata(pointer)?;
    if about.is_dir() {
        return fs::canonicalize(pointer).map(Some);
    }
    let text = plain::read(pointer, WORD)?.unwrap_or_default();
    let Some(line) = text.strip_prefix(b"gitdir: ") else { return Ok(None) };
    let base = pointer.parent().unwrap_or(Path::new("/"));
    match fs::canonicalize(base.join(path(line))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        folder => folder.map(Some),
    }
}

/// Parses a line that contains a path.
fn path(line: &[u8]) -> &Path {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    Path::new(OsStr::from_bytes(line.strip_suffix(b"\r").unwrap_or(line)))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn words(error: io::Error) -> String {
    error.to_string()
}
