//! `kcode demo`: the real loop, worker, tools and tests on a small broken repository; only the model is a recording.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::arguments::Global;
use super::terminal::Terminal;
use super::{canned, output};
use crate::journal::Outcome;
use crate::model::replay::CannedConversation;
use crate::run::{self, Failure, RunOptions, RunSpec};
use crate::settings::{self, Environment, FlagLayer};
use crate::workspace::Repository;

/// Time between two events of the recording, so that a person sees them arrive.
const PACE: Duration = Duration::from_millis(15);

/// A repository with a bug, and the conversation that fixes it.
struct Scenario {
    /// Program that its tests need.
    needs: &'static str,
    task: &'static str,
    test: &'static str,
    files: &'static [(&'static str, &'static str)],
    conversation: &'static str,
}

macro_rules! scenario_file {
    ($language:literal, $path:literal) => {
        ($path, include_str!(concat!("../../fixtures/demo/", $language, "/repository/", $path)))
    };
}

/// In order of preference; the last one only needs a shell.
static SCENARIOS: [Scenario; 2] = [
    Scenario {
        needs: "python3",
        task: "add() subtracts too much when b is negative",
        test: "python3 -m unittest discover",
        files: &[
            scenario_file!("python", "pyproject.toml"),
            scenario_file!("python", "calc/__init__.py"),
            scenario_file!("python", "calc/core.py"),
            scenario_file!("python", "tests/__init__.py"),
            scenario_file!("python", "tests/test_core.py"),
        ],
        conversation: include_str!("../../fixtures/demo/python/conversation.json"),
    },
    Scenario {
        needs: "sh",
        task: "the greeting leaves the name out",
        test: "./test.sh",
        files: &[scenario_file!("sh", "greet.sh"), scenario_file!("sh", "test.sh")],
        conversation: include_str!("../../fixtures/demo/sh/conversation.json"),
    },
];

/// Plays the first scenario whose language is installed.
pub(super) fn execute(global: &Global) -> Result<Outcome, Failure> {
    let env = Environment::from_process();
    let scenario = SCENARIOS.iter().find(|scenario| is_there(scenario.needs, &env)).unwrap_or(&SCENARIOS[1]);
    let place = tempfile::Builder::new().prefix("kcode-demo-").tempdir().context("no temporary folder can be made")?;
    let repository = place.path().join("repository");
    write(scenario, &repository)?;
    let recording: CannedConversation =
        serde_json::from_str(scenario.conversation).context("the recording is damaged")?;

    let base_url = canned::serve(recording, PACE)?;
    output::say("demo: the model is a recording, served on this machine; everything else is real\n");
    let outcome = play(global, scenario, &repository, &base_url, &place.path().join("state"));
    let hint = "set MOONSHOT_API_KEY and run: kcode fix \"task\" in a repository of yours";
    output::say(&format!("\nThat was a recording; to use the real model, {hint}"));
    outcome
}

/// Runs `kcode fix --dry-run` with an environment of its own.
fn play(global: &Global, scenario: &Scenario, root: &Path, base_url: &str, state: &Path) -> Result<Outcome, Failure> {
    let state = state.to_string_lossy().into_owned();
    let env: Environment =
        [("KCODE_API_KEY", "sk-recording"), ("KCODE_BASE_URL", base_url), ("KCODE_HOME", &state)].into_iter().collect();
    let repository = Repository::open(root)?;
    let test = Some(scenario.test.to_owned());
    let flags = FlagLayer { test: test.clone(), ..FlagLayer::default() };
    let settings = settings::load(&flags, &env, None, Some(repository.root()))?;
    let task = scenario.task.to_owned();
    let options = RunOptions { test, loudness: global.loudness(), ..RunOptions::default() };
    let front = Terminal::watching(global);
    let spec = RunSpec::new(task, repository, settings, options, &front);
    Ok(run::run(RunSpec { kept: false, ..spec })?.outcome)
}

fn is_there(program: &str, env: &Environment) -> bool {
    let path = env.get("PATH").unwrap_or_default();
    let executable =
        |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path).any(|folder| executable(&folder.join(program)))
}

fn write(scenario: &Scenario, root: &Path) -> Result<(), Failure> {
    for (name, content) in scenario.files {
        let path = root.join(name);
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
        fs::write(&path, content).with_context(|| format!("{} can't be written", path.display()))?;
        if content.starts_with("#!") {
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&path, executable)
                .with_context(|| format!("{} can't be made executable", path.display()))?;
        }
    }
    Ok(())
}
