//! Journals of other versions: older ones are read, newer ones are refused with what isn't known; and journals of several
//! processes at once.
//!
//! `docs/journal.md` lists the fields that an older file lacks; these tests check that table.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::ran::Kept;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mender, mending};

/// A row of the table of fields.
struct Field {
    event: String,
    /// Its place, step by step.
    path: Vec<String>,
    is_additive: bool,
}

/// The rows of the table in `docs/journal.md`.
fn fields() -> Vec<Field> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/journal.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
        let [event, path, added, _] = cells[..] else { return None };
        let path = path.trim_matches('`').split('.').map(str::to_owned).collect();
        Some(Field { event: event.trim_matches('`').to_owned(), path, is_additive: added != "always" })
    });
    rows.collect()
}

/// Takes the field at `path` out of `value`, in each of its items where it is a list. Returns how often.
fn take_out(value: &mut Value, path: &[String]) -> usize {
    match (value, path) {
        (Value::Array(items), _) => items.iter_mut().map(|item| take_out(item, path)).sum(),
        (Value::Object(object), [last]) => usize::from(object.remove(last).is_some()),
        (Value::Object(object), [first, rest @ ..]) => object.get_mut(first).map_or(0, |next| take_out(next, rest)),
        _ => 0,
    }
}

/// Rewrites the run's journal line by line.
fn rewrite(kept: &Kept, mut change: impl FnMut(&mut Value)) {
    let lines = kept.journal().into_iter().map(|mut record| {
        change(&mut record);
        record.to_string() + "\n"
    });
    fs::write(kept.0.join("journal.jsonl"), lines.collect::<String>()).unwrap();
}

/// Makes the journal one of a version that knew no additive field.
fn grow_old(kept: &Kept) -> usize {
    let mut taken = 0;
    rewrite(kept, |record| {
        let kind = record["type"].as_str().unwrap().to_owned();
        for field in fields().iter().filter(|field| field.is_additive && field.event == kind) {
            taken += take_out(record, &field.path);
        }
    });
    taken
}

#[test]
fn the_table_names_every_field_that_may_be_absent() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/event.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let known = fields();
    assert!(known.len() > 30);
    for event in schema["oneOf"].as_array().unwrap() {
        let kind = event["properties"]["type"]["const"].as_str().unwrap();
        let shape = event["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        // A check that ran is told as tests that ran are.
        for (name, _) in schema["$defs"][shape]["properties"].as_object().unwrap() {
            let required = schema["$defs"][shape]["required"].as_array().into_iter().flatten();
            let is_required = required.into_iter().any(|required| required == name);
            let is_known = known.iter().any(|field| field.event == kind && field.path[0] == *name);
            assert!(is_required || is_known || kind == "check_ran", "{kind}: {name}");
        }
    }
}

#[test]
fn one_without_what_was_added_later_is_read() {
    let (world, kimi) = (World::new(), MockKimi::script(mending()));
    let kept = world.fix(&kimi, &[]).code(0).kept();
    let report = kept.report();
    assert!(grow_old(&kept) >= 5, "it lacks something");
    let shown = world.run(world.kcode(&["show", "--output", "json"])).code(0);
    let shown: Value = serde_json::from_str(&shown.stdout()).unwrap();
    crate::laws::assert_shape("report", &shown);
    for same in ["outcome", "patch", "task", "usage", "said"] {
        assert_eq!(shown[same], report[same]);
    }
    assert!(world.run(world.kcode(&["runs"])).code(0).stdout().contains("verified"));
    assert!(world.run(world.kcode(&["diff"])).code(0).stdout().contains("+Hello, World!"));
    world.run_freely(world.kcode(&["apply"])).code(0);
    world.run_freely(world.kcode(&["undo"])).code(0);
}

#[test]
fn one_without_what_was_added_later_is_taken_up() {
    let (world, kimi) = (World::new(), MockKimi::script(mending()));
    let kept = world.fix(&kimi, &["--max-turns", "2"]).code(6).kept();
    assert!(grow_old(&kept) >= 2, "it lacks something");
    world.run(world.keyed(&kimi, &["resume", "--max-turns", "9"])).code(0);
    kimi.assert_clean();
}

