//! Makes the layers of an overlay before it is mounted.
//!
//! The checks find early what would make single files of the view fail later, so that the copy is chosen instead.
//! Whether the kernel can mount it is left to the worker.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _, Permissions, PermissionsExt as _};
use rustix::fs::{FileType, Mode, XattrFlags, mknodat, removexattr, setxattr};
use rustix::process::{getegid, geteuid};

use super::layers::OverlayLayers;
use super::rules::ViewRules;
use super::start_comparison::{OverlayScene, changed_ns};
use crate::workspace::apply::{check, permissions};
use crate::workspace::{
    ApplyError, Blobs, ChangeSet, ChangedFile, Doing, Repository, by_products::is_by_product_folder, file_state,
    remove_tree,
};

/// Why there can't be an overlay. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum NoOverlay {
    /// The path of the tree isn't UTF-8, which the worker's protocol needs.
    #[error("the path of the tree is not UTF-8")]
    Name,
    /// A user namespace maps one user and one group; the kernel refuses to change files of others.
    #[error("{} belongs to another user or group", .0.display())]
    Foreign(PathBuf),
    /// The file system has no extended attributes, by which the kernel marks folders.
    #[error("the file system of {} keeps no attributes: {source}", folder.display())]
    Attributes {
        /// The folder that was tried.
        folder: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The changes of a stopped run don't fit any more.
    #[error("{0}")]
    Changes(#[from] ApplyError),
    /// A layer can't be made.
    #[error("{}: {source}", path.display())]
    Layer {
        /// The path that failed.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
}

/// The layers of an overlay, ready to be mounted.
pub struct Overlay {
    tree: PathBuf,
    folder: PathBuf,
    git: Vec<PathBuf>,
    changes: ChangeSet,
    began_ns: i64,
}

impl Overlay {
    /// Makes the layers in `run/overlay`, with `changes` in them; their contents are in `run/blobs`.
    ///
    /// # Errors
    /// When an overlay isn't possible.
    pub fn prepare(repository: &Repository, run: &Path, changes: ChangeSet) -> Result<Self, NoOverlay> {
        let tree = repository.root();
        if tree.to_str().is_none() {
            return Err(NoOverlay::Name);
        }
        belongs_to_us(tree)?;
        let folder = run.join("overlay");
        Self::in_folder(repository, run, &folder, changes).inspect_err(|_| drop(remove_tree(&folder)))
    }

    fn in_folder(repository: &Repository, run: &Path, folder: &Path, changes: ChangeSet) -> Result<Self, NoOverlay> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| NoOverlay::Layer { path, source }
        };
        let (tree, upper, work) = (repository.root(), folder.join("upper"), folder.join("work"));
        DirBuilder::new().recursive(true).mode(0o700).create(run).map_err(failed(run))?;
        for part in [folder, &upper] {
            DirBuilder::new().mode(0o700).create(part).map_err(failed(part))?;
        }
        let attributes =
            |source: rustix::io::Errno| NoOverlay::Attributes { folder: upper.clone(), source: source.into() };
        setxattr(&upper, c"user.kcode", b"", XattrFlags::empty()).map_err(attributes)?;
        removexattr(&upper, c"user.kcode").map_err(attributes)?;
        // The top of the view gets the mode of the upper layer's.
        let shown = fs::metadata(tree).map_err(failed(tree))?.permissions().mode() & 0o777;
        fs::set_permissions(&upper, fs::Permissions::from_mode(shown)).map_err(failed(&upper))?;
        if !changes.is_empty() {
            let open = |path: &Path| Dir::open_ambient_dir(path, ambient_authority()).map_err(failed(path));
            let layers = OverlayLayers { lower: open(tree)?, upper: open(&upper)? };
            check(&layers.lower, &changes, Doing::Apply)?;
            let blobs = Blobs::at(&run.join("blobs"));
            for (path, put) in put_all(&layers, &changes, &blobs) {
                put.map_err(failed(path))?;
            }
        }
        // Whatever the user changes after this time came after the run began.
        DirBuilder::new().mode(0o700).create(&work).map_err(failed(&work))?;
        let made = fs::metadata(&work).map_err(failed(&work))?;
        let began_ns = changed_ns(&cap_std::fs::Metadata::from_just_metadata(made));
        let folder = fs::canonicalize(folder).map_err(failed(folder))?;
        Ok(Self { tree: tree.to_owned(), folder, git: repository.git_places(), changes, began_ns })
    }

    /// The user's tree: the lower layer, and the path where the view is mounted.
    #[must_use]
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// The folder that holds `upper` and `work`.
    #[must_use]
    pub fn layers(&self) -> &Path {
        &self.folder
    }

    /// Git's own files and folders, in the tree and elsewhere.
    #[must_use]
    pub fn git(&self) -> &[PathBuf] {
        &self.git
    }

    /// The changes that the layers were made with.
    pub(in crate::workspace) fn changes(&self) -> &ChangeSet {
        &self.changes
    }

    /// The comparison of the view with its start.
    pub(in crate::workspace) fn scene(
        &self,
        repository: &Repository,
        run: &Path,
        dependencies: &[String],
    ) -> io::Result<OverlayScene> {
        let open = |path: &Path| Dir::open_ambient_dir(path, ambient_authority());
        let layers = OverlayLayers { lower: open(&self.tree)?, upper: open(&self.folder.join("upper"))? };
        let view_rules = ViewRules::new(repository, layers, dependencies);
        Ok(OverlayScene::new(view_rules, Blobs::at(&run.join("blobs")), self.began_ns, &self.changes))
    }
}

