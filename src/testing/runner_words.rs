//! Finds the words of a test command that reach the runner, through a package script, a makefile or a line of several
//! commands.

use serde_json::Value;

use crate::settings::{Invocation, TestCommand};

/// The runner behind a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RunnerTarget {
    /// The runner and its arguments, as far as they are known; further arguments of the command follow them.
    pub(super) words: Vec<String>,
    /// Whether further arguments need a `--` before them to reach the runner.
    pub(super) behind_dashes: bool,
    /// Text of everything else that runs: earlier commands of a line, a makefile, a script.
    pub(super) text: String,
}

/// Follows `command` to the runner; `file` reads a file of the folder in which the command runs.
pub(super) fn target(command: &TestCommand, file: impl Fn(&str) -> Option<String>) -> RunnerTarget {
    let (words, before) = match &command.invocation {
        Invocation::Argv(words) => (words.clone(), String::new()),
        Invocation::Shell(line) => last_command(line),
    };
    let mut target = RunnerTarget { words, behind_dashes: false, text: before };
    if let Some((script, behind_dashes)) = package_script(&target.words, &file) {
        let (words, before) = last_command(&script);
        target = RunnerTarget { words, behind_dashes, text: [target.text, before].join("\n") };
    }
    if let Some(text) = wrapper(&target.words).iter().find_map(|name| file(name)) {
        target.text.push('\n');
        target.text.push_str(&text);
    }
    target
}

/// Returns the first word of each command in a line, without assignments of variables.
pub(super) fn programs(line: &str) -> Vec<String> {
    let commands = line.split(['&', ';', '|', '\n']).filter_map(shlex::split);
    commands.filter_map(|words| words.into_iter().find(|word| !word.contains('=') && word != "env")).collect()
}

/// Returns the words of a line's last command, and the text before it.
fn last_command(line: &str) -> (Vec<String>, String) {
    let line = line.trim_end();
    let at = line.rfind(['&', ';', '|', '\n']).map_or(0, |at| at + 1);
    let (before, last) = line.split_at(at);
    (shlex::split(last).unwrap_or_default(), before.to_owned())
}

/// Returns the script that `npm test` and the like run, and whether arguments for it need a `--`.
fn package_script(words: &[String], file: impl Fn(&str) -> Option<String>) -> Option<(String, bool)> {
    let mut words = words.iter().map(String::as_str);
    let manager = words.next().filter(|word| ["npm", "pnpm", "yarn", "bun"].contains(word))?;
    let name = match words.next()? {
        "run" | "run-script" => words.next()?,
        // `bun test` is bun's own runner.
        "test" | "t" if manager != "bun" => "test",
        name if manager == "yarn" => name,
        _ => return None,
    };
    let manifest: Value = serde_json::from_str(&file("package.json")?).ok()?;
    let script = manifest["scripts"][name].as_str()?.to_owned();
    Some((script, manager == "npm"))
}

/// Names the files that tell what a program runs if it isn't itself a runner.
fn wrapper(words: &[String]) -> Vec<&str> {
    let mut programs = words.iter().map(String::as_str).skip_while(|word| word.contains('=') || *word == "env");
    let program = programs.next().unwrap_or_default();
    match program.rsplit('/').next().unwrap_or_default() {
        "make" | "gmake" => vec!["GNUmakefile", "makefile", "Makefile"],
        "just" => vec!["justfile", "Justfile", ".justfile"],
        "tox" => vec!["tox.ini", "pyproject.toml", "setup.cfg", "tox.toml"],
        "nox" => vec!["noxfile.py"],
        "rake" => vec!["Rakefile", "rakefile"],
        "sh" | "bash" => programs.next().into_iter().collect(),
        _ if program.starts_with("./") => vec![program],
        _ => Vec::new(),
    }
}
