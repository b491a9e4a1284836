//! Links of a repository that lead out of it, named like folders of dependencies: they open nothing.
//!
//! Each test's command makes the attack and says so where it succeeds; what a run's tests print is what the model gets.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use landlock::{AccessFs, Ruleset, RulesetAttr};

use crate::ran::Ran;
use crate::support::refusing::{self, Bwrap};
use crate::world::{TASK, World, mender};

const SECRET: &str = "-----BEGIN OPENSSH PRIVATE KEY----- canary-7be1";
/// What the note about a link that isn't followed begins with, after the link's name.
const REFUSED: &str = " is not followed: it is a link";

/// A world with a home full of secrets, in which nothing is wrong but what a test adds.
fn world() -> World {
    let world = World::new();
    for file in [".ssh/id_ed25519", ".aws/credentials", ".config/gh/hosts.yml", "documents/diary.txt"] {
        let file = world.path("home").join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, SECRET).unwrap();
    }
    world
}

/// The tests read whatever they find behind `name`; they pass, so that only the attack tells a run from another.
fn reads(world: &World, name: &str) {
    world.write_test(&format!(
        "for file in '{name}'/* '{name}'/.[a-z]* '{name}'/*/*; do\n\
             head -c 100 \"$file\" 2> /dev/null && echo \" OPEN $file\"\n\
         done\n\
         grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'"
    ));
}

/// Forgets the run, so that the next one is the only one.
fn forget(world: &World) {
    fs::remove_dir_all(world.state().join("runs")).unwrap();
}

/// Runs `fix` where kcode may make namespaces, where bwrap makes them, and where nobody does.
fn everywhere(world: &World, judge: impl Fn(&Ran, &str)) {
    let kimi = mender();
    judge(&world.fix(&kimi, &["--sandbox", "strict"]), "namespaces");
    forget(world);
    if refusing::is_installed() && refusing::can_be_made() {
        let kimi = mender();
        let command = world.keyed(&kimi, &["fix", TASK, "--sandbox", "strict"]);
        let ran = Ran::new(refusing::run(&mut refusing::machine(None, &Bwrap::Plain, &command)), &world.state());
        judge(&ran, "bwrap");
        forget(world);
    }
    // Whoever is in a Landlock domain can't mount: this thread and what it starts.
    Ruleset::default().handle_access(AccessFs::MakeBlock).unwrap().create().unwrap().restrict_self().unwrap();
    let kimi = mender();
    // Without namespaces the sandbox has gaps, which an audit reports.
    let ran = Ran::new(world.keyed(&kimi, &["fix", TASK]).output().unwrap(), &world.state());
    judge(&ran, "Landlock alone");
}

/// Asserts that the tests could open nothing, that none of it reached the model, and what a person is told of `link`.
fn assert_closed(world: &World, link: &str, is_noted: bool) {
    everywhere(world, |ran, wall| {
        let log = ran.kept().read("logs/tests-1.log");
        assert!(log.contains("ok 1 - greeting"), "{wall}: {log}");
        assert!(!log.contains("OPEN") && !log.contains("canary"), "{wall}: {link} opened something: {log}");
        let journal = ran.kept().journal();
        let notes = journal.iter().find(|event| event["type"] == "view_made").unwrap()["notes"].to_string();
        assert!(!format!("{journal:?}").contains("canary-7be1"), "{wall}: the model got it");
        assert_eq!(notes.contains(&format!("{link}{REFUSED}")), is_noted, "{wall}: {notes}");
    });
}

#[test]
fn a_tracked_link_to_keys_opens_nothing() {
    let world = world();
    symlink(world.path("home/.ssh"), world.root().join("node_modules")).unwrap();
    reads(&world, "node_modules");
    world.commit_all();
    assert_closed(&world, "node_modules", true);
}

#[test]
fn a_link_that_git_ignores_opens_nothing() {
    let world = world();
    world.write(".gitignore", ".venv\n");
    symlink(world.path("home"), world.root().join(".venv")).unwrap();
    reads(&world, ".venv");
    world.commit_all();
    assert_closed(&world, ".venv", true);
}

#[test]
fn neither_does_a_chain_of_links_nor_one_to_the_state_folder() {
    let world = world();
    world.write(".gitignore", "venv\nchain\n");
    symlink(world.state(), world.root().join("chain")).unwrap();
    symlink("./docs/../chain", world.root().join("venv")).unwrap();
    fs::create_dir_all(world.state()).unwrap();
    fs::write(world.state().join("secret"), SECRET).unwrap();
    reads(&world, "venv");
    world.commit_all();
    assert_closed(&world, "venv", true);
}

