//! Ten thousand kept runs: how long `kcode runs` and `kcode stats` take to read and count them.
//!
//! The journals are made once below `target/tmp`, about 45 KB each, half a gigabyte together; delete the folder at any time.

#![expect(clippy::expect_used, reason = "a bench that can't be set up fails")]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use kcode::history::{Catalogue, Grouped, Keep, Retention};
use kcode::journal::Outcome;

#[path = "../tests/support/journals.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod journals;

use journals::MadeRun;

const RUNS: usize = 10_000;
const TURNS: usize = 8;
const REPOSITORIES: usize = 20;

/// The state folder with all the runs.
fn state() -> PathBuf {
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ten-thousand-runs");
    if !state.join("complete").exists() {
        (0..RUNS).for_each(|number| make(number, &state));
        fs::write(state.join("complete"), "").expect("a file");
    }
    state
}

fn make(number: usize, state: &Path) {
    let letters = b"23456789abcdefghjkmnpqrstuvwxyz";
    let digit = |place: u32| letters[number / letters.len().pow(place) % letters.len()] as char;
    let id: String = (0..8).map(digit).collect();
    let day = number % 28 + 1;
    let root = PathBuf::from(format!("/repositories/{}", number % REPOSITORIES));
    let answer = "12  def add(a, b):\n".repeat(200);
    let mut run = MadeRun::new(&id, &format!("2026-{:02}-{day:02}T10:00:00.000Z", number % 12 + 1), &root);
    for turn in 0..TURNS {
        run = run.call("read_file", turn % 5 != 0, &answer);
    }
    let run = run.patch(2).reply(700 + number as u64).verified(!number.is_multiple_of(3));
    run.ended(if number.is_multiple_of(3) { Outcome::TestsFailing } else { Outcome::Verified }).keep(state);
}

fn ten_thousand_runs(criterion: &mut Criterion) {
    let state = state();
    let mut group = criterion.benchmark_group("10,000 runs");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("read and counted", |bencher| {
        bencher.iter(|| {
            let runs = Catalogue::read(black_box(&state)).expect("the runs").runs;
            assert_eq!(runs.len(), RUNS);
            Grouped::of(&runs, &HashMap::new())
        });
    });
    group.bench_function("looked at after a run, nothing to remove", |bencher| {
        let keep = Keep { runs: Some(RUNS as u32), age: None, bytes: Some(u64::MAX) };
        bencher.iter(|| {
            let retention = Retention::of(black_box(&state), [].into(), None).expect("the runs");
            assert_eq!(retention.going(keep, SystemTime::now()), []);
        });
    });
    group.finish();
}

criterion_group!(history, ten_thousand_runs);
criterion_main!(history);
