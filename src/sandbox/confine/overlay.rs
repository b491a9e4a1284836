//! The view as an overlay: the user's tree at its own path, with what changes taken down in the run's folder.
//!
//! It costs the same whatever the tree's size, and what git ignores (installed dependencies, build
//! output) is there, warm, under the paths that it was made for. The kernel never writes to the lower
//! layer. Whatever refuses, nothing is mounted, and the run works on a copy instead.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::mount::{mount, mount_bind, mount_bind_recursive, mount_change, unmount};
use rustix::process::getpid;

use super::attributes;
use super::way::within;
use crate::sandbox::plan::OverlayPlan;

/// Where the layers are while the root is made; a name follows. Short ones without commas and colons need no escaping.
const LOWER: &str = "/lower-";
const LAYERS: &str = "/layers-";
/// The view, among those names.
const VIEW: &str = "view";
/// Attributes of the user's own (`trusted.*` isn't ours to write), no database of inodes (it would lock the upper folder),
/// and no syncing of a folder that is thrown away: what counts of it is kept elsewhere.
const OPTIONS: &str = "userxattr,index=off,volatile";

/// A folder of which changes are taken down elsewhere.
pub(super) struct Overlaid<'a> {
    /// Unlike that of any other.
    pub(super) name: &'a str,
    /// The folder as it is; nothing writes to it.
    pub(super) lower: &'a Path,
    /// Where the folders `upper` and `work` are.
    pub(super) layers: &'a Path,
}

/// Mounts it at `place`; `old` is what used to be the root. Returns the places of git's in it, which are to be made
/// read-only.
///
/// # Errors
/// When a step is refused; nothing is left at `place` then.
pub(super) fn show(plan: &OverlayPlan, old: &str, place: &Path) -> io::Result<Vec<PathBuf>> {
    mount_over(&Overlaid { name: VIEW, lower: &plan.tree, layers: &plan.layers }, old, place)?;
    let git = plan.git.iter().filter_map(|path| path.strip_prefix(&plan.tree).ok());
    let guarded = git.map(|path| guard(plan, old, path, place)).collect();
    taken_back(guarded, place)
}

/// Mounts an overlay at `place`.
///
/// # Errors
/// When a step is refused; nothing is left at `place` then.
pub(super) fn mount_over(overlaid: &Overlaid<'_>, old: &str, place: &Path) -> io::Result<()> {
    let Overlaid { name, lower, layers } = overlaid;
    for (from, to) in [(lower, format!("{LOWER}{name}")), (layers, format!("{LAYERS}{name}"))] {
        fs::create_dir(&to)?;
        // Not what is mounted below: an overlay couldn't show it, and the kernel doesn't uncover what it hides.
        mount_bind(within(old, from), to).map_err(named("looking past what is mounted in", from))?;
    }
    let options = format!("lowerdir={LOWER}{name},upperdir={LAYERS}{name}/upper,workdir={LAYERS}{name}/work,{OPTIONS}");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let options = CString::new(options)?;
    mount("overlay", place, "overlay", flags, &*options).map_err(named("keeping changes in", layers))?;
    taken_back(try_out(place).map_err(named("writing over", lower)), place)
}

/// Mounts it over the tree itself, where nothing else is to be confined; git's places in it stay read-only.
///
/// # Errors
/// When a step is refused; nothing is left over the tree then.
pub(super) fn show_in_place(plan: &OverlayPlan) -> io::Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let open = |path: &Path| openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let (lower, layers) = (open(&plan.tree)?, open(&plan.layers)?);
    let git = plan.git.iter().filter(|path| path.starts_with(&plan.tree));
    let git = git.map(|path| Ok((path, openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)));
    let git = git.collect::<io::Result<Vec<_>>>()?;
    // By their descriptors: a name may have a comma or a colon in it.
    let at = |descriptor: &OwnedFd| format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    let (lower, layers) = (at(&lower), at(&layers));
    let options = format!("lowerdir={lower},upperdir={layers}/upper,workdir={layers}/work,{OPTIONS}");
    let options = CString::new(options)?;
    mount("overlay", &plan.tree, "overlay", MountFlags::NOSUID | MountFlags::NODEV, &*options)
        .map_err(named("keeping changes in", &plan.layers))?;
    taken_back(try_out(&plan.tree).map_err(named("writing over", &plan.tree)), &plan.tree)?;
    let guard = |(path, descriptor): &(&PathBuf, OwnedFd)| {
        mount_bind_recursive(at(descriptor), *path)?;
        attributes::close_for_writing(path)
    };
    let guarded = git.iter().try_for_each(guard);
    taken_back(guarded.map_err(named("guarding", &plan.tree)), &plan.tree)?;
    std::env::set_current_dir(&plan.tree)
}

/// The same, without the mount at `place` when it is an error.
pub(super) fn taken_back<T>(tried: io::Result<T>, place: &Path) -> io::Result<T> {
    if tried.is_err() {
        unmount(place, UnmountFlags::DETACH)?;
    }
    tried
}

/// Some kernels mount what they can't serve.
pub(super) fn try_out(place: &Path) -> io::Result<()> {
    let probe = place.join(format!(".kcode-probe-{}", getpid()));
    fs::create_dir(&probe)?;
    fs::remove_dir(probe)
}

/// Puts git's file or folder itself over what the overlay shows of it.
fn guard(plan: &OverlayPlan, old: &str, path: &Path, place: &Path) -> io::Result<PathBuf> {
    let real = plan.tree.join(path);
    let place = place.join(path);
    mount_bind_recursive(within(old, &real), &place).map_err(named("guarding", &real))?;
    Ok(real)
}

fn named<E: Into<io::Error>>(step: &'static str, path: &Path) -> impl FnOnce(E) -> io::Error {
    let path = path.display().to_string();
    move |error| {
        let error = error.into();
        io::Error::new(error.kind(), format!("{step} {path}: {error}"))
    }
}
