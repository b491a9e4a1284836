//! `kcode policy check`: a patch for each case, and what it is checked against.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::world::World;

fn check(world: &World, arguments: &[&str]) -> (Option<i32>, String, String) {
    let all: Vec<&str> = ["policy", "check"].iter().chain(arguments).copied().collect();
    let output = world.kcode(&all).output().expect("kcode runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The verdict, and a line for each finding.
fn told(report: &Value) -> String {
    let findings = report["findings"].as_array().expect("a list").iter().map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap_or("(patch)").replace('\n', "\\n");
        let line = finding["line"].as_u64().map_or(String::new(), |line| format!(":{line}"));
        format!("{} {} {}{line}\n", text("verdict"), text("class"), text("path"))
    });
    let verdict = report["verdict"].as_str().expect("a verdict");
    format!("{verdict}\n{}", findings.collect::<String>())
}

#[test]
fn each_case_gets_its_verdict() {
    let world = World::new();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policy");
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in fs::read_dir(cases).expect("the cases").map(|case| case.expect("a case").path()) {
        let patch = case.join("patch.diff");
        let (code, json, said) = check(&world, &[patch.to_str().expect("UTF-8"), "--output", "json"]);
        let report: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}{said}"));
        let expected = fs::read_to_string(case.join("expected")).expect("what is expected");
        let exit = if expected.starts_with("refuse") { 7 } else { 0 };
        if told(&report) != expected || code != Some(exit) {
            wrong.push(format!("{}: {code:?}\n{}instead of\n{expected}", case.display(), told(&report)));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 40, "{count} cases");
}