/// A run that stopped, in the words of some other version.
fn rewritten(change: impl FnMut(&mut Value)) -> (World, MockKimi, Kept) {
    let (world, kimi) = (World::new(), MockKimi::script(mending()));
    let kept = world.fix(&kimi, &["--max-turns", "1"]).code(6).kept();
    rewrite(&kept, change);
    (world, kimi, kept)
}

#[test]
fn one_of_another_version_is_read_and_not_gone_on_with() {
    let (world, kimi, kept) = rewritten(|record| {
        if record["type"] == "run_started" {
            record["version"] = "0.0.9".into();
            record["mood"] = "a field that nobody knows yet".into();
        }
    });
    assert!(world.start(world.kcode(&["show"])).wait().code(0).stdout().contains("budget"));
    for arguments in [&["resume"][..], &["fix", "--resume", &kept.id(), "more"]] {
        let told = world.start(world.keyed(&kimi, arguments)).wait().code(2);
        told.says(&["was made by kcode 0.0.9, whose requests differ", "hint: "]);
    }
    assert_eq!(kimi.requests().len(), 1);
}

#[test]
fn one_of_a_newer_version_is_refused_by_what_is_not_known() {
    let newer = [
        (r#"its schema is "kcode.event/2""#, "schema", "kcode.event/2"),
        (r#"it has an event of the type "teleported""#, "type", "teleported"),
    ];
    for (words, field, value) in newer {
        let (world, kimi, kept) = rewritten(|record| {
            if record["type"] == "run_ended" {
                record[field] = value.into();
            }
        });
        let before = kept.read("journal.jsonl");
        for arguments in [&["resume", &kept.id()][..], &["fix", "--resume", &kept.id(), "more"], &["show", &kept.id()]]
        {
            let told = world.start(world.keyed(&kimi, arguments)).wait().code(2);
            told.says(&["was written by a newer kcode", words, "hint: use that version of kcode"]);
        }
        let listed = world.start(world.kcode(&["runs", "--all"])).wait().code(0);
        let is_told = listed.stderr().contains("is unreadable") && listed.stderr().contains("newer kcode");
        assert!(is_told || listed.stdout().contains(&kept.id()), "{}", listed.stderr());
        assert_eq!(kept.read("journal.jsonl"), before, "nobody touches it");
    }
}

#[test]
fn two_at_once_in_one_repository_are_two_runs() {
    let world = World::new();
    let before = crate::tree::Tree::of(&world.root());
    let kimis = [mender(), mender()];
    let running = kimis.each_ref().map(|kimi| world.start(world.keyed(kimi, &["fix", TASK])));
    for running in running {
        assert!(running.wait().code(0).stdout().contains("+Hello, World!"));
    }
    before.assert_same(&crate::tree::Tree::of(&world.root()));
    kimis.iter().for_each(MockKimi::assert_clean);
    assert_eq!(world.runs().len(), 2);
    let told = world.run(world.kcode(&["runs"])).code(0).stdout();
    assert_eq!(told.matches("verified").count(), 2, "{told}");
}

#[test]
fn of_two_that_are_applied_at_once_one_is_told() {
    let world = World::new();
    for _ in 0..2 {
        world.run(world.keyed(&mender(), &["fix", TASK])).code(0);
    }
    let ids: Vec<String> = world.runs().into_iter().map(|run| Kept(run).id()).collect();
    let running: Vec<_> = ids.iter().map(|id| world.start(world.kcode(&["apply", id]))).collect();
    let mut codes: Vec<_> = running.into_iter().map(|running| running.wait().output.status.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(7)], "the second one finds a tree that moved on");
    assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
}

#[test]
fn a_tail_that_is_torn_at_any_byte_is_gone_on_from() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    let kept = world.fix(&kimi, &["--max-turns", "1"]).code(6).kept();
    let journal = kept.read("journal.jsonl").into_bytes();
    let last = journal[..journal.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in (last..journal.len()).step_by(40) {
        fs::write(kept.0.join("journal.jsonl"), &journal[..cut]).unwrap();
        let told = world.run(world.keyed(&kimi, &["resume", "--max-turns", "1"])).code(6);
        assert!(told.stderr().contains("goes on"), "cut at {cut}");
    }
    assert_eq!(kimi.requests().len(), 1);
}
