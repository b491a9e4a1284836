//! What is kept of many runs: the listing with its filters, and what is removed when.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use kcode::history::{MOST_LOOKS, Retention, RetentionLimits};
use kcode::journal::{Outcome, RunId};
use serde_json::Value;

use crate::laws::assert_shape;
use crate::support::journals::MadeRun;
use crate::world::{TASK, World, mender};

/// Four runs of this repository and one of another, newest last.
fn furnished() -> World {
    let world = World::new();
    let (here, state) = (world.root(), world.state());
    let made = |id, day: &str| MadeRun::new(id, &format!("2026-01-{day}T10:00:00.000Z"), &here);
    made("aaaaaaaa", "01").verified_run().applied(1).keep(&state);
    made("bbbbbbbb", "02").reply(900).patch(2).reply(10).verified(false).ended(Outcome::TestsFailing).keep(&state);
    MadeRun::new("cccccccc", "2026-01-03T10:00:00.000Z", Path::new("/elsewhere")).verified_run().keep(&state);
    made("dddddddd", "04").verified_run().keep(&state);
    made("eeeeeeee", "05").reply(5).keep(&state);
    world
}

/// The ids that `kcode runs` lists with these arguments, in order.
fn listed(world: &World, arguments: &[&str]) -> Vec<String> {
    let ran = world.run(world.kcode(&[&["runs"], arguments].concat())).code(0);
    ran.stdout().lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn the_listing_is_a_table() {
    let world = furnished();
    insta::assert_snapshot!(world.run(world.kcode(&["runs"])).code(0).stdout());
    let all = world.run(world.kcode(&["runs", "--all"])).code(0).stdout();
    assert!(all.contains("/elsewhere"), "{all}");
}

#[test]
fn filters_narrow_it() {
    let world = furnished();
    assert_eq!(listed(&world, &[]), ["eeeeeeee", "dddddddd", "bbbbbbbb", "aaaaaaaa"]);
    assert_eq!(listed(&world, &["--all"]).len(), 5);
    assert_eq!(listed(&world, &["--outcome", "verified"]), ["dddddddd", "aaaaaaaa"]);
    assert_eq!(listed(&world, &["--outcome", "verified", "--outcome", "tests_failing"]).len(), 3);
    assert_eq!(listed(&world, &["--applied"]), ["aaaaaaaa"]);
    assert_eq!(listed(&world, &["--waiting"]), ["dddddddd", "bbbbbbbb"]);
    assert_eq!(listed(&world, &["--since", "2026-01-04"]), ["eeeeeeee", "dddddddd"]);
    assert_eq!(listed(&world, &["-n", "1"]), ["eeeeeeee"]);
    let none = world.run(world.kcode(&["runs", "--outcome", "storage"])).code(0).says(&["none of 4 runs fits"]);
    assert_eq!(none.stdout(), "");
    world.run(world.kcode(&["runs", "--since", "yesterday"])).code(2).says(&["2026-01-31"]);
    world.run(world.kcode(&["runs", "--outcome", "good"])).code(2).says(&["tests_failing"]);
    world.run(world.kcode(&["runs", "--applied", "--waiting"])).code(2);
}

#[test]
fn the_listing_for_programs_names_what_cannot_be_read() {
    let world = furnished();
    let broken = world.state().join("runs/bbbbbbbb/journal.jsonl");
    let journal = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, journal.replacen("\"seq\":3", "\"seq\":7", 1)).unwrap();
    let ran = world.start(world.kcode(&["runs", "--output", "json"])).wait().code(0);
    let listed: Value = serde_json::from_str(&ran.stdout()).unwrap();
    assert_shape("runs", &listed);
    let ids: Vec<_> = listed["runs"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert_eq!(ids, ["eeeeeeee", "dddddddd", "aaaaaaaa"]);
    assert_eq!(listed["unreadable"][0]["run"], "bbbbbbbb");
    ran.says(&["run bbbbbbbb is unreadable: line 4 of the journal is damaged: it has number 7"]);
    assert_eq!(listed["runs"][2]["fate"], "applied");
    assert_eq!(listed["runs"][2]["first_success"], true);
    assert_eq!(listed["runs"][2]["latencies_ms"], serde_json::json!([1_000, 2_000]));
}

#[test]
fn a_run_that_is_being_worked_on_is_running() {
    let world = furnished();
    let journal = File::open(world.state().join("runs/eeeeeeee/journal.jsonl")).unwrap();
    let outcome = || world.run(world.kcode(&["runs", "-n", "1"])).stdout().lines().nth(1).unwrap().to_owned();
    assert!(outcome().contains("interrupted"), "{}", outcome());
    journal.lock().unwrap();
    assert!(outcome().contains("running"), "{}", outcome());
}

/// Makes a run's last event so many days old.
fn age(world: &World, id: &str, days: u64) {
    let journal = File::options().append(true).open(world.state().join(format!("runs/{id}/journal.jsonl"))).unwrap();
    journal.set_modified(SystemTime::now() - Duration::from_hours(24 * days)).unwrap();
}

/// The runs that are left.
fn left(world: &World) -> Vec<String> {
    let mut left: Vec<_> =
        world.runs().iter().map(|run| run.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    left.sort();
    left
}

/// [`furnished`], each run a day older than the next.
fn aged() -> World {
    let world = furnished();
    for (id, days) in [("aaaaaaaa", 5), ("bbbbbbbb", 4), ("cccccccc", 3), ("dddddddd", 2), ("eeeeeeee", 1)] {
        age(&world, id, days);
    }
    world
}

#[test]
fn runs_go_by_count_age_and_size_but_the_latest_of_a_repository_and_its_latest_waiting_patch_stay() {
    for limit in [["--keep", "1"], ["--max-age", "36h"], ["--max-size", "1kB"]] {
        let world = aged();
        let told = world.run(world.kcode(&[&["gc", "--dry-run"], &limit[..]].concat())).code(0);
        told.says(&["would remove 2 runs"]);
        assert_eq!(left(&world).len(), 5, "{limit:?}");
        world.run(world.kcode(&[&["gc"], &limit[..]].concat())).code(0).says(&["removed 2 runs"]);
        assert_eq!(left(&world), ["cccccccc", "dddddddd", "eeeeeeee"], "{limit:?}");
    }
}

#[test]
fn the_oldest_go_first_and_no_more_than_has_to() {
    let world = aged();
    let ran = world.run(world.kcode(&["gc", "--keep", "4", "--output", "json"])).code(0);
    let cleared: Value = serde_json::from_str(&ran.stdout()).unwrap();
    assert_shape("gc", &cleared);
    assert_eq!(cleared["runs"][0]["run"], "aaaaaaaa");
    assert_eq!(cleared["runs"][0]["reason"], "count");
    assert_eq!(left(&world), ["bbbbbbbb", "cccccccc", "dddddddd", "eeeeeeee"]);
}

#[test]
fn what_somebody_works_on_or_nobody_can_read_stays() {
    let world = aged();
    let journal = File::open(world.state().join("runs/aaaaaaaa/journal.jsonl")).unwrap();
    journal.lock().unwrap();
    fs::write(world.state().join("runs/bbbbbbbb/journal.jsonl"), "garbage\ngarbage\n").unwrap();
    age(&world, "bbbbbbbb", 4);
    fs::write(world.state().join("runs/dddddddd/applied.json"), "{}").unwrap();
    world.start(world.kcode(&["gc", "--keep", "1"])).wait().code(0).says(&["removed 1 run "]);
    assert_eq!(left(&world), ["aaaaaaaa", "bbbbbbbb", "cccccccc", "eeeeeeee"]);
}

#[test]
fn what_undo_needs_stays_as_long_as_it_is_of_use() {
    let world = World::new();
    world.run_freely(world.keyed(&mender(), &["fix", TASK, "--apply"])).code(0);
    let applied = world.runs()[0].file_name().unwrap().to_str().unwrap().to_owned();
    let (here, state) = (world.root(), world.state());
    for (id, days) in [("22222222", 2), ("33333333", 1)] {
        MadeRun::new(id, "2026-01-01T10:00:00.000Z", &here).verified_run().keep(&state);
        age(&world, id, days);
    }
    age(&world, &applied, 9);
    let unfinished = state.join("unfinished");
    fs::create_dir_all(&unfinished).unwrap();
    fs::write(unfinished.join("22222222.json"), "{}").unwrap();
    world.start(world.kcode(&["gc", "--keep", "1"])).wait().code(0).says(&["removed 0 runs"]);
    fs::remove_file(unfinished.join("22222222.json")).unwrap();
    world.start(world.kcode(&["gc", "--keep", "1"])).wait().code(0).says(&["removed 1 run "]);
    assert!(left(&world).contains(&applied), "the tree is as the patch made it");
    world.write("greeting.txt", "Hello, dear World!\n");
    world.start(world.kcode(&["gc", "--keep", "1"])).wait().code(0).says(&["removed 1 run "]);
    assert!(!left(&world).contains(&applied));
}

#[test]
fn what_a_killed_removal_left_is_cleared_away() {
    let world = aged();
    let runs = world.state().join("runs");
    fs::rename(runs.join("aaaaaaaa"), runs.join(".going-aaaaaaaa")).unwrap();
    assert_eq!(listed(&world, &["--all"]).len(), 4, "it is no run any more");
    world.start(world.kcode(&["gc"])).wait().code(0).says(&["removed 0 runs"]);
    assert!(!runs.join(".going-aaaaaaaa").exists());
}

#[test]
fn old_test_results_go_too() {
    let world = furnished();
    let baselines = world.state().join("baselines");
    fs::create_dir(&baselines).unwrap();
    for (name, days) in [("old.json", 8), ("new.json", 1)] {
        fs::write(baselines.join(name), "{}").unwrap();
        let file = File::options().append(true).open(baselines.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(24 * days)).unwrap();
    }
    world.run(world.kcode(&["gc"])).code(0).says(&["removed 0 runs and 1 old test result"]);
    assert_eq!(fs::read_dir(baselines).unwrap().count(), 1);
}

#[test]
fn a_run_clears_away_after_itself() {
    let world = aged();
    world.configure("[keep]\nruns = 3");
    world.start(world.keyed(&mender(), &["fix", TASK])).wait().code(0).says(&["removed 2 old runs"]);
    assert_eq!(left(&world).len(), 4, "three, and the latest of another repository: {:?}", left(&world));
    assert!(left(&world).contains(&"cccccccc".to_owned()));
    let again = world.start(world.keyed(&mender(), &["fix", TASK, "-q"])).wait().code(0);
    assert!(!again.stderr().contains("removed"), "{}", again.stderr());
    assert_eq!(left(&world).len(), 4);
}

/// A pass that has an hour, and its end: how many runs it looked at, and which go.
fn pass(world: &World, keep: RetentionLimits) -> (usize, Vec<RunId>) {
    let until = Some(Instant::now() + Duration::from_hours(1));
    let mut retention = Retention::of(&world.state(), [].into(), until).unwrap();
    let going = retention.going(keep, SystemTime::now()).into_iter().map(|going| going.run).collect();
    retention.remember().unwrap();
    (retention.looked(), going)
}

/// Many runs of one repository, each newer than the one before.
fn many(count: u32) -> (World, Vec<RunId>) {
    let world = World::new();
    let ids = (0..count).map(|number| {
        let letters = b"abcdefghjk";
        let id: String =
            format!("{number:08}").bytes().map(|digit| letters[usize::from(digit - b'0')] as char).collect();
        MadeRun::new(&id, "2026-01-01T10:00:00.000Z", &world.root()).keep(&world.state());
        let journal = world.state().join(format!("runs/{id}/journal.jsonl"));
        let journal = File::options().append(true).open(journal).unwrap();
        journal.set_modified(SystemTime::now() - Duration::from_secs(u64::from(count - number))).unwrap();
        id.parse().unwrap()
    });
    let ids = ids.collect();
    (world, ids)
}

#[test]
fn a_pass_looks_at_few_runs_and_goes_on_where_the_last_one_ended() {
    let (most, more) = (u32::try_from(MOST_LOOKS).unwrap(), 30);
    let (world, ids) = many(most + more);
    let keep = RetentionLimits { runs: Some(most), age: None, bytes: None };
    assert_eq!(pass(&world, keep), (MOST_LOOKS, vec![]), "what isn't known stays");
    let (oldest, rest) = (ids[..more as usize].to_vec(), more as usize);
    assert_eq!(pass(&world, keep), (rest, oldest.clone()));
    assert_eq!(pass(&world, keep), (0, oldest.clone()), "nothing is looked at twice");

    // One of them is taken up again: it is neither old nor gone.
    let journal = world.state().join(format!("runs/{}/journal.jsonl", oldest[0]));
    File::options().append(true).open(journal).unwrap().set_modified(SystemTime::now()).unwrap();
    assert_eq!(pass(&world, keep), (0, oldest[1..].to_vec()));
    let (looked, going) = pass(&world, keep);
    assert_eq!((looked, going.len(), going.contains(&oldest[0])), (1, rest, false));
    assert_eq!(going.last(), Some(&ids[rest]), "a newer one is beyond the limit instead");
}

#[test]
fn a_pass_without_time_looks_at_nothing_and_removes_nothing() {
    let (world, _) = many(5);
    let mut retention = Retention::of(&world.state(), [].into(), Some(Instant::now())).unwrap();
    let keep = RetentionLimits { runs: Some(1), age: None, bytes: None };
    assert_eq!((retention.looked(), retention.going(keep, SystemTime::now())), (0, vec![]));
}
