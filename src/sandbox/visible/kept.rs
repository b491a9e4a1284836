//! Keeps what searches found from one run to the next, in the state folder: searching takes longer than anything else
//! before the first request, and toolchains seldom change.
//!
//! A kept result counts only where a new search would find the same. Names and kinds of entries can't change without the
//! times of their folders (`read_folders.rs`). What else a search looks at is looked at again: content, and modes where they
//! count. Places with a folder that couldn't be read aren't kept. Nothing is believed from before the machine's last start,
//! from another build of kcode (whose rules may be others), with other settings, or from a file that somebody else may
//! write: then everything is searched.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::masks::{self, Examined, Folder, FolderSearch, SearchDepth};
use super::walk::{all_processors, beside_each_other};
use crate::journal::{open_own, whole};
use crate::sandbox::plan::WorkerConfig;

/// Most bytes of the file; a searched folder takes about sixty.
const LARGEST: u64 = 4 << 20;
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// The contents of the file.
#[derive(Debug, Serialize, Deserialize)]
struct KeptSearches {
    conditions: Conditions,
    /// When it was written, in milliseconds since 1970.
    at: u64,
    searches: Vec<KeptSearch>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptSearch {
    folder: Folder,
    search: FolderSearch,
    examined: Option<Vec<Examined>>,
}

/// What the results depend on besides the folders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Conditions {
    version: String,
    /// Device, inode, size and times of kcode's own file: another build may have other rules.
    program: [i128; 5],
    boot: String,
    user: u32,
    /// Globs of secrets that are shown nevertheless.
    readable_secrets: Vec<String>,
}

/// The results for some folders.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct SearchResults {
    /// In the folders' order.
    pub(in crate::sandbox) found: Vec<FolderSearch>,
    /// What to write into the file; `None` if it holds this already, or nothing can be kept.
    pub(in crate::sandbox) keep: Option<String>,
}

/// Searches `folders`, except for those with a kept result that still holds.
pub(in crate::sandbox) fn search(folders: &[Folder], config: &WorkerConfig) -> SearchResults {
    let conditions = config.kept_searches.as_ref().and_then(|_| Conditions::now(config));
    let load = |file: &Path| conditions.as_ref().map(|now| load(file, now)).unwrap_or_default();
    let mut kept = config.kept_searches.as_deref().map(load).unwrap_or_default();
    let holding = |folder: &Folder| kept.get(folder).filter(|search| search.holds_still(&folder.0)).cloned();
    let holding = beside_each_other(folders, all_processors(), holding);
    let is_unknown = |(folder, holding): (&Folder, &Option<FolderSearch>)| holding.is_none().then(|| folder.clone());
    let unknown: Vec<Folder> = folders.iter().zip(&holding).filter_map(is_unknown).collect();
    let new = masks::search(&unknown, &config.readable_secrets, all_processors());
    let mut is_news = false;
    for (folder, search) in unknown.iter().zip(&new) {
        let is_kept = search.is_lasting() && folder.1 != SearchDepth::Doors && folder.0.to_str().is_some();
        is_news |= if is_kept {
            kept.insert(folder.clone(), search.clone());
            true
        } else {
            kept.remove(folder).is_some()
        };
    }
    let keep = conditions.filter(|_| is_news).and_then(|conditions| text(&conditions, kept, folders));
    let mut new = new.into_iter();
    let found = holding.into_iter().filter_map(|holding| holding.or_else(|| new.next())).collect();
    SearchResults { found, keep }
}

/// The results of a search, and the file that is to keep them.
#[derive(Debug)]
pub struct SearchToKeep {
    pub(in crate::sandbox) file: PathBuf,
    pub(in crate::sandbox) text: String,
}

