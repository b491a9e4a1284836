//! Tests that can't run here at all, and failures that no edit mends: told before the first request where that can be known, and
//! never blamed on the model.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::fake_runner::{RUNNER, with_tests};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, first_then, mender, open_rust, together};

const REFUSED: &str = "the tests can't run here: ";

/// A project whose settings name this command.
fn with_command(command: &str) -> World {
    let world = World::new();
    world.write(".kcode.toml", format!("[test]\ncommand = {}\n", json!(command)));
    world.commit_all();
    world
}

/// A model that mends the greeting, and from then on only says so.
fn sure() -> MockKimi {
    first_then(Answer::call("edit_file", EDIT), Answer::text("Done."))
}

/// A model that goes on looking at things.
fn looker() -> MockKimi {
    let mut line = 0;
    MockKimi::answering(move |_| {
        line += 1;
        sleep(Duration::from_millis(100));
        Answer::call("search", &json!({"pattern": format!("word {line}")}).to_string())
    })
}

/// Refuses the task with these words before anything is paid for.
fn is_refused(world: &World, words: &[&str]) {
    let kimi = mender();
    let ran = world.fix(&kimi, &[]).code(78).says(&[REFUSED, "--allow-failing-setup"]).says(words);
    assert_eq!(kimi.requests().len(), 0, "{}", ran.stderr());
    let told = ran.stderr();
    for once in words.iter().filter(|words| words.contains(" isn't ") || words.starts_with("log")) {
        assert_eq!(
            told.matches(once.trim_start_matches("the check lint can't run here: ")).count(),
            1,
            "{once}: {told}"
        );
    }
    assert!(told.matches("/logs/baseline/").count() <= 1, "the log is named once: {told}");
    assert!(told.contains("cost $0.00 (nothing was sent)"), "{told}");
    let again = world.runs().into_iter().filter(|run| run.join("logs/baseline/tests-2.log").exists());
    assert_eq!(again.count(), 0, "a second run would say the same");
}

#[test]
fn a_command_that_is_not_there_is_told_before_the_first_request() {
    together(
        [
            ("no-such-cmd --all", "no-such-cmd isn't there"),
            ("./no-such.sh", "./no-such.sh isn't there"),
            ("true && no-such-cmd", "no-such-cmd isn't there"),
            ("python3 -m no_such_module -q", "no_such_module isn't installed for "),
            ("tox", "tox isn't installed"),
        ],
        |(command, words)| is_refused(&with_command(command), &[words, "log "]),
    );
}

#[test]
fn nobody_waits_past_the_time_limit_to_learn_that_tests_can_not_run() {
    let (world, kimi) = (with_command("sleep 5 && no-such-cmd"), mender());
    world.fix(&kimi, &["--max-time", "1s"]).code(6).says(&["the time limit is reached"]);
    assert_eq!(kimi.requests().len(), 0);
}

/// A project that has to pass a check besides its test.
fn with_check(command: &str, more: &str) -> World {
    let world = World::new();
    let check = format!("[[check]]\nname = \"lint\"\ncommand = {}\n{more}", json!(command));
    world.write(".kcode.toml", format!("[test]\ncommand = \"./test.sh\"\n\n{check}"));
    world.commit_all();
    world
}

#[test]
fn a_check_that_can_not_start_is_told_before_the_first_request() {
    for (command, words) in [
        ("no-such-lint --all", "the check lint can't run here: no-such-lint isn't there"),
        ("python3 -m no_such_module", "the check lint can't run here: no_such_module isn't installed for "),
    ] {
        for flags in [&[][..], &["--no-baseline"]] {
            let (world, kimi) = (with_check(command, ""), mender());
            if command.starts_with("python3") && !flags.is_empty() {
                continue; // What isn't certain isn't refused without a look.
            }
            let ran = world.fix(&kimi, flags).code(78).says(&["the check lint can't run here: "]);
            assert_eq!(kimi.requests().len(), 0, "{}", ran.stderr());
            assert_eq!(ran.stderr().contains("change its command in the settings"), command.starts_with("no-such"));
            if flags.is_empty() {
                ran.says(&[words, "log "]);
            }
        }
    }
}

#[test]
fn a_check_that_is_not_required_or_only_slow_to_start_holds_nobody_up() {
    with_check("no-such-lint", "required = false\n").fix(&mender(), &[]).code(0).says(&["verified"]);
    let goes_on = with_check("no-such-lint", "").fix(&sure(), &["--allow-failing-setup"]).code(5);
    goes_on.says(&["the check lint fails"]);
    // Its tests wait until the run is over; the check is measured beside them.
    let (world, kimi) = (with_check("no-such-lint", ""), mender());
    world.write_test("case $HOME in */baseline/*) exec sleep 600;; esac");
    world.commit_all();
    world.fix(&kimi, &[]).code(78).says(&["the check lint can't run here"]);
    assert_eq!(kimi.requests().len(), 0);
}

