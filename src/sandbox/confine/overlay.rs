//! The view as an overlay: the user's tree at its own path, with changes stored in the run's folder.
//!
//! It takes the same time whatever the tree's size, and what git ignores (installed dependencies, build output) is
//! there, warm, under the paths that it was made for. The kernel never writes to the lower layer. If any step is
//! refused, nothing is mounted and the run works on a copy.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags,
};
use rustix::mount::{
    fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, mount, mount_bind, mount_bind_recursive,
    mount_change, move_mount, unmount,
};
use rustix::process::getpid;

use super::attributes;
use super::overlays_ahead::OverlaysAhead;
use super::way::within;
use crate::sandbox::plan::OverlayPlan;
use crate::workspace::remove_tree;

/// Prefix of the layers' paths while the root is made. Short names without commas and colons need no escaping.
const LOWER: &str = "/lower-";
const LAYERS: &str = "/layers-";
/// Name of the view's layers.
const VIEW: &str = "view";
/// User attributes (`trusted.*` takes privileges), no inode index (it would lock the upper folder), and no syncing of a
/// folder that is discarded: what matters is stored elsewhere.
const OPTIONS: &str = "userxattr,index=off,volatile";

/// A folder whose changes are stored elsewhere.
pub(super) struct Overlaid<'a> {
    /// Unique among all overlays.
    pub(super) name: &'a str,
    /// The lower layer; nothing writes to it.
    pub(super) lower: &'a Path,
    /// The folder that holds `upper` and `work`; they are made.
    pub(super) layers: &'a Path,
}

/// The view's overlay.
pub(super) fn view(plan: &OverlayPlan) -> Overlaid<'_> {
    Overlaid { name: VIEW, lower: &plan.tree, layers: &plan.layers }
}

/// Mounts the view at `place`; `old` is where the former root is. Returns git's paths in it, which must be made
/// read-only.
///
/// # Errors
/// If a step is refused; nothing is left at `place` then.
pub(super) fn show(plan: &OverlayPlan, old: &str, place: &Path, ahead: &mut OverlaysAhead) -> io::Result<Vec<PathBuf>> {
    mount_over(&view(plan), old, place, ahead)?;
    let git = plan.git.iter().filter_map(|path| path.strip_prefix(&plan.tree).ok());
    let guarded = git.map(|path| guard(plan, old, path, place)).collect();
    taken_back(guarded, place)
}

/// Mounts an overlay at `place`, unless it was made `ahead` and has only to be put there.
///
/// # Errors
/// If a step is refused; nothing is left at `place` then.
pub(super) fn mount_over(
    overlaid: &Overlaid<'_>,
    old: &str,
    place: &Path,
    ahead: &mut OverlaysAhead,
) -> io::Result<()> {
    let Overlaid { name, lower, layers } = overlaid;
    if let Some(made) = ahead.take(overlaid) {
        if move_mount(made?, "", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).is_ok() {
            return Ok(());
        }
        // A security module may know nothing but mount(2). The first mount left a mark that would forbid the second.
        let _ = remove_tree(&within(old, layers).join("work/work"));
    }
    find_layers(overlaid, old)?;
    let options = format!("lowerdir={LOWER}{name},upperdir={LAYERS}{name}/upper,workdir={LAYERS}{name}/work,{OPTIONS}");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let options = CString::new(options)?;
    mount("overlay", place, "overlay", flags, &*options).map_err(named("keeping changes in", layers))?;
    taken_back(try_out(place).map_err(named("writing over", lower)), place)
}

/// Why an overlay couldn't be made ahead.
pub(super) enum MountRefusal {
    /// The kernel can't make it that way.
    Unsupported,
    Refused(io::Error),
}

/// Makes an overlay that is mounted nowhere.
pub(super) fn detached(overlaid: &Overlaid<'_>, old: &str) -> Result<OwnedFd, MountRefusal> {
    let Overlaid { name, lower, layers } = overlaid;
    let configured = || -> rustix::io::Result<OwnedFd> {
        let overlay = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(&overlay, "source", "overlay")?;
        for option in OPTIONS.split(',') {
            match option.split_once('=') {
                Some((key, value)) => fsconfig_set_string(&overlay, key, value)?,
                None => fsconfig_set_flag(&overlay, option)?,
            }
        }
        Ok(overlay)
    };
    let overlay = configured().map_err(|_| MountRefusal::Unsupported)?;
    find_layers(overlaid, old).map_err(MountRefusal::Refused)?;
    let made = || -> rustix::io::Result<OwnedFd> {
        fsconfig_set_string(&overlay, "lowerdir", format!("{LOWER}{name}"))?;
        fsconfig_set_string(&overlay, "upperdir", format!("{LAYERS}{name}/upper"))?;
        fsconfig_set_string(&overlay, "workdir", format!("{LAYERS}{name}/work"))?;
        fsconfig_create(&overlay)?;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        fsmount(&overlay, FsMountFlags::FSMOUNT_CLOEXEC, flags)
    };
    let mount = made().map_err(named("keeping changes in", layers)).map_err(MountRefusal::Refused)?;
    let probe = format!(".kcode-probe-{}", getpid());
    let tried = mkdirat(&mount, &probe, Mode::RWXU).and_then(|()| unlinkat(&mount, &probe, AtFlags::REMOVEDIR));
    tried.map_err(named("writing over", lower)).map_err(MountRefusal::Refused)?;
    Ok(mount)
}

/// Mounts lower layer and layers under names that need no escaping.
fn find_layers(overlaid: &Overlaid<'_>, old: &str) -> io::Result<()> {
    let Overlaid { name, lower, layers } = overlaid;
    for layer in ["upper", "work"] {
        fs::create_dir_all(within(old, layers).join(layer)).map_err(named("keeping changes in", layers))?;
    }
    for (from, to) in [(lower, format!("{LOWER}{name}")), (layers, format!("{LAYERS}{name}"))] {
        match fs::create_dir(&to) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // A non-recursive bind: an overlay couldn't show mounts below, and the kernel doesn't reveal what they hide.
        mount_bind(within(old, from), to).map_err(named("looking past what is mounted in", from))?;
    }
    Ok(())
}

/// Mounts the overlay over the tree itself, if nothing else is confined; git's paths in it stay read-only.
///
/// # Errors
/// If a step is refused; nothing is left over the tree then.
pub(super) fn show_in_place(plan: &OverlayPlan) -> io::Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let open = |path: &Path| openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let (lower, layers) = (open(&plan.tree)?, open(&plan.layers)?);
    let git = plan.git.iter().filter(|path| path.starts_with(&plan.tree));
    let git = git.map(|path| Ok((path, openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)));
    let git = git.collect::<io::Result<Vec<_>>>()?;
    // Uses descriptors, because a name may contain a comma or a colon.
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

/// Removes the mount at `place` if `tried` is an error.
pub(super) fn taken_back<T>(tried: io::Result<T>, place: &Path) -> io::Result<T> {
    if tried.is_err() {
        unmount(place, UnmountFlags::DETACH)?;
    }
    tried
}

/// Tests the mount: some kernels mount what they can't serve.
pub(super) fn try_out(place: &Path) -> io::Result<()> {
    let probe = place.join(format!(".kcode-probe-{}", getpid()));
    fs::create_dir(&probe)?;
    fs::remove_dir(probe)
}

/// Mounts git's file or folder itself over what the overlay shows of it.
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
