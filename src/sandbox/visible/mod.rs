//! Decides which paths of the machine a sandbox shows, and how. Every layer and the proof use this one result.
//!
//! | File | What it holds |
//! |---|---|
//! | `lists` | what belongs to toolchains |
//! | `private` | what is never shown, whatever leads there |
//! | `toolchains` | what variables and `$PATH` add |
//! | `masks` | what is covered in the places that are shown |
//! | `kept` | what searches found, kept for later runs |
//! | `walk`, `read_folders` | how places are searched, and how to tell that a search would find the same |
//! | `places` | the answer itself |
//! | `as_text` | how paths are told as JSON |
//!
//! [`visible`] changes nothing and depends only on its request and the files. The root that kcode makes, bwrap's
//! arguments and Landlock's rules are derived from it; the proof compares it with what is mounted.

mod as_text;
mod kept;
mod lists;
mod masks;
mod places;
mod private;
mod read_folders;
mod toolchains;
mod walk;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

pub use kept::SearchToKeep;
pub(super) use kept::{SearchResults, search};
use masks::Folder;
pub(super) use masks::{FolderSearch, SearchDepth, Searched, holds_secret, is_systems, sockets};
pub use places::Visible;
pub(super) use places::{How, Mask, VisiblePlace};
use private::Private;
pub use private::is_secret;
pub(super) use private::secrets_of;
pub(super) use walk::{WalkEntry, all_processors, beside_each_other, walk};

use super::plain_paths::{lies_in, look_up};
use super::plan::WorkerConfig;

/// Input of [`visible`].
pub(super) struct VisibilityRequest<'a> {
    pub(super) config: &'a WorkerConfig,
    /// Looks up a variable of the worker's environment.
    pub(super) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// This binary, which starts commands, wherever it lies.
    pub(super) program: Option<PathBuf>,
    /// Sockets of other programs.
    pub(super) sockets: &'a [PathBuf],
    /// Results that are reused for the next request.
    pub(super) known: Known,
}

/// Cached results; they don't depend on whether the view is an overlay.
#[derive(Default)]
pub(super) struct Known {
    read_only: OnceCell<Vec<VisiblePlace>>,
    searched: RefCell<Searched>,
}

impl Known {
    /// Adds the results of searching `folders`.
    pub(super) fn learn(&self, folders: Vec<Folder>, found: Vec<FolderSearch>) {
        self.searched.borrow_mut().extend(folders.into_iter().zip(found));
    }

    /// The results of all searches.
    pub(super) fn into_searched(self) -> Searched {
        self.searched.into_inner()
    }
}

/// A result that only lacks what searches find.
pub(super) struct Draft {
    pub(super) places: Vec<VisiblePlace>,
    /// Masks that don't depend on a search.
    certain: Vec<Mask>,
    /// Folders to search.
    folders: Vec<Folder>,
}

/// What a sandbox shows; `in_overlay` says whether its view is the planned overlay.
pub(super) fn visible(asked: &VisibilityRequest<'_>, in_overlay: bool) -> Visible {
    draft(asked, in_overlay).finish(asked)
}

