//! Not a test of its own: the broker of the others, in a process that they can lend to another user.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kcode::journal::{RelPath, Residue, SandboxBuilt};
use kcode::sandbox::{OverlayPlan, Worker, WorkerFolders, WorkerPlan};
use kcode::settings::{Reporting, Sandbox, TestCommand, seal_environment};
use kcode::tools::{Observation, TestRun};
use kcode::workspace::{ChangeSet, Overlay, Repository};
use landlock::{AccessFs, Ruleset, RulesetAttr};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use serde::{Deserialize, Serialize};

/// Names the folder where the assignment lies.
pub const ROLE: &str = "KCODE_ATTACKS_BROKER";

/// Where the attacks lie in the run's folder.
const SCRIPT: &str = "scratch/attack.sh";

/// More than the tests' projects have.
const MOST_PATHS: usize = 10_000;

/// What a broker has to do.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Assignment {
    /// The run's folder.
    pub run: PathBuf,
    pub wall: String,
    pub program: PathBuf,
    /// The binary of these tests.
    pub attacker: PathBuf,
    /// The test command. `@BROKER@`, `@SUPERVISOR@` and `@HOST@` stand for processes, `@ATTACKER@` for that binary.
    pub script: String,
    /// Where it starts, below the view.
    pub dir: Option<String>,
    /// Patterns of reports that it writes there.
    pub written_anyway: Vec<String>,
    /// Of a run of it.
    pub deadline_s: u64,
    /// Calls of tools, made after the test command has run: name and arguments.
    pub calls: Vec<(String, String)>,
    /// The terminal that the broker is started on, if it is.
    pub terminal: Option<PathBuf>,
    /// Bytes at which commands are ended, where it is not to be the machine that suffers.
    pub memory: Option<u64>,
    /// The kernel refuses new sessions.
    pub no_session: bool,
    /// What the plan names as readable, and as never to be shown.
    pub readable: Vec<PathBuf>,
    pub private: Vec<PathBuf>,
    /// What settings call folders of dependencies. With it the project is opened, and the plan made of it, as kcode does it.
    pub dependencies: Option<Vec<String>>,
    /// Files of secrets that may be seen.
    pub readable_secrets: Vec<String>,
    /// Of the broker's environment.
    pub variables: Vec<(String, PathBuf)>,
    /// Paths of which it is asked whether they are to be seen.
    pub asked: Vec<PathBuf>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub wall: SandboxBuilt,
    pub tests: TestRun,
    pub log: String,
    pub observations: Vec<Observation>,
    pub residue: Residue,
    /// Those of the paths asked of that are to be seen.
    pub shown: Vec<PathBuf>,
}

impl Outcome {
    /// Whether a layer of that name holds.
    pub fn holds(&self, layer: &str) -> bool {
        self.wall.layers.iter().any(|it| it.name == layer && it.holds)
    }
}

#[test]
fn play() {
    let Some(desk) = std::env::var_os(ROLE).map(PathBuf::from) else { return };
    // As the built binary does it; only this thread and the harness's idle one are there.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).unwrap();
    seal_environment();
    let assignment: Assignment =
        serde_json::from_str(&fs::read_to_string(desk.join("assignment.json")).unwrap()).unwrap();
    if let Some(terminal) = &assignment.terminal {
        take(terminal);
    }
    if assignment.no_session {
        refuse_sessions();
    }
    if assignment.wall == "WithoutNamespaces" {
        refuse_namespaces();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(work(&assignment));
    fs::write(desk.join("outcome.json"), serde_json::to_string(&outcome).unwrap()).unwrap();
}

/// Makes it this process's controlling terminal, and leaves it open for whoever is started.
fn take(terminal: &Path) {
    rustix::process::setsid().unwrap();
    let terminal = fs::File::options().read(true).write(true).open(terminal).unwrap();
    rustix::process::ioctl_tiocsctty(&terminal).unwrap();
    std::mem::forget(rustix::io::dup(&terminal).unwrap());
}

/// Refuses them to workers that this thread starts.
fn refuse_sessions() {
    rustix::thread::set_no_new_privs(true).unwrap();
    let rules = BTreeMap::from([(libc::SYS_setsid, Vec::new())]);
    let refusal = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, ARCH.try_into().unwrap()).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    apply_filter(&program).unwrap();
}

/// Refuses namespaces to workers that this thread starts: who is in a Landlock domain can't mount.
fn refuse_namespaces() {
    let rules = Ruleset::default().handle_access(AccessFs::MakeBlock).unwrap().create().unwrap();
    rules.restrict_self().unwrap();
}

