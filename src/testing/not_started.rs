//! Detects programs that a command could not start, by the messages of shells, `env` and the like, make, and version
//! managers.
//!
//! A program under test may print the same messages, so they count only with the shell's exit code for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::asked_for::AskedFor;
use super::environment::{first_line, which};
use crate::journal::{CauseKind, FailureCause, read_regular};
use crate::settings::{TOOL_FOLDERS, regex};

/// Exit codes of shells: not executable, and not found.
const CODES: [i32; 2] = [126, 127];

/// Forms of the message: who tried, the program, and the error.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let why = r"(?P<why>(?:command )?not found|No such file or directory|Permission denied|[Ii]s a directory|cannot execute.*|bad interpreter.*|\S+: bad interpreter.*|Exec format error)";
    let shell = r"(?:(?:\S*/)?(?:ba|da|a|k|z)?sh: (?:(?:line )?\d+: )?|\S[^:\n]*: (?:line )?\d+: )(?:exec: )?";
    [
        r"(?m)^kcode: (?P<name>\S+) could not be started: (?P<why>.*)".to_owned(),
        format!(r"(?m)^{shell}(?P<name>[^\s:]+): {why}\s*$"),
        r"(?m)^(?:\S*zsh:\d+: )?(?P<why>command not found): (?P<name>\S+)\s*$".to_owned(),
        r"(?m)^bun: (?P<why>command not found): (?P<name>\S+)\s*$".to_owned(),
        r"(?m)^(?:\S*/)?(?:env|timeout|nice|nohup|stdbuf|setsid|ionice|chrt|time|xvfb-run|sudo|doas): (?:[^:\n]*)[‘'`](?P<name>[^’'`\n]+)[’'`]: (?P<why>No such file or directory|Permission denied)".to_owned(),
        r"(?m)^(?:\S*/)?(?:env|timeout|nice|nohup|setsid): (?:[a-z ]+: )?(?P<name>[^\s:‘'`]+): (?P<why>No such file or directory|Permission denied)".to_owned(),
        r"(?m)^(?:pyenv|rbenv|nodenv|goenv|plenv|phpenv|jenv): (?P<name>\S+): (?P<why>command not found)".to_owned(),
        r"(?m)^(?P<why>No version is set for command) (?P<name>\S+)".to_owned(),
        r"(?m)^g?make(?:\[\d+\])?: (?P<name>[^\s:]+): (?P<why>No such file or directory|Permission denied)\s*$".to_owned(),
    ]
    .iter()
    .filter_map(|pattern| regex(pattern))
    .collect()
});
/// Messages that report the exit code of a subcommand.
static PASSED_ON: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?m)^g?make(?:\[\d+\])?: \*\*\* .*Error 12[67]\b|^(?:rake aborted!\n)?Command failed with status \(12[67]\)|node_modules missing, did you mean to install",
    )
});

/// Advice for missing programs, by name.
const KNOWN: [(&[&str], &str, &str); 5] = [
    (
        &["bundle", "rspec", "rake", "ruby"],
        "{1} isn't there",
        "install Ruby and `gem install bundler`, then run `bundle install`; or name another command with --test",
    ),
    (
        &["tox", "nox", "pytest", "hatch", "poetry", "pipenv", "pdm", "uv", "pre-commit", "coverage"],
        "{1} isn't installed",
        "`pipx install {1}`, or `python3 -m pip install {1}` in the project's virtual environment; or name another command with --test",
    ),
    (
        &["npm", "npx", "node"],
        "{1} isn't there",
        "install Node.js and run `npm ci`, or name another command with --test",
    ),
    (
        &[
            "mocha",
            "jest",
            "vitest",
            "ava",
            "pnpm",
            "yarn",
            "bun",
            "tap",
            "karma",
            "tsc",
            "eslint",
            "react-scripts",
            "ng",
            "vite",
            "webpack",
            "nyc",
            "c8",
            "turbo",
            "nx",
            "lerna",
            "cross-env",
            "ts-node",
            "tsx",
            "playwright",
            "cypress",
        ],
        "{1} isn't installed",
        "`npm ci` where package.json asks for it, else `npm install --save-dev {1}`",
    ),
    (&["just", "cargo-nextest"], "{1} isn't installed", "`cargo install {1}`, or name another command with --test"),
];

