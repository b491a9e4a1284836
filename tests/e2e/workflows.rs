//! `action.yml` and the workflows in `examples/github`: the split between the agent and what publishes, and the steps as written.

use std::fs;

use serde_json::{Value, json};

use crate::pipelines::{JobResult, Platform, own, program, read};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{TASK, World, mender};

const WORKFLOWS: [&str; 3] = ["on-issue", "fix-failing-ci", "scheduled"];

fn workflow(name: &str) -> Value {
    read(&format!("examples/github/{name}.yml"))
}

fn steps(job: &Value) -> &Vec<Value> {
    job["steps"].as_array().unwrap()
}

/// The texts of a value, however deep.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn mentions(value: &Value, word: &str) -> bool {
    texts(value).iter().any(|text| text.contains(word))
}

#[test]
fn the_agent_has_the_key_and_the_publisher_has_the_token() {
    for name in WORKFLOWS {
        let workflow = workflow(name);
        assert_eq!(workflow["permissions"], json!({}), "{name}: nothing by default");
        assert!(workflow["concurrency"]["group"].is_string(), "{name}");
        let [agent, publish] = [&workflow["jobs"]["agent"], &workflow["jobs"]["publish"]];
        assert_eq!(agent["permissions"], json!({ "contents": "read" }), "{name}");
        let written = json!({ "contents": "write", "pull-requests": "write", "issues": "write" });
        assert_eq!((&publish["permissions"], &publish["needs"]), (&written, &json!("agent")), "{name}");
        for word in ["github.token", "GITHUB_TOKEN", "GH_TOKEN"] {
            assert!(!mentions(agent, word), "{name}: {word} in the job of the agent");
        }
        assert!(!mentions(publish, "secrets."), "{name}: a secret in the job that publishes");
        assert!(!steps(publish).iter().any(|step| step["uses"].as_str().is_some_and(|it| it.contains("checkout"))));
        assert!(steps(publish).iter().all(|step| step["run"].is_null()), "{name}: a script in the job that publishes");
        for (job, other) in workflow["jobs"].as_object().unwrap() {
            // A secret is given to the one step that needs it.
            assert!(job == "agent" || !mentions(other, "secrets."), "{name}: {job}");
            assert!(other["env"].is_null() && workflow["env"].is_null(), "{name}: {job}");
        }
        for step in steps(agent) {
            let runs_kcode = step["uses"].as_str().is_some_and(|uses| uses.starts_with("OWNER/kcode@"));
            assert!(runs_kcode || !mentions(step, "secrets."), "{name}: {step}");
            let uses = step["uses"].as_str().unwrap_or_default();
            assert!(!uses.contains("cache") && step["with"]["cache"].is_null(), "{name}: {step}");
            if uses.contains("checkout") {
                assert_eq!(step["with"]["persist-credentials"], false, "{name}");
            }
        }
    }
}

#[test]
fn actions_are_pinned_and_no_script_holds_an_expression() {
    let mut files: Vec<(String, Value)> = WORKFLOWS.map(|name| (name.to_owned(), workflow(name))).to_vec();
    files.push(("action.yml".to_owned(), json!({ "jobs": { "action": read("action.yml")["runs"] } })));
    for (name, file) in files {
        for job in file["jobs"].as_object().unwrap().values() {
            for step in steps(job) {
                assert!(!step["run"].as_str().is_some_and(|script| script.contains("${{")), "{name}: {step}");
                let Some(uses) = step["uses"].as_str() else { continue };
                let (_, commit) = uses.split_once('@').unwrap();
                assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}: {uses}");
            }
        }
    }
}

