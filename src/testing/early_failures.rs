//! Predicts from files alone whether a test command may fail before it runs any test.
//!
//! Nothing is executed, and a doubt decides nothing: it only makes the tests run on the start state before the first
//! request instead of in parallel with it.

mod downloads;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::environment::{first_line, which};
use super::not_started::is_likely_hidden;
use super::runner_words::programs;
use super::uninstalled;
use crate::journal::read_regular;
use crate::settings::{Invocation, RepositoryFiles, TOOL_FOLDERS, TestCommand};

/// Bytes read of a manifest or lock file.
const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// Number of packages of a lock file that are checked.
const PACKAGES: usize = 2_000;
/// Builtins and keywords of shells.
const OF_THE_SHELL: [&str; 38] = [
    "!", ".", ":", "[", "[[", "alias", "break", "case", "cd", "command", "continue", "do", "done", "echo", "elif",
    "else", "esac", "eval", "exec", "exit", "export", "false", "fi", "for", "if", "printf", "read", "return", "set",
    "shift", "source", "test", "then", "trap", "true", "ulimit", "unset", "while",
];

/// Programs that start another program.
const STARTERS: [&str; 8] = ["env", "nice", "nohup", "setsid", "stdbuf", "time", "timeout", "xvfb-run"];

/// Reason why a command may fail before its tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The reason as a clause, for messages.
    pub why: String,
    /// The missing program, if the command is only that program and its arguments.
    pub missing: Option<String>,
}

/// Looks for a reason to doubt `command` in the repository at `root`. Blocks.
#[must_use]
pub fn doubt(command: &TestCommand, root: &Path) -> Option<Doubt> {
    let dir = command.dir.as_ref().map_or_else(PathBuf::new, |dir| dir.as_path().to_owned());
    let place = CommandPlace { files: RepositoryFiles::open(root).ok()?, folder: root.join(&dir), dir, root };
    let words = match &command.invocation {
        Invocation::Argv(words) => words.clone(),
        Invocation::Shell(line) => shlex::split(line).unwrap_or_default(),
    };
    let is_plain = match &command.invocation {
        Invocation::Argv(_) => true,
        Invocation::Shell(line) => !line.contains(['&', ';', '|', '\n', '$', '`', '(', '{', '=', '<', '>', '*', '\\']),
    };
    let doubt = |why: String| Some(Doubt { why, missing: None });
    let programs = programs_in(command);
    if let Some(name) = place.missing(&programs) {
        return Some(Doubt { why: format!("{name} isn't found"), missing: is_plain.then_some(name) });
    }
    if let Some(why) = programs.iter().find_map(|name| place.unfit(name)) {
        return doubt(why);
    }
    if words.iter().any(|word| word.contains("watch")) {
        return doubt("it seems to watch for changes".to_owned());
    }
    let has = |name: &str| words.iter().any(|word| word.rsplit('/').next() == Some(name));
    let is_of = |names: &[&str]| names.iter().any(|name| has(name));
    let found = words.iter().any(|word| word == "-m").then(|| place.python(&words)).flatten();
    let found = found.or_else(|| is_of(&["npm", "pnpm", "yarn", "bun"]).then(|| place.package(&words)).flatten());
    let found = found.or_else(|| has("cargo").then(|| place.cargo()).flatten());
    let found = found.or_else(|| has("go").then(|| place.go()).flatten());
    let found = found.or_else(|| is_of(&["make", "gmake"]).then(|| place.make(&words)).flatten());
    let found = found.or_else(|| is_of(&["bundle", "bundler", "rake", "rails"]).then(|| place.bundler()).flatten());
    let found = found.or_else(|| place.environments(&words));
    found.or_else(|| place.packages(&words)).and_then(doubt)
}

