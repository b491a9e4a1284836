//! Ten thousand kept runs: how long `kcode runs` and `kcode stats` take to read and count them, and how long it takes to only
//! read the same bytes.
//!
//! The runs are made once below `target/tmp`, half a gigabyte with their repositories; delete the folder at any time.

#![expect(clippy::expect_used, reason = "a bench that can't be set up fails")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use git2::{Oid, Repository, Signature, Time};
use kcode::history::{Catalogue, Grouped, Retention, RetentionLimits, repairs};
use kcode::journal::{Outcome, RelPath, RunFolder, timestamp};
use kcode::workspace::{Blobs, ChangeSet, ChangedFile, FileMode, FileState};
use time::OffsetDateTime;

#[path = "../tests/support/journals.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod journals;

use journals::MadeRun;

const RUNS: usize = 10_000;
const TURNS: usize = 8;
const REPOSITORIES: usize = 20;
const FILES: usize = 2;
/// The first run, in seconds since 1970; another one follows every ten minutes.
const BEGIN_S: i64 = 1_767_225_600;
const APART_S: i64 = 600;

/// The state folder with all the runs.
fn state() -> PathBuf {
    let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ten-thousand-runs");
    if !state.join("complete").exists() {
        let mut worlds: Vec<_> =
            (0..REPOSITORIES).map(|n| Made::repository(&state.join(format!("trees/{n}")))).collect();
        (0..RUNS).for_each(|number| make(number, &state, &mut worlds[number % REPOSITORIES]));
        fs::write(state.join("complete"), "").expect("a file");
    }
    state
}

/// Two of three runs are verified, and half of all are applied and committed, one in five of those after an edit by hand.
fn make(number: usize, state: &Path, made: &mut Made) {
    let letters = b"23456789abcdefghjkmnpqrstuvwxyz";
    let digit = |place: u32| letters[number / letters.len().pow(place) % letters.len()] as char;
    let id: String = (0..8).map(digit).collect();
    let began_s = BEGIN_S + number as i64 * APART_S;
    let at = |s| timestamp(OffsetDateTime::from_unix_timestamp(s).expect("a moment"));
    let answer = "12  def add(a, b):\n".repeat(200);
    let mut run = MadeRun::new(&id, &at(began_s), &made.root);
    for turn in 0..TURNS {
        run = run.call("read_file", turn % 5 != 0, &answer);
    }
    let is_verified = !number.is_multiple_of(3);
    let run = run.patch(FILES).reply(700 + number as u64).verified(is_verified);
    let run = run.ended(if is_verified { Outcome::Verified } else { Outcome::TestsFailing });
    if !number.is_multiple_of(2) {
        run.keep(state);
        return;
    }
    run.later(&at(began_s + 100)).applied(FILES as u64).keep(state);
    made.apply(&RunFolder::at(state, &id.parse().expect("an id")), number, began_s + 200);
}

/// A repository in the making, and the numbers that its files hold in their lines.
struct Made {
    root: PathBuf,
    repository: Repository,
    head: Option<Oid>,
    lines: Vec<usize>,
}

impl Made {
    fn repository(root: &Path) -> Self {
        let repository = Repository::init(root).expect("a repository");
        let mut made = Self { root: root.to_owned(), repository, head: None, lines: vec![0; 200] };
        made.commit(BEGIN_S - 1, 0);
        made
    }

    fn content(&self, file: usize) -> Vec<u8> {
        let lines = self.lines.iter().map(|line| format!("file {file} says {line}\n"));
        lines.collect::<Vec<_>>().concat().into_bytes()
    }

