//! Which paths of the machine a sandbox shows, and how: the one answer that every layer and the proof go by.
//!
//! | File | What it holds |
//! |---|---|
//! | `lists` | what belongs to toolchains |
//! | `private` | what is never shown, whatever leads there |
//! | `toolchains` | what variables and `$PATH` add |
//! | `masks` | what is covered in the places that are shown |
//!
//! [`visible`] changes nothing and depends on what it is asked and on the files as they are. The root that kcode makes, the
//! arguments of bwrap and the rules of Landlock are made of its answer; the proof holds against it what is mounted.

mod lists;
mod masks;
mod private;
mod toolchains;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(super) use masks::{DEPTH, Mask, holds_secret, is_systems, sockets, walk};
use masks::{Found, Search, Searched};
use private::Private;
pub(super) use private::secrets_of;

use super::plan::Charge;
use crate::settings::SecretFiles;

/// What the answer depends on.
pub(super) struct Asked<'a> {
    pub(super) charge: &'a Charge,
    /// The worker's environment.
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// This binary, to start commands with, wherever it lies.
    pub(super) program: Option<PathBuf>,
    /// Sockets of other programs.
    pub(super) sockets: &'a [PathBuf],
    /// What was looked up for one answer serves for the next.
    pub(super) known: Known,
}

/// What was looked up: it is the same whether the view is an overlay or not.
#[derive(Default)]
pub(super) struct Known {
    read_only: OnceCell<Vec<Place>>,
    searched: Searched,
}

/// How a place is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    ReadOnly,
    /// It can be written, and what is written is kept elsewhere.
    Overlay,
    Writable,
}

/// A path that is shown with all that is below, but for what is covered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    /// As it was named; links lead from here to `real`.
    pub(super) path: PathBuf,
    /// Canonical.
    pub(super) real: PathBuf,
    pub(super) how: How,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Visible {
    /// What lies in another place comes after it.
    pub(super) places: Vec<Place>,
    /// Folders among them are covered before what is shown in them.
    pub(super) masks: Vec<Mask>,
}

/// Says what a sandbox shows; `in_overlay` is whether its view is the overlay that is planned.
pub(super) fn visible(asked: &Asked<'_>, in_overlay: bool) -> Visible {
    let charge = asked.charge;
    let overlay = charge.overlay.as_ref().filter(|_| in_overlay);
    let cargo = (asked.variable)("CARGO_HOME").and_then(|cargo| fs::canonicalize(cargo).ok());
    let home = charge.home.as_ref().and_then(|home| fs::canonicalize(home).ok());
    let run = [charge.view.as_path(), &charge.scratch, &charge.logs];
    let own: Vec<PathBuf> = charge.private.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let private = Private { home: home.as_deref(), cargo: cargo.as_deref(), own: &own, run: &run };
    // What lies in the tree is shown by an overlay of it.
    let is_beside = |place: &Place| overlay.is_none_or(|plan| !place.real.starts_with(&plan.tree));

    let mut places = asked.known.read_only.get_or_init(|| machine(asked, &private)).clone();
    places.retain(is_beside);
    places.extend(overlay.iter().flat_map(|plan| &plan.git).filter_map(|path| place(path)));
    let read_only = once_each(places);

    let shown_as = |path: &Path, how| Place { path: path.to_owned(), real: path.to_owned(), how };
    let view = overlay.map_or_else(|| shown_as(&charge.view, How::Writable), |it| shown_as(&it.tree, How::Overlay));
    let masks = masks_in(&read_only, asked, &view, &own);
    let caches = charge.caches.iter().filter(|cache| cache.folder.is_absolute());
    let caches = caches.filter_map(|cache| place(&cache.folder)).filter(|cache| !private.refuses_named(&cache.real));
    let caches = caches.map(|cache| Place { how: How::Overlay, ..cache });
    let writable = [&charge.scratch, &charge.logs].map(|path| shown_as(path, How::Writable));
    Visible { places: read_only.into_iter().chain([view]).chain(writable).chain(caches).collect(), masks }
}

