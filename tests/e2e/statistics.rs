//! What the kept runs say taken together, in each form.

use std::path::Path;

use kcode::journal::Outcome;
use serde_json::{Value, json};

use crate::laws::assert_shape;
use crate::support::journals::MadeRun;
use crate::world::{World, mender};

/// Seven runs of this repository, by two models in two weeks, one of another, and one that never ended.
fn counted() -> World {
    let world = World::new();
    let (here, state) = (world.root(), world.state());
    let at = |day: &str| format!("2026-01-{day}T10:00:00.000Z");
    let made = |id, day: &str| MadeRun::new(id, &at(day), &here);
    made("aaaaaaaa", "05").verified_run().applied(1).keep(&state);
    let sent_back = made("bbbbbbbb", "06").call("edit_file", false, "no such text").patch(1).reply(500).verified(false);
    sent_back.reply(700).verified(true).ended(Outcome::Verified).keep(&state);
    made("cccccccc", "07")
        .retry()
        .call("edit_file", true, "ok")
        .patch(3)
        .ended(Outcome::Unverified)
        .applied(2)
        .keep(&state);
    made("dddddddd", "13").reply(100).ended(Outcome::NoChange).keep(&state);
    MadeRun::of_model("eeeeeeee", &at("14"), &here, "other").unpriced().verified_run().keep(&state);
    made("ffffffff", "15").ended(Outcome::Unauthorized).keep(&state);
    made("gggggggg", "16").reply(1).keep(&state);
    MadeRun::new("hhhhhhhh", &at("17"), Path::new("/elsewhere")).verified_run().keep(&state);
    world
}

fn stats(world: &World, arguments: &[&str]) -> Value {
    let ran = world.run(world.kcode(&[&["stats", "--output", "json"], arguments].concat())).code(0);
    let stats = serde_json::from_str(&ran.stdout()).unwrap();
    assert_shape("stats", &stats);
    stats
}

fn of(count: u64, of: u64) -> Value {
    json!({ "count": count, "of": of })
}

#[test]
fn every_figure_is_what_the_journals_say() {
    let total = &stats(&counted(), &[])["total"];
    assert_eq!((&total["runs"], &total["unended"]), (&json!(6), &json!(1)));
    assert_eq!(total["first_success"], of(2, 5), "aaaaaaaa and eeeeeeee, of those that got a reply");
    assert_eq!(total["verified"], of(3, 5));
    let patches = &total["patches"];
    assert_eq!((&patches["whole"], &patches["partial"], &patches["none"]), (&of(1, 4), &of(1, 4), &of(2, 4)));
    assert_eq!((&patches["handed_off"], &patches["rolled_back"]), (&of(2, 4), &of(0, 2)));
    assert_eq!(total["retries"], of(1, 10));
    assert_eq!(total["tool_failures"], of(1, 4));
    assert_eq!(total["latency"], json!({ "replies": 9, "mean_ms": 1_033, "p95_ms": 2_000 }));
    assert_eq!((&total["prompt_tokens"], &total["cached_tokens"]), (&json!(9_000), &json!(7_200)));
    assert_eq!((&total["cost_usd"], &total["unpriced"]), (&json!(0.07), &json!(1)));
    assert_eq!(total["cost_per_accepted_usd"], Value::Null, "nobody knows what eeeeeeee cost");
    assert_eq!(total["repair"]["unknown"], json!({ "its files were not committed since": 2 }));
}

#[test]
fn groups_are_by_model_repository_and_week() {
    let world = counted();
    let all = stats(&world, &["--all"]);
    let names = |group: &str| {
        let names = all[group].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("by_model"), ["kimi-k2.7-code", "other"]);
    assert_eq!(names("by_week"), ["2026-W02", "2026-W03"]);
    assert_eq!(names("by_repository").len(), 2);
    assert_eq!(all["by_model"][0]["cost_per_accepted_usd"], json!(0.045), "nine cents for two that were accepted");
    assert_eq!(stats(&world, &["--since", "2026-01-12"])["total"]["runs"], 3);
}

