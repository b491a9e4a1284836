//! Whether tests may see what a repository names outside of itself. A person is asked once; the answer holds for this repository
//! and that very folder, and is kept with the runs. Without an answer nothing is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::out_file::replace;
use crate::journal::{Digest, read_own};
use crate::sandbox::{self, WorkerPlan};
use crate::settings::Sandbox;
use crate::text::sanitise_line;
use crate::workspace::{Outside, Repository};

/// The folder of answers in the state folder.
const FOLDER: &str = "consents";
const SCHEMA: &str = "kcode.consents/1";
/// Maximum bytes of a file of answers.
const MOST_BYTES: u64 = 1 << 20;
/// Characters of a path that a person is asked about.
const MOST_CHARACTERS: usize = 200;
/// What is found in what was allowed is asked about as well, so often.
pub(crate) const MOST_ROUNDS: usize = 3;

/// What a person answered for one repository.
#[derive(Debug, Serialize, Deserialize)]
struct Answers {
    schema: String,
    /// For whoever reads the file; its name is the hash of this.
    repository: String,
    /// Of the repository's root: another one at the same place is another repository.
    inode: u64,
    /// Answers by canonical path.
    folders: BTreeMap<String, bool>,
    #[serde(skip)]
    file: PathBuf,
}

impl Answers {
    /// Those that are kept in the state folder; none when they can't be read.
    fn of(state: &Path, root: &Path) -> Self {
        let file = state.join(FOLDER).join(format!("{}.json", Digest::of(root.as_os_str().as_bytes())));
        let inode = fs::metadata(root).map_or(0, |about| about.ino());
        let kept = read_own(&file, MOST_BYTES).ok().and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        let kept = kept.filter(|kept| kept.schema == SCHEMA && kept.inode == inode);
        let (schema, repository) = (SCHEMA.to_owned(), root.display().to_string());
        let folders = kept.map(|kept| kept.folders).unwrap_or_default();
        Self { schema, repository, inode, folders, file }
    }

    fn find(&self, outside: &Outside) -> Option<bool> {
        self.folders.get(outside.real.to_str()?).copied()
    }

    fn keep(&mut self, outside: &Outside, answer: bool) {
        if let Some(path) = outside.real.to_str() {
            self.folders.insert(path.to_owned(), answer);
        }
    }

    fn write(&self) -> Result<(), Failure> {
        let folder = self.file.parent().unwrap_or(&self.file);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(anyhow::Error::from)?;
        let json = serde_json::to_vec_pretty(self).map_err(anyhow::Error::from)?;
        replace(&self.file, &json)
    }
}

/// What a repository names outside of itself, by what is to be done about it.
pub(crate) struct Beside {
    root: PathBuf,
    answers: Answers,
    shown: Vec<Outside>,
    /// Nobody said anything about these yet.
    open: Vec<Outside>,
    /// These are not shown, as a person said, or as their names can't be shown to one.
    declined: Vec<Outside>,
    /// What a person is told of those that nobody can have shown.
    never: Vec<String>,
}

/// Whether a person has allowed tests to see anything beside the tree at `root`.
pub(crate) fn is_any_allowed(state: &Path, root: &Path) -> bool {
    Answers::of(state, root).folders.values().any(|is_shown| *is_shown)
}

impl Beside {
    /// Of what was found. `plan` says what tests see anyway.
    pub(crate) fn of(found: Vec<Outside>, plan: &WorkerPlan, repository: &Repository, state: &Path) -> Self {
        let root = repository.root().to_owned();
        let answers = Answers::of(state, &root);
        let mut all =
            Self { root, answers, shown: Vec::new(), open: Vec::new(), declined: Vec::new(), never: Vec::new() };
        if plan.sandbox != Sandbox::Off {
            all.sort(found, plan);
            for _ in 1..MOST_ROUNDS {
                let before = all.shown.len();
                all.look_further(plan);
                if all.shown.len() == before {
                    break;
                }
            }
        }
        all
    }

