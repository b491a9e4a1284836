//! What the user's toolchains find in the sandbox: their caches, and the settings of their builds.

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

/// What tools keep in the home: the folder, and how a script gets at it.
const STORES: [(&str, &str); 13] = [
    (".cache/composer", "$COMPOSER_CACHE_DIR"),
    (".cache/hatch", "$HATCH_CACHE_DIR"),
    (".cache/node/corepack", "$COREPACK_HOME"),
    (".cache/pipenv", "$PIPENV_CACHE_DIR"),
    (".gradle", "$GRADLE_USER_HOME"),
    (".gradle/caches/modules-2", "$GRADLE_USER_HOME/caches/modules-2"),
    (".gradle/wrapper/dists", "$GRADLE_USER_HOME/wrapper/dists"),
    (".local/share/hatch", "$HATCH_DATA_DIR"),
    (".local/share/virtualenvs", "$WORKON_HOME"),
    (".m2/repository", "${MAVEN_OPTS##*=}"),
    (".nuget/packages", "$NUGET_PACKAGES"),
    (".yarn/berry", "$YARN_GLOBAL_FOLDER"),
    ("build-cache", "$CACHE"),
];
/// What of their settings may hold passwords and tokens.
const SETTINGS_WITH_SECRETS: [&str; 10] = [
    ".gradle/gradle.properties",
    ".gradle/init.d/private.gradle",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".composer/auth.json",
    ".config/composer/auth.json",
    ".bundle/config",
    ".nuget/NuGet/NuGet.Config",
    ".config/pypoetry/auth.toml",
    ".hex/hex.config",
];

#[test]
fn what_tools_keep_in_the_home_is_warm_and_can_be_written_without_effect() {
    let world = World::new();
    for (folder, _) in STORES {
        fs::create_dir_all(world.path("home").join(folder)).unwrap();
        fs::write(world.path("home").join(folder).join("warm"), "it is warm\n").unwrap();
    }
    for file in SETTINGS_WITH_SECRETS {
        let file = world.path("home").join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "the-password").unwrap();
    }
    world.configure("caches = [\"~/build-cache\"]");
    let home = world.path("home").display().to_string();
    let places: Vec<String> = STORES.iter().map(|(_, place)| format!("\"{place}\"")).collect();
    let script = format!(
        "CACHE='{home}/build-cache'\nfor place in {}; do\n  cat \"$place/warm\" || echo \"cold: $place\"\n  \
         echo more >> \"$place/warm\" && echo new > \"$place/new\" || echo \"shut: $place\"\ndone\n\
         grep -rs the-password '{home}' \"$HOME\"; grep -q World greeting.txt && echo 'ok 1 - greeting'",
        places.join(" ")
    );
    let ran = fixed(&world, &script, &[]).code(0);
    let log = ran.kept().read("logs/tests-1.log");
    assert!(!log.contains("the-password"), "{log}");
    if has_overlay(&ran) {
        assert_eq!(log.matches("it is warm").count(), STORES.len(), "{log}");
        assert!(!log.contains("cold: ") && !log.contains("shut: "), "{log}");
    }
    for (folder, _) in STORES {
        let folder = world.path("home").join(folder);
        assert_eq!(fs::read_to_string(folder.join("warm")).unwrap(), "it is warm\n", "{folder:?}");
        assert!(!folder.join("new").exists(), "{folder:?}");
    }
}

#[test]
fn what_settings_in_the_home_say_holds_for_tests_and_secrets_beside_it_stay_hidden() {
    let world = World::new();
    let at = |name: &str| world.path(name).display().to_string();
    let settings = [
        (".bundle/config", format!("---\nBUNDLE_PATH: \"{}\"\nBUNDLE_GEMS__ORG: \"the-password\"\n", at("own/gems"))),
        (".config/go/env", format!("GOMODCACHE={}\nGOPROXY=https://u:the-password@example.org\n", at("own/modules"))),
        (".config/pypoetry/config.toml", format!("[virtualenvs]\npath = {:?}\n", at("own/envs"))),
        (".config/mise/config.toml", "[tools]\nnode = \"20\"\n\n[env]\nTOKEN = \"the-password\"\n".to_owned()),
        (".tool-versions", "nodejs 20.0.0\n".to_owned()),
        (
            ".m2/settings.xml",
            format!(
                "<settings><localRepository>{}</localRepository><password>the-password</password></settings>",
                at("own/artifacts")
            ),
        ),
    ];
    for (name, text) in settings {
        let file = world.path("home").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    for warm in ["gems/ruby", "modules/cache", "envs", "artifacts"] {
        fs::create_dir_all(world.path("own").join(warm)).unwrap();
        fs::write(world.path("own").join(warm).join("warm"), "it is warm\n").unwrap();
    }
    let home = at("home");
    let script = format!(
        "cat \"$BUNDLE_PATH/ruby/warm\" \"$GOMODCACHE/cache/warm\" \"$POETRY_VIRTUALENVS_PATH/warm\" \"${{MAVEN_OPTS##*=}}/warm\"\n\
         cat ~/.tool-versions ~/.config/mise/config.toml\n\
         env | grep the-password; grep -rs the-password '{home}' \"$HOME\"; grep -q World greeting.txt && echo 'ok 1 - greeting'"
    );
    let ran = fixed(&world, &script, &[]).code(0);
    let log = ran.kept().read("logs/tests-1.log");
    assert!(!log.contains("the-password") && !log.contains("TOKEN"), "{log}");
    assert!(log.contains("nodejs 20.0.0") && log.contains("node = \"20\""), "{log}");
    // The last one is a cache, which without an overlay is an empty folder of the run's.
    assert!(log.matches("it is warm").count() >= if has_overlay(&ran) { 4 } else { 3 }, "{log}");
}

#[test]
fn java_that_looks_for_the_home_in_the_user_database_finds_folders_to_write_to() {
    let world = World::new();
    let script = "for place in \"$GRADLE_USER_HOME\" \"${MAVEN_OPTS##*=}\"; do mkdir -p \"$place/caches\" && echo x > \"$place/caches/x\" || exit 1; done";
    fixed(&world, script, &[]).code(0);
    assert_eq!(fs::read_dir(world.path("home")).unwrap().count(), 0);
}

#[test]
fn a_repository_names_no_caches_and_the_home_is_none() {
    let world = World::new();
    world.write(".kcode.toml", "caches = [\"/var/cache\"]\n");
    fixed(&world, "true", &[]).code(78);
    world.write(".kcode.toml", "[test]\ncommand = \"./test.sh\"\n");
    world.configure("caches = [\"~\"]");
    fixed(&world, "true", &[]).code(78);
}
