//! From launch to the first request, and to the end: worker, wall, survey and all, on a small repository and on those of 50,000
//! and of 500,000 files.
//!
//! A server inside this bench notes when the first byte of the first request arrives. What is compared with it is
//! measured in the same run on the same machine: starting `/bin/true`, and `git status` of the same tree. At the end
//! stands a table of medians, ratios and peak memory; `docs/performance.md` holds one such table.

#![expect(clippy::expect_used, reason = "a bench that can't be set up fails")]
#![expect(clippy::print_stdout, reason = "the table is what this is for")]

mod enclosure;
mod launch;
mod memory;
mod provider;
mod repository;
mod table;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::Criterion;

use enclosure::{Enclosure, Kind, plainly};
use launch::{KCODE, Launch};
use repository::Fixture;
use table::Table;

/// A command without and with the wall.
const PLAINLY: &str = "sh -c true, plainly";
const INSIDE: &str = "sh -c true, inside";
/// Whole runs whose memory is read.
const MEMORY_RUNS: usize = 3;
/// How often that is measured which takes long.
const FEW: usize = 7;

fn main() {
    let (fixtures, huge) = ([Fixture::small(), Fixture::large()], Fixture::huge());
    let mut table = Table::default();
    let mut criterion = Criterion::default().sample_size(20).without_plots().configure_from_args();
    command(&mut criterion, &mut table, "start /bin/true", || Command::new("/bin/true"));
    command(&mut criterion, &mut table, "kcode --version", || {
        let mut kcode = Command::new(KCODE);
        kcode.arg("--version");
        kcode
    });
    for fixture in &fixtures {
        command(&mut criterion, &mut table, &format!("git status, {}", fixture.name), || fixture.git_status());
        worker_and_view(&mut criterion, &mut table, fixture);
        first_request(&mut criterion, &mut table, fixture);
    }
    commands(&mut criterion, &mut table, &fixtures[0]);
    criterion.final_summary();
    for _ in 0..FEW {
        table.times(&format!("first request, {}", huge.name), &[Launch::new(&huge.root).until_first_request()]);
        fixtures.iter().chain([&huge]).for_each(|fixture| whole_run(&mut table, fixture));
    }
    for fixture in &fixtures {
        let peaks: Vec<_> = (0..MEMORY_RUNS).map(|_| Launch::new(&fixture.root).peak_memory()).collect();
        table.memory(fixture.name, &peaks);
    }
    println!("{table}");
}

/// A whole run, and `git status` right after it.
fn whole_run(table: &mut Table, fixture: &Fixture) {
    table.times(&format!("whole run, {}", fixture.name), &[Launch::new(&fixture.root).whole()]);
    table.times(&format!("git status beside it, {}", fixture.name), &[once(fixture.git_status())]);
}

fn once(mut command: Command) -> Duration {
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("it starts");
    let took = began.elapsed();
    assert!(status.success(), "{command:?} failed");
    took
}

/// From spawning a command to its end.
fn command(criterion: &mut Criterion, table: &mut Table, name: &str, make: impl Fn() -> Command) {
    measure(criterion, table, name, || once(make()));
}

/// As an overlay and as a copy, and what of it the attempts to break out take.
fn worker_and_view(criterion: &mut Criterion, table: &mut Table, fixture: &Fixture) {
    for (kind, what) in [(Kind::Overlay, ""), (Kind::Copy, "a copy, ")] {
        let mut proofs = Vec::new();
        let name = format!("worker and view, {what}{}", fixture.name);
        let enclose = || {
            let enclosure = Enclosure::new(&fixture.root, kind, "true");
            let took = enclosure.took;
            proofs.push(enclosure.proof);
            enclosure.remove();
            took
        };
        if kind == Kind::Copy {
            let times: Vec<_> = std::iter::repeat_with(enclose).take(FEW).collect();
            table.times(&name, &times);
        } else {
            measure(criterion, table, &name, enclose);
        }
        table.times(&format!("of it the proof, {what}{}", fixture.name), &proofs);
    }
}

/// What the wall adds to a command that does nothing.
fn commands(criterion: &mut Criterion, table: &mut Table, fixture: &Fixture) {
    measure(criterion, table, PLAINLY, || plainly("true"));
    let enclosure = Enclosure::new(&fixture.root, Kind::Overlay, "true");
    measure(criterion, table, INSIDE, || enclosure.run_tests());
    enclosure.remove();
}

fn first_request(criterion: &mut Criterion, table: &mut Table, fixture: &Fixture) {
    let name = format!("first request, {}", fixture.name);
    measure(criterion, table, &name, || Launch::new(&fixture.root).until_first_request());
}

/// Has criterion time `once` and keeps each time for the table.
fn measure(criterion: &mut Criterion, table: &mut Table, name: &str, mut once: impl FnMut() -> Duration) {
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let times: Vec<Duration> = (0..iterations).map(|_| once()).collect();
            table.times(name, &times);
            times.iter().sum()
        });
    });
}
