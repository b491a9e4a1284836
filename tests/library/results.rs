//! Recorded runs of real test runners, and the single results that must be read from them.
//!
//! `KCODE_UPDATE_RESULTS=1` writes what is read as what is expected; look at it before you believe it.

use std::fs;
use std::path::Path;

use kcode::journal::TestResults;
use kcode::testing::{RunOutput, results};

/// Reads a case: `command` is the command and its exit code, `output` what was printed, `report.*` what was written.
fn read(case: &Path) -> Option<TestResults> {
    let command = fs::read_to_string(case.join("command")).unwrap();
    let output = fs::read(case.join("output")).unwrap();
    let mut names: Vec<_> = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("report."));
    names.sort();
    let reports: Vec<_> = names.iter().map(|path| fs::read(path).unwrap()).collect();
    let name = case.file_name().unwrap().to_str().unwrap();
    results(&RunOutput {
        root: "/project",
        output: &String::from_utf8_lossy(&output),
        reports: &reports,
        ended: !name.ends_with("-cut-off"),
        passed: command.ends_with("\nexit code: 0\n"),
    })
}

#[test]
fn recorded_runs_are_read_as_expected() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/test-results");
    let mut seen = 0;
    for entry in fs::read_dir(cases).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let (case, expected) = (entry.path(), entry.path().join("expected.json"));
        let actual = read(&case);
        if std::env::var_os("KCODE_UPDATE_RESULTS").is_some() {
            fs::write(&expected, serde_json::to_string_pretty(&actual).unwrap() + "\n").unwrap();
        }
        let json = fs::read_to_string(&expected).unwrap_or_else(|error| panic!("{}: {error}", expected.display()));
        let expected: Option<TestResults> = serde_json::from_str(&json).unwrap();
        assert_eq!(actual, expected, "{}", case.display());
        seen += 1;
    }
    assert!(seen >= 100, "only {seen} cases were found");
}

/// Whatever a repository's code writes, it is read without a panic, and what is cut off isn't taken for complete.
#[test]
fn recorded_runs_may_end_anywhere() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/test-results");
    for entry in fs::read_dir(cases).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let output = String::from_utf8_lossy(&fs::read(entry.path().join("output")).unwrap()).into_owned();
        for part in 1..12 {
            let end = output.floor_char_boundary(output.len() * part / 12);
            let cut = RunOutput { root: "/project", output: &output[..end], reports: &[], ended: false, passed: false };
            assert!(results(&cut).is_none_or(|results| !results.complete), "{}", entry.path().display());
        }
    }
}

/// Nobody has to wait for a repository that prints what is meant to take long.
#[test]
fn hostile_output_takes_no_time() {
    let many = 50_000;
    let spec = format!("{}{}\nℹ tests 1\n✖ failing tests:\n", "▶ s\n".repeat(many), "✖ t\n".repeat(many));
    let places: String = "test at a.js:1:1\n✖ t (1ms)\n".repeat(many);
    let mocha = (1..many).map(|number| format!("  {number}) t")).collect::<Vec<_>>().join("\n") + "\n";
    let mocha = format!("{mocha}  0 passing (2ms)\n{mocha}");
    let tap = format!("1..1\n{}", "    # Subtest: s\nnot ok 1 - t\n".repeat(many));
    let test = r#"{"Action":"run","Package":"p","Test":"#;
    let tests = (0..many).map(|number| format!("{test}\"T{number}\"}}\n"));
    let packages = (0..many).map(|number| format!("{{\"Action\":\"pass\",\"Package\":\"q{number}\"}}\n"));
    let go = tests.chain(packages).collect::<Vec<_>>().concat() + "{\"Action\":\"fail\",\"Package\":\"p\"}\n";
    for output in [spec.clone() + &places, mocha, tap, go] {
        let written = RunOutput { root: "/project", output: &output, reports: &[], ended: true, passed: false };
        assert!(results(&written).is_some_and(|results| !results.tests.is_empty()));
    }
}

#[test]
fn a_tree_among_temporary_files_keeps_its_names() {
    let test = r#"{"title": "adds", "status": "passed"}"#;
    let file = |name: &str| format!(r#"{{"name": "/tmp/tree/{name}", "assertionResults": [{test}]}}"#);
    let report = format!(r#"{{"success": true, "testResults": [{}, {}]}}"#, file("a.test.js"), file("b.test.js"));
    let reports = [report.into_bytes()];
    let written = RunOutput { root: "/tmp/tree", output: "", reports: &reports, ended: true, passed: true };
    let read = results(&written).unwrap();
    assert_eq!(read.tests.keys().map(|name| &**name).collect::<Vec<_>>(), ["a.test.js > adds", "b.test.js > adds"]);
}
