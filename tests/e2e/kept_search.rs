//! What a run found that has to be covered is kept for the next one, which believes it only where a new search would find the same.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ran::Ran;
use crate::running::wait_until;
use crate::world::{TASK, World, mender};

const SECRET: &str = "the-word-in-the-toolchain";

/// A toolchain of the user's with a secret, which has been there for some time.
struct Toolchain {
    world: World,
}

impl Toolchain {
    fn new() -> Self {
        let toolchain = Self { world: World::new() };
        fs::create_dir_all(toolchain.path("lib")).unwrap();
        for (name, content) in [(".netrc", SECRET), ("lib/ca.pem", "public"), ("lib/plain.txt", "plain")] {
            fs::write(toolchain.path(name), content).unwrap();
        }
        let shown =
            [toolchain.path("lib/ca.pem"), toolchain.path("lib/plain.txt")].map(|path| path.display().to_string());
        let secrets = [".netrc", "lib/.npmrc", "lib/ca.pem"].map(|name| toolchain.path(name).display().to_string());
        let script = format!("cat {} {}; cat {}", shown.join(" "), secrets.join(" "), toolchain.file().display());
        toolchain.world.write_test(&format!(
            "({script}) 2> /dev/null; (echo x > {}) 2> /dev/null; true",
            toolchain.file().display()
        ));
        let changed = |name: &str| fs::metadata(toolchain.path(name)).unwrap().modified().unwrap().elapsed();
        let is_settled = |name: &str| changed(name).is_ok_and(|since| since > Duration::from_millis(2200));
        wait_until("its folders haven't changed for two seconds", || ["", "lib"].into_iter().all(is_settled));
        toolchain
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.path("home/.pyenv").join(name)
    }

    fn file(&self) -> PathBuf {
        self.world.state().join("kept-searches.json")
    }

    /// A run, the only one that is kept, and what its tests could read.
    fn run(&self) -> (Ran, String) {
        let _ = fs::remove_dir_all(self.world.state().join("runs"));
        let kimi = mender();
        let ran = self.world.run(self.world.keyed(&kimi, &["fix", TASK, "--no-baseline"]));
        let log = ran.kept().read("logs/tests-1.log");
        (ran, log)
    }

    /// What is kept of the toolchain.
    fn kept(&self, kept: &mut Value, change: impl FnOnce(&mut Value)) {
        let real = fs::canonicalize(self.path("")).unwrap().display().to_string();
        let all = kept["searches"].as_array_mut().unwrap();
        change(&mut all.iter_mut().find(|search| search["folder"][0] == json!(real)).unwrap()["search"]);
    }
}

/// No attempt against any guard succeeded.
fn holds(ran: &Ran) -> bool {
    let wall = &ran.report()["wall"];
    ["tree", "process", "network"].iter().all(|guard| wall[guard] == true)
}

#[test]
fn what_was_searched_once_is_not_searched_again() {
    let toolchain = Toolchain::new();
    let (first, log) = toolchain.run();
    assert!(holds(&first) && log.contains("public") && log.contains("plain") && !log.contains(SECRET), "{log}");
    let text = fs::read(toolchain.file()).unwrap();
    let (_, log) = toolchain.run();
    assert!(log.contains("plain") && !log.contains(SECRET), "{log}");
    assert_eq!(fs::read(toolchain.file()).unwrap(), text, "there was nothing new, and tests can't write it");
    // Only whoever believes it covers one more.
    let mut kept: Value = serde_json::from_slice(&text).unwrap();
    let one_more = json!({"path": fs::canonicalize(toolchain.path("lib/plain.txt")).unwrap(), "is_folder": false});
    toolchain.kept(&mut kept, |search| search["found"].as_array_mut().unwrap().push(one_more));
    fs::write(toolchain.file(), kept.to_string()).unwrap();
    let (third, log) = toolchain.run();
    assert!(holds(&third) && log.contains("public") && !log.contains("plain") && !log.contains(SECRET), "{log}");
    assert!(!log.contains("\"searches\""), "tests read what is kept: {log}");
}

#[test]
fn secrets_that_came_after_the_search_are_covered() {
    let toolchain = Toolchain::new();
    let (_, log) = toolchain.run();
    assert!(log.contains("public"), "{log}");
    fs::write(toolchain.path("lib/.npmrc"), SECRET).unwrap();
    fs::write(toolchain.path("lib/ca.pem"), format!("-----BEGIN PRIVATE KEY-----\n{SECRET}")).unwrap();
    let (ran, log) = toolchain.run();
    assert!(holds(&ran) && log.contains("plain") && !log.contains(SECRET), "{log}");
}

#[test]
fn what_is_kept_and_garbled_is_searched_anew() {
    let toolchain = Toolchain::new();
    toolchain.run();
    let text = fs::read_to_string(toolchain.file()).unwrap();
    for garbled in ["", "{}", "[", "\0", &text[..text.len() / 2]] {
        fs::write(toolchain.file(), garbled).unwrap();
        let (ran, log) = toolchain.run();
        assert!(holds(&ran) && log.contains("plain") && !log.contains(SECRET), "{log}");
        assert_eq!(fs::read_to_string(toolchain.file()).unwrap().len(), text.len(), "it is kept again");
    }
}

#[test]
fn a_record_that_names_no_folders_hides_no_secret() {
    let toolchain = Toolchain::new();
    toolchain.run();
    let text = fs::read_to_string(toolchain.file()).unwrap();
    let mut kept: Value = serde_json::from_str(&text).unwrap();
    toolchain.kept(&mut kept, |search| {
        search["found"] = json!([]);
        search["read"]["below"] = json!([]);
    });
    fs::write(toolchain.file(), kept.to_string()).unwrap();
    let (ran, log) = toolchain.run();
    assert!(holds(&ran) && log.contains("plain") && !log.contains(SECRET), "{log}");
}
