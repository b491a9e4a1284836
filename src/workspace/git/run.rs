//! Runs git to its end with limits on time and memory, and ends it with its children.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, getppid, kill_process_group, pidfd_open,
    set_parent_process_death_signal, setrlimit,
};

use super::{Git, plain};

/// Longer than git takes for anything that is asked of it here.
const DEADLINE: Duration = Duration::from_mins(1);
/// The same where another machine answers.
const REMOTE_DEADLINE: Duration = Duration::from_mins(10);
/// Interval between checks.
const OFTEN: Duration = Duration::from_millis(100);
/// Checks without any progress before the tree is searched for a pipe that git may be waiting for.
const SUSPICIOUS: u32 = 10;
/// Checks without any progress after which git counts as stuck.
const LOST: u32 = 40;
/// Bytes of private memory; mapped files of the repository don't count.
const MEMORY: u64 = 2 << 30;
/// Maximum bytes of a file that git writes.
const FILE: u64 = 4 << 30;
/// Bytes of its error output that are kept.
const SAID: u64 = 4096;

impl Git {
    /// Runs it with `input` and returns its output.
    ///
    /// # Errors
    /// When it can't be started, fails (with the first line of its error output), or takes too long.
    pub(in crate::workspace) fn run(self, input: &[u8]) -> Result<Vec<u8>, String> {
        let mut output = Vec::new();
        self.read(input, |stdout| stdout.read_to_end(&mut output).map(drop))?;
        Ok(output)
    }

    /// Runs it, and calls `each` for every part of its output that ends in a zero byte.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub(in crate::workspace) fn each_part(self, mut each: impl FnMut(&[u8])) -> Result<(), String> {
        self.read(&[], |stdout| {
            let mut part = Vec::new();
            while stdout.read_until(0, &mut part)? > 0 {
                each(part.strip_suffix(b"\0").unwrap_or(&part));
                part.clear();
            }
            Ok(())
        })
    }

    fn read(
        mut self,
        input: &[u8],
        reader: impl FnOnce(&mut BufReader<std::process::ChildStdout>) -> std::io::Result<()>,
    ) -> Result<(), String> {
        let mut child = self.start().map_err(|error| format!("git can't be started: {error}"))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (group, dir, is_remote) = (Pid::from_child(&child), self.dir.clone(), self.is_remote);
        let (read, said, in_time) = std::thread::scope(|scope| {
            // In a thread, so that reading and writing don't wait for each other; git may end without reading all
            // input.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
            let words = scope.spawn(move || {
                let mut said = Vec::new();
                let Some(mut stderr) = stderr else { return String::new() };
                let _ = stderr.by_ref().take(SAID).read_to_end(&mut said);
                // Git would fail if nobody read the rest.
                let _ = std::io::copy(&mut stderr, &mut std::io::sink());
                String::from_utf8_lossy(&said).into_owned()
            });
            let watch = scope.spawn(move || ends_in_time(group, &dir, is_remote));
            let read = stdout.map_or(Ok(()), |stdout| reader(&mut BufReader::new(stdout)));
            (read, words.join().unwrap_or_default(), watch.join().unwrap_or(Ok(())))
        });
        let status = child.wait().map_err(|error| error.to_string())?;
        in_time?;
        read.map_err(|error| error.to_string())?;
        if status.success() {
            return Ok(());
        }
        Err(said.lines().next().unwrap_or("it failed without a message").to_owned())
    }

    /// Returns true for the commands that are known to run no program.
    fn is_known(&self) -> bool {
        let mut words = self.command.get_args();
        while let Some(word) = words.next() {
            if word == "-c" {
                words.next();
            } else if !word.as_encoded_bytes().starts_with(b"-") {
                return super::COMMANDS.iter().any(|known| word == *known);
            }
        }
        false
    }

    #[expect(unsafe_code, reason = "limits have to be set between fork and exec; both calls may be made there")]
    fn start(&mut self) -> std::io::Result<Child> {
        if !self.is_known() {
            return Err(std::io::Error::other("kcode runs no such command of git's"));
        }
        let parent = rustix::process::getpid();
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        // SAFETY: only system calls, on values that were made before the fork.
        unsafe {
            self.command.pre_exec(move || {
                set_parent_process_death_signal(Some(Signal::KILL))?;
                let most = |most| Rlimit { current: Some(most), maximum: Some(most) };
                setrlimit(Resource::Data, most(MEMORY))?;
                setrlimit(Resource::Fsize, most(FILE))?;
                setrlimit(Resource::Core, most(0))?;
                // The parent may have ended before the signal was requested.
                if getppid() == Some(parent) { Ok(()) } else { Err(std::io::ErrorKind::Interrupted.into()) }
            });
        }
        self.command.spawn()
    }
}

