//! `kcode verify`: the tests once more, held against what the report says, and nothing touched.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::evidence::{GREETS, STANDS};
use crate::fake_runner::with_tests as world;
use crate::laws;
use crate::ran::Ran;
use crate::running::wait_until;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World, first_then, mender};

/// A project with a verified run.
fn verified() -> (World, Ran) {
    let world = world(&format!("{GREETS} {STANDS}"));
    let ran = world.fix(&mender(), &[]).code(0);
    (world, ran)
}

/// `kcode verify` with these arguments; the tree stays as it is, and no trace is left.
fn verify(world: &World, arguments: &[&str]) -> Ran {
    let ran = world.run(world.kcode(&[&["verify"], arguments].concat()));
    assert_eq!(left(world), 0, "the verification left something");
    ran
}

/// What verifications left.
fn left(world: &World) -> usize {
    fs::read_dir(world.state().join("verifications")).map_or(0, Iterator::count)
}

/// The comparison that was printed.
fn told(ran: &Ran) -> Value {
    let told = serde_json::from_str(&ran.stdout()).unwrap();
    laws::assert_shape("verification", &told);
    told
}

/// The report with its files, as somebody else gets them.
fn taken_away(world: &World, ran: &Ran, files: &[&str]) -> PathBuf {
    let folder = world.path("home/taken");
    fs::create_dir_all(&folder).unwrap();
    for name in files {
        fs::copy(ran.kept().0.join(name), folder.join(name)).unwrap();
    }
    folder
}

const ALL: [&str; 3] = ["report.json", "patch.diff", "results.json"];

#[test]
fn a_verified_run_is_verified_again_on_its_start_state() {
    let (world, ran) = verified();
    for run in [&[][..], &[ran.kept().id().as_str()]] {
        let again = verify(&world, run).code(0);
        assert_eq!(again.stdout(), "", "the table is talk");
        again.says(&[
            "tree      as the report says: ",
            "single tests    2               none differs",
            "verified  ./test.sh passes",
        ]);
    }
    let again = told(&verify(&world, &["--output", "json"]).code(0));
    assert_eq!(
        (&again["agrees"], &again["outcome"], &again["exit_code"]),
        (&json!(true), &json!("verified"), &json!(0))
    );
    assert_eq!((&again["exit"], &again["environment"]), (&json!({"then": 0, "now": 0}), &json!([])));
    let ground = &again["ground"];
    assert_eq!(ground["standing"], "start");
    assert_eq!(ground["start_tree"]["now"], world.git(&["rev-parse", "HEAD^{tree}"]).trim());
    assert_eq!(ground["patched_tree"]["then"], ground["patched_tree"]["now"]);
    assert_eq!(again["tests"], json!({"certified": 2, "differences": [], "flaky": []}));
}

#[test]
fn an_applied_and_a_committed_patch_are_verified_as_they_stand() {
    let (world, _) = verified();
    world.run_freely(world.kcode(&["apply"])).code(0);
    assert_eq!(told(&verify(&world, &["--output", "json"]).code(0))["ground"]["standing"], "patched");
    world.commit_all();
    verify(&world, &[]).code(0).says(&["as the report says, with the patch in it: "]);
}

#[test]
fn a_report_is_verified_in_another_clone() {
    let (world, ran) = verified();
    let folder = taken_away(&world, &ran, &ALL);
    let clone = world.path("home/clone");
    world.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    fs::remove_dir_all(&ran.kept().0).unwrap();
    let at = |path: &str, output: &[&str]| {
        verify(&world, &[&["-C", clone.to_str().unwrap(), folder.join(path).to_str().unwrap()], output].concat())
    };
    at("report.json", &[]).code(0).says(&["as the report says: "]);
    let again = told(&at("", &["--output", "json"]).code(0));
    assert_eq!((&again["ground"]["standing"], &again["agrees"]), (&json!("start"), &json!(true)));
    assert_eq!(fs::read_to_string(clone.join("greeting.txt")).unwrap(), "Hello, Wrold!\n");
    assert_eq!(world.git_in(&clone, &["status", "--porcelain"]), "");

    fs::remove_file(folder.join("results.json")).unwrap();
    at("report.json", &[]).code(0).says(&["single tests are not compared: results.json isn't in the report's folder"]);
}

