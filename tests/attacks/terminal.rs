//! Attacks on the terminal that kcode was started on, and on whatever else it had open.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcgetwinsize, tcsetwinsize};

use kcode::journal::Guard;

use crate::broker::{Assignment, Outcome};
use crate::setups::{Setup, Wall, play, setups_with_overlays, together, unguarded};

const SEIZE: &str = include_str!("../support/seize.py");

/// A terminal that belongs to the setup's user; whoever holds the other side sees what is done to it.
struct Terminal {
    seen: OwnedFd,
    path: PathBuf,
    /// As long as it is open it stays what it is.
    _side: OwnedFd,
}

impl Terminal {
    fn of(setup: Setup) -> Self {
        let seen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&seen).unwrap();
        unlockpt(&seen).unwrap();
        tcsetwinsize(&seen, Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let path = PathBuf::from(ptsname(&seen, Vec::new()).unwrap().into_string().unwrap());
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let side = rustix::fs::open(&path, flags, Mode::empty()).unwrap();
        if let Some(uid) = setup.uid {
            lchown(&path, Some(uid), None).unwrap();
        }
        fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap();
        // What a person types while tests run.
        rustix::io::write(&seen, b"typed by a person\n").unwrap();
        Self { seen, path, _side: side }
    }

    /// What was written on it, and whether it is as it was.
    fn look(self) -> (String, bool) {
        let size = tcgetwinsize(&self.seen).unwrap();
        let modes = tcgetattr(&self.seen).unwrap().local_modes;
        let same = (size.ws_row, size.ws_col) == (40, 100) && modes.contains(LocalModes::ECHO | LocalModes::ISIG);
        fcntl_setfl(&self.seen, OFlags::NONBLOCK).unwrap();
        let mut shown = Vec::new();
        // It ends with an error: nobody closes the terminal.
        let _ = File::from(self.seen).read_to_end(&mut shown);
        (String::from_utf8_lossy(&shown).into_owned(), same)
    }
}

fn seize(setup: Setup, own: bool) -> (Outcome, String, bool) {
    attack(setup, own, false)
}

/// Of the machine's terminals only this test's is touched, unless it is to be the `own` one alone.
fn attack(setup: Setup, own: bool, no_session: bool) -> (Outcome, String, bool) {
    let (world, terminal) = (setup.world(), Terminal::of(setup));
    let number = fs::metadata(&terminal.path).unwrap().rdev();
    let places = if own { "own".to_owned() } else { format!("{} {number}", terminal.path.display()) };
    let script = format!("cat > seize.py << 'END'\n{SEIZE}\nEND\nexec python3 seize.py {places}\n");
    let on = Some(terminal.path.clone());
    let assignment =
        Assignment { run: world.run(), script, deadline_s: 60, terminal: on, no_session, ..Assignment::default() };
    let outcome = play(setup, &world, assignment);
    assert!(outcome.log.ends_with("done\n"), "{setup}: {}", outcome.log);
    let (shown, same) = terminal.look();
    (outcome, shown, same)
}

#[test]
fn nobody_inside_gets_the_users_terminal() {
    together(setups_with_overlays(), |setup| {
        let (outcome, shown, same) = seize(setup, false);
        let log = &outcome.log;
        assert!(!log.contains("OPEN") && log.contains("session 0\n"), "{setup}: {log}");
        assert!(same && !shown.contains("OWNED"), "{setup}: {shown}");
        assert!(outcome.wall.process && outcome.holds("session"), "{setup}: {:?}", outcome.wall);
    });
}

#[test]
fn a_command_has_three_descriptors_and_they_lead_nowhere() {
    together(setups_with_overlays().into_iter().chain([unguarded()]).collect(), |setup| {
        let (outcome, ..) = seize(setup, true);
        let descriptors = "descriptors ['0', '1', '2'] ['/dev/null', 'pipe', 'pipe']\n";
        assert!(outcome.log.contains(descriptors), "{setup}: {}", outcome.log);
    });
}

/// A worker that can't leave the user's session says so, and still shows nobody the terminal of that session.
#[test]
fn without_a_session_nothing_counts_as_guarding_processes() {
    let setups = setups_with_overlays().into_iter().filter(|setup| setup.wall != Wall::Bwrap);
    together(setups.collect(), |setup| {
        let (outcome, shown, same) = attack(setup, false, true);
        let (wall, log) = (&outcome.wall, &outcome.log);
        assert!(!outcome.holds("session") && !wall.process, "{setup}: {wall:?}");
        let open: Vec<&str> = wall
            .proof
            .iter()
            .filter(|it| !it.held && it.guards == Guard::Processes)
            .map(|it| it.attempt.as_str())
            .collect();
        assert_eq!(open, ["belong to the user's terminal"], "{setup}");
        assert!(same && !shown.contains("OWNED") && !log.contains("OPEN"), "{setup}: {shown} {log}");
    });
}

/// Without a sandbox the session alone keeps `/dev/tty` from tests; what the user may open by its path is open.
#[test]
fn without_a_sandbox_tests_have_no_terminal_but_may_open_it() {
    let setup = unguarded();
    assert_eq!(setup.wall, Wall::Off);
    let (own, shown, same) = seize(setup, true);
    assert!(!own.log.contains("OPEN") && own.log.contains("session 0\n"), "{}", own.log);
    assert!(same && !shown.contains("OWNED"), "{shown}");
    let (all, shown, same) = seize(setup, false);
    assert!(all.log.contains("OPEN /dev/pts/") && shown.contains("OWNED") && !same, "the attack is none: {}", all.log);
}
