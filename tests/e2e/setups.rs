//! Who runs the built binary, and what the kernel lets it have: a [`World`](crate::world::World) may be used by each.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};

use landlock::{AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _};

use crate::running::wait_until;
use crate::support::refusing::{self, Bwrap};
use crate::support::users::users;

/// How often a machine without namespaces is made before a test gives up (see `refusing::run`).
const ATTEMPTS: usize = 5;

/// What makes the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernel {
    /// Namespaces of kcode's own.
    #[default]
    Namespaces,
    /// Those of bwrap, because kcode is refused its own.
    Bwrap,
    /// None: Landlock and seccomp alone.
    Landlock,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// `None` is whoever runs the tests.
    pub uid: Option<u32>,
    pub kernel: Kernel,
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.uid.is_some() || !rustix::process::getuid().is_root() { "a user" } else { "root" };
        write!(f, "{who} with {:?}", self.kernel)
    }
}

/// Each user with each kernel. The first is what all other tests have.
pub fn setups() -> Vec<Setup> {
    let mut kernels = vec![Kernel::Namespaces, Kernel::Landlock];
    if refusing::is_installed() && refusing::can_be_made() {
        kernels.push(Kernel::Bwrap);
    }
    let all = users().into_iter().flat_map(|uid| kernels.iter().map(move |kernel| Setup { uid, kernel: *kernel }));
    all.collect()
}

/// Whoever is in a Landlock domain can't mount: this thread and what it starts. Nothing else is refused that a run needs.
fn refuse_mounts() {
    let rules = Ruleset::default().handle_access(AccessFs::MakeBlock | AccessFs::Refer).unwrap().create().unwrap();
    // In any domain files can't be moved between folders, unless a rule says so.
    let moves = PathBeneath::new(PathFd::new("/").unwrap(), AccessFs::Refer);
    rules.add_rule(moves).unwrap().restrict_self().unwrap();
}

impl Setup {
    /// What `--sandbox` can be: without namespaces there are gaps.
    pub fn sandbox(self) -> &'static str {
        if self.kernel == Kernel::Landlock { "auto" } else { "strict" }
    }

    /// A program of the world's, run as its user.
    pub fn lend(self, command: &mut Command) {
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid);
        }
    }

    /// Starts `command`; `folder` is nobody's but root's.
    pub fn start(self, mut command: Command, out: &Path, err: &Path, folder: &Path) -> Child {
        let to = |path| File::create(path).unwrap();
        match self.kernel {
            Kernel::Bwrap => return self.start_beside_bwrap(&command, out, err, folder),
            Kernel::Namespaces => self.lend(command.stdout(to(out)).stderr(to(err))),
            Kernel::Landlock => {
                self.lend(command.stdout(to(out)).stderr(to(err)));
                let start = move || {
                    refuse_mounts();
                    command.spawn().unwrap()
                };
                return std::thread::spawn(start).join().unwrap();
            }
        }
        command.spawn().unwrap()
    }

    fn start_beside_bwrap(self, command: &Command, out: &Path, err: &Path, folder: &Path) -> Child {
        let bwrap = self.uid.map_or(Bwrap::Plain, |_| Bwrap::Setuid(refusing::with_roots_rights(folder)));
        let name = Path::new(command.get_program()).file_name().unwrap();
        for _ in 0..ATTEMPTS {
            let mut machine = refusing::machine(self.uid, &bwrap, command);
            machine.stdout(File::create(out).unwrap()).stderr(File::create(err).unwrap());
            let mut child = refusing::start(&mut machine);
            let comm = format!("/proc/{}/comm", child.id());
            let is_it = || fs::read_to_string(&comm).is_ok_and(|comm| *comm.trim_end() == *name);
            wait_until("the program is started", || is_it() || child.try_wait().unwrap().is_some());
            if !fs::read_to_string(err).unwrap().starts_with("not made: ") {
                return child;
            }
        }
        panic!("a machine without namespaces can't be made: {}", fs::read_to_string(err).unwrap());
    }
}
