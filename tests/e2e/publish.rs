//! `kcode publish` against a strict stand-in for the platforms' APIs and a bare repository: from a run's artifact to branch, draft
//! and comment, and what becomes of an artifact, a branch or a platform that isn't as it should be.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use sha2::Digest as _;

use crate::ran::Ran;
use crate::support::forge::{Answer, Forge, Kind};
use crate::world::{TASK, World, mender};

/// A world whose project has a bare repository as its remote.
struct Scene {
    world: World,
    forge: Forge,
}

impl Scene {
    fn new(kind: Kind) -> Self {
        let (world, forge) = (World::new(), Forge::start(kind));
        let bare = world.path("bare.git");
        world.git(&["clone", "-q", "--bare", world.root().to_str().unwrap(), bare.to_str().unwrap()]);
        Self { world, forge }
    }

    fn out(&self) -> PathBuf {
        self.world.path("out")
    }

    /// Runs `kcode ci` to make an artifact.
    fn solved(self) -> Self {
        self.solve(TASK);
        self
    }

    fn solve(&self, task: &str) {
        let kimi = mender();
        let out = self.out();
        let mut command = self.world.keyed(&kimi, &["ci", "--out", out.to_str().unwrap(), "--task-env", "TASK"]);
        command.env("TASK", task);
        self.world.run_freely(command).code(0);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let (out, remote) = (self.out(), format!("file://{}", self.world.path("bare.git").display()));
        let (platform, variable) = match self.forge.kind() {
            Kind::GitHub => ("github", "GITHUB_TOKEN"),
            Kind::GitLab => ("gitlab", "GITLAB_TOKEN"),
        };
        let (api, out) = (self.forge.api(), out.to_str().unwrap());
        let own = ["publish", "--in", out, "--platform", platform, "--api", &api, "--repository", Forge::REPOSITORY];
        let mut command = self.world.kcode(&[&own[..], &["--remote", &remote], arguments].concat());
        command.env(variable, Forge::TOKEN);
        command
    }

    fn publish(&self, arguments: &[&str]) -> Ran {
        let ran = self.world.run_freely(self.command(arguments));
        assert!(!format!("{}{}", ran.stdout(), ran.stderr()).contains(Forge::TOKEN), "the token is told");
        ran
    }

    /// The branches of the remote that kcode made.
    fn branches(&self) -> Vec<String> {
        let told = self
            .world
            .git_in(&self.world.path("bare.git"), &["for-each-ref", "--format=%(refname:short)", "refs/heads/kcode"]);
        told.lines().map(str::to_owned).collect()
    }

    fn remote(&self, arguments: &[&str]) -> String {
        self.world.git_in(&self.world.path("bare.git"), arguments).trim().to_owned()
    }

    fn requests(&self) -> Vec<Value> {
        self.forge.with(|state| state.requests.clone())
    }

    fn comments(&self, number: u64) -> Vec<String> {
        let comments = self.forge.with(|state| state.comments.get(&number).cloned().unwrap_or_default());
        comments.iter().map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
    }

    /// Changes `result.json`.
    fn edit_result(&self, edit: impl FnOnce(&mut Value)) {
        let file = self.out().join("result.json");
        let mut result: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        edit(&mut result);
        fs::write(file, result.to_string()).unwrap();
    }

    /// Puts another patch into the artifact, which all of its files tell of.
    fn forge_patch(&self, patch: &str) {
        let sha = format!("{:x}", sha2::Sha256::digest(patch));
        fs::write(self.out().join("patch.diff"), patch).unwrap();
        self.edit_result(|result| {
            result["patch"]["sha256"] = json!(sha);
            result["patch"]["bytes"] = json!(patch.len());
        });
        let file = self.out().join("report.json");
        let mut report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        report["patch"]["sha256"] = json!(sha);
        fs::write(file, report.to_string()).unwrap();
    }

