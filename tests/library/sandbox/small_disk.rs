//! A command that would use up the machine is ended before others run out.

use std::path::Path;
use std::process::Command;

use kcode::sandbox::Worker;

use super::world::World;
use crate::support::skipped::{Need, given};

/// Names the folder of a small disk when this binary plays whoever fills it.
const ROLE: &str = "KCODE_TEST_SMALL_DISK";

/// Not a test of its own: the part of the one below that runs where the disk is small.
#[tokio::test]
async fn filler() {
    let Ok(folder) = std::env::var(ROLE) else { return };
    let world = World::of_another_process(&folder);
    for folder in ["run/view", "run/logs", "run/scratch"] {
        std::fs::create_dir_all(world.folder.join(folder)).unwrap();
    }
    // Nearly all of it, however fast, and then it waits to be ended.
    let line = "echo before; head -c 390000000 /dev/zero > fill || exit 3; exec sleep 1000";
    let (worker, _) = Worker::start(world.plan(line)).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(run.stopped.as_deref(), Some("disk"), "{}", run.excerpt);
    assert!(run.excerpt.starts_with("stopped: the disk was nearly full") && run.excerpt.contains("before"));
    assert_eq!(worker.stop().await.survivors, 0);
}

/// Runs `program` where a disk of 400 MB is at `place`.
fn with_small_disk(place: &Path, program: &Path) -> Command {
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=400000000 tmpfs \"$0\" && exec \"$@\"";
    command.args(["-Urm", "sh", "-c", script]).arg(place).arg(program);
    command
}

#[test]
fn a_command_is_ended_before_the_disk_is_full() {
    let place = tempfile::tempdir().unwrap();
    let can = with_small_disk(place.path(), Path::new("true")).status().is_ok_and(|status| status.success());
    if !given(Need::Mounts, can) {
        return;
    }
    let mut filler = with_small_disk(place.path(), &std::env::current_exe().unwrap());
    let output = filler.args(["--exact", "sandbox::small_disk::filler"]).env(ROLE, place.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains(" 1 passed"), "{told}");
}
