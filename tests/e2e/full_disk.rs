//! A disk that fills up under a run: it stops with its state intact, its tree untouched, nothing running, and goes on
//! once there is space.
//!
//! The state folder stands on a small disk of its own, in a mount namespace of its own; where such a thing can't be had,
//! most of these tests are skipped.

use std::process::{Command, Stdio};

use crate::ran::Ran;
use crate::support::kimi::{Answer, MockKimi};
use crate::support::skipped::{Need, given};
use crate::world::{EDIT, TASK, World, mender};

/// Runs a command while a disk of the size `$1` is at `$0`, with what was there. As `$2` says, it is full from the start, or
/// once somebody asks for that with a pipe beside it. When the command ends, what is on the disk moves to the folder below.
const ON_A_DISK: &str = r#"
    state=$0 size=$1 full=$2; shift 2
    mkdir -p "$state" && mv "$state" "$state.before" && mkdir "$state" || exit 99
    mount -t tmpfs -o size="$size" tmpfs "$state" && cp -a "$state.before/." "$state" && rm -r "$state.before" || exit 99
    fill() { cat /dev/zero > "$state/fill" 2> /dev/null; }
    if [ "$full" = full ]; then fill; fi
    if [ "$full" = later ]; then (read -r _ < "$state.ask"; fill; echo filled > "$state.told") & fi
    "$@"
    code=$?
    rm -f "$state/fill"
    cp -a "$state" "$state.after" && umount "$state" && rmdir "$state" && mv "$state.after" "$state" || exit 99
    exit $code
"#;

/// `command` with the state folder of `world` on a disk of `size`.
fn on_a_disk(world: &World, size: &str, full: &str, command: &Command) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped.args(["-Urm", "sh", "-c", ON_A_DISK]).arg(world.state()).args([size, full]);
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.current_dir(world.root()).stdin(Stdio::null());
    wrapped
}

fn can_have_one() -> bool {
    let mut command = Command::new("unshare");
    command.args(["-Urm", "sh", "-c", "mount -t tmpfs tmpfs /tmp"]).stderr(Stdio::null());
    given(Need::Mounts, command.status().is_ok_and(|status| status.success()))
}

/// `kcode fix` on a disk of `size`.
fn fix_on(world: &World, size: &str, kimi: &MockKimi) -> Ran {
    world.run(on_a_disk(world, size, "empty", &world.keyed(kimi, &["fix", TASK])))
}

/// Stopped by the disk: exit code and journal say so, and what to do.
fn stopped_by_the_disk(ran: Ran) -> Ran {
    let ran = ran.code(74).says(&["error: ", "o space left on device", "hint: free ", "kcode resume"]);
    let end = ran.kept().journal().pop().unwrap();
    assert_eq!((&end["type"], &end["outcome"]), (&"run_ended".into(), &"storage".into()), "{end}");
    assert_eq!(ran.kept().events("stopped")[0]["reason"], "storage_failed");
    assert_eq!(ran.kept().events("residue")[0]["survivors"], 0);
    ran
}

/// The report says the same, written or folded anew.
fn reported(world: &World, ran: &Ran) {
    let written = ran.kept().0.join("report.json").exists().then(|| ran.report());
    let shown = world.run(world.kcode(&["show", &ran.kept().id(), "--output", "json"])).code(0);
    for report in written.into_iter().chain([serde_json::from_str(&shown.stdout()).unwrap()]) {
        assert_eq!((&report["outcome"], &report["exit_code"]), (&"storage".into(), &74.into()));
    }
}

/// There is space again: the same conversation comes to its end.
fn goes_on(world: &World, kimi: &MockKimi) {
    let before = kimi.requests().len();
    let ran = world.run(world.keyed(kimi, &["resume", "--test", "grep -q World greeting.txt"])).code(0);
    kimi.assert_clean();
    let requests = kimi.requests();
    assert!(requests[before].prefix().starts_with(requests[before - 1].prefix()), "byte for byte");
    assert_eq!(ran.report()["outcome"], "verified");
    assert_eq!(ran.report()["patch"]["files"].as_array().unwrap().len(), 1);
}

