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
