//! Describes the environment of tests, so that two machines can be compared. Executes nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::runner_words::programs;
use crate::journal::{CommandAsRun, Digest, Program, TestEnvironment, open_regular};
use crate::settings::{Invocation, Reporting, TestCommand};

/// Bytes; a larger program isn't hashed.
const MOST_BYTES: u64 = 256 << 20;
/// Bytes read of the line that names a script's interpreter; kernels read fewer.
const SHEBANG: u64 = 256;

/// Describes the environment of `command` in the repository at `root`. `variables` are the names of the environment
/// variables that commands see. Blocks: it reads whole programs.
#[must_use]
pub fn environment(command: &TestCommand, root: &Path, variables: Vec<String>) -> TestEnvironment {
    let reporting = command.reporting.environment.iter().map(|(name, _)| name.clone());
    let names: BTreeSet<String> = variables.into_iter().chain(reporting).collect();
    TestEnvironment {
        command: as_run(command),
        os: std::env::consts::OS.to_owned(),
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
        kcode: env!("CARGO_PKG_VERSION").to_owned(),
        programs: found(command, root),
        variables: names.into_iter().collect(),
    }
}

fn as_run(command: &TestCommand) -> CommandAsRun {
    let Reporting { arguments, environment, written_anyway } = command.reporting.clone();
    let words = match &command.invocation {
        Invocation::Argv(words) => words.clone(),
        Invocation::Shell(line) => ["sh", "-c", line].map(str::to_owned).to_vec(),
    };
    CommandAsRun { words, dir: command.dir.clone(), arguments, variables: environment, written_anyway }
}

/// Rebuilds the command from its record in a journal.
#[must_use]
pub fn command_of(run: &CommandAsRun) -> TestCommand {
    let command = match &run.words[..] {
        [shell, option, line] if shell == "sh" && option == "-c" => TestCommand::shell(line),
        words => TestCommand::argv(words.iter().cloned()),
    };
    let reporting = Reporting {
        arguments: run.arguments.clone(),
        environment: run.variables.clone(),
        written_anyway: run.written_anyway.clone(),
    };
    command.in_dir(run.dir.clone()).reporting(reporting)
}

/// Lists the programs that `command` names, and their interpreters.
fn found(command: &TestCommand, root: &Path) -> Vec<Program> {
    let folder = command.dir.as_ref().map_or_else(|| root.to_owned(), |dir| root.join(dir.as_path()));
    let mut programs: Vec<Program> = Vec::new();
    let mut names: Vec<String> = programs_of(command);
    names.reverse();
    while let Some(name) = names.pop() {
        if programs.iter().any(|known| known.name == name) {
            continue;
        }
        let Some((program, interpreter)) = look(&name, &folder, root) else { continue };
        programs.push(program);
        names.extend(interpreter);
    }
    programs
}

pub(super) fn programs_of(command: &TestCommand) -> Vec<String> {
    match &command.invocation {
        Invocation::Argv(words) => words.first().cloned().into_iter().collect(),
        Invocation::Shell(line) => programs(line),
    }
}

/// Finds a program by name, and the name of its interpreter.
fn look(name: &str, folder: &Path, root: &Path) -> Option<(Program, Option<String>)> {
    let path = fs::canonicalize(which(name, folder)?).ok()?;
    let about = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
    let shown = path.strip_prefix(root).map_or(path.as_path(), |inside| inside).display().to_string();
    let sha256 = (about.len() <= MOST_BYTES).then(|| digest(&path)).flatten();
    Some((Program { name: name.to_owned(), path: shown, bytes: about.len(), sha256 }, interpreter(&path)))
}

/// Returns the path at which a command that runs in `folder` finds the program `name`.
pub(super) fn which(name: &str, folder: &Path) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(folder.join(name));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn digest(path: &Path) -> Option<Digest> {
    let mut hasher = sha2::Sha256::new();
    io::copy(&mut open_regular(path).ok()?.take(MOST_BYTES), &mut hasher).ok()?;
    Some(Digest::from_raw(hasher.finalize().into()))
}

/// Returns the first line of a file with its line end.
pub(super) fn first_line(path: &Path) -> Option<String> {
    let mut line = Vec::new();
    BufReader::new(open_regular(path).ok()?.take(SHEBANG)).read_until(b'\n', &mut line).ok()?;
    String::from_utf8(line).ok()
}

/// Returns the interpreter that a script names; for `env`, the program that it starts.
pub(super) fn interpreter(path: &Path) -> Option<String> {
    let line = first_line(path)?;
    let mut words = line.strip_prefix("#!")?.split_whitespace();
    let program = words.next()?;
    if program.ends_with("/env") {
        return words.find(|word| !word.starts_with('-') && !word.contains('=')).map(str::to_owned);
    }
    Some(program.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_the_same_after_it_was_told() {
        let reporting = Reporting {
            arguments: vec!["--junitxml={reports}/p.xml".into()],
            environment: vec![("GOFLAGS".into(), "-v".into())],
            written_anyway: vec!["target/*.xml".into()],
        };
        for command in [TestCommand::shell("a && b -c 'd e'"), TestCommand::argv(["make", "check it"])] {
            let command = command.reporting(reporting.clone());
            assert_eq!(command_of(&as_run(&command)), command);
        }
    }

    #[test]
    fn programs_and_their_interpreters_are_found_and_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join("t.sh"), "#!/usr/bin/env -S sh\ntrue\n").unwrap();
        let told = environment(&TestCommand::shell("cd . && A=1 ./t.sh"), &root, vec!["B".into(), "A".into()]);
        let names: Vec<&str> = told.programs.iter().map(|program| program.name.as_str()).collect();
        assert_eq!(names, ["./t.sh", "sh"]);
        assert_eq!(told.programs[0].path, "t.sh");
        assert_eq!(told.programs[0].sha256, Some(Digest::of("#!/usr/bin/env -S sh\ntrue\n")));
        assert_eq!(told.variables, ["A", "B"]);
        assert_eq!(told, environment(&TestCommand::shell("cd . && A=1 ./t.sh"), &root, vec!["A".into(), "B".into()]));
    }
}