/// The result before the search, which takes longest.
pub(super) fn draft(asked: &VisibilityRequest<'_>, in_overlay: bool) -> Draft {
    let config = asked.config;
    let overlay = config.overlay.as_ref().filter(|_| in_overlay);
    let cargo = (asked.variable)("CARGO_HOME").and_then(|cargo| fs::canonicalize(cargo).ok());
    let home = config.home.as_ref().and_then(|home| fs::canonicalize(home).ok());
    let run = [config.view.as_path(), &config.scratch, &config.logs];
    let own: Vec<PathBuf> = config.private.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let private = Private { home: home.as_deref(), cargo: cargo.as_deref(), own: &own, run: &run };
    // An overlay of the tree shows what lies in the tree.
    let is_beside = |place: &VisiblePlace| overlay.is_none_or(|plan| !lies_in(&place.real, &plan.tree));

    let mut places = asked.known.read_only.get_or_init(|| machine(asked, &private)).clone();
    places.retain(is_beside);
    places.extend(overlay.iter().flat_map(|plan| &plan.git).filter_map(|path| place(path)));
    if overlay.is_none() {
        let beside = config.beside.iter().filter_map(|path| place(path));
        places.extend(beside.filter(|place| !private.refuses(&place.real)));
    }
    let read_only = once_each(places);

    // Writes to them are stored next to those to the tree.
    let caches = config.caches.iter().filter(|cache| config.overlay.is_some() && cache.folder.is_absolute());
    let caches = caches.filter_map(|cache| place(&cache.folder)).filter(|cache| !private.refuses_named(&cache.real));
    let caches: Vec<VisiblePlace> = caches.map(|cache| VisiblePlace { how: How::Cache, ..cache }).collect();
    let shown_as = |path: &Path, how| VisiblePlace { path: path.to_owned(), real: path.to_owned(), how };
    let view = overlay.map_or_else(|| shown_as(&config.view, How::Writable), |it| shown_as(&it.tree, How::Overlay));
    let beside: Vec<&VisiblePlace> = read_only.iter().chain(&caches).collect();
    let (certain, folders) = (certain(&beside, asked, &view, &own), searched(&beside, config, &own));
    let writable = [&config.scratch, &config.logs].map(|path| shown_as(path, How::Writable));
    Draft { places: read_only.into_iter().chain([view]).chain(writable).chain(caches).collect(), certain, folders }
}

impl Draft {
    /// Folders that haven't been searched yet.
    pub(super) fn unknown(&self, asked: &VisibilityRequest<'_>) -> Vec<Folder> {
        let searched = asked.known.searched.borrow();
        let unknown: BTreeSet<_> = self.folders.iter().filter(|folder| !searched.contains_key(*folder)).collect();
        unknown.into_iter().cloned().collect()
    }

    /// Whether the folder at `path` is shown as a cache.
    pub(super) fn has_cache(&self, path: &Path) -> bool {
        self.places.iter().any(|place| place.how == How::Cache && place.path == path)
    }

    /// Adds the masks that searches found; folders that are missing in the cache are searched now.
    pub(super) fn finish(self, asked: &VisibilityRequest<'_>) -> Visible {
        let unknown = self.unknown(asked);
        let found = masks::search(&unknown, &asked.config.readable_secrets, all_processors());
        asked.known.learn(unknown, found);
        let searched = asked.known.searched.borrow();
        let found = self.folders.iter().filter_map(|folder| searched.get(folder)).flat_map(|it| &it.found);
        Visible { places: self.places, masks: masks::together(self.certain, found) }
    }
}

/// Why `path` isn't shown to tests although a person named it, as the rest of a sentence; `own` are kcode's folders and
/// the tree. `None` if it is shown.
#[must_use]
pub fn why_refused(path: &Path, own: &[PathBuf]) -> Option<&'static str> {
    let Ok(real) = fs::canonicalize(path) else { return Some("it isn't there") };
    let canonical = |path: PathBuf| fs::canonicalize(path).ok();
    let home = std::env::home_dir().and_then(canonical);
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).and_then(canonical);
    let own: Vec<PathBuf> = own.iter().cloned().filter_map(canonical).collect();
    let private = Private { home: home.as_deref(), cargo: cargo.as_deref(), own: &own, run: &[] };
    let is_neither = || place(&real).is_none().then_some("it is neither a folder nor a file");
    private.why(&real).or_else(is_neither)
}

/// What is shown of the machine, wherever the view is.
fn machine(asked: &VisibilityRequest<'_>, private: &Private<'_>) -> Vec<VisiblePlace> {
    let mut places: Vec<VisiblePlace> = listed(asked.config.home.as_deref(), private).collect();
    places.extend(toolchains::named(asked, private));
    let readable = asked.config.readable.iter().filter_map(|path| place(path));
    places.extend(readable.filter(|place| !private.refuses(&place.real)));
    places.extend(asked.program.as_deref().and_then(place));
    places
}