async fn work(assignment: &Assignment) -> Outcome {
    let mut plan = plan(assignment);
    if let Some(names) = &assignment.dependencies {
        open_project(&mut plan, assignment, names);
    }
    let visible = kcode::sandbox::shown(&plan);
    let shown = assignment.asked.iter().filter(|path| visible.shows(path)).cloned().collect();
    let (worker, wall) = Worker::start(plan).await.unwrap();
    let supervisor = children(std::process::id()).first().copied().unwrap_or_default();
    let host = host_below(supervisor).map(own_number).unwrap_or_default();
    let numbers = [("@BROKER@", std::process::id()), ("@SUPERVISOR@", supervisor), ("@HOST@", host)];
    let script =
        numbers.iter().fold(assignment.script.clone(), |text, (name, pid)| text.replace(name, &pid.to_string()));
    let script = script.replace("@ATTACKER@", &assignment.attacker.display().to_string());
    fs::write(assignment.run.join(SCRIPT), script).unwrap();
    let tests = worker.run_tests(&[]).await.unwrap();
    let mut observations = Vec::new();
    for (name, arguments) in &assignment.calls {
        observations.push(worker.call(name, arguments).await.unwrap());
    }
    let log = fs::read(assignment.run.join("logs").join(&tests.log)).unwrap();
    let log = String::from_utf8_lossy(&log).into_owned();
    Outcome { wall, tests, log, observations, residue: worker.stop().await, shown }
}

fn plan(assignment: &Assignment) -> WorkerPlan {
    let folder = |name| assignment.run.join(name);
    let folders = WorkerFolders { view: folder("view"), logs: folder("logs"), scratch: folder("scratch") };
    WorkerPlan {
        overlay: (assignment.wall == "Overlay" && assignment.dependencies.is_none()).then(|| overlay(assignment)),
        readable: [&assignment.readable[..], std::slice::from_ref(&assignment.attacker)].concat(),
        private: assignment.private.clone(),
        tests: Some(tests(assignment)),
        deadline: Duration::from_secs(assignment.deadline_s),
        idle: Duration::from_secs(assignment.deadline_s),
        readable_secrets: assignment.readable_secrets.clone(),
        program: Some(assignment.program.clone()),
        ..WorkerPlan::bare(folders, if assignment.wall == "Off" { Sandbox::Off } else { Sandbox::Auto })
    }
}

fn tests(assignment: &Assignment) -> TestCommand {
    let script = assignment.run.join(SCRIPT).display().to_string();
    let reporting = Reporting { written_anyway: assignment.written_anyway.clone(), ..Reporting::default() };
    let dir = assignment.dir.as_deref().map(|dir| RelPath::new(dir).unwrap());
    TestCommand::argv(["sh".to_owned(), script]).reporting(reporting).in_dir(dir)
}

/// What a run makes of the project that the broker was started in.
fn open_project(plan: &mut WorkerPlan, assignment: &Assignment, names: &[String]) {
    let project = std::env::current_dir().unwrap();
    let repository = Repository::open(&project).unwrap();
    assert_eq!(repository.root(), project);
    let outline = repository.outline_paths(MOST_PATHS);
    plan.readable.extend(repository.dependencies(names, &outline).folders);
    let overlay = || Overlay::prepare(&repository, &assignment.run, ChangeSet::new(Vec::new())).unwrap();
    plan.overlay = (assignment.wall == "Overlay").then(|| OverlayPlan::of(&overlay()));
}

/// Of the project, which the broker was started in.
fn overlay(assignment: &Assignment) -> OverlayPlan {
    let layers = assignment.run.join("overlay");
    for layer in ["upper", "work"] {
        fs::create_dir_all(layers.join(layer)).unwrap();
    }
    let tree = std::env::current_dir().unwrap();
    OverlayPlan { git: vec![tree.join(".git")], tree, layers }
}

/// The supervisor's child, unless bwrap stands between them.
fn host_below(process: u32) -> Option<u32> {
    let line = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("cmdline")).unwrap_or_default();
    let is_host = line.contains("\0__worker\0host\0") && !line.contains("bwrap\0");
    is_host.then_some(process).or_else(|| children(process).into_iter().find_map(host_below))
}

/// What a process is called in its own process namespace.
fn own_number(process: u32) -> u32 {
    let status = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).unwrap();
    let numbers = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
    numbers.split_whitespace().last().unwrap().parse().unwrap()
}

fn children(of: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent(*pid) == Some(of)).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(1)?.parse().ok()
}