#[test]
fn gems_that_are_not_there_are_told_before_the_first_request() {
    let world = with_command("bundle exec rspec");
    world.write(".gitignore", "/vendor/\n");
    world.write("Gemfile", "source 'https://rubygems.org'\ngem 'no-such-gem'\n");
    world.write("Gemfile.lock", "GEM\n  remote: https://rubygems.org/\n  specs:\n    no-such-gem (1.2.0)\n");
    let bundle = "vendor/bin/bundle";
    world.write(bundle, "#!/bin/sh\necho 'Could not find no-such-gem-1.2.0 in locally installed gems'\nexit 7\n");
    fs::set_permissions(world.root().join(bundle), Permissions::from_mode(0o755)).unwrap();
    world.commit_all();
    is_refused(&world, &["bundle install"]);
}

#[test]
fn what_a_makefile_or_a_package_needs_is_looked_for_too() {
    let make = with_command("make test");
    make.write("Makefile", "test:\n\tno-such-runner -q\n");
    is_refused(&make, &["no-such-runner isn't there"]);
    let npm = with_command("npm test");
    npm.write("package.json", r#"{"scripts": {"lint": "true"}}"#);
    is_refused(&npm, &["package.json has no script \"test\""]);
    npm.write("package.json", r#"{"scripts": {"test": "jest"}, "devDependencies": {"jest": "^30"}}"#);
    is_refused(&npm, &["jest isn't installed", "npm ci"]);
}

#[test]
fn crates_that_were_never_downloaded_are_told_before_the_first_request() {
    let world = with_command("cargo test");
    world.write(
        "Cargo.toml",
        "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nitoa = \"1\"\n",
    );
    world.write("src/lib.rs", "");
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    open_rust(&mut command);
    world.run(command).code(78).says(&[REFUSED, "crates aren't downloaded", "cargo fetch"]);
    assert_eq!(kimi.requests().len(), 0);
}

#[test]
fn a_wrapper_of_the_compiler_that_is_not_there_is_told_before_the_first_request() {
    let world = with_command("cargo test");
    world.write("Cargo.toml", "[package]\nname = \"p\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    world.write("src/lib.rs", "");
    // In the user's own settings as in the project's.
    for place in [world.root().join(".cargo"), world.path("home/.cargo")] {
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("config.toml"), "[build]\nrustc-wrapper = \"no-such-cache\"\n").unwrap();
        let kimi = mender();
        let mut command = world.keyed(&kimi, &["fix", TASK]);
        open_rust(&mut command);
        world.run(command).code(78).says(&[
            REFUSED,
            "no-such-cache, which the settings of Cargo name",
            "rustc-wrapper",
        ]);
        assert_eq!(kimi.requests().len(), 0);
        fs::remove_dir_all(place).unwrap();
    }
}

#[test]
fn packages_of_composer_that_are_not_there_are_told_before_the_first_request() {
    let world = with_command("./phpunit tests");
    world.write("composer.json", "{\"require-dev\": {\"phpunit/phpunit\": \"*\"}}\n");
    // As the real one ends.
    let script = "#!/bin/sh\necho \"Cannot open file \\\"$PWD/vendor/autoload.php\\\".\"\nexit 2\n";
    world.write("phpunit", script);
    fs::set_permissions(world.root().join("phpunit"), Permissions::from_mode(0o755)).unwrap();
    let kimi = mender();
    world.fix(&kimi, &[]).code(78).says(&[REFUSED, "vendor/autoload.php isn't there", "`composer install`"]);
    assert_eq!(kimi.requests().len(), 0);
}

#[test]
fn a_person_can_go_on_all_the_same() {
    let world = with_command("no-such-cmd");
    let ran = world.fix(&sure(), &["--allow-failing-setup"]).code(5).says(&["no-such-cmd isn't there"]);
    assert_eq!(ran.kept().events("nudged").len(), 0, "the model can't install it");
    world.fix(&mender(), &["--no-verify"]).code(4);
}

#[test]
fn what_shows_later_ends_the_conversation_at_once() {
    let world = World::new();
    world.write_test("sleep 1; no-such-runner -q");
    world.commit_all();
    let kimi = looker();
    let ran = world.fix(&kimi, &["--max-turns", "500"]).code(78).says(&[REFUSED, "no-such-runner isn't there"]);
    assert_eq!(ran.kept().events("stopped")[0]["reason"], "tests_cannot_run");
    let calls = ran.kept().events("tool_called").len();
    assert_eq!(kimi.requests().len(), calls + 1, "what was asked for last isn't done");
}

#[test]
fn a_command_that_watches_is_named_and_ended() {
    let world = World::new();
    world.write_test(&format!("{RUNNER}\nrun stands=true; echo ' PASS  Waiting for file changes...'; exec sleep 600"));
    world.commit_all();
    let ran = world.fix(&looker(), &["--max-turns", "500"]).code(78).says(&[REFUSED, "vitest watches for changes"]);
    let runs = ran.kept().events("tests_ran");
    assert_eq!((runs.len(), &runs[0]["stopped"]), (1, &json!("watch")), "{runs:#?}");
}

#[test]
fn a_command_that_watches_and_says_nothing_of_it_is_named_and_ended() {
    for (ends, watches, told) in [
        ("run stands=true", "exec sh -c 'sleep 600; :' runner --watch", "the command watches for changes"),
        (
            "echo '# tests 1'; echo '# pass 1'; echo '# duration_ms 2.5'",
            "exec sh -c 'sleep 600; :' node --test --watch",
            "drop `--watch`",
        ),
        (
            "echo 'Ran 1 test in 0.001s'; echo; echo OK",
            "echo 'Watching for file changes with StatReloader'; exec sleep 600",
            "the command watches",
        ),
    ] {
        let world = World::new();
        world.write_test(&format!("{RUNNER}\n{ends}; {watches}"));
        world.commit_all();
        let ran = world.fix(&looker(), &["--max-turns", "500"]).code(78).says(&[REFUSED, told]);
        let runs = ran.kept().events("tests_ran");
        assert_eq!((runs.len(), &runs[0]["stopped"]), (1, &json!("watch")), "{runs:#?}");
        assert_eq!(ran.kept().events("nudged").len(), 0);
    }
}

#[test]
fn programs_of_the_project_count_as_there() {
    let world = with_command("own-runner");
    world.write(".gitignore", "/.venv/\n/node_modules/\n");
    world.commit_all();
    for folder in [".venv/bin", "node_modules/.bin"] {
        let program = format!("{folder}/own-runner");
        world.write(&program, "#!/bin/sh\ngrep -q World greeting.txt && echo 'ok 1 - greeting'\n");
        fs::set_permissions(world.root().join(&program), Permissions::from_mode(0o755)).unwrap();
        world.fix(&mender(), &[]).code(0).says(&["verified"]);
        fs::remove_file(world.root().join(&program)).unwrap();
    }
}

#[test]
fn people_see_why_tests_fail() {
    let world = with_tests("'sad=echo it is sad; false' 'grey=false'");
    let ran = world.fix(&sure(), &[]).code(5).says(&["2 failures as before: grey and 1 more", "log: "]);
    let log = ran
        .stderr()
        .lines()
        .filter_map(|line| line.trim().strip_prefix("log: ").map(str::to_owned))
        .next_back()
        .unwrap();
    assert!(fs::read_to_string(&log).unwrap().contains("it is sad"), "{log}");
    let page = ran.kept().read("report.md");
    assert!(page.contains("**Failures** (`logs/") && page.contains("- `sad`"), "{page}");

    let silent = World::new();
    silent.write_test("echo first; echo 'the database is not up' >&2; exit 3");
    silent.commit_all();
    let ran = silent.fix(&sure(), &[]).code(5).says(&["the database is not up", "log: "]);
    assert!(ran.kept().read("report.md").contains("> the database is not up"));
    assert!(silent.run(silent.kcode(&["show"])).code(0).stdout().contains("the database is not up"));
}

#[test]
fn what_the_sandbox_hides_is_named_and_not_sent_to_the_model() {
    let world = World::new();
    let beside = world.path("beside");
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("data.txt"), "").unwrap();
    let file = beside.join("data.txt").display().to_string();
    world.write_test(&format!(
        r#"greets=FAILED; grep -q World greeting.txt && greets=ok
reads=ok; why=$(cat {file} 2>&1) || reads=FAILED
echo 'running 2 tests'; echo "test greets ... $greets"; echo "test reads ... $reads"
[ $reads = ok ] || {{ echo; echo 'failures:'; echo; echo '---- reads stdout ----'; echo "$why"; echo; }}
failed=$(echo $greets $reads | grep -o FAILED | wc -l)
echo "test result: x. $((2 - failed)) passed; $failed failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s"
[ $failed = 0 ]"#
    ));
    world.commit_all();
    let hides = format!("the sandbox hides {}", beside.display());
    let ran = world.fix(&sure(), &[]).code(5).says(&[&hides]);
    assert_eq!(ran.kept().events("nudged").len(), 0, "{}", ran.stderr());
    world.configure(&format!("readable = [{}]", json!(beside)));
    world.fix(&mender(), &[]).code(0).says(&["fixed greets"]);
}
