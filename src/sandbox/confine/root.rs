//! The worker's own root directory: visible paths of the machine at the same places, and nothing else.
//!
//! Everything else doesn't exist there: no home, no sockets of other programs, no `/tmp` but a private one. All of it
//! is read-only except for the run's own folders. It exists only in the mount namespace and disappears with its last
//! process.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};
use rustix::process::{chroot, fchdir, pivot_root};

use super::mount_table::mount_table;
use super::overlay::Overlaid;
use super::overlays_ahead::OverlaysAhead;
use super::way::{RootStep, way, within};
use super::{attributes, devices, overlay};
use crate::sandbox::visible::{How, Mask, Visible, VisiblePlace};
use crate::sandbox::{caches::Cache, plain_paths::lies_in, plan::OverlayPlan, session};

/// The new root is mounted here first; any directory would do, since only this process sees the mount.
const STEPPING_STONE: &str = "/tmp";
const OLD: &str = "/old";
const NEW: &str = "/new";
/// The file that covers files.
const EMPTY: &str = "/empty";
/// The system's settings. Small files are copied instead of mounted.
const SETTINGS: &str = "/etc";
const MOST_COPIED: u64 = 16 << 10;
/// Private and in memory; the run's `$TMPDIR` is on the disk.
pub(super) const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

pub(super) struct RootContents<'a> {
    /// Places of the machine, with the view as an overlay if one is planned.
    pub(super) planned: &'a [VisiblePlace],
    /// Waits for the search and returns the places with their masks; called in the machine's own root.
    pub(super) searched: Box<dyn FnOnce() -> Visible + 'a>,
    /// Returns the same for a view without an overlay; also called there.
    pub(super) in_copy: &'a dyn Fn() -> Visible,
    /// The view as an overlay, if one is planned.
    pub(super) overlay: Option<&'a OverlayPlan>,
    /// The view if there is no overlay.
    pub(super) view: &'a Path,
    /// Further writable folders of the run.
    pub(super) writable: &'a [PathBuf],
    /// Caches of the user's toolchains, each with the folder for its changes; shown as far as possible.
    pub(super) caches: &'a [(&'a Cache, PathBuf)],
}

/// The result of entering a root.
pub(super) struct Entered {
    /// Description for the journal.
    pub(super) detail: String,
    /// Why the overlay isn't mounted, if one was planned.
    pub(super) no_overlay: Option<io::Error>,
    /// The places that are shown.
    pub(super) visible: Visible,
    /// The caches that are shown.
    pub(super) caches: Vec<Cache>,
}

/// Moves this process into a root with `places`, and there to the view.
///
/// # Errors
/// If the kernel refuses a step. The process can't be used any more then.
pub(super) fn enter(places: RootContents<'_>) -> io::Result<Entered> {
    let on_terminal = session::without_terminal().is_err();
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    memory(STEPPING_STONE, c"mode=0755")?;
    for place in [OLD, NEW] {
        fs::create_dir(Path::new(STEPPING_STONE).join(&place[1..]))?;
    }
    pivot_root(STEPPING_STONE, Path::new(STEPPING_STONE).join(&OLD[1..]))?;
    std::env::set_current_dir("/")?;
    memory(NEW, c"mode=0755")?;
    for place in TEMPORARY {
        let place = within(NEW, Path::new(place));
        fs::create_dir_all(&place)?;
        memory(&place, c"mode=1777,size=2g")?;
    }
    let devices = within(NEW, Path::new("/dev"));
    fs::create_dir(&devices)?;
    devices::make(&within(OLD, Path::new("/dev")), &devices, on_terminal)?;
    fs::write(EMPTY, "")?;
    fs::set_permissions(EMPTY, fs::Permissions::from_mode(0o444))?;
    let root = File::open("/")?;
    // Whether this process may be forked, `/proc` of the machine tells.
    let ahead = in_old_root(|| OverlaysAhead::begin(&overlays(&places), OLD, || back_to(&root)))?;
    let mut mirror = Mirror { ahead, ..Mirror::default() };
    let caches = places.caches;
    let Filled { view, no_overlay, visible } = mirror.fill(places)?;
    let caches = mirror.show_caches(caches, &visible);
    mirror.seal()?;
    std::env::set_current_dir(NEW)?;
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir(view)?;
    let detail = format!("{} places of the machine, read-only; the rest isn't there", mirror.shown.len());
    Ok(Entered { detail, no_overlay, visible, caches })
}