/// Waits until the leader of `group` ends, and kills what is left of the group.
///
/// # Errors
/// When git was killed: it took too long, or was stuck in the tree at `dir`. One that talks to another machine sleeps as it
/// likes.
fn ends_in_time(group: Pid, dir: &Path, is_remote: bool) -> Result<(), String> {
    let Ok(leader) = pidfd_open(group, PidfdFlags::empty()) else {
        // A kernel without pidfds: git ends by itself, or the user interrupts.
        return Ok(());
    };
    let deadline = if is_remote { REMOTE_DEADLINE } else { DEADLINE };
    let (limit, mut sleep) = (Instant::now() + deadline, Sleep::default());
    let ended = loop {
        if ends_within(&leader, OFTEN) {
            break Ok(());
        }
        if Instant::now() > limit {
            break Err(format!("git took more than {} s", deadline.as_secs()));
        }
        if is_remote {
            continue;
        }
        let unchanged = sleep.look(group);
        if unchanged == SUSPICIOUS
            && let Some(file) = plain::special_file(dir)
        {
            break Err(format!("{} is no ordinary file", file.display()));
        }
        if unchanged >= LOST {
            break Err("git waits for a file that never comes, such as a pipe".to_owned());
        }
    };
    // The leader isn't reaped yet, so the process id is still its own.
    let _ = kill_process_group(group, Signal::KILL);
    ended
}

/// How long a process has been asleep in one wait. A process that waits for a disk isn't asleep in this sense, and one
/// that works runs now and then, however busy the machine is.
#[derive(Default)]
struct Sleep {
    seen: Vec<u8>,
    unchanged: u32,
}

impl Sleep {
    /// Checks once more; returns how often in a row nothing had changed.
    fn look(&mut self, process: Pid) -> u32 {
        let seen = switches(process).unwrap_or_default();
        self.unchanged = if !seen.is_empty() && seen == self.seen { self.unchanged + 1 } else { 0 };
        self.seen = seen;
        self.unchanged
    }
}

/// Context switches of each thread of a process; `None` unless all threads are asleep.
fn switches(process: Pid) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten() {
        let status = std::fs::read_to_string(thread.path().join("status")).ok()?;
        if !status.lines().any(|line| line.starts_with("State:\tS")) {
            return None;
        }
        all.extend(thread.file_name().as_encoded_bytes());
        status.lines().filter(|line| line.contains("ctxt_switches")).for_each(|line| all.extend(line.as_bytes()));
    }
    Some(all)
}

fn ends_within(leader: &OwnedFd, time: Duration) -> bool {
    let limit = Instant::now() + time;
    loop {
        let left = limit.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(leader, PollFlags::IN)], Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(0) | Err(_) => return false,
            Ok(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::COMMANDS;
    use super::*;

    #[test]
    fn a_command_that_is_not_listed_is_not_run() {
        let place = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| Git::nowhere(place.path()).unwrap().args(arguments).run(&[]);
        assert!(run(&["-c", "user.name=x", "check-ref-format", "refs/heads/x"]).is_ok());
        for arguments in [&["version"][..], &["-c", "apply", "version"], &["--exec-path"], &[]] {
            assert!(run(arguments).unwrap_err().contains("no such command"), "{arguments:?}");
        }
    }

    #[test]
    fn the_documentation_lists_every_command() {
        let text = include_str!("../../../docs/security.md");
        let table = text.lines().skip_while(|line| !line.starts_with("| Command | Where |")).skip(2);
        let cells = table.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
        let named: BTreeSet<&str> = cells
            .flat_map(|cell| cell.split('`').skip(1).step_by(2))
            .map(|name| name.strip_prefix("git ").unwrap_or(name))
            .collect();
        assert_eq!(named, BTreeSet::from(COMMANDS));
    }

    #[test]
    fn what_waits_for_a_pipe_is_ended() {
        let place = tempfile::tempdir().unwrap();
        let pipe = place.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let said = Git::nowhere(place.path()).unwrap().args(["hash-object".as_ref(), pipe.as_os_str()]).run(&[]);
        assert!(said.unwrap_err().contains("never comes"));
    }
}
