//! `kcode doctor` and `--sandbox strict`, on this machine and where namespaces are refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use assert_cmd::Command;
use landlock::{AccessFs, Ruleset, RulesetAttr};
use predicates::str::contains;
use serde_json::Value;

fn kcode() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kcode"))
}

/// Whoever is in a Landlock domain can't mount: this thread and what it starts have to do without namespaces.
fn refuse_namespaces() {
    Ruleset::default().handle_access(AccessFs::MakeBlock).unwrap().create().unwrap().restrict_self().unwrap();
}

fn diagnosis() -> (i32, Value) {
    let output = kcode().args(["doctor", "--output", "json"]).output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn doctor_ends_well_only_when_strict_would_start() {
    let (code, diagnosis) = diagnosis();
    let strict = diagnosis["strict"].as_bool().unwrap();
    assert_eq!(code, if strict { 0 } else { 7 });
    assert_eq!(diagnosis["schema"], "kcode.doctor/1");
    let attempts = diagnosis["wall"]["proof"].as_array().unwrap();
    assert!(attempts.len() >= 20);
    assert!(!strict || attempts.iter().all(|attempt| attempt["held"] == true));
}

#[test]
fn doctor_says_what_is_missing_and_what_to_do() {
    refuse_namespaces();
    let (code, diagnosis) = diagnosis();
    assert_eq!((code, &diagnosis["strict"], &diagnosis["wall"]["tree"]), (7, &Value::Bool(false), &Value::Bool(false)));
    let doctor = kcode().arg("doctor").assert().code(7);
    doctor
        .stdout(contains("✗ namespaces"))
        .stdout(contains("hint: "))
        .stdout(contains("✗ change a file's mode outside the view"))
        .stdout(contains("Nothing guards files: --sandbox strict refuses to start here."));
}

#[test]
fn strict_refuses_before_any_request_and_names_the_layer() {
    refuse_namespaces();
    let (place, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(place.path().join("a.txt"), "a").unwrap();
    let provider = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    provider.set_nonblocking(true).unwrap();
    kcode()
        .current_dir(&place)
        .env("KCODE_HOME", state.path())
        .env("KCODE_API_KEY", "sk-test")
        .env("KCODE_BASE_URL", format!("http://{}", provider.local_addr().unwrap()))
        .args(["fix", "do it", "--sandbox", "strict", "--no-verify"])
        .assert()
        .code(7)
        .stderr(contains("nothing guards files (namespaces: "))
        .stderr(contains("hint: "))
        .stderr(contains("kcode doctor"));
    assert!(provider.accept().is_err(), "a request was made");
}

#[test]
fn where_proc_is_covered_commands_do_without_cells_and_are_gone_all_the_same() {
    // As in a container: a namespace with a /proc of which a part is hidden can't have another one below it.
    let cover = "mount -t tmpfs tmpfs /proc/fs && exec \"$0\" doctor --output json";
    let doctor = std::process::Command::new("unshare")
        .args(["-Urmpf", "--mount-proc", "sh", "-c", cover, env!("CARGO_BIN_EXE_kcode")])
        .output();
    // This machine may have neither the program nor such namespaces.
    let Some(diagnosis) = doctor.ok().and_then(|output| serde_json::from_slice::<Value>(&output.stdout).ok()) else {
        return;
    };
    let find = |list: &str, key: &str, name: &str| {
        diagnosis["wall"][list].as_array().unwrap().iter().find(|entry| entry[key] == name).cloned().unwrap()
    };
    assert_eq!(find("layers", "name", "namespaces")["holds"], true);
    let cells = find("layers", "name", "cells");
    assert_eq!(cells["holds"], false);
    assert!(cells["hint"].as_str().unwrap().contains("systempaths=unconfined"), "{cells}");
    assert_eq!(find("proof", "attempt", "outlive the command")["held"], true);
    assert_eq!(find("proof", "attempt", "read kcode's environment")["held"], true);
}
