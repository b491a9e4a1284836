//! What the repository and kcode's state lie on: each file system gets the view that it can have, and the patch is the same.
//!
//! They are mounted in a namespace of the test's own, so that the machine sees none of it.

use std::fs;
use std::process::{Command, Stdio};

use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::support::refusing::{self, Bwrap};
use crate::support::skipped::{Need, given};
use crate::world::{EDIT, TASK, World, mender};

/// Which view there has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Overlay,
    Copy,
    /// Whichever this kernel can give.
    Either,
}

/// Mounts, and then kcode. `$P` is the project, `$S` the state's folder, `$W` an empty one, `$C` a copy of the project.
const PREPARE: &str = r#"set -e; P=$1; S=$2; W=$3; C=$W/copy; shift 3; mkdir -p "$S"; cp -a "$P" "$C""#;

/// The mounts' namespace; an ordinary user needs one of users as well.
fn namespace() -> &'static str {
    if rustix::process::getuid().is_root() { "--mount" } else { "--map-root-user" }
}

fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args([namespace(), "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(Stdio::null())
        .status();
    given(Need::Mounts, tried.is_ok_and(|status| status.success()))
}

/// A run after the mounts that `script` makes.
fn fix_on(world: &World, kimi: &MockKimi, script: &str) -> Ran {
    run_on(world, &world.keyed(kimi, &["fix", TASK]), script)
}

fn run_on(world: &World, kcode: &Command, script: &str) -> Ran {
    fs::create_dir(world.path("work")).unwrap();
    let mut mounted = Command::new("unshare");
    let line = format!("{PREPARE}\n{script}\ncd \"$P\"; exec \"$@\"");
    mounted.args([namespace(), "--mount", "sh", "-c", &line, "sh"]);
    mounted.args([world.root(), world.state(), world.path("work")]).arg(kcode.get_program()).args(kcode.get_args());
    mounted.env_clear().envs(kcode.get_envs().filter_map(|(name, value)| Some((name, value?))));
    mounted.current_dir(world.root()).stdin(Stdio::null());
    world.run(mounted)
}

#[track_caller]
fn assert_mended(ran: Ran, view: View, script: &str) {
    let ran = ran.code(0);
    let (patch, talk) = (ran.stdout(), ran.stderr());
    assert!(patch.contains("--- a/greeting.txt\n+++ b/greeting.txt\n"), "{script}: {patch}");
    assert_eq!(patch.matches("diff --git").count(), 1, "{script}: {patch}");
    let is_copy = talk.contains("view      copied, as an overlay can't be had: ");
    match view {
        View::Overlay => assert!(!is_copy, "{script}: {talk}"),
        View::Copy => assert!(is_copy, "{script}: {talk}"),
        View::Either => {}
    }
}

#[test]
fn the_repository_may_lie_on_any_file_system() {
    let cases = [
        ("on tmpfs", r#"mount -t tmpfs tmpfs "$P"; cp -a "$C/." "$P""#, View::Overlay),
        ("read-only", r#"mount --bind "$P" "$P"; mount -o remount,bind,ro "$P""#, View::Overlay),
        (
            "on an overlay",
            r#"mkdir "$W/u" "$W/w"; mount -t overlay -o "lowerdir=$C,upperdir=$W/u,workdir=$W/w,userxattr" overlay "$P""#,
            View::Overlay,
        ),
        ("with something mounted in it", r#"mount -t tmpfs tmpfs "$P/docs""#, View::Copy),
    ];
    if !can_mount() {
        return;
    }
    for (name, script, view) in cases {
        let world = World::new();
        assert_mended(fix_on(&world, &mender(), script), view, name);
    }
}

#[test]
fn the_state_may_lie_on_another_file_system() {
    let cases = [
        ("on tmpfs", r#"mount -t tmpfs -o mode=0700 tmpfs "$S""#, View::Either),
        // As in most containers: no overlay keeps its changes on another one.
        (
            "on an overlay",
            r#"mkdir "$W/l" "$W/u" "$W/w"; mount -t overlay -o "lowerdir=$W/l,upperdir=$W/u,workdir=$W/w,userxattr" overlay "$S""#,
            View::Copy,
        ),
        ("on a file system without attributes", r#"mount -t ramfs ramfs "$S""#, View::Copy),
    ];
    if !can_mount() {
        return;
    }
    for (name, script, view) in cases {
        let world = World::new();
        assert_mended(fix_on(&world, &mender(), script), view, name);
    }
}

/// They aren't copied, but linked.
#[test]
fn a_copy_reaches_dependencies_that_git_ignores() {
    if !can_mount() {
        return;
    }
    let (world, kimi) = (World::new(), mender());
    world.write(".gitignore", "node_modules\n");
    world.write("node_modules/real/index.js", "1\n");
    let kcode = world.keyed(&kimi, &["fix", TASK, "--test", "grep 1 node_modules/real/index.js"]);
    let ran = run_on(&world, &kcode, r#"mount -t ramfs ramfs "$S""#);
    assert_mended(ran, View::Copy, "dependencies");
}

#[test]
fn the_path_of_the_repository_may_hold_any_character() {
    for name in ["a b", "a:b,c;d=e", "back\\slash\\040", "new\nline\ttab", "-o upperdir=x", "ü\u{1f600}'\"$(x)`*?["] {
        let world = World::new();
        let place = world.path("elsewhere").join(name).join("project");
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::rename(world.root(), &place).unwrap();
        fs::create_dir(world.root()).unwrap();
        let kimi = mender();
        let mut command = world.keyed(&kimi, &["fix", TASK]);
        command.current_dir(&place);
        let ran = world.run(command).code(0);
        assert!(ran.stdout().contains("+++ b/greeting.txt"), "{name:?}: {}", ran.stderr());
        assert_eq!(fs::read_to_string(place.join("greeting.txt")).unwrap(), "Hello, Wrold!\n");
    }
}

/// The same paths and file systems where bwrap makes the namespaces, and where nobody does.
#[test]
fn where_namespaces_are_refused_the_patch_is_the_same() {
    if !refusing::is_installed() || !refusing::can_be_made() {
        return;
    }
    for name in ["plain", "a b:c,d\\e\nf"] {
        let world = World::new();
        let place = world.path(name);
        fs::rename(world.root(), &place).unwrap();
        fs::create_dir(world.root()).unwrap();
        let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done.")]);
        let mut kcode = world.keyed(&kimi, &["fix", TASK]);
        kcode.current_dir(&place);
        let output = refusing::run(&mut refusing::machine(None, &Bwrap::Plain, &kcode));
        let ran = Ran::new(output, &world.state()).code(0).says(&["namespaces by bwrap ", "files ✓"]);
        assert!(ran.stdout().contains("+++ b/greeting.txt"), "{name:?}: {}", ran.stderr());
        let wall = &ran.report()["wall"];
        assert_eq!((&wall["tree"], &wall["network"]), (&true.into(), &true.into()), "{wall}");
        crate::laws::hold(&world, &ran);
    }
}
