//! Attacks through what programs share by name or number: System V's and POSIX's memory, counters and queues. And on what
//! the kernel grants a user once, however many programs share it.

use crate::broker::Assignment;
use crate::raw;
use crate::setups::{Setup, Wall, play, setups_with_overlays, together, unguarded};

/// The first run makes one of each kind, the second looks for them. Each line with OPEN is a success. `@KEY@` is a number
/// that this test alone uses, `@NUMBER@` is a segment of another program of the machine, and its key is the one after.
const SHARE: &str = r#"
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
key, number = @KEY@, @NUMBER@
def works(what, result):
    if result not in (-1, ctypes.c_void_p(-1).value):
        print("OPEN", what, flush=True)
first = not os.path.exists("first")
open("first", "w").close()
make = 0o1666 if first else 0
kinds = {
    "memory": lambda: libc.shmget(key, 4096 if first else 0, make),
    "counters": lambda: libc.semget(key, 1 if first else 0, make),
    "a queue": lambda: libc.msgget(key, make),
    "a named queue": lambda: libc.mq_open(b"/@MARK@", 0o102 if first else 0o2, 0o666, None),
    "named memory": lambda: libc.shm_open(b"/@MARK@", 0o102 if first else 0o2, 0o666),
}
for kind, attempt in kinds.items():
    if first:
        print("made" if attempt() != -1 else "refused", kind, flush=True)
    else:
        works(kind + " outlived its command", attempt())
works("memory of another program by its key", libc.shmget(key + 1, 0, 0))
about = ctypes.create_string_buffer(256)
# A number may be that of another segment here; the size tells.
if libc.shmctl(number, 2, about) == 0 and int.from_bytes(about[48:56], "little") == 12288:
    works("memory of another program by its number", libc.shmat(number, None, 0o10000))
print("done", flush=True)
"#;

/// A segment of the machine's that everybody may use.
struct Segment(usize);

impl Segment {
    fn make(key: usize) -> Self {
        let made = raw::call(libc::SYS_shmget, &[key, 12288, libc::IPC_CREAT as usize | 0o666]).unwrap();
        Self(made as usize)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let _ = raw::call(libc::SYS_shmctl, &[self.0, libc::IPC_RMID as usize]);
    }
}

/// What a command run twice printed, and whether there is a segment with its key on the machine afterwards.
fn share(setup: Setup) -> (String, String, bool) {
    let world = setup.world();
    let key = 0x6b00_0000
        + (world.mark.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31) + usize::from(byte)) & 0xff_fffe);
    let segment = Segment::make(key + 1);
    let program = SHARE
        .replace("@KEY@", &key.to_string())
        .replace("@NUMBER@", &segment.0.to_string())
        .replace("@MARK@", &world.mark);
    let script = format!("cat > share.py << 'END'\n{program}\nEND\nexec python3 share.py\n");
    let calls = vec![("run_tests".to_owned(), "{}".to_owned())];
    let outcome =
        play(setup, &world, Assignment { run: world.run(), script, deadline_s: 60, calls, ..Assignment::default() });
    assert_eq!(outcome.residue.survivors, 0, "{setup}");
    let seen = raw::call(libc::SYS_shmget, &[key, 0, 0]);
    if let Ok(seen) = seen {
        drop(Segment(seen as usize));
    }
    // Its file system need not be mounted here, and what is left counts against the user for good.
    let queue = std::ffi::CString::new(world.mark.clone()).unwrap();
    let _ = raw::call(libc::SYS_mq_unlink, &[queue.as_ptr() as usize]);
    let _ = std::fs::remove_file(format!("/dev/shm/{}", world.mark));
    (outcome.log, outcome.observations[0].text.clone(), seen.is_ok())
}

#[test]
fn what_commands_share_is_not_the_machines_and_ends_with_them() {
    together(setups_with_overlays(), |setup| {
        let (first, second, on_machine) = share(setup);
        assert!(first.ends_with("done\n") && second.contains("done"), "{setup}: {first}\n{second}");
        let open: Vec<&str> = first.lines().chain(second.lines()).filter(|line| line.starts_with("OPEN")).collect();
        let kinds = ["memory", "counters", "a queue", "a named queue", "named memory"];
        if setup.wall == Wall::WithoutNamespaces {
            // The only ones that can be had are files of the machine's, as docs/security.md says.
            assert_eq!(open, ["OPEN named memory outlived its command"], "{setup}: {first}\n{second}");
            let refused = kinds[..4].iter().all(|kind| first.contains(&format!("refused {kind}\n")));
            assert!(refused, "{setup}: {first}");
        } else {
            assert!(open.is_empty(), "{setup}: {first}\n{second}");
            let made = kinds.iter().all(|kind| first.contains(&format!("made {kind}\n")));
            assert!(made, "{setup}: suites need them: {first}");
        }
        assert!(!on_machine, "{setup}");
    });
}

#[test]
fn without_a_sandbox_all_of_that_is_the_machines() {
    let (first, second, on_machine) = share(unguarded());
    for what in ["memory", "counters", "a queue"] {
        assert!(second.contains(&format!("OPEN {what} outlived its command")), "the attack is none: {second}");
    }
    assert!(first.contains("OPEN memory of another program by its number") && on_machine, "{first}");
}

/// Each instance is one of the user's, who has a hundred or so.
#[test]
fn a_command_takes_a_part_of_what_watches_files() {
    let script = "exec python3 -c \"
import ctypes
libc, taken = ctypes.CDLL(None), 0
while taken < 100000 and libc.inotify_init1(0) != -1: taken += 1
print('taken', taken)\"";
    let all: u64 = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").unwrap().trim().parse().unwrap();
    for setup in setups_with_overlays() {
        let world = setup.world();
        let assignment =
            Assignment { run: world.run(), script: script.into(), deadline_s: 60, ..Assignment::default() };
        let outcome = play(setup, &world, assignment);
        let taken: u64 = outcome.log.trim().strip_prefix("taken ").unwrap().parse().unwrap();
        if outcome.holds("cells") {
            assert!(taken > 0 && taken <= all / 4, "{setup}: {taken} of {all}");
        } else {
            assert!(taken > all / 4, "{setup}: held after all, say so: {taken} of {all}");
        }
    }
}
