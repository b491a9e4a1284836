//! One job on a machine of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::steps::{StepEnd, run_steps};
use super::{Platform, holds, needed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobResult {
    Success,
    Failure,
    Skipped,
}

/// How a job ended.
pub struct JobEnd {
    pub result: JobResult,
    pub steps: Vec<StepEnd>,
    pub outputs: Value,
}

impl JobEnd {
    /// The step that started this program of ours, or any step of the name.
    pub fn step(&self, name: &str) -> &StepEnd {
        self.steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("no step {name} was run"))
    }

    /// Everything that was printed.
    pub fn log(&self) -> String {
        self.steps
            .iter()
            .map(|step| format!("## {}: {}\n{}{}\n", step.name, step.code, step.out, step.err))
            .collect::<Vec<_>>()
            .concat()
    }
}

/// Folders of a machine that nothing was done on before.
pub struct Machine {
    pub home: PathBuf,
    pub temp: PathBuf,
    pub workspace: PathBuf,
}

/// Runs a job if its condition holds.
pub fn run(platform: &Platform, name: &str, job: &Value, ended: &BTreeMap<String, JobEnd>) -> JobEnd {
    let mut needs = Map::new();
    for needed in needed(job) {
        let end = &ended[&needed];
        let result = match end.result {
            JobResult::Success => "success",
            JobResult::Failure => "failure",
            JobResult::Skipped => "skipped",
        };
        needs.insert(needed, json!({ "result": result, "outputs": end.outputs }));
    }
    let succeeded = needs.values().all(|needed| needed["result"] == "success");
    let folder = platform.world.path(&format!("machines/{name}"));
    let machine =
        Machine { home: folder.join("home"), temp: folder.join("temp"), workspace: folder.join("workspace/project") };
    let mut contexts = json!({
        "github": {
            "event_name": platform.event_name, "event": platform.event, "repository": "owner/project", "token": "ghs_tokenOfTheJob0123456789",
            "action_path": super::own("."), "action_repository": "owner/kcode", "server_url": "https://github.invalid",
        },
        "needs": needs, "vars": platform.vars, "runner": { "temp": machine.temp }, "steps": {},
    });
    if !holds(&job["if"], &contexts, succeeded) {
        return JobEnd { result: JobResult::Skipped, steps: Vec::new(), outputs: json!({}) };
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    for folder in [&machine.home, &machine.temp, &machine.workspace] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(machine.temp.join("event.json"), platform.event.to_string()).unwrap();
    // What can be seen by conditions can't be seen here: secrets are for steps.
    contexts["secrets"] = platform.secrets.clone();
    let (steps, worked) = run_steps(platform, &machine, job["steps"].as_array().unwrap(), &mut contexts, &[]);
    JobEnd { result: if worked { JobResult::Success } else { JobResult::Failure }, steps, outputs: json!({}) }
}