#[test]
fn for_people_it_is_a_page() {
    let world = counted();
    let page = world.run(world.kcode(&["stats"])).code(0).stdout();
    insta::assert_snapshot!(page);
    let none = world.run(world.kcode(&["stats", "--since", "2027-01-01"])).code(0).says(&["no runs to count"]);
    assert_eq!(none.stdout(), "");
}

#[test]
fn a_spreadsheet_gets_a_line_for_each_group() {
    let world = counted();
    let sheet = world.run(world.kcode(&["stats", "--csv"])).code(0).stdout();
    let lines: Vec<Vec<&str>> = sheet.lines().map(|line| line.split(',').collect()).collect();
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{sheet}");
    let firsts: Vec<_> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(firsts, ["by", "total", "model", "model", "repository", "week", "week"]);
    let column = |name: &str| lines[0].iter().position(|heading| *heading == name).unwrap();
    assert_eq!(lines[1][column("first_success")], "2");
    assert_eq!(lines[1][column("cost_per_accepted_usd")], "");
    world.run(world.kcode(&["stats", "--csv", "--output", "json"])).code(2);
}

#[test]
fn what_is_undone_is_accepted_by_nobody_and_what_kcode_committed_needed_no_repair() {
    let world = World::new();
    world.run_freely(world.keyed(&mender(), &["fix", "mend it", "--apply"])).code(0);
    world.run_freely(world.kcode(&["undo"])).code(0);
    let total = stats(&world, &[])["total"].clone();
    let patches = &total["patches"];
    assert_eq!((&patches["whole"], &patches["none"], &patches["rolled_back"]), (&of(0, 1), &of(1, 1), &of(1, 1)));
    assert_eq!(total["repair"]["unknown"], json!({}));
    world.git(&["config", "user.name", "A"]);
    world.git(&["config", "user.email", "a@example.org"]);
    world.run_freely(world.kcode(&["apply", "--commit"])).code(0);
    let total = stats(&world, &[])["total"].clone();
    assert_eq!((&total["patches"]["whole"], &total["patches"]["rolled_back"]), (&of(1, 1), &of(0, 1)));
    assert_eq!((&total["repair"]["known"], &total["repair"]["hunks"]), (&json!(1), &of(0, 1)));
}

#[test]
fn a_repair_by_hand_is_known_once_it_is_committed() {
    let world = World::new();
    world.run_freely(world.keyed(&mender(), &["fix", "mend it", "--apply"])).code(0);
    let repair = |world: &World| stats(world, &[])["total"]["repair"].clone();
    assert_eq!(repair(&world)["unknown"], json!({ "its files were not committed since": 1 }));
    world.write("docs/about.md", "# About\n");
    world.git(&["add", "docs"]);
    world.git(&["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "something else"]);
    assert_eq!(repair(&world)["known"], 0, "that commit has nothing to do with it");
    world.write("greeting.txt", "Hello, dear World!\n");
    world.commit_all();
    assert_eq!(
        repair(&world),
        json!({
            "known": 1, "unknown": {}, "hunks": of(1, 1), "lines": 1, "review_hunks": of(0, 0), "review_lines": 0
        })
    );
    world.write("greeting.txt", "Good-bye!\n");
    world.commit_all();
    assert_eq!(repair(&world)["lines"], 1, "what comes after the next commit is no repair");
}

#[test]
fn what_is_too_large_to_be_compared_is_not_read() {
    let world = World::new();
    world.run_freely(world.keyed(&mender(), &["fix", "mend it", "--apply"])).code(0);
    // It is some kilobytes in git's store.
    std::fs::File::create(world.root().join("greeting.txt")).and_then(|file| file.set_len(65 << 20)).unwrap();
    world.commit_all();
    let repair = stats(&world, &[])["total"]["repair"].clone();
    assert_eq!(repair["unknown"], json!({ "what was committed is too large to be compared": 1 }));
}
