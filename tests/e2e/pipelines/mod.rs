//! GitHub's workflows, read as they are written and executed on this machine: `run:` steps by bash, our own action by its steps,
//! the three actions of GitHub's that the examples use by what their documentation says they do.

mod expressions;
mod job;
mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::kimi::MockKimi;
use crate::world::World;

pub use expressions::{filled, holds};
pub use job::{JobEnd, JobResult};

/// Of the binary, by the system's program: it is large, and this build isn't optimized.
static SHA256: LazyLock<String> = LazyLock::new(|| {
    let told = Command::new("sha256sum").arg(assert_cmd::cargo::cargo_bin!("kcode")).output().unwrap().stdout;
    String::from_utf8(told).unwrap().split_whitespace().next().unwrap().to_owned()
});

/// The repository's own folder.
pub fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A YAML file as a value. A key that occurs twice is an error.
pub fn read(path: &str) -> Value {
    let text = fs::read_to_string(own(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the platform knows when a workflow starts.
pub struct Platform<'a> {
    pub world: &'a World,
    pub event_name: &'static str,
    pub event: Value,
    pub secrets: Value,
    pub vars: Value,
    /// Variables of the machine.
    pub machine: Vec<(String, String)>,
}

impl<'a> Platform<'a> {
    /// One whose machines have kcode's binary in a file, and the mock as the provider.
    pub fn new(world: &'a World, kimi: &MockKimi, event_name: &'static str, event: Value) -> Self {
        let binary = assert_cmd::cargo::cargo_bin!("kcode");
        for (name, script) in [
            // Asked for a password, but for what the workflows do with it.
            ("sudo", "[ \"$1 $2\" = 'sysctl -w' ]"),
            ("gh", "echo \"gh $*\" >&2; [ -n \"$GH_TOKEN\" ] || exit 4; cat \"$(dirname \"$0\")/../failing.log\""),
        ] {
            program(world, name, script);
        }
        Self {
            world,
            event_name,
            event,
            secrets: json!({ "KCODE_API_KEY": MockKimi::KEY }),
            vars: json!({
                "KCODE_VERSION": "0.1.0", "KCODE_SHA256": *SHA256, "KCODE_URL": format!("file://{}", binary.display()),
            }),
            machine: vec![
                ("KCODE_BASE_URL".to_owned(), kimi.base_url()),
                ("KCODE_TEST_TIME_TO_REMOVE_MS".to_owned(), "60000".to_owned()),
            ],
        }
    }

    /// Runs the jobs of a workflow, each after those that it needs.
    pub fn run(&self, workflow: &Value) -> BTreeMap<String, JobEnd> {
        let mut ended = BTreeMap::new();
        let jobs = workflow["jobs"].as_object().unwrap();
        while ended.len() < jobs.len() {
            let ready = |name: &&String| {
                !ended.contains_key(*name) && needed(&jobs[*name]).iter().all(|needed| ended.contains_key(needed))
            };
            let name = jobs.keys().find(ready).expect("jobs need each other").clone();
            let end = job::run(self, &name, &jobs[&name], &ended);
            ended.insert(name, end);
        }
        ended
    }

    /// Bash on a machine of GitLab's, with the same programs and the binary by its address.
    pub fn shell(&self, folder: &Path) -> Command {
        let mut command = Command::new("bash");
        let path = format!("{}:{}", self.world.path("programs").display(), std::env::var("PATH").unwrap());
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.world.path("home"))
            .env("KCODE_HOME", self.world.state());
        command
            .env("TMPDIR", self.world.path("tmp"))
            .env("LANG", "C.UTF-8")
            .envs(self.machine.clone())
            .current_dir(folder);
        for name in ["KCODE_URL", "KCODE_SHA256"] {
            command.env(name, self.vars[name].as_str().unwrap());
        }
        command
    }

    /// What was uploaded under this name.
    pub fn artifact(&self, name: &str) -> PathBuf {
        self.world.path("artifacts").join(name)
    }
}

/// A program of the machines.
pub fn program(world: &World, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = world.path("programs");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), format!("#!/bin/bash\n{script}\n")).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

/// The jobs that a job needs.
pub fn needed(job: &Value) -> Vec<String> {
    match &job["needs"] {
        Value::Null => Vec::new(),
        Value::String(one) => vec![one.clone()],
        several => several.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
    }
}