#[test]
fn files_that_are_not_the_reports_are_refused() {
    let (world, ran) = verified();
    for name in ["patch.diff", "results.json"] {
        let folder = taken_away(&world, &ran, &ALL);
        let text = fs::read_to_string(folder.join(name)).unwrap();
        fs::write(folder.join(name), text.replace('W', "V") + " ").unwrap();
        let refused = verify(&world, &[folder.to_str().unwrap()]).code(7);
        refused.says(&[name, "is not the file that the report speaks of", "hint: "]);
    }
    let folder = taken_away(&world, &ran, &ALL);
    fs::remove_file(folder.join("patch.diff")).unwrap();
    verify(&world, &[folder.to_str().unwrap()]).code(2).says(&["has no readable patch in its folder"]);
    fs::write(folder.join("report.json"), "{}").unwrap();
    verify(&world, &[folder.to_str().unwrap()]).code(2).says(&["is no report"]);
    verify(&world, &["nowhere.json"]).code(2).says(&["nowhere.json can't be read"]);
}

#[test]
fn a_report_does_not_bring_its_own_command() {
    let (world, ran) = verified();
    let folder = taken_away(&world, &ran, &ALL);
    let report = fs::read_to_string(folder.join("report.json")).unwrap();
    fs::write(folder.join("report.json"), report.replace("./test.sh", "touch pwned; ./test.sh")).unwrap();
    let report = folder.join("report.json");
    let arguments = [report.to_str().unwrap()];
    verify(&world, &arguments).code(7).says(&["isn't the one that is chosen here: touch pwned", "--test CMD"]);
    let named = [&arguments[..], &["--test", "./test.sh"]].concat();
    verify(&world, &named).code(0).says(&["the report's tests are those of: touch pwned"]);
}

#[test]
fn a_run_is_verified_with_its_own_command_whatever_is_chosen_now() {
    let world = world(GREETS);
    world.fix(&mender(), &["--test", "sh ./test.sh"]).code(0);
    verify(&world, &[]).code(0).says(&["tests     sh ./test.sh", "would choose another test command: ./test.sh"]);
}

#[test]
fn tests_that_fail_now_are_named_with_their_output() {
    // What decides is outside of the tree, so that the trees are the same.
    let world = World::new();
    let outside = world.path("home/outside");
    fs::write(&outside, "").unwrap();
    let test = format!("'outside=test -e {} || {{ echo it is gone; false; }}'", outside.display());
    world.write_test(&crate::fake_runner::script(&format!("{GREETS} {test}")));
    world.commit_all();
    world.fix(&mender(), &["--sandbox", "off"]).code(0);
    fs::remove_file(outside).unwrap();
    let again = verify(&world, &["--sandbox", "off", "--output", "json"]).code(5);
    let differs = told(&again);
    assert_eq!((&differs["agrees"], &differs["outcome"]), (&json!(false), &json!("tests_failing")));
    assert_eq!(differs["tests"]["differences"], json!([{"test": "outside", "then": "passed", "now": "failed"}]));
    assert_eq!(differs["counts"]["now"], json!({"passed": 1, "failed": 1, "skipped": 0}));
    again.says(&[
        "passed        failed          outside",
        "it is gone",
        "tests failing  ./test.sh fails; the exit code was 0 and is 1; 1 test goes differently",
    ]);
}

#[test]
fn failing_tests_that_the_report_tells_of_agree_and_still_fail() {
    let world = world(&format!("{GREETS} 'sad=false'"));
    let kimi = first_then(Answer::call("edit_file", EDIT), Answer::text("All tests pass."));
    world.fix(&kimi, &[]).code(5);
    let again = verify(&world, &["--output", "json"]).code(5);
    assert_eq!(told(&again)["agrees"], true);
    again.says(&["./test.sh fails, as the report says"]);
}

#[test]
fn a_tree_that_moved_on_is_told_and_the_patch_tried_if_it_applies() {
    let (world, _) = verified();
    world.write("docs/about.md", "# Another page\n");
    let again = verify(&world, &["--output", "json"]).code(7);
    assert_eq!(told(&again)["ground"]["standing"], "applies");
    again.says(&["another one: the run started from", "the patch applies", "passes, but the tree is another one"]);

    world.run_freely(world.kcode(&["apply"])).code(0);
    assert_eq!(told(&verify(&world, &["--output", "json"]).code(7))["ground"]["standing"], "contains");
}