/// A program that didn't start.
pub(super) struct NotStarted {
    name: String,
    what: String,
    hint: String,
    /// Whether the program is merely missing rather than defective, as far as the message tells.
    is_missing: bool,
}

/// Returns the program whose absence ended the command, if message and exit code say so.
pub(super) fn not_started(
    output: &str,
    exit_code: Option<i32>,
    asked: &AskedFor<'_>,
    tree: &Path,
) -> Option<NotStarted> {
    let is_told = exit_code.is_some_and(|code| CODES.contains(&code))
        || PASSED_ON.as_ref().is_some_and(|words| {
            let said = words.find(output).map_or("", |found| found.as_str());
            let who: &[&str] = match said {
                said if said.contains("make") => &["make", "gmake"],
                said if said.contains("status") => &["rake"],
                _ => &["pnpm"],
            };
            !said.is_empty() && asked.names_any(who)
        });
    if !is_told {
        return None;
    }
    let last = FORMS.iter().filter_map(|form| form.captures_iter(output).last()).max_by_key(|found| {
        let at = found.get(0).map_or(0, |whole| whole.start());
        // The message of a version manager or make comes before the shell's own.
        at
    });
    let bare = || {
        let own = asked.command.split_whitespace().next()?;
        let line = output.lines().rev().find(|line| line.starts_with(&format!("{own}: ")))?;
        line.trim_end().ends_with("not found").then(|| (own.to_owned(), "not found".to_owned()))
    };
    let (name, why) = match last {
        Some(found) => (found["name"].to_owned(), found["why"].to_owned()),
        None => bare()?,
    };
    Some(NotStarted::new(name, &why, output, tree))
}

impl NotStarted {
    fn new(name: String, why: &str, output: &str, tree: &Path) -> Self {
        let told =
            |what: String, hint: &str| Self { name: name.clone(), what, hint: hint.to_owned(), is_missing: false };
        let script = name.contains('/').then(|| tree.join(&name)).filter(|path| path.is_file());
        let crlf = "its lines end in CRLF: change that (`sed -i 's/\\r$//' FILE`), and keep it with `*.sh text eol=lf` in .gitattributes";
        if name.ends_with('\r') || name.ends_with("\\r") {
            let name = name.trim_end_matches('\r').trim_end_matches("\\r");
            return told(format!("a script names {name} in a first line that ends in CRLF"), crlf);
        }
        if why.to_ascii_lowercase().contains("permission denied") {
            return told(
                format!("{name} isn't executable"),
                &format!("make it so with `chmod +x {name}`, or name another command with --test"),
            );
        }
        if let Some(line) = script.as_deref().and_then(first_line) {
            let interpreter = line.trim_end().trim_start_matches("#!").trim();
            let interpreter = interpreter.split_whitespace().next().unwrap_or_default();
            if line.ends_with("\r\n") || line.ends_with('\r') {
                return told(
                    format!("the first line of {name} ends in CRLF, so that its interpreter isn't found"),
                    crlf,
                );
            }
            if line.starts_with("#!") && !Path::new(interpreter).exists() {
                return told(
                    format!("{interpreter}, which is to run {name}, isn't there"),
                    "install it, or mend the script's first line",
                );
            }
        }
        let is_managed = output.contains(&format!("The `{name}' command exists in these"));
        if is_managed || why.starts_with("No version is set") {
            return told(
                format!("no version of {name} is chosen here"),
                &format!(
                    "choose one (`pyenv local …`, `asdf set …`) that has {name}, or name another command with --test"
                ),
            );
        }
        let (what, hint) = advice(&name);
        Self { what, hint, name, is_missing: true }
    }