    fn sort(&mut self, found: Vec<Outside>, plan: &WorkerPlan) {
        if found.is_empty() {
            return;
        }
        let mut plan = plan.clone();
        plan.private.push(self.root.clone());
        let visible = sandbox::shown(&plan);
        for outside in found.into_iter().filter(|it| !visible.shows(&it.real)) {
            let (what, by) = (sanitise_line(&outside.path.display().to_string()).into_owned(), by(&outside));
            if let Some(why) = sandbox::why_refused(&outside.real, &plan.private) {
                self.never.push(format!("{by} names {what}, which is never shown to tests: {why}"));
            } else if plan.private.iter().any(|own| outside.real.starts_with(own)) {
                self.never.push(format!("{by} names {what}, which is never shown to tests: it is kcode's own"));
            } else {
                match self.answers.find(&outside) {
                    Some(true) => self.shown.push(outside),
                    Some(false) => self.declined.push(outside),
                    None => self.open.push(outside),
                }
            }
        }
    }

    /// Sorts what manifests in what is shown name in turn.
    pub(crate) fn look_further(&mut self, plan: &WorkerPlan) {
        let mut plan = plan.clone();
        plan.readable.extend(self.shown.iter().map(|it| it.path.clone()));
        let further: Vec<Outside> = self.shown.iter().flat_map(|it| it.further(&self.root)).collect();
        let is_known = |it: &Outside| {
            self.shown.iter().chain(&self.open).chain(&self.declined).any(|known| it.real.starts_with(&known.real))
        };
        self.sort(further.into_iter().filter(|it| !is_known(it)).collect(), &plan);
    }

    /// Whether there is anything to ask a person.
    pub(crate) const fn has_questions(&self) -> bool {
        !self.open.is_empty()
    }

    /// What a person is to be asked about now. What can't be shown to one as it is, is declined.
    pub(crate) fn questions(&mut self) -> Vec<Outside> {
        let (open, odd): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|it| told(&it.path).is_some() && told(&it.real).is_some());
        self.declined.extend(odd);
        open
    }

    /// What a person answered of one of them; kept once [`keep`](Self::keep) is called.
    pub(crate) fn answer(&mut self, outside: Outside, is_shown: bool) {
        self.answers.keep(&outside, is_shown);
        if is_shown { self.shown.push(outside) } else { self.declined.push(outside) }
    }

    /// Keeps the answers for this repository, and returns where.
    ///
    /// # Errors
    /// When they can't be written.
    pub(crate) fn keep(&self) -> Result<&Path, Failure> {
        self.answers.write()?;
        Ok(&self.answers.file)
    }

    /// Has `plan` show what was allowed, and note what was not. Returns what a person is told of all that was found.
    pub(crate) fn tell(self, plan: &mut WorkerPlan) -> Vec<String> {
        let shown = self.shown.iter().map(|it| format!("{} is shown to tests, read-only, as you allowed", leading(it)));
        let hidden = self.open.iter().chain(&self.declined);
        let mut notes: Vec<String> = shown.chain(hidden.clone().map(to_show)).chain(self.never).collect();
        plan.hidden.extend(hidden.map(|it| it.path.clone()));
        plan.readable.extend(self.shown.iter().map(|it| it.path.clone()));
        let mut seen = BTreeSet::new();
        notes.retain(|note| seen.insert(note.clone()));
        notes
    }
}

/// A person is told which flag shows it.
fn to_show(outside: &Outside) -> String {
    let path = outside.path.display().to_string();
    let path = sanitise_line(&path);
    format!("{} names {path}, which tests don't see: --readable {path} shows it to them, read-only", by(outside))
}

/// Where it is, and where a link leads that is there.
pub(crate) fn leading(outside: &Outside) -> String {
    let path = outside.path.display().to_string();
    let link = (outside.path != outside.real).then(|| format!(" (a link to {})", outside.real.display()));
    sanitise_line(&format!("{path}{}", link.unwrap_or_default())).into_owned()
}

/// The file that names it, in few characters: its folder's name is the repository's choice.
pub(crate) fn by(outside: &Outside) -> String {
    let name = sanitise_line(&outside.named_by).into_owned();
    console::truncate_str(&name, 60, "…").into_owned()
}

/// A path as it is, if a person can see from it what it is.
fn told(path: &Path) -> Option<&str> {
    let path = path.to_str()?;
    let is_plain = sanitise_line(path) == path && path.chars().count() <= MOST_CHARACTERS;
    is_plain.then_some(path)
}
