//! What is done before the first request leaves, by counts: unlike times, they are the same on a busy machine.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Signal, getuid};

use crate::running::{Running, wait_until};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{TASK, World, mender};

/// kcode, its worker's two processes, the two copies that search and the one that makes overlays, the PID namespace's two,
/// the prover and the processes that it leaves behind, git, and their threads. The binary itself is started three times: as
/// kcode, as its worker, and as the prover.
const MOST_STARTED: usize = 19;
/// The sandbox's root: devices, the kernel's files, the machine's folders, the view, and what belongs to the run.
const MOST_MOUNTS: usize = 96;
/// The journal and the worker's log, and what locks them.
const MOST_FILES: usize = 4;
/// In the broker: one of those that find secrets in what is sent. Texts that are parsed count as well.
const MOST_REGEXES: usize = 1;

/// `kcode` as the second process of a namespace of its own, in which the kernel numbers all that is started; says on
/// standard output how many there were. It has one processor, as threads that share work are as many as there are processors.
fn counted(kcode: &Command) -> Command {
    let mut command = Command::new("unshare");
    if !getuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let count = r#""$@"; sh -c 'echo "$$"'; :"#;
    command.args(["--pid", "--fork", "--mount-proc", "sh", "-c", count, "sh"]);
    command.args(["taskset", "--cpu-list", &first_processor()]).arg(kcode.get_program());
    command.args(kcode.get_args()).env_clear().current_dir(kcode.get_current_dir().unwrap());
    command.envs(kcode.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The number of a processor that this process may use.
fn first_processor() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    list.trim().split([',', '-']).next().unwrap().to_owned()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// Index of the journal record of the first request.
fn record_of_the_request() -> usize {
    let world = World::new();
    world.fix(&mender(), &[]);
    let journal = fs::read_to_string(world.runs()[0].join("journal.jsonl")).unwrap();
    journal.lines().position(|line| line.contains(r#""type":"request""#)).unwrap() + 1
}

#[test]
fn little_is_started_written_and_compiled_before_the_first_request() {
    let (world, kimi) = (World::new(), mender());
    let mut kcode = world.keyed(&kimi, &["fix", TASK]);
    let regexes = world.path("regexes");
    kcode.env("KCODE_TEST_CRASH_AT", format!("event:{}", record_of_the_request())).env("KCODE_TEST_REGEXES", &regexes);
    let output = counted(&kcode).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(kimi.requests().is_empty(), "it ended before");
    // The shell is the first, and what told the number the last.
    let started = told.trim().parse::<usize>().unwrap() - 2;
    assert!((6..=MOST_STARTED).contains(&started), "{started} processes and threads");
    let files = files_below(&world.state());
    assert!((1..=MOST_FILES).contains(&files.len()), "{} files: {files:?}", files.len());
    let compiled = fs::read_to_string(regexes).unwrap_or_default().lines().count();
    assert!(compiled <= MOST_REGEXES, "{compiled} regular expressions");
}

#[test]
fn regular_expressions_are_counted() {
    let (world, kimi) = (World::new(), mender());
    let mut kcode = world.keyed(&kimi, &["fix", TASK]);
    kcode.env("KCODE_TEST_REGEXES", world.path("regexes"));
    world.run(kcode).code(0);
    let compiled = fs::read_to_string(world.path("regexes")).unwrap().lines().count();
    assert!(compiled > MOST_REGEXES, "a whole run needs some: {compiled}");
}

#[test]
fn no_process_compiles_a_regular_expression_twice() {
    let world = World::new();
    world.write_test("cat /nowhere/at/all; exit 1");
    world.commit_all();
    let calls = (0..4).map(|run| Answer::call("run_tests", &format!(r#"{{"filter": ["{run}"]}}"#)));
    let kimi = MockKimi::script(calls.chain([Answer::text("It fails."), Answer::text("It fails.")]));
    let mut kcode = world.keyed(&kimi, &["fix", TASK]);
    kcode.env("KCODE_TEST_REGEXES", world.path("regexes"));
    let ran = world.run(kcode);
    assert_eq!(ran.kept().events("tests_ran").iter().filter(|ran| ran["purpose"] == "model").count(), 4);
    let compiled = fs::read_to_string(world.path("regexes")).unwrap();
    let mut seen = HashSet::new();
    // Every list of globs has a set of its own, and every text its parse.
    let lines = compiled.lines().filter(|line| !line.contains("names of secret files") && !line.contains("a parse"));
    let twice: Vec<_> = lines.filter(|line| !seen.insert(*line)).collect();
    assert_eq!(twice, Vec::<&str>::new());
}

#[test]
fn the_sandbox_has_few_mounts() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::text("Done.").mute()]);
    let running = world.start(world.keyed(&kimi, &["fix", TASK, "--no-baseline"]));
    running.wait_for_journal(r#""type":"request""#);
    let mounts =
        |pid: u32| fs::read_to_string(format!("/proc/{pid}/mountinfo")).map_or(0, |table| table.lines().count());
    let host = || running.descendants().iter().map(|process| mounts(process.pid)).filter(|lines| *lines > 10).min();
    wait_until("there is a worker with a root of its own", || host().is_some());
    let table = |pid: u32| fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
    // Outside the view's place is no mount.
    let view = format!(" {} ", fs::canonicalize(world.root()).unwrap().display());
    let tables = || running.descendants().iter().map(|process| table(process.pid)).collect::<Vec<_>>();
    let of_worker = || tables().into_iter().find(|table| table.contains(&view));
    wait_until("there is a worker with a root of its own", || of_worker().is_some());
    let mounts = of_worker().unwrap().lines().count();
    assert!((10..=MOST_MOUNTS).contains(&mounts), "{mounts} mounts");
    running.signal(Signal::KILL);
    running.wait();
}

/// Of a running worker, by what it is called.
fn arguments(running: &Running, part: &str) -> String {
    let marks = format!("\0__worker\0{part}\0");
    let all = || running.descendants().into_iter().map(|it| fs::read_to_string(format!("/proc/{}/cmdline", it.pid)));
    let found = || all().flatten().find(|arguments| arguments.contains(&marks));
    wait_until(&format!("there is a {part}"), || found().is_some());
    let arguments = found().unwrap();
    arguments.split_once(&marks).unwrap().1.to_owned()
}

#[test]
fn the_binary_is_started_once_for_a_worker() {
    let world = World::new();
    let kimi = MockKimi::script([Answer::text("Done.").mute()]);
    let running = world.start(world.keyed(&kimi, &["fix", TASK, "--no-baseline"]));
    running.wait_for_journal(r#""type":"request""#);
    // One that was started is told what to do by its arguments.
    assert_eq!(arguments(&running, "host").trim_end_matches('\0'), "", "the host is a copy of the outermost process");
    running.signal(Signal::KILL);
    running.wait();
}

#[test]
fn the_worker_confines_itself_while_git_lists_the_files() {
    let world = World::new();
    // More than are read without git.
    for number in 0..3000 {
        world.write(&format!("many/a-file-with-a-name-as-long-as-that-of-many-others-{number}.txt"), "");
    }
    world.commit_all();
    let (path, go) = (std::env::var("PATH").unwrap(), world.path("go"));
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' ls-files '*) while [ ! -e '{}' ]; do sleep 0.05; done;; esac\n\
         PATH='{path}' exec git \"$@\"\n",
        go.display()
    );
    let bin = world.path("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let kimi = MockKimi::script([Answer::text("Done.").mute()]);
    let mut kcode = world.keyed(&kimi, &["fix", TASK, "--no-baseline"]);
    kcode.env("PATH", format!("{}:{path}", bin.display()));
    let running = world.start(kcode);
    let view = format!(" {} ", fs::canonicalize(world.root()).unwrap().display());
    let table = |pid: u32| fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
    let is_shown = || running.descendants().iter().any(|process| table(process.pid).contains(&view));
    wait_until("the view is mounted", is_shown);
    assert!(kimi.requests().is_empty(), "the list is missing");
    fs::write(go, "").unwrap();
    running.wait_for_journal(r#""type":"request""#);
    running.signal(Signal::KILL);
    running.wait();
}

#[test]
fn regular_expressions_are_compiled_where_they_are_counted() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files_below(&src).into_iter().filter(|file| file.extension() == Some(OsStr::new("rs"))) {
        let text = fs::read_to_string(&file).unwrap();
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        // The others are tests as a whole.
        let is_place = ["settings/regexes.rs", "src/floors.rs", "cli/command_imports.rs", "cli/hints.rs"]
            .iter()
            .any(|place| file.ends_with(place));
        assert!(is_place || !own.contains("Regex::new("), "{}: use settings::regex", file.display());
    }
}
