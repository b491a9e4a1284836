//! The `git` command, disarmed: it reads, and nothing that a repository configures runs with it.
//!
//! libgit2 opens most repositories, but not those with SHA-256 objects, reftables, or a sparse or
//! split index; the command opens all that its version knows. Output is always `-z` where git has it.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What git may see of our environment. Everything else, `GIT_DIR` and API keys included, stays out.
const KEPT_VARIABLES: [&str; 7] =
    ["PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "TMPDIR", "USER", "SYSTEMROOT"];

/// Settings that would make git run something, write something or wait for somebody.
const DISARMED: [&str; 10] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.pager=cat",
    "diff.external=",
    "credential.helper=",
    "protocol.allow=never",
    "maintenance.auto=false",
    "gc.auto=0",
    "submodule.recurse=false",
];

/// `git` in `dir`, with no arguments of its own yet.
pub(super) fn command(dir: &Path) -> Command {
    let path = trusted_path(dir);
    let mut command = Command::new("git");
    command.env_clear();
    command.envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    // The program itself is looked for there as well.
    command.env("PATH", path);
    command.envs([
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("LC_ALL", "C"),
    ]);
    command.args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"]);
    command.args(DISARMED.iter().flat_map(|setting| ["-c", setting]));
    command.arg("-C").arg(dir);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// `$PATH` without folders that belong to a repository: those that have no root of their own (`.`, `bin`), and those below
/// `dir`. What only calls itself git there isn't run.
fn trusted_path(dir: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_trusted = |folder: &PathBuf| folder.is_absolute() && !folder.starts_with(dir);
    // What was split at colons can be joined with them.
    std::env::join_paths(std::env::split_paths(&path).filter(is_trusted)).unwrap_or_default()
}

/// Runs git and returns its output; `None` when it isn't there or fails, which callers treat as "git can't tell".
pub(super) fn output<'a>(dir: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Option<Vec<u8>> {
    let output = command(dir).args(arguments).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// Runs git with `input`. When it fails, its first words are the error.
pub(super) fn run(mut command: Command, input: &[u8]) -> Result<Vec<u8>, String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("git can't be started: {error}"))?;
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // Beside reading, so that neither waits for the other; git may end without reading all of it.
        scope.spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(input)));
        child.wait_with_output()
    });
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().next().unwrap_or("it failed without a word").to_owned())
}

/// One value that git ends with a newline, such as a path that may itself hold one.
pub(super) fn line<'a>(dir: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Option<Vec<u8>> {
    let mut bytes = output(dir, arguments)?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// Settings that blank every content filter (such as LFS): `git status` would run them on changed files.
pub(super) fn without_filters(dir: &Path) -> Vec<OsString> {
    let names = output(
        dir,
        ["config", "--includes", "--name-only", "-z", "--get-regexp", r"^filter\..*\.(clean|process|required)$"],
    );
    let names = names.unwrap_or_default();
    let blank = |name: &str| if name.ends_with(".required") { format!("{name}=false") } else { format!("{name}=") };
    let names = names.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
    names.filter(|name| !name.is_empty()).flat_map(|name| ["-c".into(), blank(name).into()]).collect()
}