/// What is shown of the machine, wherever the view is.
fn machine(asked: &Asked<'_>, private: &Private<'_>) -> Vec<Place> {
    let mut places: Vec<Place> = listed(asked.charge.home.as_deref()).collect();
    places.extend(toolchains::named(asked, private));
    let readable = asked.charge.readable.iter().filter_map(|path| place(path));
    places.extend(readable.filter(|place| !private.refuses(&place.real)));
    places.extend(asked.program.as_deref().and_then(place));
    places
}

/// What the lists name, as far as it is there.
fn listed(home: Option<&Path>) -> impl Iterator<Item = Place> {
    let machine = lists::SYSTEM.iter().chain(&lists::SINGLE).chain(&lists::ETC_SSL).map(PathBuf::from);
    let of_home =
        home.into_iter().flat_map(|home| lists::HOME.iter().chain(&lists::HOME_PLAIN).map(|it| home.join(it)));
    // A link in the home may be the user's own, and may have been put there by a program that is not to be trusted.
    let of_home =
        of_home.filter_map(|path| place(&path)).filter(|it| it.path == it.real || !private::is_secret(&it.real));
    let machine = machine.chain(toolchains::public_entries(Path::new("/etc"))).filter_map(|path| place(&path));
    machine.chain(of_home)
}

/// The place at `path`, if there is something.
fn place(path: &Path) -> Option<Place> {
    let real = path.is_absolute().then(|| fs::canonicalize(path).ok()).flatten()?;
    Some(Place { path: path.to_owned(), real, how: How::ReadOnly })
}

/// Sorted, so that a folder comes before what lies in it.
fn once_each(places: Vec<Place>) -> Vec<Place> {
    let mut places: Vec<Place> = places.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    places.sort_by_key(|place| place.real.components().count());
    places
}

fn masks_in(places: &[Place], asked: &Asked<'_>, view: &Place, own: &[PathBuf]) -> Vec<Mask> {
    let Ok(readable) = SecretFiles::new(&asked.charge.readable_secrets) else { return Vec::new() };
    let mut found = Found::new(&readable, &asked.known.searched);
    let is_in_some = |path: &Path| places.iter().any(|place| path != place.real && path.starts_with(&place.real));
    for folder in own.iter().filter(|folder| is_in_some(folder) && **folder != view.real) {
        found.cover(folder.clone(), true);
    }
    asked.sockets.iter().filter(|socket| is_in_some(socket)).for_each(|socket| found.cover(socket.clone(), false));
    let is_covered = |place: &Place| places.iter().any(|it| it.real != place.real && place.real.starts_with(&it.real));
    let git = asked.charge.overlay.iter().flat_map(|plan| &plan.git);
    let trees_own: Vec<&PathBuf> = git.chain(&asked.charge.readable).collect();
    for place in places {
        let is_trees_own = trees_own.contains(&&place.real) && own.iter().any(|own| place.real.starts_with(own));
        let is_gits = asked.charge.overlay.iter().any(|plan| plan.git.contains(&place.real));
        if is_trees_own || is_gits {
            found.search(&place.real, Search::Doors);
        } else if !is_covered(place) {
            found.search(&place.real, Search::All);
        }
    }
    let mut masks = found.into_masks();
    masks.sort_by_key(|mask| mask.path.components().count());
    masks
}

