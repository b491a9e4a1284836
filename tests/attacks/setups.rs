//! The users who attack, and the kinds of sandbox that they attack.

use std::fmt;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::broker::{Assignment, Outcome, ROLE};
use crate::support::refusing::{self, Bwrap};
use crate::support::users::startable;
pub use crate::support::users::users;
use crate::world::{CANARY, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wall {
    /// Everything that this kernel has.
    Whole,
    /// The same, with the view over the user's project at its own path.
    Overlay,
    /// In namespaces that bwrap makes, because kcode is refused its own.
    Bwrap,
    /// All but namespaces.
    WithoutNamespaces,
    /// `--sandbox off`, to see that attacks are some.
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    pub uid: Option<u32>,
    pub wall: Wall,
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} behind {:?}", if self.is_root() { "root" } else { "a user" }, self.wall)
    }
}

impl Setup {
    pub fn is_root(self) -> bool {
        self.uid.is_none() && rustix::process::getuid().is_root()
    }

    /// Root must not send a signal to everybody where only what is tested keeps it from the machine's processes.
    pub fn may_signal_everybody(self) -> bool {
        self.uid.is_some() || !matches!(self.wall, Wall::Bwrap | Wall::WithoutNamespaces)
    }

    pub fn world(self) -> World {
        World::new(self.uid)
    }
}

/// Each user in each kind of sandbox.
pub fn setups() -> Vec<Setup> {
    let mut walls = vec![Wall::Whole, Wall::WithoutNamespaces];
    if refusing::is_installed() && refusing::can_be_made() {
        walls.push(Wall::Bwrap);
    }
    users().into_iter().flat_map(|uid| walls.clone().into_iter().map(move |wall| Setup { uid, wall })).collect()
}

/// And each user in a view that is an overlay.
pub fn setups_with_overlays() -> Vec<Setup> {
    let overlays = users().into_iter().map(|uid| Setup { uid, wall: Wall::Overlay });
    setups().into_iter().chain(overlays).collect()
}

/// The same test in each setup, all at the same time: most of it is waiting.
pub fn together(setups: Vec<Setup>, test: impl Fn(Setup) + Sync) {
    std::thread::scope(|scope| {
        let running: Vec<_> = setups
            .into_iter()
            .map(|setup| {
                scope.spawn({
                    let test = &test;
                    move || test(setup)
                })
            })
            .collect();
        for setup in running {
            setup.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// An unprivileged user without a sandbox.
pub fn unguarded() -> Setup {
    Setup { uid: users().pop().unwrap(), wall: Wall::Off }
}

/// Plays a broker in a process of its own, as the setup's user.
pub fn play(setup: Setup, world: &World, mut assignment: Assignment) -> Outcome {
    let program = executable(world, Path::new(env!("CARGO_BIN_EXE_kcode")));
    let itself = executable(world, &std::env::current_exe().unwrap());
    assignment.wall = format!("{:?}", setup.wall);
    assignment.program = program;
    assignment.attacker.clone_from(&itself);
    let desk = world.desk();
    fs::write(desk.join("assignment.json"), serde_json::to_string(&assignment).unwrap()).unwrap();
    let mut broker = Command::new(&itself);
    broker.args(["--exact", "broker::play", "--nocapture", "--test-threads=1"]).env_clear();
    broker.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", world.home()).env(ROLE, &desk);
    let secrets = ["MOONSHOT_API_KEY", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN"];
    broker.envs(secrets.map(|name| (name, CANARY))).env("SSH_AUTH_SOCK", world.outside().join("socket"));
    broker.envs(assignment.memory.map(|bytes| ("KCODE_TEST_MEMORY", bytes.to_string())));
    broker.envs(assignment.variables.iter().cloned());
    broker.current_dir(world.project());
    let output = match (setup.wall, setup.uid) {
        (Wall::Bwrap, uid) => {
            let bwrap = uid.map_or(Bwrap::Plain, |_| Bwrap::Setuid(refusing::with_roots_rights(world.folder())));
            refusing::run(&mut refusing::machine(uid, &bwrap, &broker))
        }
        (_, Some(uid)) => broker.uid(uid).gid(uid).output().unwrap(),
        (_, None) => broker.output().unwrap(),
    };
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{setup}: {said}");
    serde_json::from_str(&fs::read_to_string(desk.join("outcome.json")).unwrap()).unwrap()
}

/// A program where the world's user can start it.
pub fn executable(world: &World, program: &Path) -> PathBuf {
    if world.uid.is_none() { program.to_owned() } else { startable(program, world.folder()) }
}
