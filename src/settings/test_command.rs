//! How to run the tests: the value that flags, settings files, `testing` and the worker share.
//!
//! A command comes from a person (a shell line or an argv) or from detection (an argv). A filter comes from the model,
//! and is only ever a list of arguments: no shell parses it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::Reporting;
use crate::journal::RelPath;

/// unittest's flag for choosing tests.
const UNITTEST_FLAG: &str = "-k";

/// Folders of a project's own programs, appended to a command's search path: below its folder and the folders above it.
pub const TOOL_FOLDERS: [&str; 4] = [".venv/bin", "venv/bin", "node_modules/.bin", "vendor/bin"];

/// A command that runs the tests, where it runs, and how it is restricted to some of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCommand {
    /// The shell line or the program.
    pub invocation: Invocation,
    /// Working folder; `None` is the repository's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<RelPath>,
    /// How test names are passed to it.
    pub filter: FilterStyle,
    /// How it is made to write individual results; never shown to people or the model.
    #[serde(default)]
    pub reporting: Reporting,
}

/// A command in one of two forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Invocation {
    /// A line that a person wrote, for `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Argv(Vec<String>),
}

/// How test names are passed to a runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterStyle {
    /// As further arguments: `pytest a b`.
    Plain,
    /// As further arguments after `--`: `cargo test -- a b`.
    AfterDashes,
    /// Each after a flag: `unittest -k a -k b`.
    Each {
        /// The flag, such as `-k`.
        flag: String,
    },
    /// All in one argument: `go test -run=a|b`.
    Joined {
        /// Text before the first name, such as `-run=`.
        prefix: String,
        /// Text between two names.
        separator: String,
    },
    /// The runner can't be restricted to some tests.
    Unsupported,
}

/// Why a filter can't be used; the message is for the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// The command has [`FilterStyle::Unsupported`].
    #[error("`{0}` can't run only some of the tests; call run_tests without a filter")]
    Unsupported(String),
    /// No program can get such an argument.
    #[error("a filter holds a NUL byte; give names of tests or test files")]
    Nul,
}

impl TestCommand {
    /// A command from a line that a person wrote. Its last command decides how filters are passed.
    #[must_use]
    pub fn shell(line: &str) -> Self {
        let (invocation, filter) = (Invocation::Shell(line.to_owned()), FilterStyle::of_line(line));
        Self { invocation, dir: None, filter, reporting: Reporting::default() }
    }

    /// A command from a program and its arguments.
    #[must_use]
    pub fn argv<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        let words: Vec<String> = words.into_iter().map(Into::into).collect();
        let filter = FilterStyle::of_words(&words);
        Self { invocation: Invocation::Argv(words), dir: None, filter, reporting: Reporting::default() }
    }

    /// Sets the working folder.
    #[must_use]
    pub fn in_dir(self, dir: Option<RelPath>) -> Self {
        Self { dir, ..self }
    }

    /// Sets how results are reported.
    #[must_use]
    pub fn reporting(self, reporting: Reporting) -> Self {
        Self { reporting, ..self }
    }

    /// The program and arguments to execute, with `filter` appended in this command's style.
    ///
    /// # Errors
    /// When there is a filter and it can't be passed.
    pub fn to_argv(&self, filter: &[String]) -> Result<Vec<String>, FilterError> {
        Ok(self.with_words(self.filter_words(filter)?))
    }

    /// As [`TestCommand::to_argv`], with the arguments for reporting into `folder` before the filter.
    ///
    /// # Errors
    /// As [`TestCommand::to_argv`].
    pub fn to_reporting_argv(&self, filter: &[String], folder: &str) -> Result<Vec<String>, FilterError> {
        let mut words = self.reporting.arguments(folder);
        let filter = self.filter_words(filter)?;
        let has_dashes = words.iter().any(|word| word == "--");
        words.extend(filter.into_iter().skip_while(|word| has_dashes && word == "--"));
        Ok(self.with_words(words))
    }

    fn with_words(&self, words: Vec<String>) -> Vec<String> {
        let mut argv = match &self.invocation {
            Invocation::Argv(own) if words.is_empty() => own.clone(),
            Invocation::Argv(own) => by_run(own),
            // `"$@"` passes the words to the line's last command one by one; the shell never parses them.
            Invocation::Shell(line) if !words.is_empty() => {
                ["sh", "-c", &format!("{} \"$@\"", line_by_run(line.trim_end())), "sh"].map(str::to_owned).to_vec()
            }
            Invocation::Shell(line) => ["sh", "-c", line].map(str::to_owned).to_vec(),
        };
        argv.extend(words);
        argv
    }

    /// The command with `filter` as a person would type it; for journals and people, never for execution.
    ///
    /// # Errors
    /// As [`TestCommand::to_argv`].
    pub fn typed(&self, filter: &[String]) -> Result<String, FilterError> {
        let words = self.filter_words(filter)?;
        let typed = words.iter().map(|word| quoted(word));
        Ok(std::iter::once(self.to_string()).chain(typed).collect::<Vec<_>>().join(" "))
    }

    fn filter_words(&self, filter: &[String]) -> Result<Vec<String>, FilterError> {
        if filter.iter().any(|word| word.contains('\0')) {
            return Err(FilterError::Nul);
        }
        self.filter.words(filter).ok_or_else(|| FilterError::Unsupported(self.to_string()))
    }
}

