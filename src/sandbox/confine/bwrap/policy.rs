//! Describes the root that kcode makes itself (see `root`) as arguments of bwrap.
//!
//! Each path is an argument of its own, so no character in it needs escaping.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::find::Bwrap;
use crate::sandbox::confine::mount_table;
use crate::sandbox::confine::root::{TEMPORARY, is_in_temporary};
use crate::sandbox::confine::way::{RootStep, way};
use crate::sandbox::kernel_files;
use crate::sandbox::plan::{OverlayPlan, WorkerConfig};
use crate::sandbox::visible::{Mask, Visible};

/// New namespaces of every kind; the worker dies with whoever started bwrap, and has no capabilities.
const NAMESPACES: [&str; 8] = [
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--new-session",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
];
/// Size of each tmpfs in bytes, if it can be set; otherwise half of the memory.
const TEMPORARY_SIZE: &str = "2147483648";
const SHARED_MEMORY_SIZE: &str = "1073741824";

/// The arguments while they are built.
#[derive(Default)]
pub(super) struct BwrapPolicy {
    arguments: Vec<OsString>,
    /// Places that are shown with everything in them.
    shown: HashSet<PathBuf>,
    /// Covered folders in them.
    covered: Vec<PathBuf>,
    /// Steps that earlier ways have made.
    made: HashSet<PathBuf>,
    /// Paths that are made read-only at the end.
    sealed: Vec<PathBuf>,
}

impl BwrapPolicy {
    /// The arguments for `config` and the `visible` places of the machine.
    ///
    /// # Errors
    /// If a link can't be read, or the overlay couldn't show all of the tree.
    pub(super) fn new(
        config: &WorkerConfig,
        overlay: Option<&OverlayPlan>,
        bwrap: &Bwrap,
        visible: &Visible,
    ) -> io::Result<Self> {
        let arguments = NAMESPACES.map(OsString::from).into();
        let mut policy = Self { arguments, ..Self::default() };
        policy.system(bwrap)?;
        let is_in_tree = |path: &Path| overlay.is_some_and(|plan| path.starts_with(&plan.tree));
        policy.show_all(visible, |path| !is_in_tree(path))?;
        match overlay {
            Some(plan) => {
                policy.show_overlay(plan)?;
                policy.show_all(visible, is_in_tree)?;
            }
            None => policy.show(&config.view, true)?,
        }
        [&config.scratch, &config.logs].into_iter().try_for_each(|path| policy.show(path, true))?;
        policy.seal();
        policy.option("--chdir", [overlay.map_or(&config.view, |plan| &plan.tree).as_os_str()]);
        Ok(policy)
    }

    fn seal(&mut self) {
        // Something of the machine may be shown at the same path.
        let is_shown = |place: &PathBuf| self.shown.contains(place) && !self.covered.contains(place);
        let folders = std::mem::take(&mut self.sealed).into_iter().filter(|place| !is_shown(place));
        let places: Vec<PathBuf> = folders.chain(["/dev", "/"].map(PathBuf::from)).collect();
        for place in places {
            self.option("--remount-ro", [place.as_os_str()]);
        }
    }

    /// Number of the machine's places that are shown.
    pub(super) fn places(&self) -> usize {
        self.shown.len()
    }

