//! What git ignores and what it tracks, asked path by path: only the folders on the way are read.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::layers::{Layer, Layers};
use super::tracked::Tracked;
use crate::workspace::Repository;
use crate::workspace::by_products::{is_by_product, is_by_product_folder};
use crate::workspace::file_state::{self, Found};
use crate::workspace::paths::PathList;
use crate::workspace::view::exclude_rules;
use crate::workspace::walk::RULES_LIMIT;

/// Everything that says what counts in a view.
pub(super) struct Ground {
    root: PathBuf,
    pub(super) layers: Layers,
    tracked: Tracked,
    /// The clone's own rules, and the user's.
    exclude: Gitignore,
    global: Gitignore,
    /// Names of folders with installed dependencies.
    dependencies: Vec<String>,
}

impl Ground {
    pub(super) fn new(repository: &Repository, layers: Layers, dependencies: &[String]) -> Self {
        let root = repository.root().to_owned();
        let exclude = exclude_rules(repository, &root);
        let (tracked, global) = (Tracked::of(repository), Gitignore::global().0);
        Self { root, layers, tracked, exclude, global, dependencies: dependencies.to_vec() }
    }
}

/// Whose rules count: those of the user's tree for what stood there, those of the view for what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum When {
    Start,
    Now,
}

/// The answers of one look at the view; `.gitignore` files may be others at the next.
pub(super) struct Rules<'a> {
    ground: &'a Ground,
    folders: HashMap<(When, PathBuf), Rc<FolderRules>>,
    ignored: HashMap<(When, PathBuf), bool>,
    repositories: HashMap<PathBuf, bool>,
}

/// What a folder's `.gitignore` says.
enum FolderRules {
    These(Gitignore),
    /// It is no ordinary file, so nobody knows.
    NotSane,
}

impl<'a> Rules<'a> {
    pub(super) fn of(ground: &'a Ground) -> Self {
        let (folders, ignored, repositories) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { ground, folders, ignored, repositories }
    }

    /// Whether `path` is left aside unless git tracks it: ignored, or an installed dependency.
    pub(super) fn ignores(&mut self, when: When, path: &Path, is_folder: bool) -> bool {
        let parent = path.parent().unwrap_or(Path::new(""));
        let above = !parent.as_os_str().is_empty() && self.ignores_folder(when, parent);
        above || is_folder && self.is_dependency(path) || self.matches(when, path, is_folder)
    }

    fn ignores_folder(&mut self, when: When, folder: &Path) -> bool {
        let key = (when, folder.to_owned());
        if let Some(known) = self.ignored.get(&key) {
            return *known;
        }
        let answer = self.ignores(when, folder, true);
        self.ignored.insert(key, answer);
        answer
    }

    fn is_dependency(&self, folder: &Path) -> bool {
        self.ground.dependencies.iter().any(|name| folder.file_name() == Some(name.as_ref()))
    }

    /// What the rules say of `path` itself: the nearest folder's that say anything, up to the top of the repository.
    fn matches(&mut self, when: When, path: &Path, is_folder: bool) -> bool {
        let full = self.ground.root.join(path);
        let mut of_another = false;
        for folder in path.ancestors().skip(1) {
            match &*self.folder(when, folder) {
                FolderRules::NotSane => return true,
                FolderRules::These(rules) => match rules.matched(&full, is_folder) {
                    ignore::Match::None => {}
                    other => return other.is_ignore(),
                },
            }
            if self.is_repository(folder) {
                of_another = true;
                break;
            }
        }
        if !of_another {
            match self.ground.exclude.matched(&full, is_folder) {
                ignore::Match::None => {}
                other => return other.is_ignore(),
            }
        }
        self.ground.global.matched(path, is_folder).is_ignore()
    }

    /// Whether the folder's `.gitignore`, as the view shows it, can be trusted.
    pub(super) fn is_sane(&mut self, folder: &Path) -> bool {
        matches!(*self.folder(When::Now, folder), FolderRules::These(_))
    }

    fn folder(&mut self, when: When, folder: &Path) -> Rc<FolderRules> {
        let key = (when, folder.to_owned());
        if let Some(known) = self.folders.get(&key) {
            return Rc::clone(known);
        }
        let rules = Rc::new(self.read(when, folder));
        self.folders.insert(key, Rc::clone(&rules));
        rules
    }

