//! The built binary itself, as an ordinary user meets it from outside: closed to whoever runs under the same name.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::setups::{executable, users};
use crate::support::kimi::{Answer, MockKimi};
use crate::world::{CANARY, World};

/// What `program` says to the world's user.
fn as_user(world: &World, program: &str, arguments: &[String]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/");
    if let Some(uid) = world.uid {
        command.uid(uid).gid(uid);
    }
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn kcode_hides_its_memory_and_the_environment_that_it_was_started_with() {
    // Root may look into every process; whoever else runs these tests may not.
    let uid = users().pop().unwrap();
    let world = World::new(uid);
    std::fs::remove_dir_all(world.project().join(".git")).unwrap();
    as_user(&world, "git", &["init".into(), "-q".into(), world.project().display().to_string()]);
    let kimi = MockKimi::answering(|_| Answer::text("").mute());
    let mut kcode = Command::new(executable(&world, Path::new(env!("CARGO_BIN_EXE_kcode"))));
    kcode.args(["fix", "greet", "--no-verify"]).current_dir(world.project()).env_clear();
    kcode.env("PATH", "/usr/bin:/bin").env("HOME", world.desk()).env("KCODE_HOME", world.desk().join("state"));
    kcode.env("KCODE_API_KEY", MockKimi::KEY).env("KCODE_BASE_URL", kimi.base_url()).env("MOONSHOT_API_KEY", CANARY);
    kcode.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(world.desk().join("said")).unwrap());
    if let Some(uid) = world.uid {
        kcode.uid(uid).gid(uid);
    }
    let mut running = kcode.spawn().unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    while kimi.requests().is_empty() && running.try_wait().unwrap().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    let place = format!("/proc/{}", running.id());
    let seen = |file: &str| as_user(&world, "cat", &[format!("{place}/{file}")]);
    let limits = seen("limits");
    let (environment, map) = (seen("environ"), seen("maps"));
    let folder = as_user(&world, "ls", &[format!("{place}/cwd/")]);
    // The same look at a process that isn't hardened finds everything.
    let control = as_user(&world, "sh", &["-c".into(), "cat /proc/$$/environ /proc/$$/maps".into()]);
    running.kill().unwrap();
    running.wait().unwrap();
    let said = std::fs::read_to_string(world.desk().join("said")).unwrap();
    assert_eq!(kimi.requests().len(), 1, "{said}");
    assert!(control.contains("PATH=") && control.contains("[stack]"), "{control}");
    assert_eq!((environment.as_str(), map.as_str(), folder.as_str()), ("", "", ""));
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
}
