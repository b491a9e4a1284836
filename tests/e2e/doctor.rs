//! `kcode doctor` and `--sandbox strict`, on this machine and where namespaces are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use assert_cmd::Command;
use landlock::{AccessFs, Ruleset, RulesetAttr};
use predicates::str::contains;
use serde_json::Value;

use crate::support::refusing::{self, Bwrap};
use crate::support::skipped::{Need, given, skipped};

/// An ordinary user who owns nothing on any machine.
const NOBODY: u32 = 54_321;

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
        skipped(Need::PidNamespaces);
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

fn layer(diagnosis: &Value, name: &str) -> Option<Value> {
    diagnosis["wall"]["layers"].as_array().unwrap().iter().find(|layer| layer["name"] == name).cloned()
}

/// What doctor finds on a machine that refuses user namespaces, as that machine's root or as an ordinary user.
fn diagnosis_where_refused(uid: Option<u32>, bwrap: &Bwrap) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = folder.path().join("kcode");
    fs::copy(env!("CARGO_BIN_EXE_kcode"), &program).unwrap();
    let mut doctor = std::process::Command::new(program);
    doctor.args(["doctor", "--output", "json"]).env("HOME", folder.path()).env("TMPDIR", folder.path());
    let output = refusing::run(&mut refusing::machine(uid, bwrap, &doctor));
    let said = String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}")))
}

#[test]
fn where_kcode_may_make_no_namespaces_bwrap_does_and_the_wall_is_whole() {
    if !refusing::is_installed() || !refusing::can_be_made() {
        return;
    }
    let copies = tempfile::tempdir().unwrap();
    fs::set_permissions(copies.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut cases = vec![(None, Bwrap::Plain)];
    if rustix::process::getuid().is_root() {
        cases.push((Some(NOBODY), Bwrap::Setuid(refusing::with_roots_rights(copies.path()))));
    }
    for (uid, bwrap) in cases {
        let (code, diagnosis) = diagnosis_where_refused(uid, &bwrap);
        let (by, cells) = (layer(&diagnosis, "bwrap").unwrap(), layer(&diagnosis, "cells").unwrap());
        assert_eq!(layer(&diagnosis, "namespaces").unwrap()["holds"], true, "{diagnosis}");
        assert!(by["detail"].as_str().unwrap().contains("there may be no more of them"), "{by}");
        assert!(by["hint"].as_str().unwrap().contains("user.max_user_namespaces"), "{by}");
        assert_eq!((&cells["holds"], cells.get("hint")), (&Value::Bool(false), None));
        // What guards processes then is Landlock, which keeps signals in from its sixth version on.
        let abi =
            layer(&diagnosis, "landlock").unwrap()["detail"].as_str().and_then(|abi| abi[4..].parse::<u32>().ok());
        let is_whole = abi.is_some_and(|abi| abi >= 6);
        assert_eq!(
            (code, diagnosis["strict"].as_bool()),
            (if is_whole { 0 } else { 7 }, Some(is_whole)),
            "{diagnosis}"
        );
    }
}

#[test]
fn where_bwrap_may_make_none_either_both_are_named() {
    if !given(Need::Root, rustix::process::getuid().is_root()) || !refusing::is_installed() || !refusing::can_be_made()
    {
        return;
    }
    let (code, diagnosis) = diagnosis_where_refused(Some(NOBODY), &Bwrap::Plain);
    let spaces = layer(&diagnosis, "namespaces").unwrap();
    let why = spaces["detail"].as_str().unwrap();
    assert!(why.starts_with("namespaces: there may be no more of them; bwrap "), "{why}");
    assert_eq!((code, layer(&diagnosis, "bwrap")), (7, None));
}