impl fmt::Display for TestCommand {
    /// As typed; an argv is quoted where a shell would need it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.invocation {
            Invocation::Shell(line) => f.write_str(line),
            Invocation::Argv(words) => {
                f.write_str(&words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// `pnpm test` as `pnpm run test`: pnpm 9 takes arguments of the former for itself.
fn by_run(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    let is_pnpm = words.first().is_some_and(|word| word.rsplit('/').next() == Some("pnpm"));
    let at = words.iter().position(|word| matches!(word.as_str(), "test" | "t" | "tst"));
    if let Some(at) =
        at.filter(|at| is_pnpm && !words[..*at].iter().any(|word| matches!(word.as_str(), "run" | "exec" | "dlx")))
    {
        words.splice(at..=at, ["run".to_owned(), "test".to_owned()]);
    }
    words
}

/// As [`by_run`], for the last command of a shell line; its quoting stays as it is.
fn line_by_run(line: &str) -> String {
    let at = line.rfind(['&', ';', '|', '\n']).map_or(0, |at| at + 1);
    let (before, last) = line.split_at(at);
    let words: Vec<String> = last.split(' ').map(str::to_owned).collect();
    let start = words.iter().position(|word| word.rsplit('/').next() == Some("pnpm"));
    match start {
        Some(start) => before.to_owned() + &[&words[..start], &by_run(&words[start..])].concat().join(" "),
        None => line.to_owned(),
    }
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.replace('\0', ""), std::borrow::Cow::into_owned)
}

impl FilterStyle {
    /// `filter` as arguments; `None` when there is one and the runner can't take it. A flag that the model typed itself
    /// isn't doubled.
    fn words(&self, filter: &[String]) -> Option<Vec<String>> {
        let own = |flag: &str| filter.iter().filter(|word| *word != flag).cloned().collect::<Vec<_>>();
        Some(match self {
            _ if filter.is_empty() => Vec::new(),
            Self::Plain => filter.to_vec(),
            Self::AfterDashes => std::iter::once("--".to_owned()).chain(own("--")).collect(),
            Self::Each { flag } if flag == UNITTEST_FLAG => {
                own(flag).into_iter().flat_map(|word| [flag.clone(), unittest_name(word)]).collect()
            }
            Self::Each { flag } => own(flag).into_iter().flat_map(|word| [flag.clone(), word]).collect(),
            Self::Joined { prefix, separator } => {
                vec![format!("{prefix}{}", own(prefix.trim_end_matches('=')).join(separator))]
            }
            Self::Unsupported => return None,
        })
    }

    /// Style of a shell line: that of its last command, if `"$@"` after the line would reach that command.
    fn of_line(line: &str) -> Self {
        const KEYWORDS: [&str; 5] = ["fi", "done", "esac", "then", "do"];
        let last = line.trim_end().rsplit(['&', ';', '|', '\n']).next().unwrap_or_default();
        let reaches = !last.trim().is_empty() && !last.contains(['#', '>', '<', '(', ')', '`', '{', '}']);
        match shlex::split(last) {
            // The last command of a pipe is no test runner, whatever its name.
            _ if !reaches || line.replace("||", "").contains('|') => Self::Unsupported,
            Some(words) if !words.first().is_some_and(|word| KEYWORDS.contains(&word.as_str())) => {
                Self::of_words(&words)
            }
            _ => Self::Unsupported,
        }
    }

    /// Style of a program and its arguments, by the names of runners that take filters in their own way.
    fn of_words(words: &[String]) -> Self {
        let is_before_program = |word: &&str| {
            matches!(*word, "env" | "exec" | "nice" | "time") || (word.contains('=') && !word.starts_with(['-', '=']))
        };
        let mut rest = words.iter().map(String::as_str).skip_while(is_before_program);
        let program = rest.next().unwrap_or_default();
        let program = program.rsplit('/').next().unwrap_or_default();
        let arguments: Vec<&str> = rest.collect();
        let verb = arguments.iter().copied().find(|word| !word.starts_with(['-', '+'])).unwrap_or_default();
        match program {
            "cargo" if verb == "nextest" => Self::Plain,
            "cargo" | "npm" if arguments.contains(&"--") => Self::Plain,
            "cargo" | "npm" => Self::AfterDashes,
            "go" => Self::Joined { prefix: "-run=".into(), separator: "|".into() },
            "mvn" | "mvnw" => Self::Joined { prefix: "-Dtest=".into(), separator: ",".into() },
            "gradle" | "gradlew" => Self::Each { flag: "--tests".into() },
            "make" | "gmake" | "just" | "tox" => Self::Unsupported,
            "ctest" => Self::Joined { prefix: "--tests-regex=".into(), separator: "|".into() },
            _ if program.starts_with("python") && arguments.windows(2).any(|pair| pair == ["-m", "unittest"]) => {
                // `discover` and a bare `-m unittest` both take `-k`; only the latter takes names as well.
                Self::Each { flag: UNITTEST_FLAG.into() }
            }
            _ => Self::Plain,
        }
    }
}

/// Converts pytest's name of a test (`tests/test_m.py::FTest::test_zero`) to unittest's (`test_m.FTest.test_zero`);
/// other names stay. `-k` matches a part of the full name, whose folders depend on where the discovery started.
fn unittest_name(word: String) -> String {
    let (file, names) = word.split_once("::").unwrap_or((&word, ""));
    match file.strip_suffix(".py") {
        Some(module) => format!("{}.{}", module.rsplit('/').next().unwrap_or(module), names.replace("::", ".")),
        None => word,
    }
}

/// As a settings file has it: a line of text or a list of words.
pub(super) fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TestCommand>, D::Error> {
    let hidden = |text: &String| text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t'));
    match Invocation::deserialize(deserializer) {
        Ok(Invocation::Shell(line)) if hidden(&line) => Err(de::Error::custom("it holds a control character")),
        Ok(Invocation::Argv(words)) if words.iter().any(hidden) => {
            Err(de::Error::custom("it holds a control character"))
        }
        Ok(Invocation::Shell(line)) if !line.trim().is_empty() => Ok(Some(TestCommand::shell(&line))),
        Ok(Invocation::Argv(words)) if words.first().is_some_and(|word| !word.is_empty()) => {
            Ok(Some(TestCommand::argv(words)))
        }
        Ok(_) => Err(de::Error::custom("it is empty")),
        Err(_) => Err(de::Error::custom("it is neither a line of text nor a list of words")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn each_runner_takes_a_filter_in_its_own_way() {
        let cases = [
            ("pytest -q", "a b", "pytest -q a b"),
            ("cargo test", "a b", "cargo test -- a b"),
            ("cargo test -- --nocapture", "a", "cargo test -- --nocapture a"),
            ("cargo nextest run", "a", "cargo nextest run a"),
            ("npm test", "-- a", "npm test -- a"),
            ("yarn test", "a", "yarn test a"),
            ("go test ./...", "TestA TestB", "go test ./... '-run=TestA|TestB'"),
            ("go test ./...", "-run TestA", "go test ./... '-run=TestA'"),
            ("python3 -m unittest discover -s tests", "-k a b", "python3 -m unittest discover -s tests -k a -k b"),
            ("python3 -m unittest", "tests/test_m.py", "python3 -m unittest -k test_m."),
            ("python3 -m unittest", "./tests/test_m.py::FTest::test_z", "python3 -m unittest -k test_m.FTest.test_z"),
            ("./mvnw -q test", "A B", "./mvnw -q test '-Dtest=A,B'"),
            ("./gradlew test", "A", "./gradlew test --tests A"),
            ("CI=1 /usr/bin/cargo +nightly test", "a", "CI=1 /usr/bin/cargo +nightly test -- a"),
            ("cd sub && npm test", "a", "cd sub && npm test -- a"),
            ("time env A=1 cargo test", "a", "time env A=1 cargo test -- a"),
        ];
        for (line, filter, typed) in cases {
            let command = TestCommand::shell(line);
            assert_eq!(command.typed(&words(filter)), Ok(typed.to_owned()), "{line}");
            assert_eq!(command.typed(&[]), Ok(line.to_owned()));
        }
    }

    #[test]
    fn a_line_whose_last_command_cannot_be_seen_takes_no_filter() {
        let plain =
            ["make check", "pytest | tee log", "pytest > log", "(cd a; pytest)", "pytest # all", "pytest &", "'"];
        for line in plain.into_iter().chain(["if true; then pytest; fi", "for x in a; do pytest; done", "pytest \\"]) {
            let command = TestCommand::shell(line);
            assert_eq!(command.to_argv(&words("a")), Err(FilterError::Unsupported(line.to_owned())), "{line}");
            assert_eq!(command.to_argv(&[]), Ok(vec!["sh".into(), "-c".into(), line.to_owned()]), "{line}");
        }
    }

    #[test]
    fn no_shell_parses_a_filter() {
        let command = TestCommand::shell("printf '[%s]'");
        let argv = command.to_argv(&["$(id); `id`".to_owned(), "a b".to_owned()]).expect("it takes a filter");
        let output = std::process::Command::new(&argv[0]).args(&argv[1..]).output().expect("sh runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "[$(id); `id`][a b]");
        assert_eq!(command.to_argv(&["a\0".to_owned()]), Err(FilterError::Nul));
    }

    #[test]
    fn pnpm_passes_arguments_on() {
        for (line, with_filter) in [
            ("pnpm test", "pnpm run test -t a"),
            ("pnpm t", "pnpm run test -t a"),
            ("pnpm -r --filter x test", "pnpm -r --filter x run test -t a"),
            ("pnpm run test", "pnpm run test -t a"),
            ("pnpm exec vitest test", "pnpm exec vitest test -t a"),
        ] {
            let argv = TestCommand::argv(words(line)).to_argv(&words("-t a")).expect("it takes a filter");
            assert_eq!(argv.join(" "), with_filter);
            let command = TestCommand::shell(&format!("CI=1 true && {line}"));
            let argv = command.to_argv(&words("-t a")).expect("it takes a filter");
            let wanted = with_filter.trim_end_matches(" -t a");
            assert_eq!(argv[2], format!("CI=1 true && {wanted} \"$@\""));
            assert_eq!(
                command.to_argv(&[]).expect("no filter")[2],
                format!("CI=1 true && {line}"),
                "alone it stays as it is"
            );
        }
    }

    #[test]
    fn it_survives_the_wire() {
        let dir = RelPath::new("sub").ok();
        for command in [TestCommand::shell("go test ./..."), TestCommand::argv(["make", "check it"]).in_dir(dir)] {
            let json = serde_json::to_string(&command).expect("it serialises");
            assert_eq!(serde_json::from_str::<TestCommand>(&json).expect("it reads back"), command);
        }
        assert_eq!(TestCommand::argv(["make", "check it"]).to_string(), "make 'check it'");
    }
}