#[test]
fn a_reply_that_cannot_be_kept() {
    if !can_have_one() {
        return;
    }
    let world = World::new();
    let long = "A long story. ".repeat(200_000);
    let kimi = MockKimi::script([
        Answer::call("edit_file", EDIT),
        Answer::text(&long).pieces_of(40_000),
        Answer::text("Done."),
    ]);
    let ran = stopped_by_the_disk(fix_on(&world, "2m", &kimi)).says(&["the journal", "can't be written"]);
    assert!(ran.stdout().contains("+Hello, World!"), "what exists is handed over");
    assert_eq!(ran.kept().events("reply").len(), 1, "the reply in flight is lost, and nothing else");
    reported(&world, &ran);
    goes_on(&world, &kimi);
}

#[test]
fn somebody_else_who_fills_it() {
    if !can_have_one() {
        return;
    }
    let world = World::new();
    let (ask, told) = (world.path("state.ask"), world.path("state.told"));
    for pipe in [&ask, &told] {
        rustix::fs::mkfifoat(rustix::fs::CWD, pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    }
    let mut turn = 0;
    let kimi = MockKimi::answering(move |_| {
        turn += 1;
        if turn == 2 {
            std::fs::write(&ask, "now\n").unwrap();
            assert_eq!(std::fs::read_to_string(&told).unwrap(), "filled\n");
        }
        match turn {
            1 => Answer::call("edit_file", EDIT),
            2 => Answer::call("write_file", r#"{"path": "new.txt", "content": "new"}"#),
            _ => Answer::text("Done."),
        }
    });
    let ran = stopped_by_the_disk(world.run(on_a_disk(&world, "2m", "later", &world.keyed(&kimi, &["fix", TASK]))));
    assert!(ran.stdout().contains("+Hello, World!") && !ran.stdout().contains("new.txt"), "{}", ran.stdout());
    // Which write it is that finds no space, the file itself or what is kept of it, is for the last page of the disk to say. Little of
    // this is the run's own and makes room when it goes: the report may have to come later.
    reported(&world, &ran);
    goes_on(&world, &kimi);
}

#[test]
fn tests_that_fill_it() {
    if !can_have_one() {
        return;
    }
    let world = World::new();
    // The folder is ignored: what is in it could never be part of the patch.
    world.write_test("mkdir -p build; cat /dev/zero > build/fill 2> /dev/null; exit 0");
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done."), Answer::text("Done.")]);
    let ran = stopped_by_the_disk(fix_on(&world, "2m", &kimi));
    assert_eq!(ran.report()["tests"]["after"], serde_json::Value::Null, "tests on a full disk are no evidence");
    assert_eq!(ran.report()["patch"]["files"][0]["path"], "greeting.txt");
    goes_on(&world, &kimi);
}

#[test]
fn output_of_tests_that_fills_it() {
    if !can_have_one() {
        return;
    }
    let world = World::new();
    world.write_test("head -c 4000000 /dev/zero | tr '\\0' x; exit 0");
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::text("Done."), Answer::text("Done.")]);
    // Logs are kept, so that there may be no space left for the report either.
    let ran = stopped_by_the_disk(fix_on(&world, "2m", &kimi));
    reported(&world, &ran);
    goes_on(&world, &kimi);
}

