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

use launch::{KCODE, Launch};
use repository::Fixture;
use table::Table;

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
        let name = format!("worker and view, {}", fixture.name);
        measure(&mut criterion, &mut table, &name, || enclosure::until_enclosed(&fixture.root));
        first_request(&mut criterion, &mut table, fixture);
    }
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
