//! From launch to the first request: worker, wall, survey and all, on a small repository and on one of 50,000 files.
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

fn main() {
    let fixtures = [Fixture::small(), Fixture::large()];
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
    for fixture in &fixtures {
        let peaks: Vec<_> = (0..MEMORY_RUNS).map(|_| Launch::new(&fixture.root).peak_memory()).collect();
        table.memory(fixture.name, &peaks);
    }
    println!("{table}");
}

/// From spawning a command to its end.
fn command(criterion: &mut Criterion, table: &mut Table, name: &str, make: impl Fn() -> Command) {
    measure(criterion, table, name, || {
        let began = Instant::now();
        let status = make().stdin(Stdio::null()).stdout(Stdio::null()).status().expect("it starts");
        let took = began.elapsed();
        assert!(status.success(), "{name} failed");
        took
    });
}

/// As an overlay and as a copy, and what of it the attempts to break out take.
fn worker_and_view(criterion: &mut Criterion, table: &mut Table, fixture: &Fixture) {
    for (kind, what) in [(Kind::Overlay, ""), (Kind::Copy, "a copy, ")] {
        let mut proofs = Vec::new();
        measure(criterion, table, &format!("worker and view, {what}{}", fixture.name), || {
            let enclosure = Enclosure::new(&fixture.root, kind, "true");
            let took = enclosure.took;
            proofs.push(enclosure.proof);
            enclosure.remove();
            took
        });
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