#[test]
fn a_tree_that_the_patch_does_not_fit_is_described() {
    let (world, ran) = verified();
    world.write("greeting.txt", "Good day, Wrold!\n");
    let folder = taken_away(&world, &ran, &ALL);
    for arguments in [&[][..], &[folder.to_str().unwrap()]] {
        let refused = verify(&world, arguments).code(7);
        let head = &world.git(&["rev-parse", "HEAD"])[..12];
        refused.says(&[
            "neither the one that run",
            "  tree  ",
            "does not fit: ",
            "greeting.txt",
            "dirty greeting.txt",
            head,
            "hint: ",
        ]);
    }
}

#[test]
fn a_run_that_proves_nothing_cannot_be_verified() {
    let world = world(GREETS);
    world.fix(&MockKimi::answering(|_| Answer::text("All is well.")), &[]).code(3);
    verify(&world, &[]).code(3).says(&["has no patch"]);
    world.fix(&mender(), &["--no-verify"]);
    verify(&world, &[]).code(4).says(&["has no tests behind its patch", "hint: "]);
}

#[test]
fn a_flaky_test_is_no_difference() {
    // Fails in the first run of each worker, but passes on the start state and where a pass is confirmed.
    let once =
        "'shy=grep -q Wrold greeting.txt || test -e $HOME/ran || { touch $HOME/ran; echo $HOME | grep -q /afresh/; }'";
    let world = world(&format!("{GREETS} {once}"));
    world.fix(&mender(), &[]).code(0);
    let again = told(&verify(&world, &["--output", "json"]).code(0));
    assert_eq!((&again["agrees"], &again["tests"]["flaky"]), (&json!(true), &json!(["shy"])));
}

#[test]
fn a_verification_that_is_interrupted_leaves_nothing() {
    let (world, _) = verified();
    let running = world.start(world.kcode(&["verify", "--test", "sleep 600"]));
    running.wait_for_program("sleep");
    running.signal(Signal::INT);
    let ran = running.wait().code(130).says(&["interrupted"]);
    laws::hold(&world, &ran);
    assert_eq!(left(&world), 0);
}

#[test]
fn what_a_killed_verification_left_the_next_one_clears_away() {
    let (world, _) = verified();
    let running = world.start(world.kcode(&["verify", "--test", "sleep 600"]));
    running.wait_for_program("sleep");
    running.signal(Signal::KILL);
    drop(running);
    assert!(left(&world) > 0);
    wait_until("its processes are gone", || crate::processes::about(&world.path("")).is_empty());
    verify(&world, &[]).code(0);
}

#[test]
fn a_view_that_is_a_copy_serves_as_well() {
    let (world, ran) = verified();
    verify(&world, &["--sandbox", "off"]).code(0).says(&["verified", "nothing confined the tests"]);
    let folder = taken_away(&world, &ran, &ALL);
    verify(&world, &[folder.to_str().unwrap(), "--sandbox", "off"]).code(0).says(&["verified"]);
}

#[test]
fn a_plain_folder_is_verified_too() {
    let world = World::without_git();
    world.write_test(&crate::fake_runner::script(GREETS));
    world.fix(&mender(), &[]).code(0);
    verify(&world, &["--sandbox", "strict"]).code(0).says(&["as the report says: "]);
}

/// A project whose settings name this check besides the tests.
fn checked(line: &str, rest: &str) -> World {
    let world = world(GREETS);
    let check = format!("[[check]]\nname = \"lint\"\ncommand = \'\'\'{line}\'\'\'\n{rest}\n");
    world.write(".kcode.toml", format!("[test]\ncommand = \"./test.sh\"\n{check}"));
    world.commit_all();
    world
}

