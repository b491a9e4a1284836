//! A machine that refuses user namespaces, without touching the one that the tests run on: a namespace in which there can
//! be no further ones. What bwrap can do there depends on who starts it, as on real machines.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::skipped::{Need, given};

const BWRAP: &str = "/usr/bin/bwrap";
/// Long enough for any machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_mins(1);
/// `$1`: what to show as bwrap; `$2`: the user. It goes on when the namespace knows its users.
const BEGIN: &str = r#"read -r go
give_up() {
    echo "not made: $1; user $(id -u) of $(cat /proc/self/uid_map), $(grep CapEff /proc/self/status)" >&2; exit 1
}
if [ "$1" ]; then
    why=$(mount --bind "$1" /usr/bin/bwrap 2>&1)
    cmp -s "$1" /usr/bin/bwrap && [ -u /usr/bin/bwrap ] || give_up "bwrap can't be shown: $why"
fi
setting=/proc/sys/user/max_user_namespaces
why=$({ echo 0 > $setting; } 2>&1)
if unshare --user true 2> /dev/null; then give_up "$setting can't be set: $why"; fi
user=$2; shift 2
if [ "$user" = 0 ]; then exec "$@"; fi
exec setpriv --reuid "$user" --regid "$user" --clear-groups --inh-caps -all --ambient-caps -all "$@""#;

/// Which bwrap that machine has.
pub enum Bwrap {
    /// The one that this machine has, with the rights of whoever starts it.
    Plain,
    /// One that takes root's rights: this copy of it. Only root's tests can have it.
    Setuid(PathBuf),
}

/// Whether there is a bwrap to be tested with; says so when there is none.
pub fn is_installed() -> bool {
    given(Need::Bwrap, Path::new(BWRAP).exists())
}

/// Whether this machine lets the tests make that machine; says so when it doesn't.
pub fn can_be_made() -> bool {
    given(Need::UserNamespaces, run(&mut machine(None, &Bwrap::Plain, &Command::new("true"))).status.success())
}

/// A copy of bwrap in `folder` that takes root's rights.
pub fn with_roots_rights(folder: &Path) -> PathBuf {
    let copy = folder.join("bwrap");
    fs::copy(BWRAP, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o4755)).unwrap();
    copy
}

/// `command` on that machine: as user `uid`, or as root of that machine when it is `None`.
pub fn machine(uid: Option<u32>, bwrap: &Bwrap, command: &Command) -> Command {
    let mut enclosed = Command::new("unshare");
    let keep = if is_root() { "--keep-caps" } else { "--map-root-user" };
    let shown = match bwrap {
        Bwrap::Plain => PathBuf::new(),
        Bwrap::Setuid(copy) => copy.clone(),
    };
    enclosed.args([keep, "--user", "--mount", "sh", "-c", BEGIN, "sh"]).arg(shown);
    enclosed.arg(uid.unwrap_or(0).to_string()).arg(command.get_program()).args(command.get_args());
    // `/proc/self/environ` of what is started holds nothing else.
    enclosed.env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            enclosed.env(name, value);
        }
    }
    if let Some(path) = std::env::var_os("PATH").filter(|_| !command.get_envs().any(|(name, _)| name == "PATH")) {
        enclosed.env("PATH", path);
    }
    if let Some(folder) = command.get_current_dir() {
        enclosed.current_dir(folder);
    }
    enclosed.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    enclosed
}

/// Starts what [`machine`] made.
pub fn start(enclosed: &mut Command) -> Child {
    let mut child = enclosed.spawn().unwrap();
    if is_root() {
        for map in ["uid_map", "gid_map"] {
            map_everybody(&mut child, map);
        }
    }
    let _ = child.stdin.take().unwrap().write_all(b"go\n");
    child
}

/// Maps users or groups as they are. Until the child is in its namespace this is refused; one that ends before tells why.
fn map_everybody(child: &mut Child, map: &str) {
    let (map, limit) = (Path::new("/proc").join(child.id().to_string()).join(map), Instant::now() + PATIENCE);
    while let Err(error) = fs::write(&map, "0 0 4294967294") {
        if child.try_wait().unwrap().is_some() {
            return;
        }
        assert!(Instant::now() < limit, "{}: {error}", map.display());
        std::thread::yield_now();
    }
}

/// The same, to its end. Now and then what is started there is user 65534 without capabilities, and nobody knows why; it says so,
/// and another machine is made.
pub fn run(enclosed: &mut Command) -> Output {
    let mut output = start(enclosed).wait_with_output().unwrap();
    for _ in 0..4 {
        let said = String::from_utf8_lossy(&output.stderr);
        if !said.starts_with("not made: ") {
            break;
        }
        eprintln!("once more: {said}");
        output = start(enclosed).wait_with_output().unwrap();
    }
    output
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}
