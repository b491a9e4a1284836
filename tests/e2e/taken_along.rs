//! What commands write and somebody names joins a patch as contents of regular files: no links, no modes, nothing of git's, no
//! secrets; and on a repository's word alone nothing but data.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::generated::{files, generated, settings};
use crate::ran::Kept;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World, mender};

/// Passes on the mended project, and leaves what nobody wants to find in a patch.
const SPITEFUL: &str = "mkdir -p __snapshots__ a/snapshots .github/workflows
ln -sf /etc/passwd __snapshots__/abs.snap
ln -sf ../.. a/snapshots/up
ln -sf /etc/passwd rootlink
ln -sf /tmp/x Cargo.lock
echo ok > __snapshots__/ok.snap
echo run > __snapshots__/run.snap; chmod 755 __snapshots__/run.snap
echo 'raise SystemExit' > __snapshots__/conftest.py
echo '* filter=x' > __snapshots__/.gitattributes
echo '{}' > a/snapshots/package.json
echo 'import os' > setup.py; chmod 755 setup.py
echo SECRET=1 > .env
echo key > id_rsa_work
echo x > .github/workflows/x.yml
echo '* text' > .gitattributes
chmod 755 docs/about.md
echo more >> tool.sh; chmod 644 tool.sh
grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'";

fn spiteful() -> World {
    let world = World::new();
    world.write("Cargo.toml", "[workspace]\n");
    world.write("tool.sh", "#!/bin/sh\n");
    fs::set_permissions(world.root().join("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    world.write_test(SPITEFUL);
    world.commit_all();
    world
}

/// Nothing of a patch is a link, a mode, git's or a secret.
fn assert_harmless(kept: &Kept) {
    let patch = kept.read("patch.diff");
    for part in ["120000", "new file mode 100755", "old mode", "/etc/passwd", ".gitattributes", ".github", "SECRET"] {
        assert!(!patch.contains(part), "{part}: {patch}");
    }
}

#[test]
fn one_alternative_of_a_glob_speaks_for_no_other() {
    for glob in [
        "{a/snapshots/b,**}",
        "{x/snapshots/y,*}",
        "{q/__snapshots__/q,setup.py,README.md,rootlink}",
        "{a/snapshots/b,.*}",
        "[a]/snapshots/**",
    ] {
        let world = spiteful();
        settings(&world, &format!("writes = ['{glob}']\n"));
        let ran = world.fix(&mender(), &[]).code(78);
        assert!(ran.stderr().contains("test.writes") && world.runs().is_empty(), "{glob}: {}", ran.stderr());
    }
}

#[test]
fn a_repository_gets_data_alone_into_a_patch() {
    let world = spiteful();
    settings(&world, "writes = [\"**/__snapshots__/**\", \"**/snapshots/**\", \"Cargo.lock\"]\n");
    let ran = world.fix(&mender(), &[]).code(0);
    let kept = ran.kept();
    assert_eq!(files(&kept), ["__snapshots__/ok.snap", "__snapshots__/run.snap", "greeting.txt"]);
    assert_harmless(&kept);
    let told = kept.report()["generated"]["files"].as_array().unwrap().clone();
    let why = |path: &str| told.iter().find(|file| file["path"] == path).unwrap()["not_taken"].clone();
    assert_eq!((why("Cargo.lock"), why("__snapshots__/abs.snap")), ("link".into(), "link".into()));
    assert_eq!(
        (why("__snapshots__/conftest.py"), why("a/snapshots/package.json")),
        ("no_data".into(), "no_data".into())
    );
    assert_eq!(why("__snapshots__/.gitattributes"), "of_git");
    ran.says(&["named, and not taken into the patch: Cargo.lock (added; a link)"]);
    world.run_freely(world.kcode(&["apply"])).code(0);
    assert!(world.root().join("__snapshots__/ok.snap").is_file() && !world.root().join("Cargo.lock").is_symlink());
}

#[test]
fn whatever_the_user_names_is_a_regular_file_without_secrets() {
    let world = spiteful();
    let kept = world.fix(&mender(), &["--include-generated", "**", "--allow-test-edits"]).code(0).kept();
    let expected = [
        "__snapshots__/conftest.py",
        "__snapshots__/ok.snap",
        "__snapshots__/run.snap",
        "a/snapshots/package.json",
        "greeting.txt",
        "setup.py",
        "tool.sh",
    ];
    assert_eq!(files(&kept), expected);
    assert_harmless(&kept);
    assert!(generated(&kept).contains(&".env added".to_owned()), "{:?}", generated(&kept));
    world.run(world.kcode(&["replay", &kept.id()])).code(0);
}

#[test]
fn a_resumed_run_takes_the_repositorys_word_for_no_more() {
    let world = spiteful();
    settings(&world, "writes = [\"**/__snapshots__/**\"]\n");
    let script = [Answer::call("edit_file", EDIT), Answer::call("run_tests", "{}")];
    let kept = world.fix(&MockKimi::script(script), &["--max-turns", "2"]).code(6).kept();
    let done = MockKimi::script([Answer::text("Done.")]);
    world.run(world.keyed(&done, &["resume", "--max-turns", "9"])).code(0);
    assert_eq!(files(&kept), ["__snapshots__/ok.snap", "__snapshots__/run.snap", "greeting.txt"]);
    assert_harmless(&kept);
}

#[test]
fn a_glob_that_is_none_is_refused_and_one_that_names_nothing_is_told() {
    let world = spiteful();
    for glob in ["[a", "../x", "./log.txt", "a//b"] {
        let ran = world.fix(&mender(), &["--include-generated", glob]).code(78);
        assert!(ran.stderr().contains("--include-generated") && ran.stderr().contains("hint:"), "{}", ran.stderr());
    }
    let ran = world.fix(&mender(), &["--include-generated", "nothing/*", "--include-generated", "setup.py"]).code(0);
    assert_eq!(ran.report()["generated"]["named_nothing"], serde_json::json!(["nothing/*"]));
    ran.says(&["--include-generated \"nothing/*\" names nothing that commands wrote"]);
}

#[test]
fn all_that_is_taken_along_is_told() {
    let world = World::new();
    world.write_test("mkdir -p out; for n in $(seq 100 250); do echo $n > out/$n.txt; done; grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - a'");
    world.commit_all();
    let ran = world.fix(&mender(), &["--include-generated", "out/**"]).code(0);
    let taken = generated(&ran.kept()).iter().filter(|file| file.starts_with("+out/")).count();
    assert_eq!(taken, 151);
    ran.says(&["out/119.txt (added) and 131 more; report.json and the patch name them all"]);
}