#[test]
fn checks_run_again_and_are_told_beside_what_the_report_says() {
    let world = checked("grep -q World greeting.txt", "");
    let ran = world.fix(&mender(), &[]).code(0);
    verify(&world, &[]).code(0).says(&["check lint      passes          passes"]);
    let again = told(&verify(&world, &["--output", "json"]).code(0));
    let check = &again["checks"][0];
    assert_eq!((&check["name"], &check["command"]), (&json!("lint"), &json!("grep -q World greeting.txt")));
    assert_eq!((&check["result"]["then"]["exit_code"], &check["result"]["now"]["exit_code"]), (&json!(0), &json!(0)));
    assert!(check["result"]["now"]["ms"].is_u64());
    let reported = &ran.report()["checks"][0];
    assert_eq!(reported["after"]["exit_code"], 0);
    assert!(reported["after"]["ms"].is_u64() && reported["dir"].is_null(), "{reported}");
}

#[test]
fn a_check_that_fails_now_is_named_with_its_output() {
    for (rest, code, words) in [
        ("", 5, "tests failing  the check lint fails (test -e "),
        ("required = false", 7, "refused  ./test.sh passes, but the check lint passed and fails now"),
    ] {
        // What decides is outside of the tree, so that the trees are the same.
        let elsewhere = tempfile::tempdir().unwrap();
        let outside = elsewhere.path().join("outside");
        fs::write(&outside, "").unwrap();
        let world = checked(&format!("test -e {} || {{ echo it is gone; exit 3; }}", outside.display()), rest);
        world.fix(&mender(), &["--sandbox", "off"]).code(0);
        fs::remove_file(&outside).unwrap();
        let again = verify(&world, &["--sandbox", "off", "--output", "json"]).code(code);
        assert_eq!(told(&again)["agrees"], false);
        again.says(&[words, "the check lint passed and fails now", "passes          exit code 3", "it is gone"]);
    }
}

#[test]
fn a_check_that_failed_then_fails_as_the_report_says() {
    let world = checked("false", "required = false");
    world.fix(&mender(), &[]).code(0);
    verify(&world, &[]).code(0).says(&["check lint (not required) exit code 1     exit code 1"]);

    let strict = checked("false", "");
    strict.fix(&first_then(Answer::call("edit_file", EDIT), Answer::text("All is well.")), &[]).code(5);
    verify(&strict, &[]).code(5).says(&["the check lint fails (false), as the report says"]);
}

#[test]
fn a_report_does_not_bring_its_own_checks_and_a_run_does() {
    let world = checked("grep -q World greeting.txt", "");
    let ran = world.fix(&mender(), &[]).code(0);
    let folder = taken_away(&world, &ran, &ALL);
    let report = fs::read_to_string(folder.join("report.json")).unwrap();
    fs::write(folder.join("report.json"), report.replace("grep -q World", "touch pwned; grep -q World")).unwrap();
    let refused = verify(&world, &[folder.to_str().unwrap()]).code(7);
    refused.says(&[
        "passes          not run",
        "the check lint was not run, because nothing here names its command: touch pwned",
    ]);

    let folder = taken_away(&world, &ran, &ALL);
    verify(&world, &[folder.to_str().unwrap()]).code(0).says(&["check lint      passes          passes"]);
    world.write(".kcode.toml", "[test]\ncommand = \"./test.sh\"\n");
    let again = verify(&world, &["--output", "json"]).code(7);
    assert_eq!(told(&again)["checks"][0]["result"]["now"]["passed"], true, "only the tree is another one");
}

#[test]
fn tests_of_the_project_that_changed_are_found_again() {
    let world = World::new();
    fs::remove_file(world.root().join(".kcode.toml")).unwrap();
    fs::remove_file(world.root().join("test.sh")).unwrap();
    for folder in [".", "mail"] {
        world.write(&format!("{folder}/package.json"), r#"{"private": true}"#);
    }
    world.write("Makefile", "test:\n\t@test -e greeting.txt\n");
    world.write("mail/Makefile", "test:\n\t@grep -q World words.txt\n");
    world.write("mail/words.txt", "Wrold\n");
    world.commit_all();
    let edit = r#"{"path": "mail/words.txt", "old_text": "Wrold", "new_text": "World"}"#;
    let kimi = MockKimi::script([Answer::call("edit_file", edit), Answer::text("Done.")]);
    let ran = world.fix(&kimi, &[]).code(0);
    let folder = taken_away(&world, &ran, &ALL[..2]);
    for run in [&[][..], &[folder.to_str().unwrap()]] {
        verify(&world, run).says(&["check mail/     passes          passes"]);
    }
}
