//! The main job: a task in, a verified patch out.

use serde_json::json;

use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, TASK, World, mender};

#[test]
fn a_bug_is_mended_and_the_patch_is_handed_over() {
    let (world, kimi) = (World::new(), mender());
    let ran = world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    let patch = ran.stdout();
    assert!(patch.starts_with("diff --git a/greeting.txt b/greeting.txt\n"), "{patch}");
    assert!(patch.contains("\n-Hello, Wrold!\n+Hello, World!\n"), "{patch}");
    std::fs::write(world.path("handed-over.diff"), &patch).unwrap();
    world.git(&["apply", "--check", world.path("handed-over.diff").to_str().unwrap()]);
    assert_eq!(ran.kept().read("patch.diff"), patch);
    insta::assert_snapshot!(ran.steady_stderr());
}

#[test]
fn the_report_tells_what_others_rely_on() {
    let (world, kimi) = (World::new(), mender());
    let ran = world.fix(&kimi, &[]).code(0);
    let report = ran.report();
    assert_eq!(report["schema"], "kcode.report/1");
    assert_eq!(report["run"], ran.kept().id());
    assert_eq!((&report["outcome"], &report["exit_code"]), (&json!("verified"), &json!(0)));
    assert_eq!((&report["task"], &report["model"]), (&json!(TASK), &json!(MockKimi::MODEL)));
    assert_eq!(report["head"], world.git(&["rev-parse", "HEAD"]).trim());
    let file = json!({ "path": "greeting.txt", "kind": "modified", "added": 1, "removed": 1, "binary": false });
    assert_eq!(report["patch"]["files"], json!([file]));
    assert_eq!(report["patch"]["path"], ran.kept().0.join("patch.diff").to_str().unwrap());
    let sha256 = <sha2::Sha256 as sha2::Digest>::digest(ran.stdout());
    assert_eq!(report["patch"]["sha256"], format!("{sha256:x}"));

    let tests = &report["tests"];
    assert_eq!((&tests["command"], &tests["origin"]), (&json!("./test.sh"), &json!(".kcode.toml")));
    assert_eq!((&tests["fresh"], &tests["after"]["passed"]), (&json!(true), &json!(true)));
    assert_eq!((&tests["fixed"], &tests["broken"]), (&json!([]), &json!([])));
    assert!(tests.get("baseline").is_some());
    let log = tests["after"]["log"].as_str().unwrap();
    assert_eq!(ran.kept().read(log), "ok 1 - greeting\n");

    let usage = &report["usage"];
    assert_eq!((&usage["requests"], &usage["retries"]), (&json!(3), &json!(0)));
    for key in ["prompt_tokens", "cached_tokens", "completion_tokens", "cost_usd"] {
        assert!(usage[key].as_f64().unwrap() > 0.0, "{key} in {usage}");
    }
    assert_eq!(report["tools"], json!({ "calls": 2, "failures": 0 }));
    assert_eq!(report["reasoning"], json!({ "turns": 3, "kept": 3, "lost": 0 }));
    assert_eq!(report["cache"]["prefix_breaks"], 0);
    assert!(report["latency"]["mean_ms"].is_u64() && report["latency"]["p95_ms"].is_u64());
    for key in ["tree", "process", "network"] {
        assert!(report["wall"][key].is_boolean(), "{key}");
    }
    assert!(report["wall"]["proof"].is_array());
    assert_eq!(report["budget"]["stop_reason"], "finished");
    assert_eq!(report["budget"]["turns"], 3);
    assert!(report["timing"]["total_ms"].as_u64() >= report["timing"]["first_request_ms"].as_u64());
    assert_eq!(report["said"], "The greeting was misspelt; it isn't any more.");
    assert_eq!(report["applied"], json!(null));
    assert_eq!(report["residue"], json!({ "killed": 0, "survivors": 0 }));
}

#[test]
fn the_report_for_people_says_the_same() {
    let (world, kimi) = (World::new(), mender());
    let ran = world.fix(&kimi, &[]).code(0);
    let text = ran.kept().read("report.md");
    let text = text.replace(ran.kept().0.to_str().unwrap(), "KEPT");
    insta::assert_snapshot!(crate::ran::steady(&text));
}

#[test]
fn the_journal_holds_the_run_in_order() {
    let (world, kimi) = (World::new(), mender());
    // What runs concurrently has no place in the order.
    let kept = world.fix(&kimi, &["--no-baseline"]).code(0).kept();
    let journal = kept.journal();
    let kinds = journal.iter().map(|record| record["type"].as_str().unwrap()).filter(|kind| *kind != "start_seen");
    let kinds: Vec<_> = kinds.collect();
    insta::assert_snapshot!(kinds.join("\n"));
    assert_eq!(kept.events("run_started")[0]["task"], TASK);
    assert_eq!(kept.events("run_ended")[0]["outcome"], "verified");
}

#[test]
fn the_model_can_run_the_tests_itself_and_reads_what_they_say() {
    let world = World::new();
    let kimi = MockKimi::script([
        Answer::call("run_tests", "{}"),
        Answer::call("edit_file", EDIT),
        Answer::call("run_tests", "{}"),
        Answer::text("Done."),
    ]);
    let kept = world.fix(&kimi, &[]).code(0).kept();
    kimi.assert_clean();
    let answers = kept.answers();
    assert!(answers[0].starts_with("failed (exit code 1)"), "{}", answers[0]);
    assert!(answers[2].contains("ok 1 - greeting"), "{}", answers[2]);
    let purposes = kept.events("tests_ran").into_iter().map(|ran| ran["purpose"].clone());
    let purposes: Vec<_> = purposes.filter(|purpose| purpose != "baseline").collect();
    assert_eq!(purposes, ["model", "model", "verification"]);
}

#[test]
fn every_tool_works_in_one_run() {
    let world = World::new();
    let kimi = MockKimi::script([
        Answer::calls([
            ("list_files", "{}"),
            ("search", r#"{"pattern": "Wr.ld"}"#),
            ("read_file", r#"{"path": "greeting.txt"}"#),
        ]),
        Answer::calls([
            ("edit_file", EDIT),
            ("write_file", r#"{"path": "docs/new file.md", "content": "New.\n"}"#),
            ("run_tests", "{}"),
        ]),
        Answer::text("Done."),
    ]);
    let ran = world.fix(&kimi, &[]).code(0);
    kimi.assert_clean();
    assert_eq!(ran.report()["tools"], json!({ "calls": 6, "failures": 0 }));
    let answers = ran.kept().answers();
    assert!(answers[0].contains("docs"), "{}", answers[0]);
    assert!(answers[1].contains("greeting.txt"), "{}", answers[1]);
    assert!(answers[2].contains("1\tHello, Wrold!"), "{}", answers[2]);
    assert!(ran.stdout().contains("+++ b/docs/new file.md"), "{}", ran.stdout());
}
