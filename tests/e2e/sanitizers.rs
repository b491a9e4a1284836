//! What reserves far more memory than it uses: sanitizers, and runtimes that do as they do.

use std::path::Path;
use std::process::Command;

use crate::setups::setups;
use crate::support::skipped::{Need, given};
use crate::world::{TASK, World, in_turns, mender};

/// Terabytes, as AddressSanitizer, ThreadSanitizer and Go's race detector reserve them for what they note of each byte.
const RESERVES: &str = "import mmap\n\
     flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, 'MAP_NORESERVE', 0x4000)\n\
     shadow = mmap.mmap(-1, 16 << 40, flags=flags)\n\
     shadow[1 << 40] = 7\n\
     print('ok 1 - reserved')\n";

/// A leak, an overflow that nobody takes, and threads that share a lock.
const PROGRAM: &str = "#include <pthread.h>\n#include <stdio.h>\n#include <stdlib.h>\n\
     static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;\n\
     static int *cells;\n\
     static void *fill(void *by) { pthread_mutex_lock(&lock); cells[1] += *(int *)by; pthread_mutex_unlock(&lock); return 0; }\n\
     int main(int argc, char **argv) {\n\
         pthread_t one; int by = 3; cells = calloc(4, sizeof *cells); (void)argv;\n\
         pthread_create(&one, 0, fill, &by); fill(&by); pthread_join(one, 0);\n\
         printf(\"%d\\n\", cells[1 + 4 * (argc - 1)]); cells = 0; return 0;\n\
     }\n";

#[test]
fn memory_that_is_reserved_and_not_used_is_nobodys_business() {
    let world = World::new();
    world.write("reserves.py", RESERVES);
    world.write_test("python3 reserves.py");
    let ran = world.fix(&mender(), &[]).code(0);
    assert!(ran.kept().read("logs/tests-1.log").contains("ok 1 - reserved"));
}

/// Whether the C compiler links such programs, which then run; says so when it doesn't.
fn links(folder: &Path, option: &str) -> bool {
    let place = folder.join("can-it");
    let built =
        Command::new("cc").arg(option).args(["-pthread", "-o"]).arg(&place).arg(folder.join("program.c")).status();
    let can = built.is_ok_and(|status| status.success())
        && Command::new(&place).env("LSAN_OPTIONS", "detect_leaks=0").output().is_ok_and(|ran| ran.status.success());
    given(Need::Other(&format!("a cc that builds with {option}")), can)
}

#[test]
fn sanitizers_of_the_c_compiler_work_and_find_what_they_look_for() {
    for option in ["-fsanitize=address", "-fsanitize=thread", "-fsanitize=undefined", "-fsanitize=leak"] {
        let world = World::new();
        world.write("program.c", PROGRAM);
        if !links(&world.root(), option) {
            continue;
        }
        std::fs::remove_file(world.root().join("can-it")).unwrap();
        let overflow = if option.ends_with("address") {
            "! ./build/program more > build/said 2>&1 && cat build/said"
        } else {
            ":"
        };
        world.write_test(&format!(
            "mkdir -p build && cc {option} -g -pthread -o build/program program.c && ./build/program && {overflow} && echo 'ok 1 - ran'"
        ));
        let ran = world.run(world.keyed(&mender(), &["fix", TASK])).code(0);
        let log = ran.kept().read("logs/tests-1.log");
        assert!(log.contains("ok 1 - ran"), "{option}: {log}");
        assert_eq!(log.contains("heap-buffer-overflow"), option.ends_with("address"), "{option}: {log}");
    }
}

/// With clang's own, whose runtimes reserve memory in other places than those of gcc; MemorySanitizer is clang's alone.
#[test]
#[ignore = "needs clang with its runtimes"]
fn sanitizers_of_clang_work_in_every_set_up() {
    for option in ["address", "memory", "thread", "undefined"] {
        in_turns(&setups(), |setup| {
            let world = World::new().used_by(*setup);
            world.write("program.c", PROGRAM);
            world.write_test(&format!(
                "mkdir -p build && clang -fsanitize={option} -g -pthread -o build/program program.c && ./build/program && echo 'ok 1 - ran'"
            ));
            let ran = world.run(world.keyed(&mender(), &["fix", TASK])).code(0);
            let log = ran.kept().read("logs/tests-1.log");
            assert!(log.contains("ok 1 - ran"), "{option}, {setup}: {log}");
        });
    }
}