impl SearchToKeep {
    /// Replaces the file atomically. Blocks.
    ///
    /// # Errors
    /// When its folder can't be written; the next run then searches again.
    pub fn write(&self) -> io::Result<()> {
        let folder = self.file.parent().ok_or(io::ErrorKind::NotFound)?;
        let mut new = NamedTempFile::new_in(folder)?;
        new.write_all(self.text.as_bytes())?;
        new.persist(&self.file).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Conditions {
    /// `None` if they can't be told.
    fn now(config: &WorkerConfig) -> Option<Self> {
        let program = fs::metadata("/proc/self/exe").ok()?;
        let times = [(program.mtime(), program.mtime_nsec()), (program.ctime(), program.ctime_nsec())];
        let [changed, touched] = times.map(|(seconds, rest)| i128::from(seconds) * 1_000_000_000 + i128::from(rest));
        Some(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: [program.dev().into(), program.ino().into(), program.size().into(), changed, touched],
            boot: fs::read_to_string(BOOT).ok()?,
            user: geteuid().as_raw(),
            readable_secrets: config.readable_secrets.clone(),
        })
    }
}

/// The results in `file`, if they were made under the same conditions.
fn load(file: &Path, conditions: &Conditions) -> HashMap<Folder, FolderSearch> {
    let read = || -> Option<KeptSearches> {
        let file = open_own(file).ok()?;
        let about = file.metadata().ok()?;
        let is_own = about.uid() == conditions.user && about.mode() & 0o022 == 0 && about.nlink() == 1;
        let bytes = is_own.then(|| whole(file, LARGEST).ok()).flatten()?;
        serde_json::from_slice(&bytes).ok()
    };
    // With a clock that was set back, a folder could have changed at a time that it had before.
    let kept = read().filter(|kept| kept.conditions == *conditions && kept.at <= now());
    let whole = |KeptSearch { folder, search, examined }: KeptSearch| (folder, FolderSearch { examined, ..search });
    kept.map(|kept| kept.searches.into_iter().map(whole).collect()).unwrap_or_default()
}

/// The file's contents; where there is no room for what other runs were shown, only that of `folders`.
fn text(conditions: &Conditions, kept: HashMap<Folder, FolderSearch>, folders: &[Folder]) -> Option<String> {
    let taken = |(folder, mut search): (Folder, FolderSearch)| {
        let examined = search.examined.take();
        KeptSearch { folder, search, examined }
    };
    let mut searches: Vec<_> = kept.into_iter().map(taken).collect();
    searches.sort_by(|one, other| one.folder.cmp(&other.folder));
    let mut all = KeptSearches { conditions: conditions.clone(), at: now(), searches };
    let write = |all: &KeptSearches| serde_json::to_string(all).ok().filter(|text| text.len() as u64 <= LARGEST);
    write(&all).or_else(|| {
        all.searches.retain(|search| folders.contains(&search.folder));
        write(&all)
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::thread::sleep;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::sandbox::visible::Mask;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n";

    /// A toolchain that has been there for some time, and a state folder.
    struct World {
        folder: tempfile::TempDir,
        config: WorkerConfig,
    }

    impl World {
        fn new() -> Self {
            Self::of(tempfile::tempdir().unwrap())
        }

        fn of(folder: tempfile::TempDir) -> Self {
            let place = folder.path().join("toolchain");
            fs::create_dir_all(place.join("lib/certs")).unwrap();
            fs::create_dir(folder.path().join("state")).unwrap();
            for (name, content) in [("lib/.netrc", "x"), ("lib/certs/ca.pem", "public"), ("lib/certs/own.key", KEY)] {
                fs::write(place.join(name), content).unwrap();
            }
            let config = json!({"view": "", "logs": "", "scratch": "", "readable": [], "readable_secrets": [],
                "home": null, "tests": null, "deadline": {"secs": 1, "nanos": 0}, "idle": {"secs": 1, "nanos": 0},
                "confine": true, "kept_searches": folder.path().join("state/kept.json")});
            let world = Self { folder, config: serde_json::from_value(config).unwrap() };
            world.settle();
            world
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join("toolchain").join(name)
        }

        fn file(&self) -> &Path {
            self.config.kept_searches.as_deref().unwrap()
        }

        /// Until a search can say something about later runs.
        fn settle(&self) {
            let folders = ["", "lib", "lib/certs"].map(|name| self.path(name));
            let is_recent = |path: &PathBuf| {
                let changed = fs::metadata(path).unwrap().modified().unwrap();
                changed.elapsed().unwrap_or_default() < Duration::from_millis(2200)
            };
            while folders.iter().any(is_recent) {
                sleep(Duration::from_millis(20));
            }
        }

        fn search(&self) -> SearchResults {
            search(&[(self.path(""), SearchDepth::All)], &self.config)
        }

        /// The names of what a run finds, which keeps what it may.
        fn run(&self) -> Vec<String> {
            let results = self.search();
            if let Some(text) = results.keep {
                SearchToKeep { file: self.file().to_owned(), text }.write().unwrap();
            }
            let name = |mask: &Mask| mask.path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut names: Vec<String> = results.found[0].found.iter().map(name).collect();
            names.sort();
            names
        }

        /// Has the file say something else, and what is found then.
        fn told(&self, change: impl FnOnce(&mut Value)) -> Vec<String> {
            let honest = fs::read(self.file()).unwrap();
            let mut value: Value = serde_json::from_slice(&honest).unwrap();
            change(&mut value);
            fs::write(self.file(), serde_json::to_vec(&value).unwrap()).unwrap();
            let found = self.run();
            fs::write(self.file(), honest).unwrap();
            found
        }
    }

    /// What a search finds.
    const ALL: [&str; 2] = [".netrc", "own.key"];

    /// Has the kept result name nothing, so that whoever believes it finds nothing.
    fn emptied(value: &mut Value) {
        value["searches"][0]["search"]["found"] = json!([]);
    }

    #[test]
    fn a_kept_result_counts_while_nothing_has_changed() {
        let world = World::new();
        assert_eq!(world.run(), ALL);
        assert_eq!(world.search().keep, None, "there is nothing new");
        assert_eq!(world.told(emptied), [""; 0], "it wasn't searched again");
        assert_eq!(fs::metadata(world.file()).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_kept_result_counts_under_the_same_conditions_only() {
        let mut world = World::new();
        world.run();
        let other: [(&str, Value); 5] = [
            ("version", json!("0.0.0")),
            ("program", json!([1, 2, 3, 4, 5])),
            ("boot", json!("00000000-0000-0000-0000-000000000000\n")),
            ("user", json!(geteuid().as_raw() + 1)),
            ("readable_secrets", json!(["*.pem"])),
        ];
        for (name, value) in other {
            let found = world.told(|kept| {
                emptied(kept);
                kept["conditions"][name] = value.clone();
            });
            assert_eq!(found, ALL, "{name}");
        }
        let later = |kept: &mut Value| {
            emptied(kept);
            kept["at"] = json!(now() + 60_000);
        };
        assert_eq!(world.told(later), ALL, "the clock was set back");
        world.told(emptied);
        world.config.readable_secrets = vec!["*.key".into()];
        assert_eq!(world.run(), [".netrc"]);
    }

    #[test]
    fn only_a_file_of_the_users_own_counts() {
        let world = World::new();
        world.run();
        let (file, other) = (world.file().to_owned(), world.folder.path().join("other.json"));
        let mut value: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        emptied(&mut value);
        let forged = serde_json::to_vec(&value).unwrap();
        let forge = |content: &[u8]| {
            let _ = fs::remove_file(&file);
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        };
        forge(&forged);
        assert_eq!(world.search().found[0].found, [], "otherwise it counts");
        fs::set_permissions(&file, Permissions::from_mode(0o620)).unwrap();
        assert_eq!(world.run(), ALL, "others may write it");
        forge(&forged);
        fs::hard_link(&file, &other).unwrap();
        assert_eq!(world.run(), ALL, "it has another name");
        fs::rename(&file, &other).unwrap();
        symlink(&other, &file).unwrap();
        assert_eq!(world.run(), ALL, "it is a link");
        if geteuid().is_root() {
            forge(&forged);
            std::os::unix::fs::chown(&file, Some(1), None).unwrap();
            assert_eq!(world.run(), ALL, "it is another user's");
        }
        let long = [&forged[..], &vec![b' '; LARGEST as usize]].concat();
        for garbled in [&b""[..], b"{", b"[]", b"\xff", b"{\"searches\": []}", &forged[..forged.len() / 2], &long] {
            forge(garbled);
            assert_eq!(world.run(), ALL);
        }
    }

    #[test]
    fn a_record_that_does_not_say_what_was_read_is_not_believed() {
        let world = World::new();
        world.run();
        let search = |kept: &mut Value, name: &str, value: Value| {
            emptied(kept);
            kept["searches"][0]["search"][name] = value;
        };
        let none = crate::journal::Digest::of([]);
        for below in [json!([]), json!(["lib"]), json!(["", "../toolchain/lib"]), json!(["", "/"])] {
            let read = json!({"below": below, "state": none, "is_lasting": true});
            assert_eq!(world.told(|kept| search(kept, "read", read)), ALL, "{below}");
        }
        assert_eq!(world.told(|kept| search(kept, "read", Value::Null)), ALL);
        for examined in [Value::Null, json!([{"below": "../x.pem", "asked": "has_key", "answer": false}])] {
            let told = |kept: &mut Value| {
                emptied(kept);
                kept["searches"][0]["examined"] = examined.clone();
            };
            assert_eq!(world.told(told), ALL, "{examined}");
        }
        assert_eq!(world.told(|kept| kept["searches"][0]["search"]["read"]["is_lasting"] = json!(false)), ALL);
        let outside = json!([{"path": "/", "is_folder": true}]);
        assert_eq!(world.told(|kept| kept["searches"][0]["search"]["found"] = outside), ALL);
    }

    #[test]
    fn what_changed_since_is_searched_again() {
        let world = World::new();
        world.run();
        fs::write(world.path("lib/certs/ca.pem"), KEY).unwrap();
        assert_eq!(world.run(), [".netrc", "ca.pem", "own.key"], "the content is another");
        fs::write(world.path("lib/certs/own.key"), "public").unwrap();
        assert_eq!(world.run(), [".netrc", "ca.pem"]);
        fs::write(world.path("lib/id_ed25519"), "x").unwrap();
        assert_eq!(world.run(), [".netrc", "ca.pem", "id_ed25519"], "a secret is new");
        fs::rename(world.path("lib"), world.path("old")).unwrap();
        fs::create_dir_all(world.path("lib/certs")).unwrap();
        assert_eq!(world.run(), [".netrc", "ca.pem", "id_ed25519"], "under their new names");
    }

    #[test]
    fn a_folder_with_the_same_time_that_took_anothers_place_is_searched() {
        let world = World::new();
        world.run();
        let certs = world.path("lib/certs");
        let changed = fs::metadata(&certs).unwrap().modified().unwrap();
        let above = fs::metadata(world.path("lib")).unwrap().modified().unwrap();
        fs::rename(&certs, world.folder.path().join("old")).unwrap();
        fs::create_dir(&certs).unwrap();
        fs::write(certs.join(".npmrc"), "x").unwrap();
        for (folder, time) in [(&certs, changed), (&world.path("lib"), above)] {
            let times = fs::FileTimes::new().set_modified(time);
            fs::File::open(folder).unwrap().set_times(times).unwrap();
        }
        assert_eq!(world.run(), [".netrc", ".npmrc"]);
    }

    #[test]
    fn where_modes_count_they_are_looked_at_again() {
        let world = World::of(tempfile::tempdir_in("/var/tmp").unwrap());
        assert_eq!(world.run(), ALL);
        assert_eq!(world.told(emptied), [""; 0], "it wasn't searched again");
        fs::set_permissions(world.path("lib/certs/ca.pem"), Permissions::from_mode(0o640)).unwrap();
        assert_eq!(world.run(), [".netrc", "ca.pem", "own.key"], "it was closed");
        fs::set_permissions(world.path("lib/certs/ca.pem"), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(world.run(), ALL);
    }

    #[test]
    fn what_can_not_be_told_is_not_kept() {
        use std::os::unix::ffi::OsStrExt as _;

        let world = World::new();
        let of_tree = search(&[(world.path("lib"), SearchDepth::Doors)], &world.config);
        assert_eq!(of_tree.keep, None, "git's folder changes all the time");
        let odd = world.path("lib/certs").join(std::ffi::OsStr::from_bytes(b"\xff.pem"));
        fs::write(odd, "public").unwrap();
        world.settle();
        let results = world.search();
        assert_eq!((results.found[0].found.len(), results.keep), (2, None), "no JSON holds such a name");
    }

    #[test]
    fn a_place_that_is_not_shown_now_stays_known() {
        let world = World::new();
        world.run();
        let lib = search(&[(world.path("lib"), SearchDepth::All)], &world.config);
        let kept: KeptSearches = serde_json::from_str(&lib.keep.unwrap()).unwrap();
        assert_eq!(kept.searches.len(), 2);
    }
}
