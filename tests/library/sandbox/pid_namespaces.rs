//! A command has a process namespace of its own: what it sees there, and what becomes of what it leaves.

use std::fs;
use std::os::unix::fs::MetadataExt;

use kcode::sandbox::Worker;

use super::world::World;
use crate::support::skipped::{Need, given, has_program};

/// What `line` writes in a PID namespace; `None` where this machine doesn't allow us one.
async fn seen(world: &World, line: &str) -> Option<String> {
    let (worker, wall) = Worker::start(world.plan(line)).await.unwrap();
    let has_own_namespaces = wall.layers.iter().any(|layer| layer.name == "namespaces" && layer.holds);
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(worker.stop().await.survivors, 0);
    given(Need::PidNamespaces, has_own_namespaces).then(|| world.log(&run))
}

#[tokio::test]
async fn a_command_sees_its_own_processes_and_no_others() {
    let world = World::new();
    let Some(seen) = seen(&world, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; ls /proc/*/fd > /dev/null 2>&1").await
    else {
        return;
    };
    assert!(seen.contains("__worker init") && seen.contains("cat /proc/"), "{seen}");
    assert!(!seen.contains("__worker host") && !seen.contains("deps/worker-"), "{seen}");
}

#[tokio::test]
async fn the_first_process_of_a_cell_can_be_neither_killed_nor_read_and_passes_nothing_on() {
    let world = World::new();
    let line = "kill -KILL 1; kill -STOP 1; kill -TERM 1; echo alive; \
                for file in environ mem maps; do cat /proc/1/$file > /dev/null 2>&1 && echo read $file; done; \
                readlink /proc/1/fd/0; ls /proc/self/fd";
    let Some(seen) = seen(&world, line).await else { return };
    // `ls` itself has the folder open.
    assert_eq!(seen, "alive\n0\n1\n2\n3\n");
}

#[tokio::test]
async fn a_signal_to_everybody_reaches_nobody_outside() {
    let world = World::new();
    let worker = world.worker("trap '' TERM; kill -TERM -1; kill -KILL -1").await;
    let run = worker.run_tests(&[]).await.unwrap();
    assert!(!run.passed());
    assert!(worker.run_tests(&[]).await.is_ok(), "the worker is gone");
}

#[tokio::test]
async fn nothing_that_a_command_leaves_survives_it() {
    let world = World::new();
    let leave = "import os, signal, sys\n\
                 for n in range(20):\n    \
                     if os.fork() == 0:\n        \
                         os.setsid()\n        \
                         if os.fork() == 0:\n            \
                             for number in range(1, 32):\n                \
                                 if number not in (9, 19): signal.signal(number, signal.SIG_IGN)\n            \
                             open(f'left-{n}', 'w').close()\n            \
                             while True: signal.pause()\n        \
                         os._exit(0)\n\
                 while len([name for name in os.listdir('.') if name.startswith('left-')]) < 20: pass\n\
                 print('done')\n";
    fs::write(world.view().join("leave.py"), leave).unwrap();
    if !has_program("python3") {
        return;
    }
    let line = format!("python3 leave.py {}", world.folder.display());
    let (worker, _) = Worker::start(world.plan(&line)).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert!(run.passed() && world.log(&run) == "done\n", "{}", world.log(&run));
    let left = world.living().iter().filter(|living| living.arguments.contains("leave.py\0")).count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn what_is_written_shortly_after_the_command_still_counts() {
    let world = World::new();
    let run =
        world.run("(while [ ! -e parent-gone ]; do :; done; echo late) & (sleep 0.05; echo > parent-gone) &").await;
    assert_eq!(world.log(&run), "late\n");
}

#[tokio::test]
async fn devices_and_kernel_settings_are_few_and_read_only() {
    let world = World::new();
    let line = "ls /dev | tr '\\n' ' '; for file in kernel/core_pattern kernel/pid_max vm/drop_caches; do \
                (echo 1 > /proc/sys/$file) 2> /dev/null && echo wrote $file; done; \
                (echo h > /proc/sysrq-trigger) 2> /dev/null && echo sysrq; \
                mknod disk b 8 0 2> /dev/null && echo mknod; ls /dev/shm";
    let Some(seen) = seen(&world, line).await else { return };
    assert_eq!(seen.replace("mqueue ", ""), "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ");
}

#[tokio::test]
async fn memory_that_looks_like_a_disk_is_bounded() {
    let world = World::new();
    let line = "for place in /tmp /var/tmp /dev/shm; do stat -f -c '%n %b %S' $place; done";
    let Some(seen) = seen(&world, line).await else { return };
    for place in seen.lines() {
        let numbers: Vec<u64> = place.split(' ').skip(1).map(|number| number.parse().unwrap()).collect();
        assert!((1..=2 << 30).contains(&(numbers[0] * numbers[1])), "{place}");
    }
}

#[tokio::test]
async fn memory_files_and_processes_are_bounded() {
    let world = World::new();
    let line = "ulimit -c; ulimit -f; ulimit -p 2> /dev/null || ulimit -u; cat /proc/self/oom_score_adj; \
                cat /proc/sys/kernel/pid_max";
    let Some(seen) = seen(&world, line).await else { return };
    let numbers: Vec<u64> = seen.lines().map(|line| line.parse().unwrap()).collect();
    // Kibibytes, and blocks of 512 bytes; `unlimited` is no number.
    let [core, file, processes, goes_first, ..] = numbers[..] else { panic!("{seen}") };
    assert!(core == 0 && file == 16 << 21 && processes <= 4096 && goes_first >= 800, "{seen}");
}

#[tokio::test]
async fn a_fork_bomb_hits_its_bound_and_is_gone_afterwards() {
    let world = World::new();
    // Threads count as processes do, and cost less.
    let bomb = "import threading\n\
                held = threading.Event()\n\
                threading.stack_size(65536)\n\
                made = 0\n\
                try:\n    \
                    while made < 10000:\n        \
                        threading.Thread(target=held.wait, daemon=True).start(); made += 1\n\
                except RuntimeError: pass\n\
                import os; print(made, flush=True); os._exit(0)\n";
    fs::write(world.view().join("bomb.py"), bomb).unwrap();
    if !has_program("python3") {
        return;
    }
    let Some(seen) = seen(&world, "python3 bomb.py").await else { return };
    let bounded = fs::metadata("/proc/self").unwrap().uid() != 0 || kernel_bounds_namespaces();
    assert!(!bounded || seen.trim().parse::<u64>().unwrap() < 4096, "{seen}");
}

/// Root can only be bounded by a kernel that counts per namespace.
fn kernel_bounds_namespaces() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    (numbers.next(), numbers.next()) >= (Some(6), Some(14))
}