#[test]
fn neither_does_a_folder_on_the_way_that_is_a_link() {
    let world = world();
    world.write(".kcode.toml", "dependencies = [\"far/.ssh\"]\n[test]\ncommand = \"./test.sh\"\n");
    symlink(world.path("home"), world.root().join("far")).unwrap();
    reads(&world, "far/.ssh");
    world.commit_all();
    // It isn't the name of a folder of this repository at all.
    assert_closed(&world, "far/.ssh", false);
}

#[test]
fn links_in_a_folder_of_dependencies_open_nothing() {
    let world = world();
    world.write(".gitignore", "node_modules\n");
    world.write("node_modules/real/index.js", "1");
    fs::create_dir_all(world.root().join("node_modules/@scope")).unwrap();
    for (name, target) in [("keys", ".ssh"), ("@scope/aws", ".aws"), ("@scope/@scope", "documents")] {
        symlink(world.path("home").join(target), world.root().join("node_modules").join(name)).unwrap();
    }
    // With a link back into the project it becomes a folder of links in a copy.
    symlink("../docs", world.root().join("node_modules/docs")).unwrap();
    world.write_test(
        "grep -rs canary node_modules/keys/ node_modules/@scope/aws/ node_modules/@scope/@scope/ && echo OPEN\n\
         grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'",
    );
    world.commit_all();
    assert_closed(&world, "node_modules", false);
}

#[test]
fn links_to_sockets_and_devices_open_nothing() {
    let world = world();
    world.write(".gitignore", "venv\n");
    fs::create_dir(world.path("sockets")).unwrap();
    let socket = world.path("sockets/agent.sock");
    let _agent = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o777)).unwrap();
    symlink(world.path("sockets"), world.root().join("node_modules")).unwrap();
    symlink("/dev", world.root().join("venv")).unwrap();
    world.write_test(
        "for it in node_modules/agent.sock venv/kvm venv/fuse venv/net/tun venv/kmsg venv/loop0; do\n\
             test -S $it && echo \"OPEN $it\"\n\
             test -c $it && (: < $it) 2> /dev/null && echo \"OPEN $it\"\n\
         done\n\
         grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'",
    );
    world.commit_all();
    everywhere(&world, |ran, wall| {
        let log = ran.kept().read("logs/tests-1.log");
        // Without namespaces a socket can be seen, and none be made to speak to it.
        let open: Vec<_> = log.lines().filter(|line| line.starts_with("OPEN")).collect();
        let may_be_seen = wall == "Landlock alone" && open == ["OPEN node_modules/agent.sock"];
        assert!(open.is_empty() || may_be_seen, "{wall}: {log}");
    });
}

#[test]
fn a_place_that_the_users_own_settings_name_is_there_and_read_only() {
    let world = world();
    let shared = world.path("shared");
    fs::create_dir_all(shared.join("dep")).unwrap();
    fs::write(shared.join("dep/index.js"), "exports.x = 1\n").unwrap();
    world.write(".gitignore", "node_modules\n");
    symlink(&shared, world.root().join("node_modules")).unwrap();
    world.configure(&format!("readable = [{:?}]", shared.to_str().unwrap()));
    world.write_test(
        "cat node_modules/dep/index.js; (echo x > node_modules/new) 2> /dev/null && echo OPEN\n\
         grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'",
    );
    world.commit_all();
    everywhere(&world, |ran, wall| {
        let log = ran.kept().read("logs/tests-1.log");
        assert!(log.contains("exports.x = 1") && !log.contains("OPEN"), "{wall}: {log}");
    });
    assert!(!shared.join("new").exists());
}

#[test]
fn what_the_users_own_settings_name_in_vain_is_told() {
    let world = world();
    let (keys, settings) = (world.path("home/.ssh"), world.path("home/.config"));
    let named = [&keys, &settings, &world.path("home/documents")].map(|path| path.display().to_string());
    world.configure(&format!("readable = {named:?}"));
    reads(&world, world.path("home").to_str().unwrap());
    world.commit_all();
    let ran = world.fix(&mender(), &["--sandbox", "strict"]);
    let log = ran.kept().read("logs/tests-1.log");
    assert!(log.contains("OPEN") && !log.contains(".ssh"), "the diary is shown, and no key: {log}");
    for refused in [&keys, &settings] {
        assert!(ran.stderr().contains(&format!("readable = {refused:?} is not shown to tests")), "{}", ran.stderr());
    }
    let shown = format!("readable = {:?}", world.path("home/documents"));
    assert!(!ran.stderr().contains(&shown), "{}", ran.stderr());
}

#[test]
fn a_repository_cannot_name_places_of_the_users_disk() {
    let world = world();
    world.write(".kcode.toml", "readable = [\"/\"]\n");
    let ran = world.fix(&mender(), &[]).code(78);
    assert!(ran.stderr().contains("it would choose what of your disk its tests read"), "{}", ran.stderr());
}
