//! The cgroup of a run's commands: created next to kcode's own, bounded, and killed at the end.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::SUBCOMMAND;
use crate::sandbox::confine::{PROCESSES, memory_limit};

/// The argument that starts a process which joins a cgroup and executes a program; the cgroup's `cgroup.procs` and the
/// command line follow.
pub(in crate::sandbox) const JOIN: &str = "join";
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// Suffix of the cgroup's name.
const COMMANDS: &str = "-commands";
const ROUNDS: usize = 3;
/// Longest wait for killed processes to end; it takes milliseconds.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// A cgroup for commands; removed by [`Cgroup::end`].
pub(in crate::sandbox) struct Cgroup {
    /// The cgroup that kcode was started in.
    own: PathBuf,
    /// The cgroup of commands.
    commands: PathBuf,
    /// The cgroup that kcode's processes were moved to: one with controlled children may hold no processes itself.
    aside: Option<PathBuf>,
}

impl Cgroup {
    /// Creates it below `own`. `is_ours` selects the processes that may be moved.
    ///
    /// # Errors
    /// A description, if `own` isn't delegated or holds other programs.
    pub(super) fn make(own: &Path, is_ours: impl Fn(&str) -> bool) -> Result<Self, String> {
        let name = |part: &str| own.join(format!("kcode-{}{part}", std::process::id()));
        let read = |file: &str| fs::read_to_string(own.join(file)).map_err(|error| words(&error));
        let lacks = |list: &str| CONTROLLERS.iter().any(|it| !list.split_whitespace().any(|known| known == *it));
        if lacks(&read("cgroup.controllers")?) {
            return Err("this control group bounds neither memory nor processes".into());
        }
        let is_closed = lacks(&read("cgroup.subtree_control")?);
        if is_closed && read("cgroup.procs")?.lines().any(|process| !is_ours(process)) {
            return Err("other programs are in this control group".into());
        }
        let mut group = Self { own: own.to_owned(), commands: name(COMMANDS), aside: None };
        let made = fs::create_dir(&group.commands).and_then(|()| {
            if is_closed {
                group.open(name(""))?;
            }
            fs::write(group.commands.join("memory.max"), memory_limit().to_string())?;
            fs::write(group.commands.join("pids.max"), PROCESSES.to_string())
        });
        match made {
            Ok(()) => Ok(group),
            Err(error) => {
                group.end();
                Err(format!("this control group isn't delegated: {}", words(&error)))
            }
        }
    }

    /// Moves kcode's processes to `aside` and enables controllers for child cgroups.
    fn open(&mut self, aside: PathBuf) -> io::Result<()> {
        fs::create_dir(&aside)?;
        // Processes that fork meanwhile are moved in one of the first rounds.
        for _ in 0..ROUNDS {
            move_all(&self.own, &aside);
        }
        self.aside = Some(aside);
        fs::write(self.own.join("cgroup.subtree_control"), "+memory +pids")
    }

    /// Wraps `command` in a process that joins the cgroup first.
    pub(in crate::sandbox) fn around(&self, command: &Command) -> Command {
        let mut joining = Command::new("/proc/self/exe");
        joining.args([SUBCOMMAND, JOIN]).arg(self.commands.join("cgroup.procs"));
        joining.arg(command.get_program()).args(command.get_args());
        joining
    }

    /// Moves this process into the cgroup. The host reports whether that worked.
    pub(in crate::sandbox) fn enter(&self) {
        let _ = fs::write(self.commands.join("cgroup.procs"), "0");
    }

    /// Kills its processes and removes it. If the kernel refuses, whoever delegated the cgroup has to clean up.
    pub(in crate::sandbox) fn end(&self) {
        let _ = fs::write(self.commands.join("cgroup.kill"), "1");
        let limit = Instant::now() + KILL_LIMIT;
        // The folder can be removed once the cgroup is empty.
        while fs::remove_dir(&self.commands).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
            && Instant::now() < limit
        {
            thread::sleep(Duration::from_millis(1));
        }
        if let Some(aside) = &self.aside {
            let _ = fs::write(self.own.join("cgroup.subtree_control"), "-memory -pids");
            move_all(aside, &self.own);
            let _ = fs::remove_dir(aside);
        }
    }
}

/// Moves every process from one cgroup to another. Ended ones are skipped; failures are noticed later.
fn move_all(from: &Path, to: &Path) {
    for process in fs::read_to_string(from.join("cgroup.procs")).unwrap_or_default().lines() {
        let _ = fs::write(to.join("cgroup.procs"), process);
    }
}

/// Whether a process with these cgroups (`/proc/PID/cgroup`) is in one for commands.
pub(super) fn is_of_commands(groups: &str) -> bool {
    groups.lines().any(|line| line.starts_with("0::") && line.ends_with(COMMANDS))
}

