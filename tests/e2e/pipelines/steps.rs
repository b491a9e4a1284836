//! Steps: scripts by bash, our action by its own steps, GitHub's actions by what they do.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::job::Machine;
use super::{Platform, filled, holds, read};

/// How a step ended.
pub struct StepEnd {
    pub name: String,
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs steps in order. The second value is false when one failed.
pub fn run_steps(
    platform: &Platform,
    machine: &Machine,
    steps: &[Value],
    contexts: &mut Value,
    outer: &[(String, String)],
) -> (Vec<StepEnd>, bool) {
    let (mut ended, mut succeeded) = (Vec::new(), true);
    for step in steps {
        if !holds(&step["if"], contexts, succeeded) {
            continue;
        }
        let mut env = outer.to_vec();
        env.extend(texts(&step["env"], contexts));
        let at = ended.len();
        let outputs = match step["uses"].as_str() {
            None => {
                let (end, outputs) = script(platform, machine, step, env);
                ended.push(end);
                outputs
            }
            Some(uses) if uses.starts_with("OWNER/kcode@") => {
                let (inner, outputs) = own_action(platform, machine, step, contexts, &env);
                ended.extend(inner);
                outputs
            }
            Some(uses) => {
                ended.push(of_github(platform, machine, uses, &texts(&step["with"], contexts)));
                json!({})
            }
        };
        succeeded &= ended[at..].iter().all(|end| end.code == 0);
        if let Some(id) = step["id"].as_str() {
            contexts["steps"][id] = json!({ "outputs": outputs });
        }
    }
    (ended, succeeded)
}

/// The composite action of this repository.
fn own_action(
    platform: &Platform,
    machine: &Machine,
    step: &Value,
    contexts: &Value,
    env: &[(String, String)],
) -> (Vec<StepEnd>, Value) {
    let action = read("action.yml");
    let given = texts(&step["with"], contexts);
    let mut inputs = json!({});
    for (name, input) in action["inputs"].as_object().unwrap() {
        inputs[name] = input["default"].clone();
    }
    for (name, value) in given {
        assert!(inputs.get(&name).is_some(), "the action has no input {name}");
        inputs[name] = json!(value);
    }
    // Secrets of the workflow are none of an action's contexts.
    let mut inner =
        json!({ "github": contexts["github"], "runner": contexts["runner"], "inputs": inputs, "steps": {} });
    let (steps, _) = run_steps(platform, machine, action["runs"]["steps"].as_array().unwrap(), &mut inner, env);
    let outputs: serde_json::Map<String, Value> = (action["outputs"].as_object().unwrap().iter())
        .map(|(name, output)| (name.clone(), json!(filled(output["value"].as_str().unwrap(), &inner))))
        .collect();
    (steps, Value::Object(outputs))
}

fn script(platform: &Platform, machine: &Machine, step: &Value, env: Vec<(String, String)>) -> (StepEnd, Value) {
    let text = step["run"].as_str().unwrap();
    assert!(!text.contains("${{"), "an expression in a script: {text}");
    let file = machine.temp.join("script.sh");
    fs::write(&file, text).unwrap();
    let [outputs, summary] = ["outputs", "summary"].map(|name| machine.temp.join(name));
    fs::write(&outputs, "").unwrap();
    let mut command = on(platform, machine, "bash");
    // As the runner starts bash, with `shell: bash` and without.
    command.args(if step["shell"] == "bash" { &["--noprofile", "--norc", "-eo", "pipefail"][..] } else { &["-e"] });
    command.arg(&file).envs(env).env("GITHUB_OUTPUT", &outputs).env("GITHUB_STEP_SUMMARY", summary);
    let ended = command.output().unwrap();
    let end = StepEnd {
        name: step["name"].as_str().unwrap().to_owned(),
        code: ended.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&ended.stdout).into_owned(),
        err: String::from_utf8_lossy(&ended.stderr).into_owned(),
    };
    (end, values(&fs::read_to_string(outputs).unwrap()))
}

/// A program on the machine of a job.
fn on(platform: &Platform, machine: &Machine, program: &str) -> Command {
    let mut command = Command::new(program);
    let path = format!("{}:{}", platform.world.path("programs").display(), std::env::var("PATH").unwrap());
    command.env_clear().env("PATH", path).env("HOME", &machine.home).env("TMPDIR", &machine.temp);
    command.env("LANG", "C.UTF-8").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GITHUB_ACTIONS", "true").env("CI", "true").env("GITHUB_REPOSITORY", "owner/project");
    command.env("GITHUB_EVENT_NAME", platform.event_name).env("GITHUB_EVENT_PATH", machine.temp.join("event.json"));
    command.env("RUNNER_TEMP", &machine.temp).env("GITHUB_WORKSPACE", &machine.workspace);
    command.envs(platform.machine.clone()).current_dir(&machine.workspace).stdin(Stdio::null());
    command
}

/// An action of GitHub's.
fn of_github(platform: &Platform, machine: &Machine, uses: &str, with: &[(String, String)]) -> StepEnd {
    let input = |name: &str| with.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let code = match uses.split('@').next().unwrap() {
        "actions/checkout" => {
            check_out(platform, machine, input("ref"), input("persist-credentials") != Some("false"));
            0
        }
        "actions/upload-artifact" => {
            let found = Path::new(input("path").unwrap()).is_dir();
            if found {
                copy(Path::new(input("path").unwrap()), &platform.artifact(input("name").unwrap()));
            }
            i32::from(!found && input("if-no-files-found") == Some("error"))
        }
        "actions/download-artifact" => {
            let artifact = platform.artifact(input("name").unwrap());
            if artifact.is_dir() {
                copy(&artifact, Path::new(input("path").unwrap()));
            }
            i32::from(!artifact.is_dir())
        }
        other => panic!("{other} isn't known here"),
    };
    let (out, err) = (String::new(), String::new());
    StepEnd { name: uses.to_owned(), code, out, err }
}

/// One commit, HEAD detached, as the platform leaves a checkout.
fn check_out(platform: &Platform, machine: &Machine, commit: Option<&str>, keeps_credential: bool) {
    let git = |arguments: &[&str]| {
        let ended = on(platform, machine, "git").args(["-c", "gc.auto=0"]).args(arguments).output().unwrap();
        assert!(ended.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    };
    let remote = format!("file://{}", platform.world.root().display());
    git(&["init", "-q", "."]);
    git(&["remote", "add", "origin", &remote]);
    git(&["fetch", "-q", "--no-tags", "--depth=1", "origin", commit.unwrap_or("HEAD")]);
    git(&["checkout", "-q", "--detach", "FETCH_HEAD"]);
    if keeps_credential {
        git(&["config", "http.https://github.invalid/.extraheader", "AUTHORIZATION: basic eDp5"]);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // Links aren't taken along as links.
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A table of texts, filled.
fn texts(table: &Value, contexts: &Value) -> Vec<(String, String)> {
    let entries = table.as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), |text| filled(text, contexts));
    entries.map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Values of `$GITHUB_OUTPUT`, as the runner reads them.
fn values(text: &str) -> Value {
    let mut values = json!({});
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").unwrap();
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        values[name] = json!(value.join("\n"));
    }
    values
}
