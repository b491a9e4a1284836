//! The process wall, driven through the built binary: what a worker's commands can do, and what is left of them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use kcode::journal::WallBuilt;
use kcode::model::ToolCall;
use kcode::settings::{Sandbox, TestCommand};
use kcode::tools::TestRun;
use kcode::worker::{Worker, WorkerError, WorkerPlan};
use tempfile::TempDir;

/// Long enough for any machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_mins(1);
/// Names the folder of the world when this binary plays a broker that will be killed, or has secrets.
const ROLE: &str = "KCODE_TEST_BROKER";

/// A view with logs and scratch beside it, and a folder outside that holds a secret.
struct World {
    folder: PathBuf,
    _owner: Option<TempDir>,
}

impl World {
    fn new() -> Self {
        let owner = TempDir::new().unwrap();
        let world = Self { folder: owner.path().canonicalize().unwrap(), _owner: Some(owner) };
        for folder in ["run/view", "run/logs", "run/scratch", "outside"] {
            fs::create_dir_all(world.folder.join(folder)).unwrap();
        }
        fs::write(world.outside().join("secret"), "hunter2").unwrap();
        world
    }

    fn of_another_process(folder: &str) -> Self {
        Self { folder: folder.into(), _owner: None }
    }

    fn view(&self) -> PathBuf {
        self.folder.join("run/view")
    }

    fn outside(&self) -> PathBuf {
        self.folder.join("outside")
    }

    fn plan(&self, line: &str) -> WorkerPlan {
        WorkerPlan {
            view: self.view(),
            logs: self.folder.join("run/logs"),
            scratch: self.folder.join("run/scratch"),
            readable: Vec::new(),
            tests: Some(TestCommand::shell(line)),
            deadline: PATIENCE,
            idle: PATIENCE,
            child_env: Vec::new(),
            sandbox: Sandbox::Auto,
            program: Some(env!("CARGO_BIN_EXE_kcode").into()),
        }
    }

    async fn worker(&self, line: &str) -> Worker {
        Worker::start(self.plan(line)).await.unwrap().0
    }

    /// What becomes of `line` as the test command; the worker is stopped afterwards.
    async fn run(&self, line: &str) -> TestRun {
        let worker = self.worker(line).await;
        let run = worker.run_tests(&[]).await.unwrap();
        assert_eq!(worker.stop().await.survivors, 0);
        run
    }

    fn log(&self, run: &TestRun) -> String {
        fs::read_to_string(self.folder.join("run/logs").join(&run.log)).unwrap()
    }

    /// The process whose number a command wrote into the view.
    fn pid(&self, file: &str) -> String {
        fs::read_to_string(self.view().join(file)).unwrap().trim().to_owned()
    }

