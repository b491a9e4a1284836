//! Errors that people make at the keyboard: each says what to do instead, and that works.

use std::fs;

use crate::review;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{TASK, World, mender};

#[test]
fn a_command_line_that_is_not_understood_gets_a_tip_that_helps() {
    let world = World::new();
    let cases: [(&[&str], &str); 21] = [
        (&["fix", "add", "subtracts"], "put a task of several words in quotes: kcode fix \"add subtracts\""),
        (&["fix", "add", "two", "words", "--dry-run"], "kcode fix \"add two words\""),
        (&["fix", "t", "--max-cost", "-1"], "\"-1\" is not an amount of dollars; write 0.50 or 2"),
        (&["fix", "t", "--max-tokens", "-5"], "\"-5\" is not a count of tokens; write 200000, 200k or 2M"),
        (&["fix", "t", "--max-turns", "-1"], "\"-1\" is not a count of replies; write 20 or 60"),
        (&["fix", "t", "--max-turns", "many"], "\"many\" is not a count of replies; write 20 or 60"),
        (&["fix", "t", "--max-time", "x"], "\"x\" is not a duration; write 90s, 20m or 1h30m"),
        (&["fix", "t", "--max-time", "-5m"], "\"-5m\" is not a duration; write 90s, 20m or 1h30m"),
        (&["fix", "t", "--max-tokens", "-2k"], "\"-2k\" is not a count of tokens"),
        (&["runs", "-n", "-1"], "\"-1\" is not a count; write 0, 1 or 20"),
        (&["runs", "--since", "-3d"], "\"-3d\" is neither a time nor a day; write 7d, 12h or 2026-01-31"),
        (&["gc", "--keep", "-3"], "\"-3\" is not a count"),
        (&["gc", "--max-size", "-5GB"], "\"-5GB\" is not an amount of bytes"),
        (&["gc", "--max-age", "-5d"], "\"-5d\" is not a duration"),
        (&["replay", "--speed", "-1"], "\"-1\" is not a speed; write 1, 10 or 0.5"),
        (&["fix", "t", "--sandbox", "-1"], "a value that begins with a dash goes after an equals sign: --sandbox=-1"),
        (&["fix", "t", "--yes"], "nothing is asked with --apply"),
        (&["undo", "--force"], "kcode undo asks nothing"),
        (&["mend it, please"], "to have that done: kcode fix \"mend it, please\""),
        (&["fix", "t", "--image", "a.png"], "kcode sends text alone"),
        (&["resume", "--model", "other"], "a run keeps its model; for another one: kcode fix \"task\" --model NAME"),
    ];
    for (arguments, tip) in cases {
        let ran = world.run(world.kcode(arguments)).code(2).says(&[tip]);
        assert!(!ran.stderr().contains("as a value, use"), "{arguments:?}: {}", ran.stderr());
    }
    let zero = world.run(world.kcode(&["fix", "t", "--max-turns", "0"])).code(78);
    zero.says(&["it must be more than zero", "hint: give --max-turns another value, or leave it out"]);
}

#[test]
fn no_tip_is_better_than_one_that_misleads() {
    let world = World::new();
    for arguments in [&["fix", "t", "--frobnicate"][..], &["frobnicate"], &["apply", "--no-pager"]] {
        let ran = world.run(world.kcode(arguments)).code(2);
        assert!(!ran.stderr().contains("tip:") && !ran.stderr().contains("\n\n\n"), "{}", ran.stderr());
    }
}

#[test]
fn an_unknown_model_offers_no_resume() {
    let world = World::new();
    let kimi = MockKimi::answering(|_| {
        Answer::error(404, "resource_not_found_error", "Not found the model x or Permission denied")
    });
    let ran = world.fix(&kimi, &["--model", "x"]).code(69);
    let said = ran.stderr();
    assert!(said.contains("kcode fix \"task\" --model NAME (a run keeps its model)"), "{said}");
    assert!(!said.contains("kcode resume"), "{said}");
}