    /// All arguments, followed by `command`.
    pub(super) fn arguments<'a>(mut self, command: impl IntoIterator<Item = &'a OsStr>) -> Vec<OsString> {
        self.option("--", command);
        self.arguments
    }

    fn option<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a OsStr>) {
        self.arguments.push(name.into());
        self.arguments.extend(values.into_iter().map(OsStr::to_owned));
    }

    /// Temporary folders, devices, and a `/proc` with read-only settings: root owns them even without capabilities.
    fn system(&mut self, bwrap: &Bwrap) -> io::Result<()> {
        for place in TEMPORARY {
            self.memory(bwrap, "1777", TEMPORARY_SIZE, place.as_ref());
        }
        self.option("--proc", ["/proc".as_ref()]);
        for place in kernel_files::writable()? {
            self.option("--ro-bind", [place.as_os_str(), place.as_os_str()]);
        }
        self.option("--dev", ["/dev".as_ref()]);
        self.memory(bwrap, "1777", SHARED_MEMORY_SIZE, "/dev/shm".as_ref());
        if fs::read_to_string("/proc/filesystems").is_ok_and(|known| known.contains("mqueue")) {
            self.option("--mqueue", ["/dev/mqueue".as_ref()]);
        }
        self.made.extend(["/", "/proc", "/dev"].iter().chain(&TEMPORARY).map(PathBuf::from));
        self.shown.extend(["/proc", "/dev"].map(PathBuf::from));
        Ok(())
    }

    fn memory(&mut self, bwrap: &Bwrap, mode: &str, size: &str, place: &Path) {
        self.option("--perms", [mode.as_ref()]);
        if !bwrap.is_setuid {
            self.option("--size", [size.as_ref()]);
        }
        self.option("--tmpfs", [place.as_os_str()]);
    }

    fn show_overlay(&mut self, plan: &OverlayPlan) -> io::Result<()> {
        let table = fs::read("/proc/self/mountinfo")?;
        let mut mounted = mount_table(&table).map(|(place, _)| place);
        if let Some(place) = mounted.find(|place| *place != plan.tree && place.starts_with(&plan.tree)) {
            return Err(io::Error::other(format!("it would not show what is mounted at {}", place.display())));
        }
        let Some(tree) = self.go(&plan.tree, true)? else { return Err(io::ErrorKind::NotFound.into()) };
        let (upper, work) = (plan.layers.join("upper"), plan.layers.join("work"));
        self.option("--overlay-src", [tree.as_os_str()]);
        self.option("--overlay", [upper.as_os_str(), work.as_os_str(), tree.as_os_str()]);
        // The overlay already shows what lies in the tree; it only becomes read-only.
        for path in plan.git.iter().filter(|path| path.starts_with(&tree)) {
            self.option("--ro-bind", [path.as_os_str(), path.as_os_str()]);
            self.shown.insert(path.clone());
        }
        self.shown.insert(tree);
        Ok(())
    }

    /// Shows and covers the selected paths, a folder before what lies in it.
    fn show_all(&mut self, visible: &Visible, which: impl Fn(&Path) -> bool) -> io::Result<()> {
        let depth = |path: &Path| path.components().count();
        let mut masks = visible.masks.iter().filter(|mask| which(&mask.path)).peekable();
        for place in visible.read_only().filter(|place| which(&place.real)) {
            while let Some(mask) = masks.next_if(|mask| depth(&mask.path) < depth(&place.real)) {
                self.cover(mask);
            }
            self.show(&place.path, false)?;
        }
        masks.for_each(|mask| self.cover(mask));
        Ok(())
    }

    /// Covers a path with something empty. Devices can't be opened through bwrap's mounts.
    fn cover(&mut self, mask: &Mask) {
        if mask.is_folder {
            self.option("--tmpfs", [mask.path.as_os_str()]);
            self.sealed.push(mask.path.clone());
            self.covered.push(mask.path.clone());
        } else {
            self.option("--ro-bind", ["/dev/null".as_ref(), mask.path.as_os_str()]);
        }
    }

    /// Shows `path` at the same path, with the links that lead there. A path that doesn't exist is skipped.
    fn show(&mut self, path: &Path, writable: bool) -> io::Result<()> {
        let Some(at) = self.go(path, writable)? else { return Ok(()) };
        self.option(if writable { "--bind" } else { "--ro-bind" }, [at.as_os_str(), at.as_os_str()]);
        self.shown.insert(at);
        Ok(())
    }

    /// Whether `at` exists because it or a folder around it is shown; a covered folder is empty.
    fn is_there(&self, at: &Path, path: &Path) -> bool {
        let covered = self.covered.iter().find(|mask| path.starts_with(mask));
        let is_above = |above: &Path| covered.is_some_and(|mask| mask.starts_with(above));
        self.shown.contains(at) && !is_above(at)
    }

    /// Makes the way to `path`; returns where it leads. `None` if nowhere or, unless `writable`, if it is shown
    /// already.
    fn go(&mut self, path: &Path, writable: bool) -> io::Result<Option<PathBuf>> {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let way = way("/", path, |at| !writable && self.is_there(at, &real))?;
        for step in way.steps {
            match step {
                RootStep::Link { at, target } => {
                    if self.is_new(&at) {
                        self.option("--symlink", [target.as_os_str(), at.as_os_str()]);
                    }
                }
                RootStep::Folder(at) => {
                    if self.is_new(&at) {
                        self.folder(at);
                    }
                }
                // bwrap creates the file when it mounts.
                RootStep::File(_) => {}
            }
        }
        Ok(way.to)
    }

    /// Whether it doesn't exist yet, neither by itself nor in something shown.
    fn is_new(&mut self, at: &Path) -> bool {
        !at.ancestors().any(|above| self.is_there(above, at)) && self.made.insert(at.to_owned())
    }

    fn folder(&mut self, at: PathBuf) {
        // Commands may write the temporary folder. A mount point can't be moved away, nor can its contents.
        let kind = if is_in_temporary(&at) { "--tmpfs" } else { "--dir" };
        self.option(kind, [at.as_os_str()]);
        if kind == "--tmpfs" {
            self.sealed.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::visible::{How, VisiblePlace};

    fn config(folder: &Path) -> WorkerConfig {
        let path = |name: &str| serde_json::to_value(folder.join(name)).unwrap();
        let config = serde_json::json!({
            "view": path("run/view"), "logs": path("run/logs"), "scratch": path("run/scratch"), "readable": [],
            "readable_secrets": [], "home": null, "tests": null, "deadline": {"secs": 1, "nanos": 0},
            "idle": {"secs": 1, "nanos": 0}, "confine": true,
            "overlay": {"tree": path("a tree,:\\"), "layers": path("run/layers"), "git": [path("a tree,:\\/.git")]},
        });
        serde_json::from_value(config).unwrap()
    }

    /// The arguments as text, where the test's folder is called `@`.
    fn arguments(with_overlay: bool, is_setuid: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for name in ["run/view", "run/logs", "run/scratch", "run/layers", "a tree,:\\/.git", "bin"] {
            fs::create_dir_all(at.join(name)).unwrap();
        }
        let config = config(&at);
        let bwrap = Bwrap { program: PathBuf::new(), version: (0, 11), is_setuid };
        let overlay = config.overlay.as_ref().filter(|_| with_overlay);
        let place = |path: PathBuf| VisiblePlace { real: path.clone(), path, how: How::ReadOnly };
        let visible = Visible { places: ["bin", "none"].map(|name| place(at.join(name))).into(), masks: Vec::new() };
        let policy = BwrapPolicy::new(&config, overlay, &bwrap, &visible).unwrap();
        let words = policy.arguments(["kcode".as_ref()]);
        let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
        format!(" {} ", words.join(" ")).replace(at.to_str().unwrap(), "@")
    }

    #[track_caller]
    fn assert_in_order(text: &str, parts: &[&str]) {
        let mut rest = text;
        for part in parts {
            let Some(at) = rest.find(part) else { panic!("no {part:?} where it ought to be in {text}") };
            rest = &rest[at + part.len()..];
        }
    }

    #[test]
    fn what_lies_over_something_comes_after_it() {
        let shown = "--ro-bind @/bin @/bin ";
        let [scratch, logs] = ["--bind @/run/scratch @/run/scratch ", "--bind @/run/logs @/run/logs "];
        let end = "--remount-ro /dev --remount-ro / --chdir";
        let overlay = "--overlay-src @/a tree,:\\ --overlay @/run/layers/upper @/run/layers/work @/a tree,:\\ \
                       --ro-bind @/a tree,:\\/.git @/a tree,:\\/.git ";
        let with = arguments(true, false);
        assert_in_order(&with, &["--proc /proc ", shown, overlay, scratch, logs, end, " @/a tree,:\\ -- kcode "]);
        assert!(!with.contains("@/run/view") && !with.contains("@/none"), "{with}");
        let without = arguments(false, false);
        assert_in_order(
            &without,
            &[shown, "--bind @/run/view @/run/view ", scratch, logs, end, " @/run/view -- kcode "],
        );
        assert!(!without.contains("overlay"), "{without}");
    }

    #[test]
    fn sizes_are_named_where_they_may_be() {
        assert_in_order(&arguments(false, false), &["--perms 1777 --size 2147483648 --tmpfs /tmp "]);
        let setuid = arguments(false, true);
        assert!(setuid.contains("--perms 1777 --tmpfs /tmp ") && !setuid.contains("--size"), "{setuid}");
    }

    #[test]
    fn the_kernels_own_files_are_covered_and_nothing_of_a_process() {
        let text = arguments(false, false);
        assert_in_order(&text, &["--proc /proc ", "--ro-bind /proc/sys /proc/sys "]);
        assert!(!text.contains("--ro-bind /proc/self") && !text.contains("--ro-bind /proc/1 "), "{text}");
    }
}
