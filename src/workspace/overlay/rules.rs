//! What git ignores and tracks, asked path by path: only the folders on the way are read.
//!
//! What a folder inherits is stored with it, so that an answer costs what the path itself needs, whatever its depth.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use ignore::gitignore::Gitignore;

use super::layers::{Cursor, LayerState, OverlayLayers};
use super::tracked::Tracked;
use crate::workspace::by_products::{is_by_product, is_by_product_folder};
use crate::workspace::ignore_file::{self, Unfit};
use crate::workspace::{Repository, file_state::PathState, git::excludes_file, paths::PathList, walk::RULES_LIMIT};

/// The layers and every rule that decides what counts in a view.
pub(super) struct ViewRules {
    root: PathBuf,
    pub(super) layers: OverlayLayers,
    tracked: Tracked,
    /// The clone's own rules (`info/exclude`).
    exclude: Gitignore,
    global: Gitignore,
    /// Names of folders with installed dependencies.
    dependencies: Vec<String>,
}

impl ViewRules {
    pub(super) fn new(repository: &Repository, layers: OverlayLayers, dependencies: &[String]) -> Self {
        let root = repository.root().to_owned();
        let exclude = ignore_file::of_file(&root, repository.exclude_file());
        let (tracked, global) = (Tracked::of(repository), ignore_file::of_file(Path::new(""), excludes_file()));
        Self { root, layers, tracked, exclude, global, dependencies: dependencies.to_vec() }
    }
}

/// Which `.gitignore` files apply: those of the user's tree for files that existed, those of the view for new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RulesOf {
    Start,
    Now,
}

/// Cached answers of one comparison; the `.gitignore` files may have changed at the next.
pub(super) struct IgnoreRules<'a> {
    view_rules: &'a ViewRules,
    pub(super) cursor: Cursor<'a>,
    at_start: HashMap<PathBuf, Rc<RuleFolder>>,
    now: HashMap<PathBuf, Rc<RuleFolder>>,
    repositories: HashMap<PathBuf, Option<Rc<Nested>>>,
    /// Bytes of rules that may still be read.
    room: u64,
}

struct RuleFolder {
    ignored: bool,
    /// True when its own `.gitignore` can be trusted.
    sane: bool,
    /// The nearest rules: its own, or those of a folder above it.
    rules: Option<Rc<RuleChain>>,
}

/// The rules of one folder that has some or is the top of a nested repository, linked to those above it.
struct RuleChain {
    /// `None` when the rules can't be trusted; then everything is ignored.
    says: Option<Gitignore>,
    is_repository: bool,
    above: Option<Rc<RuleChain>>,
}

/// A repository inside the main one: a submodule, or one that isn't ignored.
struct Nested {
    top: PathBuf,
    paths: Arc<PathList>,
}

/// Total bytes of rules read in one comparison; compiling them takes some hundred times their size.
const ALL_RULES: u64 = 8 << 20;

impl<'a> IgnoreRules<'a> {
    pub(super) fn of(view_rules: &'a ViewRules) -> Self {
        Self {
            view_rules,
            cursor: Cursor::through(&view_rules.layers),
            at_start: HashMap::new(),
            now: HashMap::new(),
            repositories: HashMap::new(),
            room: ALL_RULES,
        }
    }

    /// Returns true when `path` is ignored or an installed dependency; git may track it all the same.
    pub(super) fn ignores(&mut self, when: RulesOf, path: &Path, is_folder: bool) -> bool {
        let above = self.folder(when, path.parent().unwrap_or(Path::new("")));
        self.ignores_in(&above, path, is_folder)
    }

    fn ignores_in(&self, above: &RuleFolder, path: &Path, is_folder: bool) -> bool {
        above.ignored || is_folder && self.is_dependency(path) || self.matches(above.rules.as_deref(), path, is_folder)
    }

    pub(super) fn ignores_folder(&mut self, when: RulesOf, folder: &Path) -> bool {
        self.folder(when, folder).ignored
    }

    fn is_dependency(&self, folder: &Path) -> bool {
        self.view_rules.dependencies.iter().any(|name| folder.file_name() == Some(name.as_ref()))
    }

    /// Applies the rules to `path` itself: the nearest ones that match decide, up to the top of the repository.
    fn matches(&self, mut chain: Option<&RuleChain>, path: &Path, is_folder: bool) -> bool {
        let full = self.view_rules.root.join(path);
        let mut of_another = false;
        while let Some(rules) = chain {
            match rules.says.as_ref().map(|says| says.matched(&full, is_folder)) {
                None => return true,
                Some(ignore::Match::None) => {}
                Some(other) => return other.is_ignore(),
            }
            of_another = rules.is_repository;
            chain = if of_another { None } else { rules.above.as_deref() };
        }
        if !of_another {
            match self.view_rules.exclude.matched(&full, is_folder) {
                ignore::Match::None => {}
                other => return other.is_ignore(),
            }
        }
        self.view_rules.global.matched(path, is_folder).is_ignore()
    }

    /// Returns true when the folder's `.gitignore`, as the view shows it, can be trusted.
    pub(super) fn is_sane(&mut self, folder: &Path) -> bool {
        self.folder(RulesOf::Now, folder).sane
    }

    fn known(&mut self, when: RulesOf) -> &mut HashMap<PathBuf, Rc<RuleFolder>> {
        match when {
            RulesOf::Start => &mut self.at_start,
            RulesOf::Now => &mut self.now,
        }
    }

