//! Attacks that take the machine's memory, by every way to it. The limit is lowered, and each stops by itself at a few
//! times as much: a sandbox that fails costs less than a gigabyte, for seconds.

use crate::broker::Assignment;
use crate::setups::{Wall, play, setups};

const MIB: u64 = 1 << 20;
const LIMIT: u64 = 192 * MIB;

/// Takes 640 MiB in the way that the first argument names, and waits to be ended.
const TAKE: &str = r#"
import ctypes, mmap, os, socket, sys, time
CHUNK, CHUNKS = 16 << 20, 40
way, chunk = sys.argv[1], b"x" * CHUNK
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
kept = []
def fill(fd):
    for _ in range(CHUNKS): os.write(fd, chunk)
if way == "memfd":
    fd = os.memfd_create("x")
    fill(fd)
elif way == "memfd in a socket":
    ends = socket.socketpair()
    fd = os.memfd_create("x")
    fill(fd)
    socket.send_fds(ends[0], [b"x"], [fd])
    os.close(fd)
elif way == "System V":
    for n in range(CHUNKS):
        number = libc.shmget(0, CHUNK, 0o1600)
        if number == -1: sys.exit("refused: " + os.strerror(ctypes.get_errno()))
        at = libc.shmat(number, None, 0)
        ctypes.memset(at, 1, CHUNK)
        libc.shmdt(ctypes.c_void_p(at))
elif way in ("/tmp", "/dev/shm"):
    place = way + "/kcode-attack-" + str(os.getpid())
    fd = os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR)
    os.unlink(place)
    fill(fd)
elif way == "shared":
    for _ in range(CHUNKS):
        kept.append(mmap.mmap(-1, CHUNK))
        kept[-1].write(chunk)
elif way == "private":
    kept = [bytearray(chunk) for _ in range(CHUNKS)]
elif way == "many":
    for _ in range(CHUNKS):
        if os.fork() == 0:
            kept = bytearray(chunk)
            time.sleep(1000)
print("taken", flush=True)
time.sleep(1000)
"#;

fn taken(way: &str, walls: &[Wall]) {
    for setup in setups().into_iter().filter(|setup| walls.contains(&setup.wall)) {
        let world = setup.world();
        let script = format!("cat > take.py << 'END'\n{TAKE}\nEND\nexec python3 take.py '{way}'\n");
        let memory = Some(LIMIT);
        let assignment = Assignment { run: world.run(), script, deadline_s: 60, memory, ..Assignment::default() };
        let outcome = play(setup, &world, assignment);
        assert_eq!(outcome.tests.stopped.as_deref(), Some("memory"), "{setup}: {way}: {}", outcome.log);
        assert_eq!(outcome.residue.survivors, 0, "{setup}: {way}");
    }
}

const ALL: [Wall; 3] = [Wall::Whole, Wall::Bwrap, Wall::WithoutNamespaces];

#[test]
fn a_file_of_memory_that_nobody_maps_counts() {
    taken("memfd", &ALL);
}

#[test]
fn memory_on_its_way_through_a_socket_counts() {
    taken("memfd in a socket", &ALL);
}

/// Without namespaces there are no segments.
#[test]
fn segments_that_nobody_maps_count() {
    taken("System V", &[Wall::Whole, Wall::Bwrap]);
}

/// Without namespaces `/tmp` is not for commands, and `/dev/shm` the machine's.
#[test]
fn file_systems_in_memory_count() {
    taken("/tmp", &[Wall::Whole, Wall::Bwrap]);
    taken("/dev/shm", &ALL);
}

#[test]
fn shared_mappings_count() {
    taken("shared", &ALL);
}

#[test]
fn private_memory_counts_in_one_process_and_in_many() {
    taken("private", &ALL);
    taken("many", &ALL);
}
