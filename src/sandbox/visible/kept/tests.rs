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
