//! `kcode fix --resume RUN "more"`: a further task with the same conversation, byte for byte.

use std::fs;

use crate::ran::{Kept, Ran};
use crate::support::kimi::{Answer, MockKimi};
use crate::support::skipped::can_crash;
use crate::world::{EDIT, TASK, World, mending};

const MORE: &str = "say in the docs that it was mended";
const ABOUT: &str = r#"{"path": "docs/about.md", "old_text": "A greeting.", "new_text": "A greeting, mended."}"#;

/// The conversation of [`TASK`], then an edit of the docs, then as many further ends of a turn.
fn playing(more: impl IntoIterator<Item = Answer>) -> MockKimi {
    MockKimi::script(
        mending().into_iter().chain([Answer::call("edit_file", ABOUT), Answer::text("Said so.")]).chain(more),
    )
}

/// A follow-up of run `id`, to its end; the tree stays as it is.
fn follow(world: &World, kimi: &MockKimi, id: &str, task: &str) -> Ran {
    world.run(world.keyed(kimi, &["fix", "--resume", id, task]))
}

/// The run of that task.
fn run_of(world: &World, task: &str) -> Kept {
    let is_it = |kept: &Kept| kept.events("run_started")[0]["task"] == task;
    world.runs().into_iter().map(Kept).find(is_it).unwrap()
}

/// Each request begins with all of the one before, under one cache key.
fn one_conversation(kimi: &MockKimi) {
    kimi.assert_clean();
    for pair in kimi.requests().windows(2) {
        assert!(pair[1].prefix().starts_with(pair[0].prefix()), "the conversation goes on byte for byte");
        assert_eq!(pair[0].json["prompt_cache_key"], pair[1].json["prompt_cache_key"]);
    }
}

