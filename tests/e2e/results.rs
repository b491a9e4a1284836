//! Single results: a runner that can write them down is told to, and what it wrote is read.

use std::fs;

use serde_json::json;

use crate::world::{World, mender};

/// A stand-in for pytest: it writes the report that it is asked for, and prints nothing that could be read.
const PYTEST: &str = r#"
for word; do case "$word" in --junitxml=*) report="${word#--junitxml=}";; esac; done
test -n "$report" || { echo "no report was asked for"; exit 9; }
cat > "$report" <<END
<testsuites><testsuite name="pytest">
<testcase classname="tests.test_greeting" name="test_world"/>
<testcase classname="tests.test_greeting" name="test_moon"><skipped type="pytest.skip" message="cloudy"/></testcase>
</testsuite></testsuites>
END
grep -q 'Hello, World!' greeting.txt
"#;

/// The same, but what it writes is meant to harm.
const HOSTILE: &str = r#"
for word; do case "$word" in --junitxml=*) report="${word#--junitxml=}";; esac; done
folder=$(dirname "$report")
echo '<testsuite name="pytest"><testcase name="stolen"/></testsuite>' > secret.xml
ln -s "$PWD/secret.xml" "$folder/link.xml"
mkfifo "$folder/pipe.xml"
mkdir "$folder/folder.xml"
head -c 40000000 /dev/zero > "$folder/long.xml"
printf '<testsuite name="pytest"><testcase name="a\033[31mb"/>' > "$folder/$(printf 'x\033;y').xml"
rm -f secret.xml
grep -q 'Hello, World!' greeting.txt
"#;

#[test]
fn what_is_no_report_is_left_alone() {
    let world = World::new();
    world.write_test("exit 1");
    world.write("pytest", format!("#!/bin/sh\n{HOSTILE}"));
    let executable = fs::metadata(world.root().join("test.sh")).unwrap().permissions();
    fs::set_permissions(world.root().join("pytest"), executable).unwrap();
    let ran = world.fix(&mender(), &["--test", "./pytest"]).code(0);
    let logs = ran.kept().0.join("logs/tests-1.reports");
    let names: Vec<_> = fs::read_dir(logs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["1-x__y.xml"]);
    // It is cut off, so that nothing is counted.
    assert_eq!(ran.kept().events("tests_ran")[0]["counts"], json!(null));
}

#[test]
fn an_unknown_runner_is_said_to_be_one() {
    let world = World::new();
    world.write_test("grep -q 'Hello, World!' greeting.txt && echo fine");
    let ran = world.fix(&mender(), &[]).code(0);
    assert!(ran.kept().read("report.md").contains("pass, by the exit code alone, run by kcode after the last edit."));
}

#[test]
fn doctor_says_which_tests_and_why() {
    let world = World::new();
    let doctor = world.kcode(&["doctor"]).output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("\nTests: ./test.sh ("), "{said}");
    fs::remove_file(world.root().join(".kcode.toml")).unwrap();
    world.write("go.mod", "module m\n");
    let doctor = world.kcode(&["doctor", "--output", "json"]).output().unwrap();
    let diagnosis: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(diagnosis["tests"], json!({"command": "go test ./...", "origin": "found in go.mod"}));
}

#[test]
fn a_runner_is_told_to_report_and_its_report_is_kept_and_read() {
    let world = World::new();
    world.write("pytest", format!("#!/bin/sh\n{PYTEST}"));
    world.write_test("exit 1");
    fs::set_permissions(world.root().join("pytest"), fs::metadata(world.root().join("test.sh")).unwrap().permissions())
        .unwrap();
    let ran = world.fix(&mender(), &["--test", "./pytest -q"]).code(0);
    let event = &ran.kept().events("tests_ran")[0];
    assert_eq!(event["command"], "./pytest -q", "people see the command that they know");
    assert_eq!(event["counts"], json!({"passed": 1, "failed": 0, "skipped": 1}));
    assert!(ran.kept().read("logs/tests-1.reports/1-pytest.xml").contains("test_moon"));
}
