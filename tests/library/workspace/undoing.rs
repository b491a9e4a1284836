//! Over generated trees and patches: apply and then undo is the identity, and so is an apply or an undo that is cut short or
//! fails. Bytes, permissions to the last bit, links, folders and absences count.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use kcode::journal::{Digest, Event, FileJournal, Journal as _, RunFolder, Undone};
use kcode::workspace::{ApplyError, Blobs, ChangeSet, ChangedFile, FileMode, FileState, Settled, Transaction, settle};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::world::{World, link, path, set_mode, write};

/// Some are a folder in one tree and a file in the other.
const NAMES: [&str; 10] = ["a", "a/b", "a/b/c", "a/d", "e/f/g", "e/h", "i", "i/j", "ö k", "l"];

/// Folders of the user's with nothing in them, where a patch may put something.
const EMPTY: [&str; 4] = ["e", "e/f", "hollow/way", "a"];

/// What stands at a name.
#[derive(Clone, Debug, PartialEq)]
enum Thing {
    File(Vec<u8>, u32),
    Link(&'static str),
}

type Things = BTreeMap<usize, Thing>;

fn thing() -> impl Strategy<Value = Thing> {
    let bytes = prop_oneof![vec(any::<u8>(), 0..4), Just(b"one\r\ntwo".to_vec()), Just(vec![b'x'; 10_000])];
    let mode = prop_oneof![Just(0o644), Just(0o755), Just(0o600), Just(0o444), Just(0o710), Just(0o666)];
    prop_oneof![
        5 => (bytes, mode).prop_map(|(bytes, mode)| Thing::File(bytes, mode)),
        1 => prop_oneof![Just("a/b"), Just("../outside"), Just("nowhere")].prop_map(Thing::Link),
    ]
}

/// Names in one tree go together: none is a folder of another.
fn things() -> impl Strategy<Value = Things> {
    btree_map(0..NAMES.len(), thing(), 0..7).prop_map(|mut things| {
        let names: Vec<usize> = things.keys().copied().collect();
        let is_below = |name: usize| names.iter().any(|other| NAMES[name].starts_with(&format!("{}/", NAMES[*other])));
        things.retain(|name, _| !is_below(*name));
        things
    })
}

/// A project with `things` in it, and a run that turns them into others.
struct Subject {
    world: World,
    run: RunFolder,
    changes: ChangeSet,
}

impl Subject {
    fn new(before: &Things, after: &Things, empty: &[bool], folders: u32) -> Self {
        let world = World::new();
        let state = world.beside("state");
        let run = RunFolder::create(&state).unwrap();
        for (name, thing) in before {
            put(&world.root().join(NAMES[*name]), thing);
        }
        for (name, _) in EMPTY.iter().zip(empty).filter(|(_, wanted)| **wanted) {
            // A file may be in the way.
            let _ = fs::create_dir_all(world.root().join(name));
        }
        for folder in ["a", "e"].map(|name| world.root().join(name)) {
            if folder.symlink_metadata().is_ok_and(|about| about.is_dir()) {
                set_mode(&folder, folders);
            }
        }
        let blobs = Blobs::at(&run.blobs());
        let state = |things: &Things, name| things.get(&name).map(|thing| keep(&blobs, thing));
        let entries = (0..NAMES.len()).filter_map(|name| {
            let (before, after) = (state(before, name), state(after, name));
            (before != after).then(|| ChangedFile { path: path(NAMES[name]), before, after })
        });
        let changes = ChangeSet::new(entries.collect());
        Self { world, run, changes }
    }

    fn apply(&self) -> Result<Transaction, ApplyError> {
        Transaction::apply(&self.run, &self.world.root(), &self.changes)
    }

    fn undo(&self) -> Result<Transaction, ApplyError> {
        Transaction::undo(&self.run, &self.world.root())
    }

    /// What the next command does.
    fn settle(&self) -> Vec<Settled> {
        settle(&self.world.beside("state"))
    }

    fn sight(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut seen = BTreeMap::new();
        see(&self.world.root(), &mut seen);
        seen
    }