/// Returns the programs that the command starts, as far as that is visible.
fn programs_in(command: &TestCommand) -> Vec<String> {
    match &command.invocation {
        Invocation::Argv(words) => started_by(words),
        // The home folder is the only variable that is known here.
        Invocation::Shell(line) if names_home(line) => programs_in(&TestCommand::shell(&without_home(line))),
        // What depends on earlier commands can't be predicted.
        Invocation::Shell(line) if line.contains(['$', '`', '(', '{', '\\', '\'', '"', '#']) || line.contains("||") => {
            Vec::new()
        }
        Invocation::Shell(line) => {
            let moves = line.split_whitespace().any(|word| word == "cd" || word == "pushd");
            let commands = line.split(['&', ';', '|', '\n']).filter_map(shlex::split);
            let programs = commands.flat_map(|words| started_by(&words));
            programs.filter(|name| !(moves && name.contains('/'))).collect()
        }
    }
}

fn names_home(line: &str) -> bool {
    ["$HOME/", "${HOME}/", "~/"].iter().any(|home| line.contains(home))
}

fn without_home(line: &str) -> String {
    let home = std::env::home_dir().unwrap_or_default().display().to_string();
    let line = line.replace("$HOME/", &format!("{home}/")).replace("${HOME}/", &format!("{home}/"));
    let words: Vec<String> = line.split(' ').map(|word| word.replace("~/", &format!("{home}/"))).collect();
    words.join(" ")
}

/// Returns the program of a command and those that it starts in turn: `timeout 10 x`, `env A=1 x`.
fn started_by(words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = words.iter().skip_while(|word| word.contains('=')).peekable();
    while let Some(name) = rest.next() {
        found.push(name.clone());
        if !STARTERS.contains(&name.as_str()) {
            break;
        }
        let is_own = |word: &&String| {
            let is_amount = word.trim_end_matches(['s', 'm', 'h']).parse::<f64>().is_ok();
            word.starts_with('-') || word.contains('=') || is_amount
        };
        while rest.next_if(is_own).is_some() {}
    }
    found
}

struct CommandPlace<'a> {
    files: RepositoryFiles,
    root: &'a Path,
    /// Absolute path of the folder that the command runs in.
    dir: PathBuf,
    folder: PathBuf,
}