#[test]
fn nothing_that_a_stranger_causes_starts_a_job() {
    let labeled = |label: &str, kind: &str| json!({ "action": "labeled", "label": { "name": label }, "sender": { "type": kind }, "issue": { "number": 7 } });
    let comment = |body: &str, association: &str, issue: Value| {
        json!({
            "action": "created", "sender": { "type": "User" }, "issue": issue,
            "comment": { "body": body, "author_association": association },
        })
    };
    let pull_request = json!({ "number": 7, "pull_request": { "url": "https://api.github.invalid/7" } });
    let ended = |event: &str, repository: &str, branch: &str| {
        json!({
            "workflow_run": {
                "conclusion": "failure", "event": event, "id": 1, "head_sha": "0", "head_branch": branch,
                "head_repository": { "full_name": repository },
            },
            "repository": { "default_branch": "main" },
        })
    };
    for (name, first, event_name, event) in [
        ("on-issue", "agent", "issues", labeled("bug", "User")),
        ("on-issue", "agent", "issues", labeled("kcode", "Bot")),
        ("on-issue", "agent", "issue_comment", comment("/kcode fix it", "NONE", json!({ "number": 7 }))),
        ("on-issue", "agent", "issue_comment", comment("/kcode fix it", "CONTRIBUTOR", json!({ "number": 7 }))),
        ("on-issue", "agent", "issue_comment", comment("please /kcode", "OWNER", json!({ "number": 7 }))),
        ("on-issue", "agent", "issue_comment", comment("/kcode fix it", "OWNER", pull_request)),
        ("fix-failing-ci", "log", "workflow_run", ended("pull_request", "owner/project", "main")),
        ("fix-failing-ci", "log", "workflow_run", ended("push", "stranger/project", "main")),
        ("fix-failing-ci", "log", "workflow_run", ended("push", "owner/project", "other")),
    ] {
        let (world, kimi) = (World::new(), mender());
        let ended = Platform::new(&world, &kimi, event_name, event.clone()).run(&workflow(name));
        assert!(ended.contains_key(first));
        for (job, end) in &ended {
            assert_eq!(end.result, JobResult::Skipped, "{name}: {job} on {event}");
        }
        assert!(kimi.requests().is_empty());
    }
}

/// A project with the task file of the scheduled workflow.
fn scheduled_world() -> World {
    let world = World::new();
    world.write(".github/kcode-task.md", TASK);
    world.commit_all();
    world
}

/// Ends of the agent's job of a workflow, without the job that publishes.
fn agent_alone(name: &str) -> Value {
    let mut workflow = workflow(name);
    workflow["jobs"].as_object_mut().unwrap().remove("publish");
    workflow
}

#[test]
fn the_scheduled_job_leaves_a_patch_as_its_artifact() {
    let (world, kimi) = (scheduled_world(), mender());
    let platform = Platform::new(&world, &kimi, "schedule", json!({}));
    let ended = platform.run(&agent_alone("scheduled"));
    let agent = &ended["agent"];
    assert_eq!(agent.result, JobResult::Success, "{}", agent.log());
    let result: Value =
        serde_json::from_slice(&fs::read(platform.artifact("kcode").join("result.json")).unwrap()).unwrap();
    assert_eq!((&result["outcome"], &result["finished"]), (&json!("verified"), &json!(true)));
    world.git(&["apply", "--check", platform.artifact("kcode").join("patch.diff").to_str().unwrap()]);
    for file in fs::read_dir(platform.artifact("kcode")).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains(MockKimi::KEY));
    }
    assert!(!agent.log().contains(MockKimi::KEY));
}

#[test]
fn a_failing_job_is_red_and_keeps_its_artifact() {
    let world = scheduled_world();
    let kimi = MockKimi::answering(|_| Answer::quota());
    let platform = Platform::new(&world, &kimi, "schedule", json!({}));
    let ended = platform.run(&agent_alone("scheduled"));
    assert_eq!((ended["agent"].result, ended["agent"].step("Run kcode").code), (JobResult::Failure, 69));
    let result: Value =
        serde_json::from_slice(&fs::read(platform.artifact("kcode").join("result.json")).unwrap()).unwrap();
    assert_eq!(result["outcome"], "model_rejected");
}