/// All overlays that are wanted, as they are mounted: the view's first.
fn overlays<'a>(places: &RootContents<'a>) -> Vec<Overlaid<'a>> {
    let real = |cache: &Cache| places.planned.iter().find(|it| it.how == How::Cache && it.path == cache.folder);
    let of_cache = |(cache, layers): &'a (&'a Cache, PathBuf)| {
        real(cache).map(|place| Overlaid { name: &cache.name, lower: &place.real, layers })
    };
    places.overlay.map(overlay::view).into_iter().chain(places.caches.iter().filter_map(of_cache)).collect()
}

fn memory(place: impl AsRef<Path>, options: &std::ffi::CStr) -> io::Result<()> {
    Ok(mount("tmpfs", place.as_ref(), "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options)?)
}

/// A filled root, without caches.
struct Filled {
    view: PathBuf,
    no_overlay: Option<io::Error>,
    visible: Visible,
}

/// The new root while it is filled from the old one.
#[derive(Default)]
struct Mirror {
    shown: HashSet<PathBuf>,
    /// Folders and links made so far.
    made: HashSet<PathBuf>,
    writable: Vec<PathBuf>,
    /// Read-only paths inside writable ones.
    guarded: Vec<PathBuf>,
    /// Covered folders.
    covered: Vec<PathBuf>,
    ahead: OverlaysAhead,
}

impl Mirror {
    /// Shows `places`. The search for masks runs meanwhile.
    fn fill(&mut self, places: RootContents<'_>) -> io::Result<Filled> {
        let RootContents { planned, searched, in_copy, overlay, view, writable, .. } = places;
        let is_in_tree = |path: &Path| overlay.is_some_and(|plan| path.starts_with(&plan.tree));
        self.show_outermost(planned, |path| !is_in_tree(path))?;
        let visible = in_old_root(searched)?;
        self.show_all(&visible, |path| !is_in_tree(path))?;
        let (view, no_overlay, visible) = match overlay.map(|plan| (plan, self.show_overlay(plan))) {
            None => {
                self.show(view, true)?;
                (view.to_owned(), None, visible)
            }
            Some((plan, Ok(()))) => {
                self.show_all(&visible, is_in_tree)?;
                (plan.tree.clone(), None, visible)
            }
            Some((_, Err(error))) => {
                let in_copy = in_old_root(in_copy)?;
                self.show_all(&in_copy, is_in_tree)?;
                self.show(view, true)?;
                (view.to_owned(), Some(error), in_copy)
            }
        };
        writable.iter().try_for_each(|path| self.show(path, true))?;
        Ok(Filled { view, no_overlay, visible })
    }

    /// Shows those of `places` that `which` selects and that lie in no other place, so that no mask can hide them.
    fn show_outermost(&mut self, places: &[VisiblePlace], which: impl Fn(&Path) -> bool) -> io::Result<()> {
        let places: Vec<_> = places.iter().filter(|place| place.how == How::ReadOnly).collect();
        let lies_in =
            |inner: &VisiblePlace, outer: &VisiblePlace| inner.real != outer.real && lies_in(&inner.real, &outer.real);
        let is_outermost = |place: &VisiblePlace| !places.iter().any(|outer| lies_in(place, outer));
        places
            .iter()
            .filter(|place| which(&place.real) && is_outermost(place))
            .try_for_each(|place| self.show_place(place))
    }

    /// Shows and covers the selected paths, a folder before what lies in it.
    fn show_all(&mut self, visible: &Visible, which: impl Fn(&Path) -> bool) -> io::Result<()> {
        let depth = |path: &Path| path.components().count();
        let mut masks = visible.masks.iter().filter(|mask| which(&mask.path)).peekable();
        for place in visible.read_only().filter(|place| which(&place.real)) {
            while let Some(mask) = masks.next_if(|mask| depth(&mask.path) < depth(&place.real)) {
                self.cover(mask)?;
            }
            self.show_place(place)?;
        }
        masks.try_for_each(|mask| self.cover(mask))
    }

    fn show_place(&mut self, place: &VisiblePlace) -> io::Result<()> {
        // A covered folder is empty, so a place in it has to be made again.
        let covered = self.covered.iter().find(|mask| place.real.starts_with(mask)).cloned();
        let is_shown =
            |at: &Path| self.shown.contains(at) && !covered.as_ref().is_some_and(|mask| mask.starts_with(at));
        let way = way(OLD, &place.path, is_shown)?;
        for step in way.steps.iter().filter(|step| !self.made.contains(step.at())) {
            make(step)?;
        }
        self.made.extend(way.steps.into_iter().map(RootStep::into_at));
        let Some(at) = way.to else { return Ok(()) };
        if !copied(&at) {
            mount_bind_recursive(within(OLD, &at), within(NEW, &at))?;
        }
        self.shown.insert(at);
        Ok(())
    }

    /// Mounts an empty file or folder over a path, if it exists.
    fn cover(&mut self, mask: &Mask) -> io::Result<()> {
        let place = within(NEW, &mask.path);
        if !place.exists() && !place.is_symlink() {
            return Ok(());
        }
        if mask.is_folder {
            memory(&place, c"mode=0755,size=1m")?;
            self.made.retain(|made| !lies_in(made, &mask.path));
            self.covered.push(mask.path.clone());
        } else {
            mount_bind(EMPTY, &place)?;
        }
        Ok(())
    }

    /// Mounts the view's overlay at the path of its tree, with git's folders.
    fn show_overlay(&mut self, plan: &OverlayPlan) -> io::Result<()> {
        let Some(place) = self.make_way(&plan.tree, true)? else { return Err(io::ErrorKind::NotFound.into()) };
        self.guarded = overlay::show(plan, OLD, &within(NEW, &place), &mut self.ahead)?;
        self.writable.push(place.clone());
        self.shown.insert(place);
        Ok(())
    }

    /// Shows the caches that it can; returns them.
    fn show_caches(&mut self, caches: &[(&Cache, PathBuf)], visible: &Visible) -> Vec<Cache> {
        let shown = caches.iter().filter(|(cache, layers)| self.show_cache(cache, layers, visible).is_ok());
        shown.map(|(cache, _)| (*cache).clone()).collect()
    }

    fn show_cache(&mut self, cache: &Cache, layers: &Path, visible: &Visible) -> io::Result<()> {
        let Some(place) = self.make_way(&cache.folder, true)? else { return Err(io::ErrorKind::NotFound.into()) };
        // A cache in the view is there already, and one above the run's own folders would hide them.
        if self.writable.iter().any(|own| place.starts_with(own)) {
            return Ok(());
        }
        if self.writable.iter().any(|own| own.starts_with(&place)) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let overlaid = Overlaid { name: &cache.name, lower: &place, layers };
        let at = within(NEW, &place);
        overlay::mount_over(&overlaid, OLD, &at, &mut self.ahead)?;
        // The cache was mounted over these masks.
        let masks = visible.masks.iter().filter(|mask| mask.path.starts_with(&place));
        let covered = masks.clone().try_for_each(|mask| self.cover(mask));
        overlay::taken_back(covered, &at)?;
        self.guarded.extend(masks.map(|mask| mask.path.clone()));
        self.writable.push(place.clone());
        self.shown.insert(place);
        Ok(())
    }

    /// Shows `path` at the same path, with the links that lead there. A path that doesn't exist is skipped.
    fn show(&mut self, path: &Path, writable: bool) -> io::Result<()> {
        let Some(at) = self.make_way(path, writable)? else { return Ok(()) };
        mount_bind_recursive(within(OLD, &at), within(NEW, &at))?;
        if writable {
            self.writable.push(at.clone());
        }
        self.shown.insert(at);
        Ok(())
    }

    /// Makes a mount point at `path`, with the links that lead there. `None` if there is nothing to show or, unless
    /// `writable`, if it is shown already.
    fn make_way(&self, path: &Path, writable: bool) -> io::Result<Option<PathBuf>> {
        let way = way(OLD, path, |at| !writable && self.shown.contains(at))?;
        way.steps.iter().try_for_each(make)?;
        Ok(way.to)
    }

    /// Makes every mount read-only except the run's own: all at once, then restores the exceptions.
    fn seal(&self) -> io::Result<()> {
        let table = fs::read(within(OLD, Path::new("/proc/self/mountinfo")))?;
        let mounts = mount_table(&table).filter(|(place, _)| lies_in(place, Path::new(NEW)));
        // Of mounts at one path only the last one can be named.
        let mounts: HashMap<OsString, String> = mounts.map(|(place, options)| (place.into(), options)).collect();
        let mounts = mounts.iter().map(|(place, options)| (Path::new(place), options));
        let (open, shut): (Vec<_>, Vec<_>) = mounts.partition(|(place, _)| self.is_open(place));
        if attributes::seal_all(Path::new(NEW)).is_err() {
            // On older kernels, or if some mount can't be changed, they are made read-only one by one.
            return shut.into_iter().try_for_each(|(place, options)| seal_one(place, options));
        }
        open.into_iter().try_for_each(|(place, options)| attributes::restore(place, options))
    }

    /// Whether the mount at `place` stays writable.
    fn is_open(&self, place: &Path) -> bool {
        let path = Path::new("/").join(place.strip_prefix(NEW).unwrap_or(place));
        let is_private = TEMPORARY.iter().any(|folder| path == Path::new(folder));
        let own = self.writable.iter().map(PathBuf::as_path);
        // Devices and the kernel's files have their own protection, and programs have to write some.
        let kernel = ["/dev", "/proc"].map(Path::new);
        let is_open = is_private || own.chain(kernel).any(|open| lies_in(&path, open));
        is_open && !self.guarded.iter().any(|guarded| lies_in(&path, guarded))
    }
}

/// Copies a small settings file: dozens of mounts would be needed otherwise, here and in the namespaces of every
/// command. Nobody changes them while tests run.
fn copied(path: &Path) -> bool {
    path.starts_with(SETTINGS) && copy_small(path).unwrap_or(false)
}

fn copy_small(path: &Path) -> io::Result<bool> {
    let from = within(OLD, path);
    let about = fs::symlink_metadata(&from)?;
    if !about.is_file() || about.len() > MOST_COPIED {
        return Ok(false);
    }
    // With room for all of it, it is read at once.
    let (file, mut text) = (File::open(&from)?, Vec::with_capacity(about.len() as usize + 64));
    let mode = file.metadata()?.permissions().mode();
    file.take(MOST_COPIED + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MOST_COPIED || mode & 0o004 == 0 {
        return Ok(false);
    }
    let mut to = File::options().write(true).create(true).truncate(true).open(within(NEW, path))?;
    to.write_all(&text)?;
    to.set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
    Ok(true)
}

/// Runs `look` with the machine's own paths.
fn in_old_root<T>(look: impl FnOnce() -> T) -> io::Result<T> {
    let root = File::open("/")?;
    chroot(OLD)?;
    let seen = look();
    back_to(&root)?;
    Ok(seen)
}

fn back_to(root: &File) -> io::Result<()> {
    fchdir(root)?;
    Ok(chroot(".")?)
}

/// Makes a step in the new root, unless it exists.
fn make(step: &RootStep) -> io::Result<()> {
    let made = match step {
        RootStep::Link { at, target } => symlink(target, within(NEW, at)),
        RootStep::File(at) => File::create_new(within(NEW, at)).map(drop),
        RootStep::Folder(at) => {
            let made = fs::create_dir(within(NEW, at));
            // Commands may write the temporary folder. A mount point can't be moved away, nor can its contents.
            if made.is_ok() && is_in_temporary(at) {
                memory(within(NEW, at), c"mode=0755,size=1m")?;
            }
            // Copies need a mount of their own, like everything that is shown.
            if made.is_ok() && at == Path::new(SETTINGS) {
                memory(within(NEW, at), c"mode=0755,size=8m")?;
            }
            made
        }
    };
    exists_is_fine(made)
}

/// Whether it lies directly in a private temporary folder.
pub(super) fn is_in_temporary(path: &Path) -> bool {
    TEMPORARY.iter().any(|own| path.parent() == Some(Path::new(own)))
}

fn exists_is_fine(made: io::Result<()>) -> io::Result<()> {
    made.or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
}

fn seal_one(place: &Path, options: &str) -> io::Result<()> {
    // A user namespace may add mount restrictions but not remove them, so all existing ones are repeated.
    let kept = [
        ("noexec", MountFlags::NOEXEC),
        ("noatime", MountFlags::NOATIME),
        ("nodiratime", MountFlags::NODIRATIME),
        ("relatime", MountFlags::RELATIME),
    ];
    // Also without devices and set-id programs.
    let mut flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NODEV | MountFlags::NOSUID;
    for (name, flag) in kept {
        if options.split(',').any(|option| option == name) {
            flags |= flag;
        }
    }
    match mount_remount(place, flags, c"") {
        // A mount under another mount can't be named, and nobody can reach it.
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