    fn folder(&mut self, when: RulesOf, folder: &Path) -> Rc<RuleFolder> {
        let (mut missing, mut above) = (Vec::new(), None);
        for folder in folder.ancestors() {
            above = self.known(when).get(folder).map(Rc::clone);
            if above.is_some() {
                break;
            }
            missing.push(folder);
        }
        let mut found = above.unwrap_or_else(|| Rc::new(RuleFolder { ignored: false, sane: true, rules: None }));
        for folder in missing.into_iter().rev() {
            found = Rc::new(self.inherit(when, &found, folder));
            self.known(when).insert(folder.to_owned(), Rc::clone(&found));
        }
        found
    }

    /// Rules of `folder`, derived from those of its parent.
    fn inherit(&mut self, when: RulesOf, above: &RuleFolder, folder: &Path) -> RuleFolder {
        let is_top = folder.as_os_str().is_empty();
        if !is_top && self.ignores_in(above, folder, true) {
            // Git reads no rules inside an ignored folder.
            return RuleFolder { ignored: true, sane: true, rules: above.rules.clone() };
        }
        let says = match self.read(when, folder) {
            Ok(says) => Some(says),
            // An untrusted `.gitignore` at the top is ignored; everything would be left out otherwise.
            Err(Unfit) if is_top => Some(Gitignore::empty()),
            Err(Unfit) => None,
        };
        let (sane, is_repository) = (says.is_some(), self.is_repository(folder));
        let has_none = says.as_ref().is_some_and(Gitignore::is_empty);
        let rules = if has_none && !is_repository {
            above.rules.clone()
        } else {
            Some(Rc::new(RuleChain { says, is_repository, above: above.rules.clone() }))
        };
        RuleFolder { ignored: false, sane, rules }
    }

    fn read(&mut self, when: RulesOf, folder: &Path) -> Result<Gitignore, Unfit> {
        let file = folder.join(".gitignore");
        let found = match when {
            RulesOf::Start => self.cursor.look_below(&file).map(|found| (LayerState::Lower, found)),
            RulesOf::Now => self.cursor.look(&file),
        };
        // Git doesn't follow a link here either.
        let (layer, mode) = match found {
            Ok((_, PathState::Nothing | PathState::Folder)) => return Ok(Gitignore::empty()),
            Ok((_, PathState::File(mode, _))) if mode.is_symlink() => return Ok(Gitignore::empty()),
            Ok((layer, PathState::File(mode, about))) if about.len() <= RULES_LIMIT.min(self.room) => (layer, mode),
            _ => return Err(Unfit),
        };
        let text = self.cursor.content(layer, &file, mode).map_err(|_| Unfit)?;
        self.room = self.room.saturating_sub(text.len() as u64);
        ignore_file::parse(&self.view_rules.root.join(folder), &text)
    }

    /// Returns true when the user's tree has a nested repository in `folder`.
    fn is_repository(&mut self, folder: &Path) -> bool {
        let found = |found| !matches!(found, Ok(PathState::Nothing) | Err(_));
        !folder.as_os_str().is_empty() && found(self.cursor.look_below(&folder.join(".git")))
    }

    pub(super) fn tracks(&mut self, path: &Path) -> bool {
        let within = |list: &PathList, path: &Path| list.find(path.as_os_str().as_bytes()).is_some();
        match path.parent().and_then(|folder| self.repository_of(folder)) {
            Some(nested) => path.strip_prefix(&nested.top).is_ok_and(|path| within(&nested.paths, path)),
            None => within(self.view_rules.tracked.main(), path),
        }
    }

    /// Returns true when git tracks anything in `folder`.
    pub(super) fn tracks_below(&mut self, folder: &Path) -> bool {
        let within = |list: &PathList, path: &Path| list.has_below(path.as_os_str().as_bytes());
        match self.repository_of(folder) {
            Some(nested) if nested.top == folder => nested.paths.len() > 0,
            Some(nested) => folder.strip_prefix(&nested.top).is_ok_and(|path| within(&nested.paths, path)),
            None => within(self.view_rules.tracked.main(), folder),
        }
    }

    /// The innermost nested repository that contains `folder`; `None` when that is the main one.
    fn repository_of(&mut self, folder: &Path) -> Option<Rc<Nested>> {
        let (mut missing, mut found) = (Vec::new(), None);
        for folder in folder.ancestors() {
            if let Some(known) = self.repositories.get(folder) {
                found.clone_from(known);
                break;
            }
            missing.push(folder);
        }
        for top in missing.into_iter().rev() {
            if self.is_repository(top) {
                let is_submodule = self.view_rules.tracked.main().find(top.as_os_str().as_bytes()).is_some();
                if is_submodule || !self.ignores_folder(RulesOf::Start, top) {
                    found = Some(Rc::new(Nested { top: top.to_owned(), paths: self.view_rules.tracked.nested(top) }));
                }
            }
            self.repositories.insert(top.to_owned(), found.clone());
        }
        found
    }

    /// Returns true when nothing in the folder `path` can count as a change.
    pub(super) fn passes_over(&mut self, path: &Path) -> bool {
        let aside = is_by_product_folder(|path| self.cursor.shows(path), path)
            || self.ignores_folder(RulesOf::Now, path)
                && (!self.cursor.is_folder_below(path).unwrap_or(false) || self.ignores_folder(RulesOf::Start, path));
        aside && !self.tracks_below(path)
    }

    /// Returns true when `path` doesn't count as a change; `stood` tells a file of the user's tree from a new one.
    pub(super) fn is_noise(&mut self, path: &Path, stood: bool) -> bool {
        if stood && self.tracks(path) {
            return false;
        }
        is_by_product(|path| self.cursor.shows(path), path)
            || self.ignores(if stood { RulesOf::Start } else { RulesOf::Now }, path, false)
    }
}