#[test]
fn the_failing_log_becomes_the_task() {
    let (world, kimi) = (World::new(), mender());
    fs::write(
        world.path("failing.log"),
        [b"\xff not ok 1 - greeting\n".as_slice(), b"$(touch /tmp/x) `id`\n"].concat(),
    )
    .unwrap();
    let event = json!({
        "workflow_run": {
            "conclusion": "failure", "event": "push", "id": 41, "head_branch": "main",
            "head_sha": world.git(&["rev-parse", "HEAD"]).trim(), "head_repository": { "full_name": "owner/project" },
        },
        "repository": { "default_branch": "main" },
    });
    let platform = Platform::new(&world, &kimi, "workflow_run", event);
    let ended = platform.run(&agent_alone("fix-failing-ci"));
    assert_eq!(ended["agent"].result, JobResult::Success, "{}{}", ended["log"].log(), ended["agent"].log());
    assert!(ended["log"].log().contains("gh run view 41 --repo owner/project --log-failed"));
    let task = kimi.requests()[0].last_text().to_owned();
    assert!(task.contains("not ok 1 - greeting") && task.contains("$(touch /tmp/x) `id`"), "{task}");
}

#[test]
fn a_checkout_that_keeps_its_credential_ends_the_job() {
    let (world, kimi) = (scheduled_world(), mender());
    let mut workflow = agent_alone("scheduled");
    let checkout = workflow["jobs"]["agent"]["steps"][0]["with"].as_object_mut().unwrap();
    assert!(checkout.remove("persist-credentials").is_some());
    let ended = Platform::new(&world, &kimi, "schedule", json!({})).run(&workflow);
    assert_eq!(ended["agent"].step("Run kcode").code, 78, "{}", ended["agent"].log());
    assert!(kimi.requests().is_empty());
}

#[test]
fn a_binary_of_another_checksum_is_not_run() {
    for sha256 in ["0".repeat(64), String::new(), "$(id)".to_owned()] {
        let (world, kimi) = (scheduled_world(), mender());
        let mut platform = Platform::new(&world, &kimi, "schedule", json!({}));
        platform.vars["KCODE_SHA256"] = json!(sha256);
        let ended = platform.run(&agent_alone("scheduled"));
        assert_eq!(ended["agent"].result, JobResult::Failure);
        assert!(!ended["agent"].steps.iter().any(|step| step.name == "Run kcode"), "{}", ended["agent"].log());
        assert!(kimi.requests().is_empty());
    }
}

#[test]
fn without_a_release_kcode_is_built_where_no_key_is() {
    let (world, kimi) = (scheduled_world(), mender());
    let mut platform = Platform::new(&world, &kimi, "schedule", json!({}));
    let binary = platform.vars["KCODE_URL"].as_str().unwrap().trim_start_matches("file://").to_owned();
    platform.vars = json!({});
    let script = format!(
        "env > \"$RUNNER_TEMP/seen\"; echo \"$*\" >> \"$RUNNER_TEMP/seen\"; while [ \"$1\" != --target-dir ]; do shift; done
         mkdir -p \"$2/release\"; cp {binary} \"$2/release/kcode\""
    );
    program(&world, "cargo", &script);
    let ended = platform.run(&agent_alone("scheduled"));
    assert_eq!(ended["agent"].result, JobResult::Success, "{}", ended["agent"].log());
    let seen = fs::read_to_string(world.path("machines/agent/temp/seen")).unwrap();
    assert!(seen.contains("build --release --locked --manifest-path") && !seen.contains(MockKimi::KEY), "{seen}");
}

#[test]
fn the_action_refuses_a_job_that_holds_key_and_token() {
    for (command, variable, words) in [
        ("ci", "GITHUB_TOKEN", "a job that runs the agent gets no GITHUB_TOKEN"),
        ("publish", "KCODE_API_KEY", "a job that publishes gets no model key"),
    ] {
        let (world, kimi) = (scheduled_world(), mender());
        let mut workflow = agent_alone("scheduled");
        let steps = workflow["jobs"]["agent"]["steps"].as_array_mut().unwrap();
        let step = steps.iter_mut().find(|step| step["with"]["command"] == "ci").unwrap();
        step["with"]["command"] = json!(command);
        step["env"][variable] = json!("x".repeat(30));
        let ended = Platform::new(&world, &kimi, "schedule", json!({})).run(&workflow);
        let step = ended["agent"].step("Run kcode");
        assert!(step.code == 2 && step.err.contains(words), "{}", ended["agent"].log());
    }
}