    async fn has(&self, file: &str) {
        let file = self.view().join(file);
        until(&format!("{} to be written", file.display()), || fs::metadata(&file).is_ok_and(|file| file.len() > 0))
            .await;
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_alive(pid: &str) -> bool {
    assert!(!pid.is_empty());
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    !matches!(stat.rsplit(") ").next().and_then(|rest| rest.chars().next()), None | Some('Z' | 'X'))
}

/// Leaves a daemon behind that has its own session and holds on to the output.
const DAEMON: &str = "(setsid sh -c 'echo $$ > daemon.pid; exec sleep 1000' &); \
                      while [ ! -s daemon.pid ]; do sleep 0.01; done";

#[tokio::test]
async fn a_run_says_how_it_ended_and_what_was_written() {
    let world = World::new();
    let run = world.run("echo out; echo err >&2; exit 3").await;
    assert_eq!((run.exit_code, run.signal, run.stopped.as_deref()), (Some(3), None, None));
    assert_eq!(world.log(&run), "out\nerr\n");
    assert!(run.excerpt.starts_with("exit status: 3"), "{}", run.excerpt);
    assert!(run.excerpt.contains("out\nerr\n"));
    assert!(!run.passed());
    let killed = world.run("echo last words; kill -SEGV $$").await;
    assert_eq!((killed.exit_code, killed.signal), (None, Some(11)));
    assert!(killed.excerpt.contains("SIGSEGV") && killed.excerpt.contains("last words"), "{}", killed.excerpt);
    assert_ne!(run.log, killed.log);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_result_and_no_error() {
    let world = World::new();
    let plan = WorkerPlan { tests: Some(TestCommand::argv(["no-such-program-here"])), ..world.plan("") };
    let (worker, _) = Worker::start(plan).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(run.exit_code, Some(127));
    assert!(run.excerpt.contains("no-such-program-here could not be started"), "{}", run.excerpt);
}

#[tokio::test]
async fn a_filter_is_arguments_and_never_shell() {
    let world = World::new();
    let worker = world.worker("printf '%s\\n'").await;
    let filter = ["$(touch pwned)".to_owned(), "a b; touch pwned".to_owned()];
    let run = worker.run_tests(&filter).await.unwrap();
    assert_eq!(world.log(&run), "$(touch pwned)\na b; touch pwned\n");
    assert!(!world.view().join("pwned").exists());
}

#[tokio::test]
async fn a_daemon_ends_with_the_command_although_it_holds_the_pipe() {
    let world = World::new();
    let run = world.run(&format!("{DAEMON}; echo done")).await;
    assert_eq!(run.exit_code, Some(0));
    assert_eq!(world.log(&run), "done\n");
    assert!(!is_alive(&world.pid("daemon.pid")));
}

#[tokio::test]
async fn the_deadline_ends_a_command_that_ignores_being_asked() {
    let world = World::new();
    let line = format!("{DAEMON}; trap '' TERM; echo $$ > main.pid; echo before; while :; do sleep 1; done");
    let (worker, _) =
        Worker::start(WorkerPlan { deadline: Duration::from_secs(1), ..world.plan(&line) }).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(run.stopped.as_deref(), Some("deadline"));
    assert!(world.log(&run).contains("before\n") && run.excerpt.contains("deadline of 1 s"), "{}", run.excerpt);
    assert!(!is_alive(&world.pid("main.pid")) && !is_alive(&world.pid("daemon.pid")));
}

#[tokio::test]
async fn a_deadline_holds_for_a_command_that_never_stops_writing() {
    let world = World::new();
    let (worker, _) =
        Worker::start(WorkerPlan { deadline: Duration::from_secs(1), ..world.plan("yes") }).await.unwrap();
    assert_eq!(worker.run_tests(&[]).await.unwrap().stopped.as_deref(), Some("deadline"));
}

#[tokio::test]
async fn silence_ends_a_command_and_what_it_wrote_on_being_asked_is_kept() {
    let world = World::new();
    let line = "echo before; trap 'echo asked; exit 1' TERM; sleep 1000 & wait";
    let (worker, _) = Worker::start(WorkerPlan { idle: Duration::from_millis(500), ..world.plan(line) }).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert_eq!(run.stopped.as_deref(), Some("idle"));
    assert_eq!(world.log(&run), "before\nasked\n");
}

#[tokio::test]
async fn cancelling_ends_the_run_that_is_on_and_those_that_wait() {
    let world = World::new();
    let worker = world.worker("echo $$ > main.pid; echo begun; exec sleep 1000").await;
    let cancel = async {
        world.has("main.pid").await;
        worker.cancel_all().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(worker.run_tests(&[]), worker.run_tests(&[]), cancel);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.stopped.as_deref(), Some("cancelled"));
    assert_eq!(second.stopped.as_deref(), Some("cancelled"));
    assert_eq!([world.log(&first), world.log(&second)].concat(), "begun\n");
    assert!(!is_alive(&world.pid("main.pid")));
}

#[tokio::test]
async fn a_cancel_does_not_reach_the_next_run() {
    let world = World::new();
    let worker = world.worker("echo fine").await;
    worker.cancel_all().await.unwrap();
    assert!(worker.run_tests(&[]).await.unwrap().passed());
}

#[tokio::test]
async fn a_hundred_megabytes_cost_little_memory_and_a_bounded_log() {
    let world = World::new();
    let line = "if [ -e big ]; then grep VmHWM /proc/$PPID/status; \
                else touch big; echo first; head -c 100000000 /dev/zero | tr '\\0' '\\n'; echo last; fi";
    let worker = world.worker(line).await;
    let run = worker.run_tests(&[]).await.unwrap();
    assert!(run.passed() && run.excerpt.contains("first\n") && run.excerpt.contains("last\n"), "{}", run.excerpt);
    let log = world.folder.join("run/logs").join(&run.log).metadata().unwrap().len();
    assert!((64 << 20..65 << 20).contains(&log), "{log} bytes of log");
    let memory = world.log(&worker.run_tests(&[]).await.unwrap());
    let peak_kb: u64 = memory.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(peak_kb < 64 * 1024, "{memory}");
}

#[tokio::test]
async fn stopping_kills_what_still_runs_and_says_so() {
    let world = World::new();
    let worker = world.worker(&format!("{DAEMON}; echo $$ > main.pid; exec sleep 1000")).await;
    tokio::select! {
        run = worker.run_tests(&[]) => panic!("the command ended by itself: {run:?}"),
        () = world.has("main.pid") => {}
    }
    let residue = worker.stop().await;
    assert!(residue.killed >= 2, "{residue:?}");
    assert_eq!(residue.survivors, 0);
    assert!(!is_alive(&world.pid("main.pid")) && !is_alive(&world.pid("daemon.pid")));
}

#[tokio::test]
async fn dropping_a_worker_leaves_no_process() {
    let world = World::new();
    let worker = world.worker(&format!("{DAEMON}; echo $PPID > host.pid; echo $$ > main.pid; exec sleep 1000")).await;
    tokio::select! {
        run = worker.run_tests(&[]) => panic!("the command ended by itself: {run:?}"),
        () = world.has("main.pid") => {}
    }
    drop(worker);
    for file in ["main.pid", "daemon.pid", "host.pid"] {
        let pid = world.pid(file);
        until(&format!("{file} to be gone"), || !is_alive(&pid)).await;
    }
}

#[tokio::test]
async fn a_worker_that_dies_is_an_error_with_a_hint_and_takes_its_commands_along() {
    let world = World::new();
    let line = format!("{DAEMON}; kill -9 $PPID; sleep 1000");
    let (worker, _) = Worker::start(WorkerPlan { sandbox: Sandbox::Off, ..world.plan(&line) }).await.unwrap();
    let error = worker.run_tests(&[]).await.unwrap_err();
    assert!(matches!(error, WorkerError::Died { .. }), "{error}");
    assert!(error.to_string().contains("137") && !error.hint().is_empty(), "{error}");
    assert!(!is_alive(&world.pid("daemon.pid")));
    assert!(matches!(worker.run_tests(&[]).await, Err(WorkerError::Died { .. })));
    assert_eq!(worker.stop().await.survivors, 0);
}

/// Not a test of its own: the broker of those below, in a process that they may kill.
#[tokio::test]
async fn broker() {
    let Ok(folder) = std::env::var(ROLE) else { return };
    let world = World::of_another_process(&folder);
    let line = fs::read_to_string(world.folder.join("line")).unwrap();
    let plan =
        WorkerPlan { child_env: vec!["KCODE_TEST_NAMED".into(), "MOONSHOT_API_KEY".into()], ..world.plan(&line) };
    let (worker, _) = Worker::start(plan).await.unwrap();
    worker.run_tests(&[]).await.unwrap();
}

fn broker_process(world: &World, line: &str) -> Command {
    fs::write(world.folder.join("line"), line).unwrap();
    let mut broker = Command::new(std::env::current_exe().unwrap());
    broker.args(["--exact", "broker"]).env(ROLE, &world.folder);
    broker
}

#[tokio::test]
async fn killing_the_broker_ends_everything() {
    let world = World::new();
    let line = format!("{DAEMON}; echo $PPID > host.pid; echo $$ > main.pid; exec sleep 1000");
    let mut broker = broker_process(&world, &line).spawn().unwrap();
    world.has("main.pid").await;
    broker.kill().unwrap();
    broker.wait().unwrap();
    for file in ["main.pid", "daemon.pid", "host.pid"] {
        let pid = world.pid(file);
        until(&format!("{file} to be gone"), || !is_alive(&pid)).await;
    }
}

#[tokio::test]
async fn commands_see_an_environment_without_secrets() {
    let world = World::new();
    let mut broker = broker_process(&world, "env > seen; echo home: \"$HOME\" >> seen");
    let secrets = ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "SOME_VARIABLE", "MOONSHOT_API_KEY"];
    broker.envs(secrets.map(|name| (name, "hunter2"))).env("KCODE_TEST_NAMED", "let in");
    assert!(broker.status().unwrap().success());
    let seen = fs::read_to_string(world.view().join("seen")).unwrap();
    assert!(!seen.contains("hunter2"), "{seen}");
    assert!(seen.contains("KCODE_TEST_NAMED=let in") && seen.contains("CI=1"), "{seen}");
    assert!(seen.contains(&format!("home: {}", world.folder.join("run/scratch/home").display())), "{seen}");
}

/// What the wall ought to hold on this kernel.
fn expected(wall: &WallBuilt) -> (bool, bool) {
    let abi = wall.layers.iter().find(|layer| layer.name == "landlock").unwrap().detail.clone();
    let abi: u32 = abi.strip_prefix("ABI ").and_then(|abi| abi.split(';').next()?.parse().ok()).unwrap_or_default();
    (abi >= 3, abi >= 6)
}

#[tokio::test]
async fn the_kernel_keeps_commands_inside() {
    let world = World::new();
    let outside = world.outside().display().to_string();
    let logs = world.folder.join("run/logs").display().to_string();
    let broker = std::process::id();
    // Each line must fail; the number of the one that doesn't is the test's answer.
    let attacks = [
        format!("echo x > {outside}/new"),
        format!("echo x >> {outside}/secret"),
        format!("cat {outside}/secret"),
        format!("ls {outside}"),
        format!("ln -s {outside}/secret link && cat link"),
        format!("ln -s {outside} folder && echo x > folder/new"),
        format!("ln {outside}/secret hard"),
        format!("mv {outside}/secret moved"),
        format!("touch inside && mv inside {outside}/inside"),
        format!("cat /proc/self/root{outside}/secret"),
        format!("cat /proc/{broker}/root{outside}/secret"),
        format!("cat /proc/{broker}/environ"),
        "cat /proc/$HOST/environ".to_owned(),
        format!("kill -0 {broker}"),
        "kill -0 $HOST".to_owned(),
        format!("rm -f {logs}/tests-1.log; test ! -e {logs}/tests-1.log"),
        format!("echo forged > {logs}/forged.log"),
        "cat /etc/shadow".to_owned(),
    ];
    let script: Vec<String> = attacks
        .iter()
        .enumerate()
        .map(|(n, attack)| format!("if ({attack}) > /dev/null 2>&1; then echo open: {n}; fi"))
        .collect();
    fs::write(world.view().join("attacks.sh"), script.join("\n")).unwrap();
    let (worker, wall) = Worker::start(world.plan("HOST=$PPID sh attacks.sh")).await.unwrap();
    assert_eq!((wall.tree, wall.process), expected(&wall), "{wall:?}");
    assert!(!wall.network, "nothing guards the network yet: {wall:?}");
    if !wall.process {
        return; // An old kernel; what it leaves open was reported.
    }
    let run = worker.run_tests(&[]).await.unwrap();
    let log = world.log(&run);
    let open: Vec<&String> =
        log.lines().map(|line| &attacks[line["open: ".len()..].parse::<usize>().unwrap()]).collect();
    assert_eq!(open, Vec::<&String>::new());
    assert!(run.passed());
    assert_eq!(fs::read_to_string(world.outside().join("secret")).unwrap(), "hunter2");
}

#[tokio::test]
async fn commands_can_do_what_tests_need() {
    let world = World::new();
    let needs = [
        "echo x > file && mkdir -p a/b && mv file a/b/ && ln a/b/file hard && ln -s a/b link && cat link/file",
        "echo x > \"$HOME/dot\" && echo x > \"$TMPDIR/tmp\" && f=$(mktemp) && rm \"$f\"",
        "echo x > /dev/null && head -c 1 /dev/urandom > /dev/null",
        "touch /dev/shm/kcode-$$ && rm /dev/shm/kcode-$$",
        "printf '#!/bin/sh\\nexit 0\\n' > script && chmod +x script && ./script",
        "sleep 100 & kill $!",
        "cat /etc/passwd /proc/self/stat",
    ];
    let script: Vec<String> =
        needs.iter().map(|need| format!("({need}) || echo 'refused: {}'", need.replace('\'', ""))).collect();
    fs::write(world.view().join("needs.sh"), script.join("\n")).unwrap();
    let run = world.run("sh needs.sh > /dev/null").await;
    let run_log = world.log(&run);
    assert_eq!(run_log, "", "{run_log}");
}

/// Runs `line` over `files`, if this machine has `program`.
async fn toolchain(program: &str, files: &[(&str, &str)], line: &str) {
    let world = World::new();
    for (file, text) in files {
        let file = world.view().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let run = world.run(&format!("command -v {program} > /dev/null || exit 99; {line}")).await;
    assert!(matches!(run.exit_code, Some(0 | 99)), "{}", world.log(&run));
}

#[tokio::test]
async fn cargo_works_inside() {
    let manifest = "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    let test = "#[test] fn t() { std::fs::write(std::env::temp_dir().join(\"x\"), \"x\").unwrap(); }";
    toolchain("cargo", &[("Cargo.toml", manifest), ("src/lib.rs", test)], "cargo test").await;
}

#[tokio::test]
async fn python_works_inside() {
    let test = "import unittest, multiprocessing, socket, tempfile\n\
                class T(unittest.TestCase):\n    \
                    def test_processes(self):\n        \
                        with multiprocessing.Pool(2) as pool: self.assertEqual(pool.map(abs, [-1, -2]), [1, 2])\n    \
                    def test_loopback(self):\n        \
                        server = socket.create_server(('127.0.0.1', 0))\n        \
                        socket.create_connection(server.getsockname()).close()\n    \
                    def test_files(self):\n        \
                        tempfile.TemporaryFile().close()\n";
    toolchain("python3", &[("test_a.py", test)], "python3 -m unittest").await;
}

#[tokio::test]
async fn node_works_inside() {
    let test = "const test = require('node:test'); const http = require('node:http');\n\
                test('loopback', (t, done) => { const s = http.createServer((q, r) => r.end()).listen(0, '127.0.0.1', () => \
                http.get({ port: s.address().port }, r => { r.resume(); s.close(); done(); })); });\n";
    let package = "{\"scripts\": {\"test\": \"node --test a.test.js\"}}";
    toolchain("npm", &[("a.test.js", test), ("package.json", package)], "npm test").await;
}

#[tokio::test]
async fn compilers_and_git_work_inside() {
    toolchain("cc", &[("a.c", "int main(void) { return 0; }")], "cc a.c -o a && ./a").await;
    let identity = "-c user.name=a -c user.email=a@example.org";
    toolchain("git", &[("a", "a")], &format!("git init -q . && git add a && git {identity} commit -qm a && git log"))
        .await;
}

fn tool(name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: "call".into(), name: name.into(), arguments: arguments.into() }
}

#[tokio::test]
async fn tools_work_behind_the_wall_and_together() {
    let world = World::new();
    fs::write(world.view().join("a.txt"), "one\ntwo\n").unwrap();
    std::os::unix::fs::symlink(world.outside().join("secret"), world.view().join("link")).unwrap();
    let worker = world.worker("echo ran").await;
    let reads = [r#"{"path":"a.txt"}"#, r#"{"path":"link"}"#, r#"{"path":"../../outside/secret"}"#]
        .map(|it| tool("read_file", it));
    let (read, link, parent) = tokio::join!(worker.call(&reads[0]), worker.call(&reads[1]), worker.call(&reads[2]));
    let (read, link, parent) = (read.unwrap(), link.unwrap(), parent.unwrap());
    assert!(read.ok && read.text.contains("two"), "{}", read.text);
    assert!(!link.ok && !link.text.contains("hunter2"), "{}", link.text);
    assert!(!parent.ok && !parent.text.contains("hunter2"), "{}", parent.text);

    let tests = worker.call(&tool("run_tests", "{}")).await.unwrap();
    assert!(tests.tests.as_ref().is_some_and(TestRun::passed), "{}", tests.text);
    let log =
        worker.call(&tool("read_file", &format!(r#"{{"path":"@logs/{}"}}"#, tests.tests.unwrap().log))).await.unwrap();
    assert!(log.text.contains("ran"), "{}", log.text);
    assert!(!worker.call(&tool("no_such_tool", "{")).await.unwrap().ok);
}

#[tokio::test]
async fn folders_that_the_view_links_to_can_be_read_and_not_written() {
    let world = World::new();
    std::os::unix::fs::symlink(world.outside(), world.view().join("node_modules")).unwrap();
    let line = "cat node_modules/secret; echo x > node_modules/new";
    let plan = WorkerPlan { readable: vec![world.outside()], ..world.plan(line) };
    let (worker, wall) = Worker::start(plan).await.unwrap();
    let run = worker.run_tests(&[]).await.unwrap();
    assert!(world.log(&run).starts_with("hunter2"), "{}", world.log(&run));
    assert_eq!(world.outside().join("new").exists(), !wall.tree);
}

#[tokio::test]
async fn off_confines_nothing_and_says_so() {
    let world = World::new();
    let (outside, broker) = (world.outside().display().to_string(), std::process::id());
    let line =
        format!("cat {outside}/secret && echo x > {outside}/new && kill -0 {broker} $PPID && cat /proc/$PPID/environ");
    let (worker, wall) = Worker::start(WorkerPlan { sandbox: Sandbox::Off, ..world.plan(&line) }).await.unwrap();
    assert!(!wall.tree && !wall.process && !wall.network);
    // What the wall refuses elsewhere in this file is possible without one: those tests can fail.
    assert!(worker.run_tests(&[]).await.unwrap().passed());
}

#[tokio::test]
async fn strict_refuses_a_wall_with_a_gap_and_names_it() {
    let world = World::new();
    let error = Worker::start(WorkerPlan { sandbox: Sandbox::Strict, ..world.plan("true") }).await.unwrap_err();
    let WorkerError::WallIncomplete { guards, .. } = &error else { panic!("{error}") };
    assert!(guards.contains(&"network"), "{guards:?}");
    assert!(error.to_string().contains("network"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_and_no_worker() {
    let world = World::new();
    let error =
        Worker::start(WorkerPlan { view: world.folder.join("nowhere"), ..world.plan("true") }).await.unwrap_err();
    assert!(matches!(error, WorkerError::Spawn(_)), "{error}");
}
