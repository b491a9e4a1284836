//! The attacks of repositories and tests on the built binary, made once more by whoever else may use it: as an ordinary user, in
//! namespaces that bwrap makes, and where there are none. Each in its own file has more cases as the tests' user with kcode's own
//! namespaces.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::proxies::Proxy;
use crate::ran::Ran;
use crate::running::wait_until;
use crate::setups::{Kernel, Setup, setups};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, in_turns, mender};
use crate::{encoded_keys, endless, gate, hostile_files, hostile_settings, worker_killed};

/// What it would do, and an attempt that fails the test where it does.
type Attack = (&'static str, fn(Setup));

const ATTACKS: [Attack; 8] = [
    ("run a program of the repository's, with the user's rights", programs),
    ("send a secret that a link leads to", links),
    ("send what another repository holds", another_repository),
    ("hand the key to a proxy, or have it written in another form", the_key),
    ("have kcode wait for a pipe without end", pipes),
    ("keep kcode at work without end, or put a link into the patch", endless_work),
    ("have a report believed whose patch is a pipe, or a state folder of everybody's", planted),
    ("let tests run on when what watches them is killed", killed),
];

fn each_as(wanted: fn(&Setup) -> bool) {
    let setups: Vec<_> = setups().into_iter().skip(1).filter(wanted).collect();
    let cases: Vec<_> = setups.iter().flat_map(|setup| ATTACKS.map(|attack| (*setup, attack))).collect();
    in_turns(&cases, |(setup, (aim, attempt))| {
        // Names the one that failed: what it asserts doesn't say in which setup.
        let told = std::panic::catch_unwind(|| attempt(*setup));
        assert!(told.is_ok(), "{setup}: it would {aim}, and did, or could not be made");
    });
}

#[test]
fn in_namespaces() {
    each_as(|setup| setup.kernel == Kernel::Namespaces);
}

#[test]
fn beside_bwrap() {
    each_as(|setup| setup.kernel == Kernel::Bwrap);
}

#[test]
fn by_landlock_alone() {
    each_as(|setup| setup.kernel == Kernel::Landlock);
}

fn fix(world: &World, kimi: &MockKimi) -> Ran {
    let ran = world.fix(kimi, &["--no-baseline", "--sandbox", world.setup.sandbox()]);
    is_behind_what_was_meant(world, &ran);
    ran
}

/// An attack in another sandbox than it is told of proves nothing.
fn is_behind_what_was_meant(world: &World, ran: &Ran) {
    let wall = ran.kept().events("wall_built").remove(0);
    let layers = wall["layers"].as_array().unwrap();
    let holds = |name: &str| layers.iter().any(|layer| layer["name"] == name && layer["holds"] == true);
    let by_bwrap = layers.iter().any(|layer| layer.to_string().contains("bwrap") && layer["holds"] == true);
    let kernel = world.setup.kernel;
    assert_eq!((holds("namespaces"), by_bwrap), (kernel != Kernel::Landlock, kernel == Kernel::Bwrap), "{wall}");
}

/// Filters, hooks, drivers and monitors in git's settings, and a `git` that `$PATH` finds in the repository by a link.
fn programs(setup: Setup) {
    let world = World::new().used_by(setup);
    let program = hostile_settings::trap(&world);
    hostile_settings::hooks(&world, &program);
    world.write(".gitattributes", "");
    hostile_settings::add(&world.root().join(".gitattributes"), hostile_settings::ATTRIBUTES);
    world.write("docs/about.md", "changed\n");
    let armed = hostile_settings::armed(&program, &world.path("output"));
    hostile_settings::add(&world.root().join(".git/config"), &hostile_settings::filters(&program));
    hostile_settings::add(&world.root().join(".git/config"), armed.as_bytes());
    world.write(".venv/bin/kept", "");
    fs::copy(&program, world.root().join(".venv/bin/git")).unwrap();
    symlink(world.root().join(".venv/bin"), world.path("linked")).unwrap();
    let path = format!("{}:{}", world.path("linked").display(), std::env::var("PATH").unwrap());
    let kimi = mender();
    for arguments in [&["fix", TASK, "--no-baseline"][..], &["verify"], &["apply", "--index"]] {
        let mut command = world.keyed(&kimi, arguments);
        command.env("PATH", &path);
        let ran = world.run_freely(command);
        assert!(!hostile_settings::sign(&world).exists(), "{arguments:?}: {}", ran.stderr());
        assert!(arguments[0] == "apply" || ran.output.status.code() == Some(0), "{}", ran.stderr());
    }
}

/// Links to secrets of the tree, of git and of the home, as guidance and for every tool.
fn links(setup: Setup) {
    let world = gate::world().used_by(setup);
    gate::relink(&world, "AGENTS.md", "hop");
    let reads = gate::doors().into_iter().map(|door| ("read_file", json!({ "path": door }).to_string()));
    let search = json!({ "pattern": "confidential", "lines": true }).to_string();
    let calls: Vec<_> = reads.chain([("search", search)]).collect();
    let calls = Answer::calls(calls.iter().map(|(name, arguments)| (*name, arguments.as_str())));
    let kimi = MockKimi::script([calls, Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    fix(&world, &kimi).code(0).says(&["AGENTS.md is not shown to the model"]);
    gate::assert_unsent(&kimi, "a secret");
}

/// A `.git` file that names a repository of the user's.
fn another_repository(setup: Setup) {
    let world = World::new().used_by(setup);
    let other = hostile_files::private(&world);
    fs::remove_dir_all(world.root().join(".git")).unwrap();
    world.write(".git", format!("gitdir: {}\n", other.display()));
    world.write_test(&format!(
        "cat '{0}/HEAD' '{0}/../secret-name.txt'; ls '{0}/..'; grep -q World greeting.txt",
        other.display()
    ));
    let kimi = mender();
    let ran = fix(&world, &kimi).code(0);
    let told = ran.kept().read("logs/tests-1.log") + &ran.kept().read("journal.jsonl");
    let sent: String =
        kimi.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    for name in ["secret-branch", "secret-name.txt\\n", "secret-name.txt\n"] {
        assert!(!told.contains(name) && !sent.contains(name), "{name}: {told}");
    }
}

/// A host that only some take for this machine, and tests that print every form of the key.
fn the_key(setup: Setup) {
    let (world, kimi) = encoded_keys::world();
    let world = world.used_by(setup);
    let proxy = Proxy::new();
    let port = kimi.base_url().rsplit_once(':').map(|(_, rest)| rest.to_owned()).unwrap();
    let url = format!("http://x.localhost:{port}");
    let mut command = world.keyed(&kimi, &["fix", TASK, "--no-baseline", "--base-url", &url]);
    proxy.stand_before(&mut command);
    let ran = world.run(command).code(0);
    proxy.assert_unseen("x.localhost");
    for file in ["journal.jsonl", "logs/tests-1.log", "report.json"] {
        encoded_keys::assert_clean(file, &ran.kept().read(file));
    }
    for request in kimi.requests() {
        encoded_keys::assert_clean("a request", &String::from_utf8_lossy(&request.body));
    }
}

/// Pipes where rules, guidance and settings of git's are expected.
fn pipes(setup: Setup) {
    for places in [&[".git/info/exclude", "AGENTS.md", "Makefile"][..], &["docs/.gitignore", ".gitattributes"]] {
        let world = World::new().used_by(setup);
        for place in places {
            let _ = fs::remove_file(world.root().join(place));
            hostile_files::pipe(&world.root().join(place));
        }
        fix(&world, &mender()).code(0);
    }
}

/// Folders in folders, and a link among what tests make.
fn endless_work(setup: Setup) {
    let world = World::new().used_by(setup);
    world.write("make.py", endless::NESTED);
    world.write_test("ln -s /etc/passwd made; grep -q World greeting.txt && python3 make.py");
    let ran = fix(&world, &mender()).code(4);
    assert!(ran.stderr().contains("is nested too deep"), "{}", ran.stderr());
    assert!(!ran.stdout().contains("120000") && ran.stdout().matches("diff --git").count() == 1, "{}", ran.stdout());
}

/// What lies beside a report, and who may write to the state folder.
fn planted(setup: Setup) {
    let world = World::new().used_by(setup);
    fix(&world, &mender()).code(0);
    let report = world.path("report");
    fs::create_dir(&report).unwrap();
    for name in ["report.json", "results.json"] {
        fs::copy(world.runs()[0].join(name), report.join(name)).unwrap();
    }
    hostile_files::pipe(&report.join("patch.diff"));
    let ran = world.start(world.kcode(&["verify", report.to_str().unwrap()])).wait();
    assert!(ran.output.status.code() != Some(0) && ran.stderr().contains("hint"), "{}", ran.stderr());
    fs::set_permissions(world.state(), Permissions::from_mode(0o777)).unwrap();
    let kimi = mender();
    world.start(world.keyed(&kimi, &["fix", TASK])).wait().code(78).says(&["can be written by other users"]);
    assert!(kimi.requests().is_empty());
}

/// The outermost process of the worker.
fn killed(setup: Setup) {
    let world = World::new().used_by(setup);
    let (_kimi, running) = worker_killed::sleeping(&world);
    let (family, tests) = (running.descendants(), worker_killed::sleepers(&running));
    let outermost = worker_killed::part(&running, "supervisor").pid;
    kill_process(Pid::from_raw(outermost.cast_signed()).unwrap(), Signal::KILL).unwrap();
    wait_until("the tests are gone", || tests.iter().all(|process| !process.lives()));
    running.wait().code(1).says(&["the worker process died"]);
    wait_until("the worker is gone", || family.iter().all(|process| !process.lives()));
}