fn gitlab() -> Value {
    read("examples/gitlab/.gitlab-ci.yml")
}

/// The scripts of a job, as one.
fn gitlab_script(job: &str) -> String {
    let file = gitlab();
    assert_eq!(file[job]["extends"], ".kcode");
    let lines = |part: &Value| texts(part).join("\n");
    format!("{}\n{}\n", lines(&file[".kcode"]["before_script"]), lines(&file[job]["script"]))
}

#[test]
fn gitlabs_jobs_are_split_as_well() {
    let file = gitlab();
    let [agent, publish] = [&file["kcode-agent"], &file["kcode-publish"]];
    assert_eq!(
        (&agent["environment"]["name"], &publish["environment"]["name"]),
        (&json!("kcode-agent"), &json!("kcode-publish"))
    );
    assert!(mentions(&agent["script"], "unset GITLAB_TOKEN CI_JOB_TOKEN CI_REPOSITORY_URL"));
    // A report of variables would set those of the job that publishes.
    assert!(agent["artifacts"]["reports"].is_null() && agent["cache"].is_null());
    assert_eq!(publish["variables"]["GIT_STRATEGY"], "none");
    assert!(gitlab_script("kcode-publish").contains("the job that publishes gets no model key"));
    let rule = file["workflow"]["rules"][0]["if"].as_str().unwrap();
    assert!(
        rule.contains("schedule|web|trigger") && rule.ends_with("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"),
        "{rule}"
    );
}

#[test]
fn gitlabs_agent_leaves_a_patch_and_its_publisher_takes_no_key() {
    let (world, kimi) = (World::new(), mender());
    world.write(".gitlab/kcode-task.md", TASK);
    world.write("kcode-artifacts/patch.diff", "planted");
    world.commit_all();
    let job = |name: &str| {
        let platform = Platform::new(&world, &kimi, "schedule", json!({}));
        let folder = world.path(&format!("builds/{name}"));
        world.git(&[
            "clone",
            "-q",
            "--depth=1",
            &format!("file://{}", world.root().display()),
            folder.to_str().unwrap(),
        ]);
        world.git_in(
            &folder,
            &["remote", "set-url", "origin", "https://gitlab-ci-token:glcbt-1@gitlab.invalid/o/p.git"],
        );
        let mut command = platform.shell(&folder);
        command.args(["-eo", "pipefail", "-c", &gitlab_script(name)]);
        command
            .env("GITLAB_CI", "true")
            .env("CI_PROJECT_DIR", &folder)
            .env("CI_PROJECT_URL", "https://gitlab.invalid/o/p");
        command.env("KCODE_API_KEY", MockKimi::KEY).env("CI_JOB_TOKEN", "glcbt-1");
        (world.run(command), folder.join("kcode-artifacts"))
    };
    let (ran, artifacts) = job("kcode-agent");
    ran.code(0);
    let result: Value = serde_json::from_slice(&fs::read(artifacts.join("result.json")).unwrap()).unwrap();
    assert_eq!(result["outcome"], "verified");
    assert!(fs::read_to_string(artifacts.join("patch.diff")).unwrap().contains("+Hello, World!"));
    job("kcode-publish").0.code(2).says(&["the job that publishes gets no model key"]);
}

#[test]
fn the_documentation_names_tests_that_exist() {
    let text = fs::read_to_string(own("docs/ci.md")).unwrap();
    let names: Vec<&str> = text.split('`').filter_map(|part| part.strip_prefix("e2e::")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let (file, function) = name.split_once("::").unwrap();
        let source = fs::read_to_string(own(&format!("tests/e2e/{file}.rs"))).unwrap();
        assert!(source.contains(&format!("fn {function}()")), "{name}");
    }
}
