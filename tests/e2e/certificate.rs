//! What a report tells whoever wants to check it: how the tests were run, in what, on which trees, and what each said.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use sha2::Digest as _;

use crate::evidence::{GREETS, STANDS};
use crate::fake_runner::with_tests as world;
use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, first_then, mender};

fn certificate(ran: &Ran) -> Value {
    ran.report()["certificate"].clone()
}

#[test]
fn it_tells_how_the_tests_were_run_and_in_what() {
    let (world, kimi) = (world(GREETS), mender());
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.env("MAKEFLAGS", "-j2").env("OTHER", "1");
    let told = certificate(&world.run(command).code(0))["environment"].clone();
    assert_eq!(told["command"]["words"], json!(["sh", "-c", "./test.sh"]));
    assert_eq!((&told["os"], &told["kcode"]), (&json!("linux"), &json!(env!("CARGO_PKG_VERSION"))));
    let test = fs::read(world.root().join("test.sh")).unwrap();
    let programs = told["programs"].as_array().unwrap();
    assert_eq!((&programs[0]["name"], &programs[0]["path"]), (&json!("./test.sh"), &json!("test.sh")));
    assert_eq!(programs[0]["sha256"], format!("{:x}", sha2::Sha256::digest(test)));
    assert_eq!(programs[1]["name"], "/bin/sh");
    let names: BTreeSet<&str> =
        told["variables"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(names.contains("MAKEFLAGS") && names.contains("PATH"), "{names:?}");
    assert!(!names.contains("OTHER") && !names.contains("KCODE_API_KEY"), "{names:?}");
}

#[test]
fn it_is_the_same_in_each_run_on_the_same_tree() {
    let told = |world: &World| {
        let ran = world.fix(&mender(), &["--output", "json"]).code(0);
        let report: Value = serde_json::from_str(&ran.stdout()).unwrap();
        report["certificate"].clone()
    };
    let world = world(&format!("{GREETS} {STANDS}"));
    assert_eq!(told(&world), told(&world));
}

#[test]
fn trees_and_single_results_are_named_by_their_hashes() {
    let world = world(&format!("{GREETS} {STANDS}"));
    let ran = world.fix(&mender(), &["--no-baseline"]).code(0);
    let told = certificate(&ran);
    assert_eq!(told["start_tree"], world.git(&["rev-parse", "HEAD^{tree}"]).trim(), "known without a baseline, too");
    world.run_freely(world.kcode(&["apply"])).code(0);
    world.commit_all();
    assert_eq!(told["patched_tree"], world.git(&["rev-parse", "HEAD^{tree}"]).trim());

    let results = ran.kept().read("results.json");
    assert_eq!(told["results"]["sha256"], format!("{:x}", sha2::Sha256::digest(&results)));
    let results: Value = serde_json::from_str(&results).unwrap();
    assert_eq!(results["after"], json!({"tests": {"greets": "passed", "stands": "passed"}, "flaky": []}));
    assert_eq!(results["before"], Value::Null);
}

/// `kcode show --trailers`, and what git reads out of a commit message that ends in them.
fn trailers(world: &World) -> (String, String) {
    let printed = world.run(world.kcode(&["show", "--trailers"])).code(0).stdout();
    let message = world.path("home/message");
    fs::write(&message, format!("Mend the greeting\n\nIt was misspelt.\n\n{printed}")).unwrap();
    let read = world.git(&["interpret-trailers", "--parse", message.to_str().unwrap()]);
    (printed, read)
}

#[test]
fn trailers_are_what_git_takes_for_trailers() {
    let world = world(&format!("{GREETS} {STANDS}"));
    let ran = world.fix(&mender(), &[]).code(0);
    let (printed, read) = trailers(&world);
    assert_eq!(printed, read);
    let tree = certificate(&ran)["patched_tree"].as_str().unwrap()[..12].to_owned();
    let expected = [
        format!("Kcode-Run: {}", ran.kept().id()),
        format!("Kcode-Tests: ./test.sh: 2 passed, fixed greets (tree {tree})"),
        format!("Kcode-Cost: {}", read.lines().last().unwrap().trim_start_matches("Kcode-Cost: ")),
    ];
    assert_eq!(read.lines().collect::<Vec<_>>(), expected);
    assert!(expected[2].starts_with("Kcode-Cost: $0."), "{read}");
}

#[test]
fn trailers_stay_one_line_each_whatever_the_command_is() {
    let world = world(&format!("{GREETS} 'sad=false'"));
    let command = "./test.sh\n\nSigned-off-by: Somebody <s@example.org>\u{1b}[31m";
    let sure = first_then(Answer::call("edit_file", EDIT), Answer::text("All tests pass."));
    world.fix(&sure, &["--test", command]);
    let (printed, read) = trailers(&world);
    assert_eq!((printed.lines().count(), &printed), (3, &read));
    let tests = read.lines().nth(1).unwrap();
    assert!(tests.starts_with("Kcode-Tests: ./test.sh Signed-off-by: Somebody"), "{read}");
    assert!(tests.contains("fail"), "{read}");
    let both = world.run(world.kcode(&["show", "--trailers", "--output", "json"]));
    both.code(2).says(&["cannot be used with"]);
}

#[test]
fn a_run_without_tests_claims_none_in_its_trailers() {
    let world = world(GREETS);
    world.fix(&mender(), &["--no-verify"]).code(4);
    assert!(trailers(&world).1.contains("\nKcode-Tests: none\n"));
}

#[test]
fn a_secret_in_the_test_command_is_in_no_report() {
    let world = world(GREETS);
    let command = format!("TOKEN={} ./test.sh", MockKimi::KEY);
    world.fix(&mender(), &["--test", &command]).code(0);
}