#[test]
fn goes_on_with_changes_that_are_not_applied() {
    let (world, kimi) = (World::new(), playing([]));
    let first = world.fix(&kimi, &[]).code(0).kept();
    let ran = follow(&world, &kimi, &first.id(), MORE).code(0).says(&[&format!("after {}", first.id())]);
    one_conversation(&kimi);
    assert!(
        ran.stdout().contains("+Hello, World!") && ran.stdout().contains("+A greeting, mended."),
        "{}",
        ran.stdout()
    );
    let said = kimi.requests()[3].last_text().to_owned();
    assert!(
        said.contains("in your view, and not in the user's tree") && said.ends_with(&format!("# Task\n\n{MORE}\n"))
    );
    let (kept, report) = (run_of(&world, MORE), run_of(&world, MORE).report());
    assert_eq!(
        (&report["follows"], &report["budget"]["turns"]),
        (&first.id().into(), &2.into()),
        "its budget is its own"
    );
    assert_eq!(report["reasoning"]["kept"], 2);
    assert_eq!(report["cache"]["prefix_breaks"], 0);
    assert!(kept.events("request").iter().all(|request| request["prefix_kept"] == true));
    assert_eq!(first.report(), run_of(&world, TASK).report(), "the run before is as it was");
    let audit = world.run(world.kcode(&["audit", &kept.id(), "--json"])).code(0).stdout();
    assert!(audit.contains(r#""breaches": []"#), "{audit}");
    world.run_freely(world.kcode(&["apply", &kept.id()])).code(0);
    assert_eq!(
        (&*world.read("greeting.txt"), world.read("docs/about.md").contains("mended")),
        ("Hello, World!\n", true)
    );
    world.run_freely(world.kcode(&["undo", &kept.id()])).code(0);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

#[test]
fn starts_from_the_tree_where_they_are_applied() {
    let (world, kimi) = (World::new(), playing([]));
    let first = world.fix(&kimi, &[]).code(0).kept();
    world.run_freely(world.kcode(&["apply"])).code(0);
    world.commit_all();
    let ran = follow(&world, &kimi, &first.id(), MORE).code(0);
    one_conversation(&kimi);
    assert!(kimi.requests()[3].last_text().contains("in the user's tree, and your view starts from it"));
    assert!(!ran.stdout().contains("Hello"), "what is applied isn't in the new patch: {}", ran.stdout());
    assert!(ran.stdout().contains("+A greeting, mended."));
}

#[test]
fn what_was_applied_and_edited_since_is_named() {
    let (world, kimi) = (World::new(), playing([]));
    let first = world.fix(&kimi, &[]).code(0).kept();
    world.run_freely(world.kcode(&["apply"])).code(0);
    world.write("greeting.txt", "Hello, World!\nAnd all.\n");
    follow(&world, &kimi, &first.id(), MORE).code(0);
    one_conversation(&kimi);
    let said = kimi.requests()[3].last_text().to_owned();
    assert!(said.contains("your files have changed since: greeting.txt."), "{said}");
}

#[test]
fn what_was_taken_back_is_carried_on_and_told() {
    let (world, kimi) = (World::new(), playing([]));
    let first = world.fix(&kimi, &[]).code(0).kept();
    world.run_freely(world.kcode(&["apply"])).code(0);
    world.run_freely(world.kcode(&["undo"])).code(0);
    let ran = follow(&world, &kimi, &first.id(), MORE).code(0);
    assert!(kimi.requests()[3].last_text().contains("took them out again"));
    assert!(ran.stdout().contains("+Hello, World!") && ran.stdout().contains("+A greeting, mended."));
}

#[test]
fn a_tree_that_moved_on_is_not_guessed_at() {
    let (world, kimi) = (World::new(), playing([]));
    let first = world.fix(&kimi, &[]).code(0).kept();
    world.write("greeting.txt", "Hello, all!\n");
    follow(&world, &kimi, &first.id(), MORE).code(7).says(&["greeting.txt (changed) changed since", "hint: "]);
    assert_eq!((kimi.requests().len(), world.runs().len()), (3, 1), "nothing was asked, and there is no run of it");
}

#[test]
fn a_chain_of_three_needs_only_its_last_run() {
    let last = [Answer::call("read_file", r#"{"path": "docs/about.md"}"#), Answer::text("It is said there.")];
    let (world, kimi) = (World::new(), playing(last));
    let first = world.fix(&kimi, &[]).code(0).kept();
    follow(&world, &kimi, &first.id(), MORE).code(0);
    let second = run_of(&world, MORE);
    fs::remove_dir_all(&first.0).unwrap();
    let ran = follow(&world, &kimi, &second.id(), "is it there?").code(0);
    one_conversation(&kimi);
    assert_eq!(kimi.requests().len(), 7);
    assert!(ran.stdout().contains("+Hello, World!") && ran.stdout().contains("+A greeting, mended."));
    let third = run_of(&world, "is it there?");
    assert_eq!(third.read("patch.diff"), second.read("patch.diff"));
    assert_eq!(third.report()["budget"]["turns"], 2);
}

#[test]
fn one_that_was_killed_is_taken_up_wherever_that_was() {
    if !can_crash() {
        return;
    }
    // Beginning, opening, a call, an answer, the end of the turn; and the same, torn.
    let places = [1, 2, 3, 5, 7, 9, 11, 14].map(|n| [format!("event:{n}"), format!("torn:{n}")]);
    crate::world::in_turns(places.as_flattened(), |place| {
        let (world, kimi) = (World::new(), MockKimi::answering(crate::conversant::answer));
        let first = world.fix(&kimi, &[]).code(0).kept();
        let more = ["fix", "--resume", &first.id(), MORE];
        let mut command = world.keyed(&kimi, &more);
        command.env("KCODE_TEST_CRASH_AT", place);
        assert_eq!(world.start(command).wait().output.status.code(), None, "{place}");
        let has_begun = world.runs().iter().any(|run| {
            *run != first.0 && fs::read(run.join("journal.jsonl")).is_ok_and(|journal| journal.contains(&b'\n'))
        });
        let again = if has_begun { &["resume"][..] } else { &more };
        let ran = world.run(world.keyed(&kimi, again)).code(0);
        kimi.assert_clean();
        assert_eq!(ran.stdout(), first.read("patch.diff"), "{place}");
        let kept = run_of(&world, MORE);
        let asked =
            kept.messages().iter().filter(|m| m["content"].as_str().is_some_and(|text| text.contains(MORE))).count();
        assert_eq!(asked, 1, "{place}: the task is given once");
        assert_eq!(kept.report()["cache"]["prefix_breaks"], 0);
    });
}

#[test]
fn a_run_that_was_stopped_can_be_steered() {
    let world = World::new();
    let kimi =
        MockKimi::script([Answer::call("edit_file", EDIT), Answer::call("edit_file", ABOUT), Answer::text("Done.")]);
    let first = world.fix(&kimi, &["--max-turns", "1"]).code(6).kept();
    follow(&world, &kimi, &first.id(), MORE).code(0);
    one_conversation(&kimi);
}

#[test]
fn what_cannot_be_followed_is_said() {
    let (world, kimi) = (World::new(), playing([]));
    let first = world.fix(&kimi, &[]).code(0).kept();
    let fix =
        |arguments: &[&str]| world.run(world.keyed(&kimi, &[&["fix", "--resume", &first.id()], arguments].concat()));
    fix(&[]).code(2).says(&["the task is empty", &format!("kcode resume {}", first.id())]);
    fix(&[MORE, "--model", "other"]).code(2).says(&["cannot be used with"]);
    world.run(world.keyed(&kimi, &["fix", "--resume", "zzzz", MORE])).code(2).says(&["there is no run", "hint: "]);
    let inherited = first.read("journal.jsonl");
    follow(&world, &kimi, &first.id(), MORE).code(0);
    let second = run_of(&world, MORE);
    assert_eq!(second.read("inherited.jsonl"), inherited);
    let told = world.run(world.kcode(&["replay", &second.id()])).code(7);
    told.says(&[&format!("it follows run {}", first.id()), "hint: replay the run that it follows"]);
}