#[test]
fn settings_are_shown_although_a_file_is_wrong() {
    let world = World::new();
    world.write(".kcode.toml", "[limits]\nmax_turn = 3\n");
    let ran = world.run(world.kcode(&["config"])).code(78).says(&[
        "these are the settings without the repository's .kcode.toml:",
        ".kcode.toml:2: kcode has no setting `limits.max_turn`",
        "did you mean `limits.max_turns`?",
    ]);
    assert!(ran.stdout().contains("limits.max_turns") && ran.stdout().contains("keep.size"), "{}", ran.stdout());
    world.configure("nonsense = 1");
    let ran = world.run(world.kcode(&["config"])).code(78);
    let ran = ran
        .says(&["these are the settings without any settings file:", "config.toml:1: kcode has no setting `nonsense`"]);
    assert!(ran.stdout().contains("limits.max_turns"), "{}", ran.stdout());
}

#[test]
fn settings_are_not_said_to_be_without_a_file_that_is_not_at_fault() {
    let world = World::new();
    world.write(".kcode.toml", "[limits]\nmax_turns = 3\n");
    world.configure(&format!("state_dir = {:?}", world.root().join("state").to_str().unwrap()));
    let mut command = world.kcode(&["config"]);
    command.env_remove("KCODE_HOME");
    let ran = world
        .run(command)
        .code(78)
        .says(&["these are the settings without any settings file:", "is inside the repository"]);
    assert!(!ran.stderr().contains("without the repository's"), "{}", ran.stderr());
    // Neither file names what the environment does.
    let mut command = world.kcode(&["config"]);
    command.env("KCODE_HOME", world.root().join("state"));
    let ran = world.run(command).code(78);
    assert!(!ran.stderr().contains("these are the settings"), "{}", ran.stderr());
    assert_eq!(ran.stdout(), "");
}

#[test]
fn a_slip_in_the_settings_keeps_nobody_from_the_runs() {
    let slips = ["modle = \"x\"", "model = ", "sandbox = \"loose\"", "[limits]\nmax_turns = -1", "keep = 3", "= = ="];
    for slip in slips {
        let world = World::new();
        let named = format!("state_dir = {:?}\n", world.state().to_str().unwrap());
        world.configure(&named);
        let without_variable = |arguments: &[&str]| {
            let mut command = world.kcode(arguments);
            command.env_remove("KCODE_HOME");
            command
        };
        world.fix(&mender(), &[]).code(0);
        world.configure(slip);
        let commands: [&[&str]; 9] = [
            &["runs"],
            &["show"],
            &["diff"],
            &["audit"],
            &["stats"],
            &["export"],
            &["runs", "--json"],
            &["apply"],
            &["undo"],
        ];
        for arguments in commands {
            // A second time there would be nothing to apply or to undo.
            let is_once = matches!(arguments, ["apply" | "undo"]);
            let again = (!is_once).then(|| without_variable(arguments));
            for command in std::iter::once(world.kcode(arguments)).chain(again) {
                let ran = world.run_freely(command).code(0).says(&["warning: ~/.config/kcode/config.toml:"]);
                assert_eq!(ran.stderr().matches("config.toml").count(), 1, "{arguments:?}: {}", ran.stderr());
            }
        }
        // These need what stands there, and say once what is wrong with it.
        let kimi = mender();
        for arguments in [&["fix", TASK][..], &["gc"], &["verify"], &["replay"], &["resume"]] {
            let ran = world.run(world.keyed(&kimi, arguments));
            let said = ran.stderr();
            if arguments == ["resume"] {
                assert!(said.contains("no run of this repository can go on"), "{slip}: {said}");
                continue;
            }
            let ran = ran.code(78).says(&["error: ~/.config/kcode/config.toml:", "\n  hint: "]);
            assert_eq!(ran.stderr().matches("config.toml:").count(), 1, "{arguments:?}: {said}");
        }
        assert!(kimi.requests().is_empty());
    }
    // Where the place of the runs itself isn't known, nobody guesses.
    let world = World::new();
    world.configure("state_dir = 3");
    let mut command = world.kcode(&["runs"]);
    command.env_remove("KCODE_HOME");
    world.run(command).code(78).says(&["error: ~/.config/kcode/config.toml:1:", "hint: "]);
}