#[test]
fn an_edit_that_finds_no_space() {
    if !can_have_one() {
        return;
    }
    let world = World::new();
    let (edit, filling) = (r#"{"path": "big.txt", "old_text": "first", "new_text": "1st"}"#, "a line of it\n");
    world.write("big.txt", format!("first\n{}", filling.repeat(300_000)));
    let kimi = MockKimi::script([Answer::call("edit_file", edit), Answer::text("Done.")]);
    let ran = stopped_by_the_disk(fix_on(&world, "2m", &kimi));
    assert_eq!(ran.stdout(), "", "there is no patch");
    let answers = ran.kept().answers();
    assert!(answers.iter().all(|answer| answer.contains("it may have partly run")), "{answers:?}");
}

#[test]
fn a_copy_that_finds_no_space() {
    if !can_have_one() {
        return;
    }
    // Tests that rename a folder of the tree need a copy; the first run finds that out, the second begins with one.
    let world = World::new();
    world.write("fixtures/data/big.txt", "a line of it\n".repeat(300_000));
    let rename = "python3 -c \"import os; os.rename('fixtures/data', 'moved'); os.rename('moved', 'fixtures/data')\"";
    world.write_test(&format!("{rename} && grep -q World greeting.txt"));
    world.commit_all();
    world.fix(&mender(), &[]).code(0);
    let kimi = MockKimi::script([Answer::calls([("edit_file", EDIT), ("read_file", r#"{"path": "greeting.txt"}"#)])]);
    let ran = fix_on(&world, "2m", &kimi).code(74).says(&["o space left on device", "hint: free "]);
    assert_eq!(ran.stdout(), "", "there is no patch");
    assert_eq!(kimi.requests().len(), 1);
    let run = world
        .runs()
        .into_iter()
        .map(crate::ran::Kept)
        .find(|run| run.journal().last().unwrap()["outcome"] == "storage");
    let answers = run.unwrap().answers();
    assert!(answers.len() == 2 && answers.iter().all(|answer| answer.starts_with("Not run")), "{answers:?}");
}

#[test]
fn a_run_for_which_there_is_no_space_is_not_begun() {
    if !can_have_one() {
        return;
    }
    let (world, kimi) = (World::new(), mender());
    let ran = fix_on(&world, "32k", &kimi).code(74).says(&["No space left on device", "hint: free space"]);
    assert!(!ran.stderr().contains("kcode resume"), "{}", ran.stderr());
    assert_eq!(kimi.requests().len(), 0, "nothing is paid for");
    assert!(world.runs().is_empty(), "nothing of it is left");
}

#[test]
fn a_run_without_space_to_go_on_stays_as_it_is() {
    if !can_have_one() {
        return;
    }
    let world = World::new();
    let kimi = MockKimi::script([Answer::call("edit_file", EDIT), Answer::unauthorized(), Answer::text("Done.")]);
    let ran = world.fix(&kimi, &[]).code(77);
    let journal = ran.kept().read("journal.jsonl");
    let resume = world.keyed(&kimi, &["resume"]);
    let resumed = world.run(on_a_disk(&world, "1m", "full", &resume));
    resumed.code(74).says(&["No space left on device", "hint: free space"]);
    assert_eq!(kimi.requests().len(), 2, "nothing is paid for");
    assert_eq!(ran.kept().read("journal.jsonl"), journal);
    goes_on(&world, &kimi);
}

#[test]
fn a_report_that_cannot_be_written_changes_no_outcome() {
    for (last, code, words) in [(Answer::text("Done."), 0, "verified"), (Answer::unauthorized(), 77, "refused the key")]
    {
        let world = World::new();
        let (runs, mut answers) = (world.state().join("runs"), vec![last, Answer::call("edit_file", EDIT)]);
        let kimi = MockKimi::answering(move |_| {
            // A folder where the report is to be: it can't be replaced by a file.
            let run = std::fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
            let _ = std::fs::create_dir(run.join("report.json"));
            answers.pop().unwrap()
        });
        let ran = world.start(world.keyed(&kimi, &["fix", TASK])).wait().code(code);
        let id = ran.kept().id();
        let show = format!("`kcode show {id}`");
        let ran = ran.says(&[words, "report.json can't be written", "hint: make space in ", &show]);
        assert!(ran.stdout().contains("+Hello, World!"), "nothing is lost");
        std::fs::remove_dir(ran.kept().0.join("report.json")).unwrap();
        let shown = world.run(world.kcode(&["show", &id, "--output", "json"])).code(0);
        assert!(shown.stdout().contains(&format!(r#""exit_code": {code}"#)), "{}", shown.stdout());
    }
}