/// Checks the owners of the top folder and its entries, where trees of mixed owners show.
fn belongs_to_us(tree: &Path) -> Result<(), NoOverlay> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    // Another user's files that we can't write anyway are no loss; root can write all files.
    let is_ours = |about: &fs::Metadata| {
        let ours = about.uid() == user && about.gid() == group;
        ours || user != 0 && about.uid() != user && about.mode() & 0o022 == 0
    };
    let failed = |source| NoOverlay::Layer { path: tree.to_owned(), source };
    let top = fs::metadata(tree).map_err(failed)?;
    if (top.uid(), top.gid()) != (user, group) {
        return Err(NoOverlay::Foreign(tree.to_owned()));
    }
    for entry in fs::read_dir(tree).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = PathBuf::from(entry.file_name());
        let aside = file_state::is_of_git(&name) || is_by_product_folder(|name| tree.join(name).exists(), &name);
        if !aside && entry.metadata().is_ok_and(|about| !about.is_symlink() && !is_ours(&about)) {
            return Err(NoOverlay::Foreign(entry.path()));
        }
    }
    Ok(())
}

/// Writes the changes to the upper layer, new contents first: where one exists, no whiteout is needed.
fn put_all<'c>(
    layers: &OverlayLayers,
    changes: &'c ChangeSet,
    blobs: &Blobs,
) -> impl Iterator<Item = (&'c Path, io::Result<()>)> {
    let (new, gone): (Vec<_>, Vec<_>) = changes.entries.iter().partition(|entry| entry.after.is_some());
    new.into_iter().chain(gone).map(move |entry| (entry.path.as_path(), put(layers, entry, blobs)))
}

fn put(layers: &OverlayLayers, entry: &ChangedFile, blobs: &Blobs) -> io::Result<()> {
    let (upper, path) = (&layers.upper, entry.path.as_path());
    let Some(after) = entry.after else { return put_whiteout(layers, path) };
    make_folders(layers, path)?;
    let content = blobs.read(after.sha256)?;
    if after.mode.is_symlink() {
        return upper.symlink_contents(file_state::as_path(&content), path);
    }
    let below = layers.lower.symlink_metadata(path).ok().filter(cap_std::fs::Metadata::is_file);
    let bits = permissions(below.map_or(0o644, |about| about.permissions().mode() & 0o777), after.mode);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).to_owned();
    let mut file = upper.open_with(path, &file)?;
    io::Write::write_all(&mut file, &content)?;
    file.set_permissions(Permissions::from_mode(bits))
}

/// Puts a whiteout at `path`, unless one of the changes is at the path or replaces a parent.
fn put_whiteout(layers: &OverlayLayers, path: &Path) -> io::Result<()> {
    let upper = &layers.upper;
    let stands = |path: &Path| upper.symlink_metadata(path).ok();
    let mut above = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    if stands(path).is_some() || above.any(|folder| stands(folder).is_some_and(|about| !about.is_dir())) {
        return Ok(());
    }
    make_folders(layers, path)?;
    Ok(mknodat(upper, path, FileType::CharacterDevice, Mode::empty(), 0)?)
}

/// Creates the parent folders of `path` with the modes of the lower layer, because the view shows the upper ones.
fn make_folders(layers: &OverlayLayers, path: &Path) -> io::Result<()> {
    let folders: Vec<_> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
    for folder in folders.into_iter().rev() {
        if layers.upper.symlink_metadata(folder).is_ok() {
            continue;
        }
        layers.upper.create_dir(folder)?;
        if let Some(lower) = layers.lower.symlink_metadata(folder).ok().filter(cap_std::fs::Metadata::is_dir) {
            layers.upper.set_permissions(folder, lower.permissions())?;
        }
    }
    Ok(())
}