/// The words of a warning, and the change that causes it.
type Slip = (&'static str, fn(&World));

#[test]
fn a_review_needs_settings_only_to_test_a_part() {
    let slips: [Slip; 3] = [
        ("config.toml:1: kcode has no setting `modle`", |world| world.configure("modle = \"x\"")),
        (".kcode.toml:1: ", |world| world.write(".kcode.toml", "= = =\n")),
        (".kcode.toml can't be read", |world| {
            fs::remove_file(world.root().join(".kcode.toml")).unwrap();
            fs::create_dir(world.root().join(".kcode.toml")).unwrap();
        }),
    ];
    for (words, slip) in slips {
        let (world, kept) = review::reviewed();
        slip(&world);
        let part = [("which hunk", ""), ("accept?", "y"), ("accept?", "n"), ("accept?", "y"), ("apply", "y")];
        let typed = |arguments: &[&str], lines: &[(&str, &str)]| {
            let mut terminal = review::review(&world, &[&["--plain"], arguments].concat());
            review::type_lines(&mut terminal, lines);
            let (code, screen) = terminal.end();
            (code, screen.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let (code, screen) = typed(&[], &part);
        assert_eq!(code, Some(78), "{screen}");
        let (warned, failed) = screen.split_once("error: what you accepted can't be tested: ").unwrap();
        assert!(warned.contains("warning: ") && warned.contains(words), "{screen}");
        assert!(failed.contains(words), "{screen}");
        let without = format!("kept your decisions; to apply them untested: kcode review --no-verify {}", kept.id());
        assert!(failed.contains(&without), "{screen}");
        assert_eq!(world.read("greeting.txt"), "Hello, Wrold!\n");
        // What that names works, and so does all of it.
        let (code, screen) = typed(&["--no-verify", &kept.id()], &[("which hunk", "c"), ("apply", "y")]);
        assert_eq!(code, Some(0), "{screen}");
        assert_eq!(world.read("greeting.txt"), "Hello, World!\n");
        world.run_freely(world.kcode(&["undo"])).code(0);
        let (code, screen) = typed(&[], &[("which hunk", "2"), ("accept?", "y"), ("apply", "y")]);
        assert_eq!(code, Some(0), "{screen}");
    }
}

#[test]
fn an_export_replaces_nothing_unasked() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let file = world.path("output/run.json");
    fs::write(&file, "mine").unwrap();
    let named = file.to_str().unwrap();
    let ran = world.run(world.kcode(&["export", "--out", named])).code(2);
    ran.says(&["is there already; nothing was written", "--force"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    world.run(world.kcode(&["export", "--out", named, "--force"])).code(0);
    assert!(fs::read_to_string(&file).unwrap().contains(TASK));
}

#[test]
fn a_place_that_takes_no_file_is_refused_before_the_work_and_the_hint_works() {
    let world = World::new();
    world.fix(&mender(), &[]).code(0);
    let folder = world.path("output");
    let folder = folder.to_str().unwrap();
    for force in [&[][..], &["--force"]] {
        let ran = world.run(world.kcode(&[&["export", "--out", folder], force].concat())).code(2);
        ran.says(&[" is a folder, and has to be a file", &format!("such as --out {folder}/FILE")]);
        for odd in ["/dev/null", "/dev/stdout", "/proc/self/x"] {
            let ran = world.run(world.kcode(&[&["export", "--out", odd], force].concat())).code(2);
            ran.says(&["no regular file"]);
        }
        let ran = world.run(world.kcode(&[&["export", "--out", "nowhere/run.json"], force].concat())).code(2);
        ran.says(&["there is no folder nowhere", "such as --out FILE"]);
    }
    for (place, why) in
        [(folder, "is a folder"), ("/dev/null", "no regular file"), ("nowhere/x.diff", "no folder nowhere")]
    {
        let kimi = mender();
        world.fix(&kimi, &["--patch", place]).code(2).says(&[why, "such as --patch "]);
        assert!(kimi.requests().is_empty(), "nothing was paid for");
    }
    world.run(world.kcode(&["export", "--out", &format!("{folder}/FILE")])).code(0);
}