/// Joins the cgroup in the first argument and executes the program in the others.
///
/// # Errors
/// If the program can't be started.
pub(in crate::sandbox) fn join(mut arguments: impl Iterator<Item = OsString>) -> io::Result<ExitCode> {
    let missing = || io::Error::from(io::ErrorKind::InvalidInput);
    let procs = arguments.next().ok_or_else(missing)?;
    // The host reports whether that worked.
    let _ = fs::write(procs, "0");
    Err(Command::new(arguments.next().ok_or_else(missing)?).args(arguments).exec())
}

/// The error's text without its number in brackets.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like a cgroup. The kernel's own files appear in it only when they are written.
    fn looks_like(controllers: &str, enabled: &str, processes: &str) -> tempfile::TempDir {
        let own = tempfile::tempdir().unwrap();
        for (name, text) in
            [("cgroup.controllers", controllers), ("cgroup.subtree_control", enabled), ("cgroup.procs", processes)]
        {
            fs::write(own.path().join(name), text).unwrap();
        }
        own
    }

    fn made(own: &tempfile::TempDir) -> Result<Cgroup, String> {
        Cgroup::make(own.path(), |process| ["41", "42"].contains(&process))
    }

    #[test]
    fn where_it_is_delegated_commands_are_bounded() {
        let own = looks_like("cpu memory pids\n", "memory pids\n", "7\n");
        let group = made(&own).unwrap();
        let limit = |file: &str| fs::read_to_string(group.commands.join(file)).unwrap().parse::<u64>().unwrap();
        assert_eq!((limit("memory.max"), limit("pids.max")), (memory_limit(), PROCESSES));
        assert!(group.aside.is_none());
        let around = group.around(Command::new("host").arg("a b"));
        let words: Vec<_> = around.get_args().map(|word| word.to_str().unwrap()).collect();
        assert_eq!([words[1], words[3], words[4]], ["join", "host", "a b"]);
        assert!(words[2].ends_with("-commands/cgroup.procs"), "{words:?}");
    }

    #[test]
    fn a_group_of_commands_is_known_by_its_name() {
        assert!(is_of_commands("9:memory:/x\n0::/user.slice/run-r1.scope/kcode-7-commands\n"));
        assert!(!is_of_commands("9:memory:/kcode-7-commands\n0::/user.slice/run-r1.scope\n"));
    }

    #[test]
    fn kcode_steps_aside_where_it_is_alone() {
        let own = looks_like("memory pids\n", "\n", "41\n42\n");
        let group = made(&own).unwrap();
        let aside = group.aside.as_ref().unwrap();
        assert_eq!(fs::read_to_string(aside.join("cgroup.procs")).unwrap(), "42");
        assert_eq!(fs::read_to_string(own.path().join("cgroup.subtree_control")).unwrap(), "+memory +pids");
        group.end();
        assert_eq!(fs::read_to_string(own.path().join("cgroup.subtree_control")).unwrap(), "-memory -pids");
        assert_eq!(fs::read_to_string(own.path().join("cgroup.procs")).unwrap(), "42");
    }

    /// Only root may create cgroups at the top of the tree, and not in every container.
    #[test]
    fn whoever_joined_is_killed_and_the_group_is_gone() {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let top = super::super::choose::own("0::/\n", &mounts);
        let own = top.map(|top| top.join(format!("kcode-test-{}", std::process::id())));
        let Some(own) = own.ok().filter(|own| fs::create_dir(own).is_ok()) else { return };
        let group = Cgroup { commands: own.join("commands"), own: own.clone(), aside: None };
        fs::create_dir(&group.commands).unwrap();
        let script = "echo 0 > \"$1\"; setsid sleep 1000 & exec sleep 1000";
        let procs = group.commands.join("cgroup.procs");
        let mut command = Command::new("sh").args(["-c", script, "sh"]).arg(&procs).spawn().unwrap();
        while fs::read_to_string(&procs).unwrap().lines().count() < 2 {
            thread::yield_now();
        }
        group.end();
        assert!(!group.commands.exists(), "the group is still there");
        assert!(!command.wait().unwrap().success());
        fs::remove_dir(own).unwrap();
    }

    #[test]
    fn where_it_is_not_the_reason_is_told_and_nothing_is_left() {
        let cases = [
            (looks_like("hugetlb\n", "", ""), "neither memory nor processes"),
            (looks_like("memory pids\n", "", "41\n1000\n"), "other programs"),
            (tempfile::tempdir().unwrap(), "No such file"),
        ];
        for (own, words) in cases {
            let before = fs::read_dir(own.path()).unwrap().count();
            let why = made(&own).err().unwrap();
            assert!(why.contains(words), "{why}");
            assert_eq!(fs::read_dir(own.path()).unwrap().count(), before);
        }
    }
}