/// The listed paths that exist.
fn listed(home: Option<&Path>, private: &Private<'_>) -> impl Iterator<Item = VisiblePlace> {
    let machine = lists::SYSTEM.iter().chain(&lists::SINGLE).chain(&lists::ETC_SSL).map(PathBuf::from);
    // The user, or an untrusted program, may have made a link: its target is judged like one named by a variable.
    let of_home = |name: &&str| {
        let place = place(&home?.join(name))?;
        let is_itself = private.home.is_some_and(|home| place.real == home.join(name));
        (is_itself || !private.refuses_named(&place.real)).then_some(place)
    };
    let of_home = lists::HOME.iter().chain(&lists::HOME_PLAIN).filter_map(of_home).collect::<Vec<_>>();
    let etc = toolchains::public_entries(Path::new("/etc")).into_iter();
    // A file may be anywhere: `resolv.conf` is a link into `/run`.
    let is_closed =
        |it: &VisiblePlace| private::is_secret(&it.real) || (!it.real.is_file() && private.refuses_named(&it.real));
    let etc = etc.filter(|it| it.path == it.real || !is_closed(it)).collect::<Vec<_>>();
    machine.filter_map(|path| place(&path)).chain(etc).chain(of_home)
}

/// The place at `path`, if it is a file or a folder.
fn place(path: &Path) -> Option<VisiblePlace> {
    let (real, kind) = path.is_absolute().then(|| look_up(path).ok()).flatten()?;
    // Nothing would cover a socket or a device that is a place itself.
    (kind.is_dir() || kind.is_file()).then_some(())?;
    Some(VisiblePlace { path: path.to_owned(), real, how: How::ReadOnly })
}

/// What the user's settings and flags name, canonical.
pub(super) fn named(config: &WorkerConfig) -> impl Iterator<Item = PathBuf> {
    let own: Vec<PathBuf> = config.private.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    let all = config.readable.iter().filter_map(|path| fs::canonicalize(path).ok());
    all.filter(move |path| !own.iter().any(|own| path.starts_with(own)))
}

/// Sorts and deduplicates, so that a folder comes before what lies in it.
fn once_each(mut places: Vec<VisiblePlace>) -> Vec<VisiblePlace> {
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    let depth = |path: &Path| path.components().count();
    places.sort_by_cached_key(|place| (depth(&place.real), bytes(&place.path), bytes(&place.real), place.how));
    places.dedup();
    places
}

/// Masks that need no search: kcode's own folders, sockets of other programs, and a toolchain's settings among its
/// downloads.
fn certain(places: &[&VisiblePlace], asked: &VisibilityRequest<'_>, view: &VisiblePlace, own: &[PathBuf]) -> Vec<Mask> {
    let is_in_some = |path: &Path| places.iter().any(|place| path != place.real && lies_in(path, &place.real));
    let own = own.iter().filter(|folder| is_in_some(folder) && **folder != view.real);
    let own = own.map(|folder| Mask { path: folder.clone(), is_folder: true });
    let sockets = asked.sockets.iter().filter(|socket| is_in_some(socket));
    let sockets = sockets.map(|socket| Mask { path: socket.clone(), is_folder: false });
    let caches = asked.config.caches.iter();
    let caches = caches.filter(|cache| places.iter().any(|place| place.path == cache.folder));
    let hidden = caches.filter_map(|cache| Some((fs::canonicalize(&cache.folder).ok()?, &cache.hidden)));
    let hidden = hidden.flat_map(|(real, names)| names.iter().map(move |name| real.join(name)));
    let hidden = hidden.filter_map(|path| {
        let is_folder = fs::symlink_metadata(&path).ok()?.is_dir();
        Some(Mask { path, is_folder })
    });
    own.chain(sockets).chain(hidden).collect()
}

/// How places are searched. A place inside another is searched too: it may lie deeper than the outer search goes.
fn searched(places: &[&VisiblePlace], config: &WorkerConfig, own: &[PathBuf]) -> Vec<Folder> {
    let git = config.overlay.iter().flat_map(|plan| &plan.git);
    let trees_own: Vec<&PathBuf> = git.chain(&config.readable).collect();
    let named: BTreeSet<PathBuf> = named(config).collect();
    let how = |place: &&VisiblePlace| {
        let is_trees_own = trees_own.contains(&&place.real) && own.iter().any(|own| place.real.starts_with(own));
        let is_gits = config.overlay.iter().any(|plan| plan.git.contains(&place.real));
        match named.contains(&place.real) {
            _ if is_trees_own || is_gits => SearchDepth::Doors,
            true => SearchDepth::Work,
            false => SearchDepth::All,
        }
    };
    masks::folders(places.iter().map(|place| (place.real.as_path(), how(place))))
}

#[cfg(test)]
mod tests;