impl Visible {
    /// What is shown and can't be written, a folder before what lies in it.
    pub(super) fn read_only(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| place.how == How::ReadOnly)
    }

    /// Whether `path` is covered, or lies in what is.
    pub(super) fn is_masked(&self, path: &Path) -> bool {
        self.masks.iter().any(|mask| path.starts_with(&mask.path))
    }

    /// Whether changes of the folder at `path` may be kept while it is shown.
    pub(super) fn has_overlay(&self, path: &Path) -> bool {
        self.places.iter().any(|place| place.how == How::Overlay && place.path == path)
    }

    /// The same as rules that can only allow: folders that may be listed, and what may be read with all that is below.
    pub(super) fn allowed(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut listable, mut readable) = (Vec::new(), Vec::new());
        for place in self.read_only().filter(|place| !self.is_masked(&place.real)) {
            self.allow(&place.real, &mut listable, &mut readable);
        }
        // What is shown in a folder that is covered.
        let inner = self.read_only().filter(|place| self.is_masked(&place.real));
        readable.extend(
            inner.filter(|place| !self.masks.iter().any(|mask| mask.path == place.real)).map(|it| it.real.clone()),
        );
        (listable, readable)
    }

    fn allow(&self, folder: &Path, listable: &mut Vec<PathBuf>, readable: &mut Vec<PathBuf>) {
        if !self.masks.iter().any(|mask| mask.path.starts_with(folder)) {
            readable.push(folder.to_owned());
            return;
        }
        listable.push(folder.to_owned());
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // A rule for a link would be one for what it leads to.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if !is_link && !self.is_masked(&entry.path()) {
                self.allow(&entry.path(), listable, readable);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// A home, a project and a state folder.
    struct World(tempfile::TempDir);

    impl World {
        fn new() -> Self {
            let world = Self(tempfile::tempdir().unwrap());
            for folder in ["home", "project", "state/run/view", "state/run/scratch", "state/run/logs"] {
                fs::create_dir_all(world.at(folder)).unwrap();
            }
            world
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(name)
        }

        fn write(&self, name: &str) -> PathBuf {
            let path = self.at(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        }

        fn visible(&self, variables: &[(&str, PathBuf)], readable: &[PathBuf]) -> Visible {
            let charge = serde_json::json!({
                "view": self.at("state/run/view"), "logs": self.at("state/run/logs"), "readable": readable,
                "scratch": self.at("state/run/scratch"), "readable_secrets": [], "home": self.at("home"), "tests": null,
                "deadline": {"secs": 1, "nanos": 0}, "idle": {"secs": 1, "nanos": 0}, "confine": true,
                "private": [self.at("state"), self.at("project")],
            });
            let charge: Charge = serde_json::from_value(charge).unwrap();
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, path)| path.clone().into_os_string())
            };
            visible(
                &Asked {
                    charge: &charge,
                    variable: &variable,
                    program: None,
                    sockets: &sockets(),
                    known: Known::default(),
                },
                false,
            )
        }

        /// What of this world is readable, as paths in it.
        fn shown(&self, variables: &[(&str, PathBuf)], readable: &[PathBuf]) -> Vec<String> {
            let visible = self.visible(variables, readable);
            let own = visible.read_only().filter_map(|place| place.real.strip_prefix(self.at("")).ok());
            own.map(|path| path.display().to_string()).collect()
        }
    }

    #[test]
    fn secrets_of_home_and_machine_are_not_shown() {
        let world = World::new();
        for file in [".ssh/id", ".aws/x", ".netrc", ".cargo/registry/src/x", ".cargo/credentials.toml", ".config/x"] {
            world.write(&format!("home/{file}"));
        }
        assert_eq!(world.shown(&[], &[]), ["home/.cargo/registry"]);
        let visible = world.visible(&[], &[]);
        let opens = |path: &str| visible.read_only().any(|place| Path::new(path).starts_with(&place.real));
        for hidden in ["/etc/shadow", "/etc/ssh/ssh_host_rsa_key", "/etc/ssl/private/key", "/run/secrets/x", "/dev/sda"]
        {
            assert!(!opens(hidden), "{hidden}");
        }
    }

    #[test]
    fn variables_open_toolchains_and_never_what_leads_into_secrets() {
        let world = World::new();
        for file in [".ssh/bin/x", ".aws/release", ".config/pyvenv.cfg", "jdk/release", "venv/pyvenv.cfg", "kit/pkg/x"]
        {
            world.write(&format!("home/{file}"));
        }
        symlink(world.at("home/.aws"), world.at("home/java")).unwrap();
        world.write("project/pyvenv.cfg");
        let opened = |name: &'static str, folder: &str| world.shown(&[(name, world.at(folder))], &[]).join(" ");
        for (name, folder) in [
            ("PATH", "home/.ssh/bin"),
            ("JAVA_HOME", "home/.aws"),
            ("JAVA_HOME", "home/java"),
            ("JAVA_HOME", "home"),
            ("JAVA_HOME", "home/venv"),
            ("CARGO_HOME", ""),
            ("CARGO_HOME", "home"),
            ("GOPATH", "home"),
            ("VIRTUAL_ENV", "home/.config"),
            ("VIRTUAL_ENV", "project"),
            ("GOMODCACHE", "state"),
        ] {
            assert_eq!(opened(name, folder), "", "{name}={folder}");
        }
        assert_eq!(opened("JAVA_HOME", "home/jdk"), "home/jdk");
        assert_eq!(opened("VIRTUAL_ENV", "home/venv"), "home/venv");
        assert_eq!(opened("GOPATH", "home/kit"), "home/kit/pkg");
    }

    #[test]
    fn the_path_variable_opens_parts_of_what_is_no_toolchain() {
        let world = World::new();
        for file in
            ["projects/bin/x", "projects/lib/x", "projects/other/.env", "conda/conda-meta/x", "conda/bin/x", "bin/x"]
        {
            world.write(&format!("home/{file}"));
        }
        let opened = |folder: &str| world.shown(&[("PATH", world.at(folder))], &[]).join(" ");
        assert_eq!(opened("home/projects/bin"), "home/projects/bin home/projects/lib");
        assert_eq!(opened("home/conda/bin"), "home/conda home/conda/bin");
        assert_eq!(opened("home/bin"), "home/bin");
        for too_much in ["home", "", "project", "state/run"] {
            assert_eq!(opened(too_much), "", "{too_much}");
        }
    }

    #[test]
    fn sockets_pipes_and_secrets_are_covered_and_certificates_are_not() {
        let world = World::new();
        let tools = world.at("home/.nvm");
        for file in [".env", "deep/er/.npmrc", ".ssh/config", "cacert.pem", "x.js"] {
            world.write(&format!("home/.nvm/{file}"));
        }
        fs::write(world.write("home/.nvm/server.pem"), "-----BEGIN PRIVATE KEY-----").unwrap();
        let _socket = UnixListener::bind(tools.join("deep/socket")).unwrap();
        let masks = world.visible(&[], &[]).masks;
        let own = masks.iter().filter_map(|mask| mask.path.strip_prefix(&tools).ok());
        let own: BTreeSet<String> = own.map(|path| path.display().to_string()).collect();
        assert_eq!(
            own.into_iter().collect::<Vec<_>>(),
            [".env", ".ssh", "deep/er/.npmrc", "deep/socket", "server.pem"]
        );
    }

    #[test]
    fn the_state_folder_is_covered_where_it_lies_in_what_a_person_opened() {
        let world = World::new();
        world.write("data/x");
        let kept = world.at("state");
        let moved = world.at("data/state");
        symlink(&moved, world.at("link")).unwrap();
        assert_eq!(world.shown(&[], &[world.at("data"), kept, world.at("home"), world.at("")]), ["data"]);
    }

    #[test]
    fn rules_that_can_only_allow_go_around_what_is_covered() {
        let world = World::new();
        for file in ["a/b/.env", "a/b/x", "a/c", "d"] {
            world.write(&format!("home/.nvm/{file}"));
        }
        symlink(world.at("home/.ssh"), world.at("home/.nvm/a/link")).unwrap();
        let (listable, readable) = world.visible(&[], &[]).allowed();
        let own = |paths: &[PathBuf]| {
            let own = paths.iter().filter_map(|path| path.strip_prefix(world.at("home/.nvm")).ok());
            own.map(|path| path.display().to_string()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        assert_eq!(own(&listable), ["", "a", "a/b"]);
        assert_eq!(own(&readable), ["a/b/x", "a/c", "d"]);
    }
}
