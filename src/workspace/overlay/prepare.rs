//! The layers of an overlay before it is mounted.
//!
//! The checks here find early what would make single files of the view fail later, so that the copy
//! is chosen instead. Whether the kernel mounts it at all, the worker finds out.

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
use super::scene::{OverlayScene, changed_ns};
use crate::workspace::apply::{check, permissions};
use crate::workspace::{
    ApplyError, Blobs, ChangeSet, ChangedFile, Doing, Repository, by_products::is_by_product_folder, file_state,
    remove_tree,
};

/// Why there can't be an overlay. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum NoOverlay {
    /// Its path can't be told to a worker.
    #[error("the path of the tree is not UTF-8")]
    Name,
    /// A user namespace knows one user and one group; the kernel refuses changes of anybody else's files.
    #[error("{} belongs to another user or group", .0.display())]
    Foreign(PathBuf),
    /// The kernel marks folders with them.
    #[error("the file system of {} keeps no attributes: {source}", folder.display())]
    Attributes {
        /// Where.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What a stopped run had changed doesn't fit any more.
    #[error("{0}")]
    Changes(#[from] ApplyError),
    /// A layer can't be made.
    #[error("{}: {source}", path.display())]
    Layer {
        /// Where.
        path: PathBuf,
        /// What the system said.
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
    /// Makes the layers in `run/overlay`, with `changes` in them. What `changes` speaks of is in `run/blobs`.
    ///
    /// # Errors
    /// When an overlay would not serve.
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
        // The view's top is the upper layer's.
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
        // What the user changes from here on came after the run began.
        DirBuilder::new().mode(0o700).create(&work).map_err(failed(&work))?;
        let made = fs::metadata(&work).map_err(failed(&work))?;
        let began_ns = changed_ns(&cap_std::fs::Metadata::from_just_metadata(made));
        let folder = fs::canonicalize(folder).map_err(failed(folder))?;
        Ok(Self { tree: tree.to_owned(), folder, git: repository.git_places(), changes, began_ns })
    }

    /// The user's tree, which becomes the lower layer and the view's place.
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

    /// What differs in the view is told by this.
    pub(in crate::workspace) fn scene(
        &self,
        repository: &Repository,
        run: &Path,
        dependencies: &[String],
    ) -> io::Result<OverlayScene> {
        let open = |path: &Path| Dir::open_ambient_dir(path, ambient_authority());
        let layers = OverlayLayers { lower: open(&self.tree)?, upper: open(&self.folder.join("upper"))? };
        let ground = ViewRules::new(repository, layers, dependencies);
        Ok(OverlayScene::new(ground, Blobs::at(&run.join("blobs")), self.began_ns, &self.changes))
    }
}

/// Looks at the top and what is in it: trees of mixed owners show it there.
fn belongs_to_us(tree: &Path) -> Result<(), NoOverlay> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    // Another user's files that we may not write anyway are no loss; root may write all files.
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

/// Writes the changes to the upper layer. New contents first: what stands there then needs no mark that it is gone.
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

/// Marks that nothing is at `path`, unless something of the changes is in its place or above it.
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

/// Makes the folders above `path`, with the modes that they have in the lower layer: the upper one's are shown.
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