    fn read(&self, when: When, folder: &Path) -> FolderRules {
        let file = folder.join(".gitignore");
        let layers = &self.ground.layers;
        let found = match when {
            When::Start => file_state::look(&layers.lower, &file).map(|found| (Layer::Lower, found)),
            When::Now => layers.look(&file),
        };
        // Git doesn't follow a link here either.
        let text = match found {
            Ok((layer, Found::File(mode, about))) if !mode.is_symlink() && about.len() <= RULES_LIMIT => {
                file_state::content(layers.dir(layer), &file, mode).ok()
            }
            Ok((_, Found::File(mode, _))) if mode.is_symlink() => Some(Vec::new()),
            Ok((_, Found::Nothing | Found::Folder)) => Some(Vec::new()),
            _ => None,
        };
        match text {
            Some(text) => FolderRules::These(parse(&self.ground.root.join(folder), &text)),
            // A top that can't be trusted has no rules; there would be no patch otherwise.
            None if folder.as_os_str().is_empty() => FolderRules::These(Gitignore::empty()),
            None => FolderRules::NotSane,
        }
    }

    /// Whether the user's tree has a repository of its own in `folder`.
    fn is_repository(&mut self, folder: &Path) -> bool {
        if folder.as_os_str().is_empty() {
            return false;
        }
        if let Some(known) = self.repositories.get(folder) {
            return *known;
        }
        let answer = self.ground.layers.lower.symlink_metadata(folder.join(".git")).is_ok();
        self.repositories.insert(folder.to_owned(), answer);
        answer
    }

    /// Whether git tracks the file at `path`.
    pub(super) fn tracks(&mut self, path: &Path) -> bool {
        let within = |list: &PathList, path: &Path| list.find(path.as_os_str().as_bytes()).is_some();
        match path.parent().and_then(|folder| self.repository_of(folder)) {
            Some((list, top)) => path.strip_prefix(top).is_ok_and(|path| within(&list, path)),
            None => within(self.ground.tracked.main(), path),
        }
    }

    /// Whether git tracks anything in `folder`.
    pub(super) fn tracks_below(&mut self, folder: &Path) -> bool {
        let within = |list: &PathList, path: &Path| list.has_below(path.as_os_str().as_bytes());
        match self.repository_of(folder) {
            Some((list, top)) if top == folder => list.len() > 0,
            Some((list, top)) => folder.strip_prefix(top).is_ok_and(|path| within(&list, path)),
            None => within(self.ground.tracked.main(), folder),
        }
    }

    /// The innermost repository that `folder` belongs to, when that isn't the main one: a submodule, or one that isn't
    /// ignored.
    fn repository_of<'p>(&mut self, folder: &'p Path) -> Option<(Arc<PathList>, &'p Path)> {
        for top in folder.ancestors() {
            if self.is_repository(top) {
                let is_submodule = self.ground.tracked.main().find(top.as_os_str().as_bytes()).is_some();
                if is_submodule || !self.ignores_folder(When::Start, top) {
                    return Some((self.ground.tracked.nested(top), top));
                }
            }
        }
        None
    }

    /// Whether nothing in the folder `path` can count.
    pub(super) fn passes_over(&mut self, path: &Path) -> bool {
        let layers = &self.ground.layers;
        let exists = |path: &Path| layers.shows(path);
        let aside = is_by_product_folder(exists, path)
            || self.ignores_folder(When::Now, path)
                && (!layers.is_folder_below(path) || self.ignores_folder(When::Start, path));
        aside && !self.tracks_below(path)
    }

    /// Whether nobody means `path` as a change: for a file of the user's tree (`stood`) and for a new one.
    pub(super) fn is_noise(&mut self, path: &Path, stood: bool) -> bool {
        if stood && self.tracks(path) {
            return false;
        }
        let layers = &self.ground.layers;
        is_by_product(|path| layers.shows(path), path)
            || self.ignores(if stood { When::Start } else { When::Now }, path, false)
    }
}

fn parse(folder: &Path, text: &[u8]) -> Gitignore {
    let mut builder = GitignoreBuilder::new(folder);
    let text = String::from_utf8_lossy(text);
    for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
        // A rule that can't be read is one that git doesn't follow either.
        drop(builder.add_line(None, line));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