impl CommandPlace<'_> {
    fn text(&self, name: &str) -> Option<String> {
        Some(self.files.read(self.dir.join(name), MAX_BYTES)?.text())
    }

    /// Whether the folder or one of its parents, up to the root, contains this name.
    fn has(&self, name: &str) -> bool {
        let mut folders = self.folder.ancestors().take_while(|folder| folder.starts_with(self.root));
        folders.any(|folder| folder.join(name).symlink_metadata().is_ok())
    }

    /// Returns the first of `names` that isn't a program.
    fn missing(&self, names: &[String]) -> Option<String> {
        let is_there = |name: &str| {
            OF_THE_SHELL.contains(&name)
                || which(name, &self.folder).is_some_and(|path| path.is_file())
                || (!name.contains('/') && TOOL_FOLDERS.iter().any(|folder| self.has(&format!("{folder}/{name}"))))
        };
        names.iter().find(|name| !is_there(name)).cloned()
    }

    /// Checks whether an existing program may still fail to start.
    fn unfit(&self, name: &str) -> Option<String> {
        let path = which(name, &self.folder)?;
        if path.starts_with(self.root) {
            // The interpreter of an environment is a link to outside of the repository.
            let is_executable = fs::metadata(&path).is_ok_and(|about| about.permissions().mode() & 0o111 != 0);
            let line = first_line(&path).unwrap_or_default();
            let interpreter = line.strip_prefix("#!").and_then(|rest| rest.split_whitespace().next());
            return if !is_executable {
                Some(format!("{name} isn't executable"))
            } else if line.starts_with("#!") && line.ends_with("\r\n") {
                Some(format!("the first line of {name} ends in CRLF"))
            } else if interpreter.is_some_and(|path| !Path::new(path).exists()) {
                Some(format!("the interpreter of {name} isn't found"))
            } else {
                None
            };
        }
        is_likely_hidden(&path).then(|| format!("the sandbox may hide {name}"))
    }

    /// Finds packages that the project requires and that aren't installed.
    fn packages(&self, words: &[String]) -> Option<String> {
        let names = |known: &[&str]| {
            let base = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
            words.iter().map(base).any(|word| known.iter().any(|name| word == *name))
        };
        if words.iter().any(|word| word.contains("python")) || names(&["pytest", "py.test"]) {
            let program = words.iter().find(|word| word.contains("python")).map_or("python3", String::as_str);
            let libraries = self.python_libraries(program);
            if let Some(module) = uninstalled::python_package(&self.files, &self.dir, &libraries) {
                return Some(format!("the Python package for {module} isn't found"));
            }
        }
        let node = ["node", "npx", "npm", "pnpm", "yarn", "bun", "jest", "vitest", "mocha", "ava", "tap"];
        if names(&node) {
            let downloads = words.iter().skip_while(|word| *word != "npx").skip(1).find(|word| !word.starts_with('-'));
            if let Some(name) = downloads.filter(|name| self.missing(std::slice::from_ref(*name)).is_some()) {
                return Some(format!("{name} isn't found, so that npx would download it"));
            }
            if let Some(name) = uninstalled::node_package(&self.files, &self.folder, self.root) {
                return Some(format!("the package {name} isn't installed"));
            }
        }
        if names(&["rake"]) && !["Rakefile", "rakefile", "Rakefile.rb"].iter().any(|name| self.has(name)) {
            return Some("there is no Rakefile".to_owned());
        }
        let gem = names(&["ruby", "rake", "rspec", "rails"]).then(|| uninstalled::gem(&self.files, self.root));
        gem.flatten().map(|gem| format!("the gem {gem} isn't found"))
    }

    /// Checks `python -m MODULE` for a module that no interpreter has.
    fn python(&self, words: &[String]) -> Option<String> {
        let at = words.windows(2).position(|pair| pair[0] == "-m")?;
        let (program, module) =
            (words[..at].iter().find(|word| word.contains("python"))?, words[at + 1].split('.').next()?);
        let is_in = |folder: &Path| folder.join(module).is_dir() || folder.join(format!("{module}.py")).is_file();
        let libraries = self.python_libraries(program);
        (!libraries.iter().any(|folder| is_in(folder))).then(|| format!("no module {module} is found for {program}"))
    }

    /// Lists the folders in which `program` may find modules.
    fn python_libraries(&self, program: &str) -> Vec<PathBuf> {
        let mut libraries = vec![self.folder.clone()];
        libraries.extend(std::env::var_os("PYTHONPATH").iter().flat_map(std::env::split_paths));
        let own = which(program, &self.folder).and_then(|path| Some(path.parent()?.parent()?.to_owned()));
        let own_of_tree = [".venv", "venv"].map(|name| self.root.join(name).join("lib"));
        libraries.extend(own_of_tree.iter().flat_map(|lib| python_folders(lib)));
        if let Some(prefix) = own.as_ref().filter(|prefix| prefix.join("pyvenv.cfg").is_file()) {
            libraries.extend(python_folders(&prefix.join("lib")));
            // Its base has the standard library.
            // The file may belong to the repository, and may be a link to any file.
            let text = read_regular(&prefix.join("pyvenv.cfg"), MAX_BYTES).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let base = text.lines().find_map(|line| line.strip_prefix("home = ")).map(PathBuf::from);
            let base = base.and_then(|bin| Some(bin.parent()?.join("lib")));
            let standard = base.iter().flat_map(|lib| python_folders(lib));
            libraries.extend(standard.filter(|folder| !folder.ends_with("site-packages")));
        } else {
            let home = std::env::home_dir().unwrap_or_default();
            let versions = std::fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().flatten();
            let prefixes = versions.map(|version| version.path()).chain(own);
            let prefixes = prefixes.chain([home.join(".local"), "/usr".into(), "/usr/local".into()]);
            libraries.extend(prefixes.flat_map(|prefix| python_folders(&prefix.join("lib"))));
        }
        libraries
    }

    /// Checks that a package script exists, is installed, and terminates.
    fn package(&self, words: &[String]) -> Option<String> {
        let manifest: Value = serde_json::from_str(&self.text("package.json")?).ok()?;
        let rest = words.iter().skip_while(|word| !["npm", "pnpm", "yarn", "bun"].contains(&word.as_str())).skip(1);
        let name =
            rest.into_iter().find(|word| !["run", "run-script"].contains(&word.as_str()) && !word.starts_with('-'))?;
        let name = if name == "t" { "test" } else { name.as_str() };
        let script = manifest["scripts"][name].as_str();
        if script.is_none() && ["test", "run"].iter().any(|known| words.iter().any(|word| word == known)) {
            return Some(format!("package.json has no script {name}"));
        }
        let needs = |key: &str| manifest[key].as_object().is_some_and(|packages| !packages.is_empty());
        let installed = ["node_modules", ".pnp.cjs", ".pnp.js"].iter().any(|name| self.has(name));
        if (needs("dependencies") || needs("devDependencies")) && !installed {
            return Some("node_modules isn't there".to_owned());
        }
        let script = script?;
        if script.contains("watch") || script.trim() == "vitest" {
            return Some("its script seems to watch for changes".to_owned());
        }
        let plain = !script.contains(['$', '`', '(', '\'', '"']) && !script.contains("||");
        let missing = plain.then(|| self.missing(&programs(script))).flatten()?;
        Some(format!("{missing} of its script isn't found"))
    }

    /// Checks the commands of the make target.
    fn make(&self, words: &[String]) -> Option<String> {
        if words.iter().any(|word| word.starts_with("-C") || word.starts_with("-f")) {
            return None;
        }
        let Some(text) = ["GNUmakefile", "makefile", "Makefile"].iter().find_map(|name| self.text(name)) else {
            return Some("there is no makefile".to_owned());
        };
        let mut behind = words.iter().skip_while(|word| !word.ends_with("make")).skip(1);
        let target = behind.find(|word| !word.starts_with('-') && !word.contains('='))?;
        let is_rule = |line: &&str| {
            line.split_once(':').is_some_and(|(names, _)| names.split_whitespace().any(|name| name == target))
        };
        if !text.contains("include") && !text.contains('%') && !text.lines().any(|line| is_rule(&line)) {
            return Some(format!("the makefile has no target {target}"));
        }
        let lines = text.lines().skip_while(|line| !is_rule(line)).skip(1).take_while(|line| line.starts_with('\t'));
        let mut plain = lines
            .map(|line| line.trim_start_matches(['\t', '@', '-', '+', ' ']))
            .filter(|line| !line.contains(['$', '`', '(', '\'', '"', '\\']));
        let missing = plain.find_map(|line| self.missing(&programs(line)))?;
        Some(format!("{missing} of the makefile isn't found"))
    }

    /// Checks for environments that a runner would have to create, which needs the network.
    fn environments(&self, words: &[String]) -> Option<String> {
        let home = std::env::home_dir().unwrap_or_default();
        let has = |name: &str| words.iter().any(|word| word.rsplit('/').next() == Some(name));
        let is_of_php = ["composer", "php", "phpunit", "pest", "paratest"].into_iter().any(has);
        let needed: [(bool, bool, &str); 7] = [
            (has("tox"), self.has(".tox"), ".tox"),
            (has("nox"), self.has(".nox"), ".nox"),
            (has("mvn") || has("mvnw"), home.join(".m2/repository").is_dir(), "~/.m2/repository"),
            (has("gradle") || has("gradlew"), home.join(".gradle/caches").is_dir(), "~/.gradle/caches"),
            (has("gradlew"), home.join(".gradle/wrapper/dists").is_dir(), "~/.gradle/wrapper"),
            (has("mix"), self.has("deps") || !self.text("mix.exs").is_some_and(|text| text.contains("{:")), "deps"),
            (is_of_php, self.has_composers_packages(), "vendor"),
        ];
        let missing = needed.into_iter().find(|(asked, there, _)| *asked && !there)?;
        Some(format!("{} isn't there", missing.2))
    }
}

/// Lists the module folders of the Pythons of a prefix.
fn python_folders(lib: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(lib).into_iter().flatten().flatten();
    let pythons =
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("python")).map(|entry| entry.path());
    pythons.flat_map(|own| [own.join("site-packages"), own.join("dist-packages"), own]).collect()
}

#[cfg(test)]
mod tests;
