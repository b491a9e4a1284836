//! `kcode export`: a run as one file.

use std::fs;

use serde_json::Value;

use crate::laws::assert_shape;
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{EDIT, World};

#[test]
fn a_run_goes_to_a_file_and_is_replayed_elsewhere() {
    let world = World::new();
    let kimi = MockKimi::script(vec![Answer::call("edit_file", EDIT), Answer::text("Done.")]);
    world.fix(&kimi, &[]).code(0);
    let file = world.path("output/run.json");
    world.run(world.kcode(&["export", "--out", file.to_str().unwrap()])).code(0);
    let archive: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_shape("run", &archive);
    assert_eq!(archive["schema"], "kcode.run/1");
    assert_eq!(archive["start_tree"], world.git(&["rev-parse", "HEAD^{tree}"]).trim());
    let contents: Vec<_> = archive["contents"].as_array().unwrap().iter().map(|content| &content["text"]).collect();
    assert_eq!(contents.len(), 2, "{contents:?}");

    let elsewhere = World::new();
    let ran = elsewhere.run(elsewhere.kcode(&["replay", file.to_str().unwrap()])).code(0);
    assert!(ran.stdout().contains("2 requests, 1 tool call"), "{}", ran.stdout());
}

#[test]
fn no_secret_is_exported_and_what_held_one_is_not_replayed() {
    let world = World::new();
    let secret = ["ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat();
    let edit = format!(r#"{{"path": "docs/about.md", "old_text": "A greeting.", "new_text": "token = {secret}"}}"#);
    let kimi = MockKimi::script(vec![
        Answer::call("edit_file", EDIT),
        Answer::call("edit_file", &edit),
        Answer::text("Done."),
    ]);
    world.fix(&kimi, &[]);
    let ran = world.run(world.kcode(&["export"])).code(0).says(&["left out", "secrets were removed"]);
    assert!(!ran.stdout().contains(&secret));
    let archive: Value = serde_json::from_str(&ran.stdout()).unwrap();
    assert_eq!(archive["left_out"].as_array().unwrap().len(), 1);

    let file = world.path("output/run.json");
    fs::write(&file, ran.stdout()).unwrap();
    world.run(world.kcode(&["replay", file.to_str().unwrap()])).code(7).says(&["reply 2", "a secret was taken out"]);
}

#[test]
fn a_file_that_is_no_run_is_refused() {
    let world = World::new();
    let file = world.path("output/run.json");
    for content in ["", "{}", r#"{"schema": "kcode.run/9"}"#, "\u{0}"] {
        fs::write(&file, content).unwrap();
        world
            .run(world.kcode(&["replay", file.to_str().unwrap()]))
            .code(2)
            .says(&["can't be replayed", "kcode export"]);
    }
}

#[test]
fn a_trajectory_tells_every_step_and_what_it_cost() {
    let world = World::new();
    let kimi = MockKimi::script(vec![
        Answer::calls([("read_file", r#"{"path": "greeting.txt"}"#), ("list_files", "not json")]),
        Answer::call("edit_file", EDIT),
        Answer::text("Done."),
    ]);
    world.fix(&kimi, &[]).code(0);
    let ran = world.run(world.kcode(&["export", "--format", "atif"])).code(0);
    let trajectory: Value = serde_json::from_str(&ran.stdout()).unwrap();
    assert_eq!(trajectory["schema_version"], "ATIF-v1.6");
    assert_eq!(trajectory["agent"]["name"], "kcode");
    let steps = trajectory["steps"].as_array().unwrap();
    let sources: Vec<_> = steps.iter().map(|step| step["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["system", "user", "agent", "agent", "agent"]);
    assert!(steps.iter().zip(1..).all(|(step, n)| step["step_id"] == n));
    let first = &steps[2];
    assert_eq!(first["reasoning_content"], "I need a tool.");
    assert_eq!(first["tool_calls"][0]["arguments"]["path"], "greeting.txt");
    assert_eq!(first["tool_calls"][1]["arguments"]["unparsed"], "not json");
    let results = first["observation"]["results"].as_array().unwrap();
    let called = first["tool_calls"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert!(called.iter().zip(results).all(|(call, result)| call["tool_call_id"] == result["source_call_id"]));
    let sum: u64 = steps.iter().filter_map(|step| step["metrics"]["prompt_tokens"].as_u64()).sum();
    assert_eq!(trajectory["final_metrics"]["total_prompt_tokens"], sum);
    assert_eq!(trajectory["final_metrics"]["total_steps"], 5);
    assert_eq!(trajectory["extra"]["outcome"], "verified");
}
