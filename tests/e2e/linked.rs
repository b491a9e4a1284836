//! Home, state, temporary folder and repository by other names than their own: links, and `..`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use crate::setups::{Kernel, setups};
use crate::world::{TASK, World, in_turns, mender};

/// What is called otherwise, and how it is given to the command.
type Naming = (&'static str, fn(&World, &mut Command));

/// A link to a folder of the world, in a folder of its own.
fn link(world: &World, to: PathBuf) -> PathBuf {
    let links = world.path("links");
    fs::create_dir_all(&links).unwrap();
    let link = links.join(to.file_name().unwrap());
    symlink(to, &link).unwrap();
    link
}

const NAMINGS: [Naming; 6] = [
    ("the home, with the state in it", |world, kcode| {
        kcode.env("HOME", link(world, world.path("home"))).env_remove("KCODE_HOME");
    }),
    ("the home", |world, kcode| {
        kcode.env("HOME", link(world, world.path("home")));
    }),
    ("the state", |world, kcode| {
        fs::create_dir_all(world.state()).unwrap();
        fs::set_permissions(world.state(), Permissions::from_mode(0o700)).unwrap();
        kcode.env("KCODE_HOME", link(world, world.state()));
    }),
    ("the state by way of another folder", |world, kcode| {
        let name = world.state().file_name().unwrap().to_owned();
        kcode.env("KCODE_HOME", world.path("home").join("..").join(name));
    }),
    ("the temporary folder", |world, kcode| {
        kcode.env("TMPDIR", link(world, world.path("tmp")));
    }),
    ("the repository", |world, kcode| {
        kcode.current_dir(link(world, world.root()));
    }),
];

#[test]
fn a_sandbox_is_whole_whatever_its_folders_are_called() {
    let setups = setups();
    let cases: Vec<_> = setups.iter().flat_map(|setup| NAMINGS.map(|naming| (*setup, naming))).collect();
    in_turns(&cases, |(setup, (what, name))| {
        let world = World::new().used_by(*setup);
        let kimi = mender();
        let arguments = ["fix", TASK, "--no-baseline", "--sandbox", setup.sandbox(), "--output", "jsonl"];
        let mut kcode = world.keyed(&kimi, &arguments);
        name(&world, &mut kcode);
        let ran = world.start(kcode).wait().code(0);
        let events = ran.stdout();
        let built = events.lines().find(|line| line.contains("\"wall_built\"")).unwrap();
        // Files can't be held without namespaces.
        let is_whole = setup.kernel != Kernel::Landlock;
        assert!(built.contains(&format!("\"tree\":{is_whole}")), "{setup}, {what}: {built}");
        assert!(built.contains("\"process\":true"), "{setup}, {what}: {built}");
    });
}

#[test]
fn a_state_folder_that_others_can_rename_is_refused() {
    let setup = setups()[0];
    for depth in ["open/state", "open/inner/state"] {
        let world = World::new().used_by(setup);
        let state = world.path(depth);
        fs::create_dir_all(&state).unwrap();
        fs::set_permissions(&state, Permissions::from_mode(0o700)).unwrap();
        let open = |mode| fs::set_permissions(world.path("open"), Permissions::from_mode(mode)).unwrap();
        open(0o777);
        let kimi = mender();
        let mut kcode = world.keyed(&kimi, &["fix", TASK]);
        kcode.env("KCODE_HOME", &state);
        world.start(kcode).wait().code(78).says(&["/open, which it lies in, can be written by other users", "hint: "]);
        assert!(kimi.requests().is_empty());
        for mode in [0o1777, 0o755] {
            open(mode);
            let mut kcode = world.kcode(&["runs"]);
            kcode.env("KCODE_HOME", &state);
            world.start(kcode).wait().code(0);
        }
    }
}