    /// What stands where the patch has a say, as git sees it.
    fn told(&self) -> Things {
        let look = |name: &usize| {
            let path = self.world.root().join(NAMES[*name]);
            let real = path.parent()?.canonicalize().ok()? == path.parent()?;
            let about = path.symlink_metadata().ok().filter(|about| real && !about.is_dir())?;
            if about.is_symlink() {
                let target = fs::read_link(&path).ok()?;
                return ["a/b", "../outside", "nowhere"]
                    .into_iter()
                    .find(|it| target == Path::new(it))
                    .map(Thing::Link);
            }
            Some(Thing::File(fs::read(&path).ok()?, about.mode() & 0o100))
        };
        (0..NAMES.len()).filter_map(|name| Some((name, look(&name)?))).collect()
    }
}

fn put(path: &Path, thing: &Thing) {
    match thing {
        Thing::File(bytes, mode) => {
            write(path, bytes);
            set_mode(path, *mode);
        }
        Thing::Link(target) => link(target, path),
    }
}

fn keep(blobs: &Blobs, thing: &Thing) -> FileState {
    let (mode, bytes): (_, &[u8]) = match thing {
        Thing::File(bytes, mode) if mode & 0o100 == 0 => (FileMode::Regular, bytes),
        Thing::File(bytes, _) => (FileMode::Executable, bytes),
        Thing::Link(target) => (FileMode::Symlink, target.as_bytes()),
    };
    let sha256: Digest = blobs.keep(bytes).unwrap();
    FileState { mode, sha256 }
}

/// As git sees them.
fn plain(things: &Things) -> Things {
    let plain = |thing: &Thing| match thing {
        Thing::File(bytes, mode) => Thing::File(bytes.clone(), mode & 0o100),
        Thing::Link(target) => Thing::Link(target),
    };
    things.iter().map(|(name, thing)| (*name, plain(thing))).collect()
}

fn see(folder: &Path, seen: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = path.symlink_metadata().unwrap();
        let content = if about.is_dir() {
            see(&path, seen);
            Vec::new()
        } else if about.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        seen.insert(path, (about.mode(), content));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn apply_and_then_undo_is_the_identity(
        before in things(),
        after in things(),
        empty in vec(any::<bool>(), EMPTY.len()),
        folders in prop_oneof![Just(0o755), Just(0o700), Just(0o2775)],
    ) {
        let subject = Subject::new(&before, &after, &empty, folders);
        let start = subject.sight();

        // Killed when all was written and nothing noted.
        match subject.apply() {
            // An empty folder of the user's is where a file should be: nothing happens then.
            Err(refused) => {
                prop_assert!(matches!(refused, ApplyError::MovedOn { .. } | ApplyError::Write { .. }), "{}", refused);
                prop_assert_eq!(subject.sight(), start);
                prop_assert_eq!(subject.settle(), vec![]);
                return Ok(());
            }
            Ok(written) => drop(written),
        }
        prop_assert_eq!(subject.told(), plain(&after));
        let settled = subject.settle();
        prop_assert_eq!(settled.len(), 1);
        prop_assert!(!settled[0].finished && settled[0].stuck.is_empty() && settled[0].theirs.is_empty(), "{:?}", settled);
        prop_assert_eq!(&subject.sight(), &start);

        subject.apply().unwrap().take_back().unwrap();
        prop_assert_eq!(&subject.sight(), &start);

        subject.apply().unwrap().keep().unwrap();
        let end = subject.sight();
        prop_assert_eq!(subject.told(), plain(&after));
        prop_assert_eq!(subject.settle(), vec![]);

        // The same the other way round.
        drop(subject.undo().unwrap());
        prop_assert_eq!(subject.told(), plain(&before));
        prop_assert_eq!(subject.settle().len(), 1);
        prop_assert_eq!(&subject.sight(), &end);
        subject.undo().unwrap().keep().unwrap();
        prop_assert_eq!(&subject.sight(), &start);
        prop_assert_eq!(subject.settle(), vec![]);
    }

    #[test]
    fn a_step_that_fails_leaves_everything_as_it_was(
        before in things(),
        after in things(),
        last in 0..2_usize,
    ) {
        let mut subject = Subject::new(&before, &after, &[false; EMPTY.len()], 0o755);
        let start = subject.sight();
        // No tree can hold this, and it comes out when all others are written.
        let blobs = Blobs::at(&subject.run.blobs());
        let after = Some(keep(&blobs, &Thing::File(b"new".to_vec(), 0o644)));
        for name in [["z", "z/y"], ["z/y/x", "z/y"]][last] {
            subject.changes.entries.push(ChangedFile { path: path(name), before: None, after });
        }
        prop_assert!(subject.apply().is_err());
        prop_assert_eq!(subject.sight(), start);
        prop_assert_eq!(subject.settle(), vec![]);
    }

    #[test]
    fn an_undo_that_was_noted_is_finished(before in things(), after in things()) {
        let subject = Subject::new(&before, &after, &[false; EMPTY.len()], 0o755);
        let start = subject.sight();
        subject.apply().unwrap().keep().unwrap();
        drop(subject.undo().unwrap());
        let mut journal = FileJournal::create(&subject.run.journal()).unwrap();
        journal.conclude(vec![Event::Undone(Undone { files: 0 })]).unwrap();
        drop(journal);
        let settled = subject.settle();
        prop_assert!(settled.len() == 1 && settled[0].finished, "{:?}", settled);
        prop_assert_eq!(subject.sight(), start);
        prop_assert!(matches!(subject.undo(), Err(ApplyError::Forgotten { .. })), "once");
    }
}
