//! Attacks of the model: calls of tools, after test code has laid its traps in the view.

use std::fmt::Write;

use crate::broker::{Assignment, Outcome};
use crate::setups::{play, setups};
use crate::world::{CANARY, World};

/// What test code may have left in the view before the model looks.
fn traps(world: &World) -> String {
    let (home, project, view) = (world.home(), world.project(), world.view());
    let (home, project, view) = (home.display(), project.display(), view.display());
    format!(
        "ln -s {home}/.netrc secret; ln -s {home} homes; ln -s {home}/born dangling; ln -s / root
         ln -s ../../../../../../.netrc climbing; ln -s {view}/greeting.txt absolute; ln -s loop loop
         ln -s /proc/self/environ environment; ln -s /dev/zero zero; mkfifo pipe
         mkdir folder .git; echo x > .git/config; ln -s .git git; ln -s .git/config settings
         ln {home}/.netrc hard 2> /dev/null
         ln -s {project}/greeting.txt users; echo inside > replaced
         printf 'x\\n' > \"$(printf 'line\\nbreak')\"; printf 'x\\n' > \"$(printf 'esc\\033]0;owned\\007')\"
         truncate -s 1G huge; head -c 4096 /dev/urandom > random; printf '\\377\\376' > wide
         echo API={CANARY} > .env"
    )
}

/// Paths that lead nowhere, for every tool that takes one.
fn hostile_paths(world: &World) -> Vec<String> {
    let (home, project) = (world.home().display().to_string(), world.project().display().to_string());
    let mut paths: Vec<String> = [
        "../../other/journal.jsonl",
        "../journal.jsonl",
        "a/../../journal.jsonl",
        "./../journal.jsonl",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        "/dev/zero",
        "~/.netrc",
        "secret",
        "homes/.netrc",
        "root/etc/passwd",
        "climbing",
        "environment",
        "zero",
        "pipe",
        "loop",
        "settings",
        "git/config",
        ".git/config",
        ".GIT/config",
        ".git/../.git/config",
        "folder/../.Git/config",
        "users",
        "@logs/../journal.jsonl",
        "@logs/../../other/journal.jsonl",
        "greeting.txt\u{0}.md",
        "greeting.txt/../../journal.jsonl",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.extend([
        format!("{home}/.netrc"),
        format!("{project}/greeting.txt"),
        "x/".repeat(3_000) + "y",
        "n".repeat(300),
    ]);
    paths
}

#[expect(clippy::needless_pass_by_value, reason = "calls are written with json!")]
fn call(tool: &str, arguments: serde_json::Value) -> (String, String) {
    (tool.to_owned(), arguments.to_string())
}

fn behave(calls: &[(String, String)], judge: impl Fn(&World, &Outcome)) {
    for setup in setups() {
        let world = setup.world();
        let before = world.belongings();
        let assignment = Assignment {
            run: world.run(),
            script: traps(&world),
            deadline_s: 30,
            calls: calls.to_vec(),
            ..Assignment::default()
        };
        let outcome = play(setup, &world, assignment);
        before.assert_same(&world.belongings());
        world.assert_no_trace();
        judge(&world, &outcome);
    }
}

#[test]
fn no_path_leads_out_whatever_tool_it_is_given_to() {
    let world = World::new(None);
    let mut calls = Vec::new();
    for path in hostile_paths(&world) {
        calls.push(call("read_file", serde_json::json!({"path": path})));
        calls.push(call("write_file", serde_json::json!({"path": path, "content": "owned"})));
        calls.push(call("edit_file", serde_json::json!({"path": path, "old_text": "a", "new_text": "b"})));
        if !path.is_empty() {
            calls.push(call("search", serde_json::json!({"pattern": ".", "path": path})));
            calls.push(call("list_files", serde_json::json!({"path": path})));
        }
    }
    behave(&calls, |_, outcome| {
        let mut open = String::new();
        for ((tool, arguments), answer) in calls.iter().zip(&outcome.observations) {
            let says_nothing = !answer.ok || is_innocent(tool, arguments);
            if !says_nothing || answer.text.contains(CANARY) || answer.text.contains("root:x:") {
                let _ = writeln!(open, "{tool} {arguments}: {}", answer.text);
            }
        }
        assert!(open.is_empty(), "{open}");
    });
}

/// A new file whose name only looks like another place is the view's own.
fn is_innocent(tool: &str, arguments: &str) -> bool {
    tool == "write_file" && arguments.contains("~/.netrc")
}

#[test]
fn what_is_listed_and_searched_stays_inside_and_on_its_lines() {
    let calls = vec![
        call("list_files", serde_json::json!({"depth": 5})),
        call("search", serde_json::json!({"pattern": CANARY, "lines": true})),
        call("search", serde_json::json!({"pattern": ".", "path": ".", "lines": true})),
        call("read_file", serde_json::json!({"path": ".env"})),
        call("read_file", serde_json::json!({"path": "huge"})),
        call("read_file", serde_json::json!({"path": "random"})),
        call("read_file", serde_json::json!({"path": "absolute"})),
        call("read_file", serde_json::json!({"path": "line\nbreak"})),
        call("read_file", serde_json::json!({"path": "esc\u{1b}]0;owned\u{7}"})),
    ];
    behave(&calls, |_, outcome| {
        let text = |at: usize| outcome.observations[at].text.as_str();
        assert!(
            outcome
                .observations
                .iter()
                .all(|answer| !answer.text.contains(CANARY) || answer.text.contains("Not searched"))
        );
        assert!(outcome.observations.iter().all(|answer| !answer.text.contains("root:x:")));
        assert!(text(0).lines().all(|line| line.trim() != "break"), "{}", text(0));
        assert!(!outcome.observations[3].ok && !outcome.observations[4].ok && !outcome.observations[5].ok);
        for answer in &outcome.observations {
            assert!(!answer.summary.contains('\u{1b}') && !answer.summary.contains('\n'), "{answer:?}");
        }
    });
}

#[test]
fn nothing_is_written_through_a_trap_or_over_what_was_not_read() {
    let calls = vec![
        call("write_file", serde_json::json!({"path": "replaced", "content": "owned"})),
        call("write_file", serde_json::json!({"path": "dangling", "content": "owned"})),
        call("write_file", serde_json::json!({"path": "homes/new", "content": "owned"})),
        call("write_file", serde_json::json!({"path": ".git/hooks/pre-commit", "content": "owned"})),
        call("write_file", serde_json::json!({"path": "sub/.GIT/config", "content": "owned"})),
        call("write_file", serde_json::json!({"path": "pipe", "content": "owned"})),
        call("write_file", serde_json::json!({"path": "@logs/tests-1.log", "content": "owned"})),
        call("edit_file", serde_json::json!({"path": "git/config", "old_text": "x", "new_text": "y"})),
        call("edit_file", serde_json::json!({"path": ".env", "old_text": "API", "new_text": "y"})),
        call("run_tests", serde_json::json!({"filter": ["a\u{0}b"]})),
        call("run_command", serde_json::json!({"argv": ["sh", "-c", "id"]})),
        call("__worker", serde_json::json!({})),
    ];
    behave(&calls, |world, outcome| {
        let taken: Vec<_> = outcome.observations.iter().filter(|answer| answer.ok).collect();
        assert!(taken.is_empty(), "{taken:?}");
        assert!(!world.home().join("born").exists());
    });
}