    /// The run changes a line of each file, and they are committed.
    fn apply(&mut self, run: &RunFolder, number: usize, at_s: i64) {
        let line = number % self.lines.len();
        let blobs = Blobs::at(&run.blobs());
        let kept = |made: &Self, file| FileState {
            mode: FileMode::Regular,
            sha256: blobs.keep(&made.content(file)).expect("a blob"),
        };
        let before: Vec<_> = (0..FILES).map(|file| kept(self, file)).collect();
        self.lines[line] = number;
        let entry = |(file, before)| ChangedFile {
            path: RelPath::new(&format!("file{file}.txt")).expect("a path"),
            before: Some(before),
            after: Some(kept(self, file)),
        };
        let changes = ChangeSet::new(before.into_iter().enumerate().map(entry).collect());
        changes.save(&run.changes()).expect("changes");
        self.lines[line] += usize::from(number.is_multiple_of(5));
        self.commit(at_s, number);
    }

    fn commit(&mut self, at_s: i64, number: usize) {
        let repository = &self.repository;
        let mut tree = repository.treebuilder(None).expect("a tree");
        for file in 0..FILES {
            let blob = repository.blob(&self.content(file)).expect("a blob");
            tree.insert(format!("file{file}.txt"), blob, 0o100_644).expect("an entry");
        }
        let tree = repository.find_tree(tree.write().expect("a tree")).expect("a tree");
        let who = Signature::new("A", "a@example.org", &Time::new(at_s, 0)).expect("somebody");
        let parent = self.head.map(|head| repository.find_commit(head).expect("a commit"));
        let parents: Vec<_> = parent.iter().collect();
        let message = format!("commit {number}");
        self.head = Some(repository.commit(Some("HEAD"), &who, &who, &message, &tree, &parents).expect("a commit"));
    }
}

/// Reads every journal on two threads, and does nothing with it.
fn plainly_read(state: &Path) -> usize {
    let runs = RunFolder::all(state).expect("the runs");
    let next = AtomicUsize::new(0);
    let read = || {
        let mut buffer = Vec::new();
        let mut bytes = 0;
        while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            buffer.clear();
            bytes += File::open(run.journal()).and_then(|mut file| file.read_to_end(&mut buffer)).expect("a journal");
        }
        bytes
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(read)).collect();
        running.into_iter().map(|thread| thread.join().expect("a thread")).sum()
    })
}

/// The whole command, as a person waits for it.
fn command(state: &Path, arguments: &[&str]) {
    let mut kcode = Command::new(env!("CARGO_BIN_EXE_kcode"));
    kcode.args(arguments).env("KCODE_HOME", state).current_dir("/").stdin(Stdio::null());
    let ran = kcode.output().expect("kcode runs");
    assert!(ran.status.success() && !ran.stdout.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn ten_thousand_runs(criterion: &mut Criterion) {
    let state = state();
    let mut group = criterion.benchmark_group("10,000 runs");
    group.sample_size(20).measurement_time(Duration::from_secs(20));
    group.bench_function("plainly read", |bencher| bencher.iter(|| plainly_read(black_box(&state))));
    group.bench_function("read and counted", |bencher| {
        bencher.iter(|| {
            let runs = Catalogue::read(black_box(&state)).expect("the runs").runs;
            assert_eq!(runs.len(), RUNS);
            Grouped::of(&runs, &[].into())
        });
    });
    group.bench_function("repairs of 5,000 applied ones", |bencher| {
        let runs = Catalogue::read(&state).expect("the runs").runs;
        bencher.iter(|| {
            let repairs = repairs(black_box(&state), &runs);
            assert_eq!(repairs.len(), RUNS / 2);
            repairs
        });
    });
    for arguments in [["stats", "--all"], ["runs", "--all"]] {
        group.bench_function(format!("kcode {}", arguments.join(" ")), |bencher| {
            bencher.iter(|| command(black_box(&state), &arguments));
        });
    }
    group.bench_function("looked at after a run, nothing to remove", |bencher| {
        let keep = RetentionLimits { runs: Some(RUNS as u32), age: None, bytes: Some(u64::MAX) };
        bencher.iter(|| {
            let mut retention = Retention::of(black_box(&state), [].into(), None).expect("the runs");
            assert_eq!(retention.going(keep, SystemTime::now()), []);
        });
    });
    group.finish();
}

criterion_group!(history, ten_thousand_runs);
criterion_main!(history);
