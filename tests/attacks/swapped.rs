//! Attacks of test code that puts something else in the place of what is opened later in the run: folders, reports, rules.

use std::fs::{self, FileTimes};
use std::time::{Duration, SystemTime};

use crate::broker::Assignment;
use crate::setups::{play, setups_with_overlays, together, unguarded};
use crate::world::{CANARY, World};

fn attack(world: &World, script: String, calls: &[(&str, serde_json::Value)]) -> Assignment {
    let calls = calls.iter().map(|(tool, arguments)| ((*tool).to_owned(), arguments.to_string())).collect();
    Assignment { run: world.run(), script, deadline_s: 30, calls, ..Assignment::default() }
}

/// Lets the second run of the tests begin in a folder that the first one swapped for a link.
#[test]
fn a_folder_that_was_swapped_for_a_link_is_not_entered() {
    let everybody = setups_with_overlays().into_iter().chain([unguarded()]).collect();
    together(everybody, |setup| {
        for target in ["{HOME}/.ssh", "{HOME}/documents", "/", "..", "/proc/self/cwd", "hop"] {
            let world = setup.world();
            let target = target.replace("{HOME}", &world.home().display().to_string());
            let script = format!(
                "echo started; cat id_ed25519 diary.txt; cd ..; rm -r folder; ln -s / hop; ln -s {target} folder"
            );
            let calls = [("run_tests", serde_json::json!({}))];
            let mut assignment = attack(&world, script, &calls);
            assignment.dir = Some("folder".into());
            world.make(&[world.view().join("folder"), world.project().join("folder")]);
            let outcome = play(setup, &world, assignment);
            assert!(outcome.log.contains("started"), "{setup}: {}", outcome.log);
            let second = &outcome.observations[0].text;
            assert!(second.contains("can't be entered: it leads"), "{setup}, {target}: {second}");
            assert!(!second.contains(CANARY) && !second.contains("\nstarted\n"), "{setup}, {target}: {second}");
        }
    });
}

/// Lets the run's reports be looked for behind a link. The file there is newer than the run, as if somebody were writing it.
#[test]
fn reports_behind_a_folder_that_was_swapped_for_a_link_are_not_kept() {
    together(setups_with_overlays(), |setup| {
        for within in ["", "sub"] {
            let world = setup.world();
            let report = world.home().join("documents/report.xml");
            fs::write(&report, CANARY).unwrap();
            let later = SystemTime::now() + Duration::from_hours(1);
            let file = fs::File::options().write(true).open(&report).unwrap();
            file.set_times(FileTimes::new().set_modified(later)).unwrap();
            let documents = world.home().join("documents").display().to_string();
            let script = match within {
                "" => format!("cd ..; rm -r folder; ln -s {documents} folder"),
                _ => format!("ln -s {documents} {within}; ln -s {documents}/report.xml report.xml"),
            };
            let mut assignment = attack(&world, script, &[]);
            assignment.dir = Some("folder".into());
            assignment.written_anyway = vec!["**/*.xml".into()];
            world.make(&[world.view().join("folder"), world.project().join("folder")]);
            let outcome = play(setup, &world, assignment);
            assert_eq!(outcome.tests.reports, None, "{setup}, {within:?}");
        }
    });
}

/// Gives a file of secrets other names, and puts pipes and devices where rules of git are read.
#[test]
fn names_that_test_code_gives_to_secrets_open_nothing_and_rules_that_are_no_files_hang_nothing() {
    let script = format!(
        "cd {{VIEW}}; echo API={CANARY} > .env; ln .env plain.txt; rm -f AGENTS.md; ln -s .env AGENTS.md
         mkdir pipes devices huge; echo x > pipes/file; echo x > devices/file
         mkfifo .gitignore pipes/.gitignore; mkfifo pipes/.git; ln -s /dev/zero devices/.gitignore
         truncate -s 2G huge/.gitignore; ln -s /etc/passwd huge/.ignore"
    );
    let calls = [
        ("read_file", serde_json::json!({"path": "plain.txt"})),
        ("read_file", serde_json::json!({"path": "AGENTS.md"})),
        ("search", serde_json::json!({"pattern": "API=", "lines": true})),
        ("list_files", serde_json::json!({"depth": 5})),
        ("search", serde_json::json!({"pattern": "Hello", "path": "pipes"})),
        ("read_file", serde_json::json!({"path": "greeting"})),
    ];
    together(setups_with_overlays(), |setup| {
        let world = setup.world();
        let overlaid = setup.wall == crate::setups::Wall::Overlay;
        let view = if overlaid { world.project() } else { world.view() };
        let script = script.replace("{VIEW}", &view.display().to_string());
        let outcome = play(setup, &world, attack(&world, script, &calls));
        assert_eq!(outcome.tests.exit_code, Some(0), "{setup}: {}", outcome.log);
        for (answer, call) in outcome.observations.iter().zip(&calls) {
            assert!(!answer.text.contains(CANARY), "{setup}, {call:?}: {}", answer.text);
        }
        let ok: Vec<_> = outcome.observations.iter().map(|answer| answer.ok).collect();
        assert_eq!(ok[..2], [false, false], "{setup}");
        assert!(outcome.observations[3].text.contains("greeting.txt"), "{setup}: {:?}", outcome.observations[3]);
    });
}
