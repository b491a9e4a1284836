//! What takes a machine long, and where kcode's own folders may lie.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::laws;
use crate::ran::Ran;
use crate::tree::Tree;
use crate::world::{TASK, World, mender};

fn has_cells(ran: &Ran) -> bool {
    let layers = ran.report()["wall"]["layers"].as_array().unwrap().clone();
    layers.iter().any(|layer| layer["name"] == "cells" && layer["holds"] == true)
}

#[test]
fn a_sandbox_that_takes_long_is_waited_for_and_said_to_be() {
    let world = World::new();
    let held = world.path("held");
    fs::write(&held, "").unwrap();
    let kimi = mender();
    let mut command = world.keyed(&kimi, &["fix", TASK]);
    command.env("KCODE_TEST_HOLD_BACK", &held);
    let before = Tree::of(&world.root());
    let running = world.start(command);
    running.wait_until_it_says("waiting   for the sandbox");
    fs::remove_file(&held).unwrap();
    let ran = running.wait().code(0);
    laws::hold(&world, &ran);
    before.assert_same(&Tree::of(&world.root()));
}

/// Temporary folders are the command's own, and the logs nobody's, wherever the run's folder lies.
#[test]
fn temporary_folders_can_be_written_where_the_state_lies_in_one() {
    for top in ["/tmp", "/var/tmp"] {
        let state = tempfile::Builder::new().prefix("kcode-state-").tempdir_in(top).unwrap();
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let world = World::new();
        let logs = format!("{}/*/*/logs", state.path().display());
        world.write_test(&format!(
            "set -e\n\
             for top in /tmp /var/tmp; do echo x > $top/own; mkdir $top/folder; mv $top/own $top/folder/own; rm -r $top/folder; done\n\
             for logs in {logs}; do test ! -d $logs || ! touch $logs/forged 2> /dev/null || exit 3; done\n\
             for logs in {logs}; do test ! -d $logs || ! mv $logs $logs-away 2> /dev/null || exit 4; done\n\
             grep -q 'Hello, World!' greeting.txt && echo 'ok 1 - greeting'"
        ));
        world.commit_all();
        let kimi = mender();
        let mut command = world.keyed(&kimi, &["fix", TASK]);
        command.env("KCODE_HOME", state.path());
        let before = Tree::of(&world.root());
        let running = world.start(command);
        let ran = running.wait();
        before.assert_same(&Tree::of(&world.root()));
        let told = ran.stderr();
        let ran = Ran::new(ran.output, state.path());
        if has_cells(&ran) {
            assert!(ran.code(0).kept().read("report.md").contains("verified"), "{top}: {told}");
        } else {
            eprintln!("skipped: there are no cells here, and without them temporary folders around the logs stay shut");
        }
    }
}