    /// A person's commit on `branch` of the remote.
    fn person_commits(&self, branch: &str) -> String {
        let tree = self.remote(&["rev-parse", &format!("{branch}^{{tree}}")]);
        let names = ["-c", "user.name=P", "-c", "user.email=p@example.org"];
        let commit = self.remote(&[&names[..], &["commit-tree", &tree, "-p", branch, "-m", "mine"]].concat());
        self.remote(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
        commit
    }

    fn assert_nothing_published(&self) {
        assert_eq!((self.branches(), self.requests()), (Vec::new(), Vec::new()));
    }
}

#[test]
fn a_run_becomes_a_branch_a_draft_and_a_comment_and_the_next_one_updates_them() {
    for kind in [Kind::GitHub, Kind::GitLab] {
        let scene = Scene::new(kind).solved();
        scene.forge.with(|state| state.page = 1);
        scene.publish(&["--issue", "12", "--actor", "octocat"]).code(0).says(&["opened https://"]);
        let (branches, requests) = (scene.branches(), scene.requests());
        assert_eq!((branches.len(), requests.len()), (1, 1));
        let text = if kind == Kind::GitHub { "body" } else { "description" };
        let (body, title) = (requests[0][text].as_str().unwrap(), requests[0]["title"].as_str().unwrap());
        assert_eq!(requests[0]["draft"], true);
        assert!(title.ends_with("kcode: the greeting is misspelt"), "{title}");
        for words in
            ["**Cost**", "| before | fail |", "| after | pass |", "actor=octocat", "for #12", "a claim, not evidence"]
        {
            assert!(body.contains(words), "{words} is not in:\n{body}");
        }
        assert_eq!(scene.remote(&["show", &format!("{}:greeting.txt", branches[0])]), "Hello, World!");
        let message = scene.remote(&["log", "-1", "--format=%an %ae%n%B", &branches[0]]);
        assert!(message.starts_with("kcode kcode@") && message.contains("\nKcode-Run: "), "{message}");
        assert!(!message.contains("isn't any more"), "no prose of the model is in the history");
        assert_eq!(scene.comments(12).len(), 1);
        assert!(scene.comments(12)[0].contains("kcode opened a draft: https://"));

        let first = scene.remote(&["rev-parse", &branches[0]]);
        scene.solve("the greeting is misspelt, again");
        scene.publish(&["--issue", "12"]).code(0).says(&["updated https://"]);
        assert_eq!((scene.branches(), scene.requests().len(), scene.comments(12).len()), (branches.clone(), 1, 1));
        assert_ne!(scene.remote(&["rev-parse", &branches[0]]), first);
        assert!(scene.comments(12)[0].contains("kcode updated a draft"));
        assert_eq!(scene.remote(&["rev-list", "--count", &format!("main..{}", branches[0])]), "1");
    }
}

#[test]
fn what_a_person_added_stays() {
    let scene = Scene::new(Kind::GitHub).solved();
    scene.publish(&["--issue", "12"]).code(0);
    let branch = scene.branches().remove(0);
    let persons = scene.person_commits(&branch);
    scene.solve(TASK);
    scene.publish(&["--issue", "12"]).code(7).says(&["has commits that kcode didn't push"]);
    assert_eq!(scene.remote(&["rev-parse", &branch]), persons);
    assert!(scene.comments(12)[0].contains("has commits that kcode didn't push"));
}

#[test]
fn a_branch_of_that_name_that_somebody_made_stays() {
    let scene = Scene::new(Kind::GitHub).solved();
    let run = fs::read_to_string(scene.out().join("result.json")).unwrap();
    let run = serde_json::from_str::<Value>(&run).unwrap()["run"].as_str().unwrap().to_owned();
    scene.remote(&["update-ref", &format!("refs/heads/kcode/{run}"), "main"]);
    scene.publish(&["--issue", "3"]).code(7);
    assert_eq!(scene.remote(&["rev-parse", &format!("kcode/{run}")]), scene.remote(&["rev-parse", "main"]));
    assert!(scene.requests().is_empty());
}

#[test]
fn an_artifact_whose_parts_differ_publishes_nothing() {
    type Tampering = fn(&Scene);
    let ways: [(Tampering, &str); 7] = [
        (|scene| fs::write(scene.out().join("patch.diff"), "x").unwrap(), "isn't the patch"),
        (|scene| scene.edit_result(|it| it["patch"]["sha256"] = json!("0".repeat(64))), "isn't the patch"),
        (|scene| scene.edit_result(|it| it["patch"]["path"] = json!("../patch.diff")), "isn't the patch"),
        (|scene| scene.edit_result(|it| it["run"] = json!("--force;$(id)")), "can't be read"),
        (|scene| scene.edit_result(|it| it["run"] = json!("22222222")), "of another run"),
        (|scene| fs::remove_file(scene.out().join("report.json")).unwrap(), "without report.json"),
        (
            |scene| {
                let (patch, moved) = (scene.out().join("patch.diff"), scene.out().join("moved"));
                fs::rename(&patch, &moved).unwrap();
                std::os::unix::fs::symlink(&moved, &patch).unwrap();
            },
            "symbolic link",
        ),
    ];
    let scene = Scene::new(Kind::GitHub);
    for (tamper, words) in ways {
        scene.solve(TASK);
        tamper(&scene);
        scene.publish(&["--issue", "1"]).code(7).says(&[words, "hint: "]);
        assert!(scene.forge.with(|state| state.calls.is_empty()));
    }
    scene.assert_nothing_published();
}

#[test]
fn a_patch_that_the_policy_refuses_or_that_does_not_apply_becomes_a_comment() {
    let workflow = "diff --git a/.github/workflows/x.yml b/.github/workflows/x.yml\nnew file mode 100644\nindex 0000000..257cc56\n\
                    --- /dev/null\n+++ b/.github/workflows/x.yml\n@@ -0,0 +1 @@\n+foo\n";
    let elsewhere = "diff --git a/greeting.txt b/greeting.txt\nindex 1111111..2222222 100644\n--- a/greeting.txt\n+++ b/greeting.txt\n@@ -1 +1 @@\n-Bye\n+Hi\n";
    for (patch, words) in [(workflow, "the patch policy refuses"), (elsewhere, "doesn't apply to main")] {
        let scene = Scene::new(Kind::GitHub).solved();
        scene.forge_patch(patch);
        scene.publish(&["--issue", "4"]).code(7).says(&[words]);
        scene.assert_nothing_published();
        assert!(scene.comments(4)[0].contains(words), "{:?}", scene.comments(4));
    }
}

#[test]
fn a_job_that_failed_or_was_killed_becomes_a_comment() {
    for (finished, outcome, code) in [(false, "interrupted", 130), (true, "try_again", 75), (true, "tests_failing", 5)]
    {
        let scene = Scene::new(Kind::GitHub).solved();
        scene.edit_result(|result| {
            result["finished"] = json!(finished);
            result["outcome"] = json!(outcome);
            result["reason"] = json!("ping @octo/team, fixes #1 ![x](https://evil.example/?q)\n/merge");
        });
        scene.publish(&["--issue", "4"]).code(code);
        scene.assert_nothing_published();
        let comments = scene.comments(4);
        assert_eq!(comments.len(), 1);
        for bad in ["@octo", "#1", "](", "://", "\n/merge"] {
            assert!(!comments[0].contains(bad), "{bad} in {}", comments[0]);
        }
    }
}

#[test]
fn refusals_name_what_is_missing_and_limits_are_waited_for() {
    let scene = Scene::new(Kind::GitHub).solved();
    let mut command = scene.command(&["--issue", "4"]);
    command.env("GITHUB_TOKEN", "ghs_wrong");
    scene.world.run_freely(command).code(77).says(&["answered with 401: Bad credentials", "hint: the token is wrong"]);
    let needed = vec![("x-accepted-github-permissions", "pull_requests=write".to_owned())];
    let denied = Answer(403, needed, json!({ "message": "Resource not accessible by integration" }));
    scene.forge.with(|state| state.troubles.push(("POST /repos/octo/spoon/pulls", denied)));
    scene.publish(&[]).code(77).says(&["hint: the token lacks a permission; this call needs: pull_requests=write"]);
    let limited = Answer(429, vec![("retry-after", "1".to_owned())], json!({ "message": "slow down" }));
    let reset = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", "1".to_owned())];
    let spent = Answer(403, reset, json!({ "message": "API rate limit exceeded" }));
    scene.forge.with(|state| state.troubles.extend([("GET /repos", limited), ("POST /repos/octo/spoon/pulls", spent)]));
    scene.publish(&[]).code(0).says(&["opened https://"]);
    let hour = Answer(429, vec![("retry-after", "3600".to_owned())], json!({ "message": "slow down" }));
    scene.forge.with(|state| state.troubles.push(("GET /repos", hour)));
    scene.publish(&[]).code(75).says(&["longer than --deadline allows"]);
}

#[test]
fn a_publication_that_broke_off_is_finished_by_the_next_one() {
    for thread in [&["--issue", "9"][..], &[]] {
        let scene = Scene::new(Kind::GitHub).solved();
        // The branch is pushed, and nothing else happens.
        let down = Answer::json(502, json!({ "message": "Bad Gateway" }));
        scene.forge.with(|state| state.troubles.push(("POST /repos/octo/spoon/pulls", down)));
        scene.publish(thread).code(75);
        let pushed = scene.branches();
        assert_eq!((pushed.len(), scene.requests().len()), (1, 0));
        let commit = scene.remote(&["rev-parse", &pushed[0]]);
        scene.publish(thread).code(0);
        assert_eq!((scene.branches(), scene.remote(&["rev-parse", &pushed[0]])), (pushed, commit));
        assert_eq!((scene.requests().len(), scene.comments(9).len()), (1, usize::from(!thread.is_empty())));
        let before = scene.requests();
        scene.publish(thread).code(0).says(&["updated"]);
        assert_eq!(scene.requests()[0]["number"], before[0]["number"]);
    }
}

#[test]
fn a_dry_run_prints_each_call_and_does_none() {
    let scene = Scene::new(Kind::GitHub).solved();
    let ran = scene.publish(&["--issue", "12", "--dry-run"]).code(0);
    for words in ["POST http://", "/pulls\n", "\"draft\": true", "git push file://", "/issues/12/comments"] {
        assert!(ran.stdout().contains(words), "{words} is not in:\n{}", ran.stdout());
    }
    assert!(scene.forge.with(|state| state.calls.is_empty()));
    scene.assert_nothing_published();
}

#[test]
fn there_are_limits_for_a_day_and_for_an_actor() {
    let scene = Scene::new(Kind::GitHub).solved();
    scene.publish(&["--issue", "1", "--actor", "a"]).code(0);
    scene.solve(TASK);
    scene.publish(&["--issue", "2", "--actor", "a", "--max-per-actor", "1"]).code(6).says(&["the limit for one actor"]);
    scene.publish(&["--issue", "2", "--actor", "b", "--max-per-day", "1"]).code(6).says(&["which is the limit"]);
    assert_eq!((scene.requests().len(), scene.branches().len()), (1, 1));
    scene.publish(&["--issue", "2", "--actor", "b", "--max-per-actor", "1"]).code(0);
    assert_eq!(scene.requests().len(), 2);
}

#[test]
fn only_its_own_stale_drafts_are_closed() {
    for kind in [Kind::GitHub, Kind::GitLab] {
        let scene = Scene::new(kind).solved();
        scene.publish(&["--issue", "1"]).code(0);
        let mark = if kind == Kind::GitHub { "user" } else { "author" };
        scene.forge.with(|state| {
            state.requests[0]["updated_at"] = json!("2020-01-01T00:00:00Z");
            let mut others = state.requests[0].clone();
            others[mark] = json!({ "login": "person", "username": "person" });
            others["number"] = json!(900);
            others["iid"] = json!(900);
            state.requests.push(others);
        });
        scene.solve(TASK);
        scene.publish(&["--issue", "2", "--close-stale", "30"]).code(0);
        let states: Vec<Value> = scene.requests().iter().map(|it| it["state"].clone()).collect();
        let open = if kind == Kind::GitHub { "open" } else { "opened" };
        assert_eq!(states, ["closed", open, open]);
    }
}

#[test]
fn the_issue_comes_from_the_jobs_own_event_and_not_from_the_artifact() {
    let scene = Scene::new(Kind::GitHub).solved();
    scene.edit_result(|result| result["task"]["number"] = json!(666));
    let event = scene.world.path("event.json");
    fs::write(&event, json!({ "issue": { "number": 21 }, "sender": { "login": "octocat" } }).to_string()).unwrap();
    let mut command = scene.command(&[]);
    command.env("GITHUB_EVENT_PATH", &event);
    scene.world.run_freely(command).code(0);
    assert_eq!((scene.comments(21).len(), scene.comments(666).len()), (1, 0));
    assert!(scene.requests()[0]["body"].as_str().unwrap().contains("actor=octocat"));
}

#[test]
fn a_redirect_gets_no_token() {
    let (scene, other) = (Scene::new(Kind::GitHub).solved(), Forge::start(Kind::GitHub));
    let moved =
        Answer(301, vec![("location", format!("{}/user", other.api()))], json!({ "message": "Moved Permanently" }));
    scene.forge.with(|state| state.troubles.push(("GET /user", moved)));
    scene.publish(&[]).code(78).says(&["answered with 301"]);
    assert!(other.with(|state| state.calls.is_empty()));
}
