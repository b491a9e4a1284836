//! What toolchains of the user's find behind the wall: their caches, and how they were told to build.

use std::fs;

use crate::ran::Ran;
use crate::support::kimi::MockKimi;
use crate::world::{TASK, World, mender};

/// `fix` with a test command that is this script, and these variables.
fn fixed(world: &World, script: &str, variables: &[(&str, &str)]) -> Ran {
    world.write_test(script);
    let kimi: MockKimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.envs(variables.iter().copied());
    world.run(command)
}

fn has_overlay(ran: &Ran) -> bool {
    let report = ran.report();
    let layers = report["wall"]["layers"].as_array().unwrap();
    layers.iter().any(|layer| layer["name"] == "overlay" && layer["holds"] == true)
}

#[test]
fn caches_are_warm_and_what_is_written_there_stays_in_the_run() {
    let world = World::new();
    let (go, target) = (world.path("home/.cache/go-build"), world.path("target"));
    for cache in [&go, &target] {
        fs::create_dir_all(cache).unwrap();
        fs::write(cache.join("warm"), "warm").unwrap();
    }
    let script = "set -e\n\
                  for cache in \"$GOCACHE\" \"$CARGO_TARGET_DIR\"; do\n\
                      echo more >> \"$cache/warm\"; echo new > \"$cache/new\"; cat \"$cache/warm\"\n\
                  done";
    let ran = fixed(&world, script, &[("CARGO_TARGET_DIR", target.to_str().unwrap())]).code(0);
    let log = ran.kept().read("logs/tests-1.log");
    assert_eq!(log.matches("warm").count(), if has_overlay(&ran) { 2 } else { 0 }, "{log}");
    for cache in [&go, &target] {
        assert_eq!(fs::read_to_string(cache.join("warm")).unwrap(), "warm");
        assert_eq!(fs::read_dir(cache).unwrap().count(), 1);
    }
}

#[test]
fn a_cache_that_is_not_there_is_an_empty_folder_of_the_run() {
    let world = World::new();
    let folder = world.path("nowhere/target");
    world.write(".kcode.toml", "[test]\ncommand = \"./test.sh\"\n");
    let script =
        "test -z \"$(ls \"$CARGO_TARGET_DIR\")\" && echo x > \"$CARGO_TARGET_DIR/x\" && rm \"$CARGO_TARGET_DIR/x\"";
    let cargo = world.path("home/.cargo");
    fs::create_dir_all(&cargo).unwrap();
    fs::write(cargo.join("config.toml"), format!("[build]\ntarget-dir = {:?}\n", folder.to_str().unwrap())).unwrap();
    fixed(&world, script, &[]).code(0);
    assert!(!world.path("nowhere").exists());
}

#[test]
fn the_cache_of_a_toolchain_may_be_in_the_repository() {
    let world = World::new();
    let script = "test \"$CARGO_TARGET_DIR\" = build/here && mkdir -p build/here && touch build/here/x";
    let ran = fixed(&world, script, &[("CARGO_TARGET_DIR", "build/here")]).code(0);
    assert!(!ran.stdout().contains("build/here"), "{}", ran.stdout());
}

#[test]
fn how_to_build_is_passed_on_and_secrets_are_not() {
    let world = World::new();
    let script = "test \"$RUSTFLAGS $GOFLAGS $PYTHONPATH$NPM_TOKEN\" = '-Cdebuginfo=0 -count=1 lib'";
    let variables =
        [("RUSTFLAGS", "-Cdebuginfo=0"), ("GOFLAGS", "-count=1"), ("PYTHONPATH", "lib"), ("NPM_TOKEN", "npm_1")];
    fixed(&world, script, &variables).code(0);
}