    /// Returns the folder to show if the program exists outside of the sandbox; of a virtual environment the whole.
    pub(super) fn hidden_in(&self, tree: &Path) -> Option<PathBuf> {
        let in_tree =
            |name: &str| !name.contains('/') && TOOL_FOLDERS.iter().any(|folder| tree.join(folder).join(name).exists());
        let path = which(&self.name, tree).filter(|_| self.is_missing && !in_tree(&self.name))?;
        let is_there = !path.starts_with(tree) && fs::metadata(&path).is_ok_and(|about| about.is_file());
        is_there.then(|| shown_for(&path)).flatten()
    }

    pub(super) fn into_cause(self) -> FailureCause {
        FailureCause { kind: CauseKind::Setup, what: self.what, hint: self.hint, blocks: true }
    }
}

/// Returns the folder that a program needs: the environment of its `bin`, else its own folder.
pub(super) fn shown_for(program: &Path) -> Option<PathBuf> {
    let own = program.parent()?;
    let above = own.parent().filter(|above| above.parent().is_some_and(|top| top.parent().is_some()));
    let is_home = |folder: &Path| std::env::home_dir().is_some_and(|home| home.starts_with(folder));
    let prefix = above.filter(|above| (own.ends_with("bin") || own.ends_with(".bin")) && !is_home(above));
    Some(prefix.unwrap_or(own).to_owned())
}

/// Whether the sandbox probably hides an existing program, by its path; it shows folders of `$PATH` and of toolchains.
pub(super) fn is_likely_hidden(program: &Path) -> bool {
    let Ok(real) = program.canonicalize() else { return false };
    let shims = ["pyenv", "rbenv", "nodenv", "goenv"].map(|name| format!("/.{name}/shims/"));
    if shims.iter().any(|shims| program.to_string_lossy().contains(shims.as_str())) {
        return !is_chosen(program);
    }
    let passing = ["/tmp", "/var/tmp"];
    if passing.iter().any(|folder| program.starts_with(folder) || real.starts_with(folder)) {
        return true;
    }
    let Some(home) = std::env::home_dir() else { return false };
    let is_kit = |path: &Path| {
        let below = path.strip_prefix(&home).ok().and_then(|below| below.components().next());
        below.is_none_or(|first| first.as_os_str().to_string_lossy().starts_with('.'))
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_on_path = std::env::split_paths(&path).any(|folder| program.parent() == Some(&folder));
    !is_kit(&real) && !is_on_path
}

/// Bytes read of a version manager's setting.
const VERSION_LIMIT: u64 = 4096;

/// A version manager's shim starts the program of the selected version, which may not have it.
fn is_chosen(shim: &Path) -> bool {
    let (Some(name), Some(root)) = (shim.file_name(), shim.parent().and_then(Path::parent)) else { return true };
    let named = std::env::var("PYENV_VERSION").ok().filter(|_| root.ends_with(".pyenv"));
    let Some(chosen) =
        named.or_else(|| String::from_utf8(read_regular(&root.join("version"), VERSION_LIMIT).ok()?).ok())
    else {
        return true;
    };
    let has =
        |version: &str| version == "system" || root.join("versions").join(version).join("bin").join(name).exists();
    chosen.split([':', '\n', ' ']).filter(|version| !version.is_empty()).any(has)
}

fn advice(name: &str) -> (String, String) {
    let short = name.rsplit('/').next().unwrap_or(name);
    let (what, hint) = if name.contains("node_modules/.bin/") {
        ("{1} isn't there", KNOWN[2].2)
    } else if name.contains("vendor/bin/") {
        ("{1} isn't there", "run `composer install`, or name another command with --test")
    } else if short.trim_end_matches(|it: char| it.is_ascii_digit() || it == '.') == "python" {
        ("{1} isn't there", "install Python or make the virtual environment, or name another command with --test")
    } else if let Some((_, what, hint)) = KNOWN.iter().find(|(names, ..)| names.contains(&name)) {
        (*what, *hint)
    } else {
        ("{1} isn't there", "install it, or name another command with --test")
    };
    (what.replace("{1}", name), hint.replace("{1}", name))
}
