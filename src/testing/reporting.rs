//! Adds to a test command what makes its runner report single tests.
//!
//! Uses only what every supported version of a runner understands, since unknown arguments would fail the run. Nothing
//! here changes which tests run, and a reporter that the user chose takes precedence.

use super::runner_words::target;
use crate::journal::RelPath;
use crate::settings::{FilterStyle, Reporting, RepositoryFiles, TestCommand};
use std::path::{Path, PathBuf};

/// Bytes read of a makefile.
const MAX_BYTES: u64 = 512 * 1024;

/// Returns what to add to `command`, whose repository is at `root`.
#[must_use]
pub fn reporting(command: &TestCommand, root: &Path) -> Reporting {
    let files = RepositoryFiles::open(root).ok();
    let folder = command.dir.as_ref().map_or(PathBuf::new(), |dir: &RelPath| dir.as_path().to_owned());
    let text = |name: &str| Some(files.as_ref()?.read(folder.join(name), MAX_BYTES)?.text());
    let target = target(command, text);
    let mut reporting = by_mention(&target.text);
    let takes_arguments = command.filter != FilterStyle::Unsupported && !target.words.iter().any(|word| word == "--");
    let direct =
        if takes_arguments { CommandWords(&target.words).reporting() } else { by_mention(&target.words.join(" ")) };
    reporting.arguments = direct.arguments;
    if target.behind_dashes && !reporting.arguments.is_empty() {
        reporting.arguments.insert(0, "--".to_owned());
    }
    let known: Vec<String> = reporting.environment.iter().map(|(name, _)| name.clone()).collect();
    reporting.environment.extend(direct.environment.into_iter().filter(|(name, _)| !known.contains(name)));
    reporting.written_anyway.extend(direct.written_anyway);
    reporting
}

/// The words of the command that runs the tests.
struct CommandWords<'a>(&'a [String]);

impl CommandWords<'_> {
    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|known| known == word || known.strip_suffix(word).is_some_and(|path| path.ends_with('/')))
    }

    fn says(&self, parts: &[&str]) -> bool {
        self.0.iter().any(|word| parts.iter().any(|part| word.starts_with(part)))
    }

    fn reporting(&self) -> Reporting {
        let runners: [(bool, &[&str], &[&str]); 13] = [
            (self.has("pytest") || self.has("py.test"), &["--junit", "no:junit"], &PYTEST),
            (self.has("unittest"), &["-v", "-q", "--verbose", "--quiet"], &["-v"]),
            (self.has("manage.py") && self.has("test"), &["-v", "--verbosity"], &["-v", "2"]),
            // Otherwise binaries after the first that fails would not be tested.
            (
                self.has("cargo") && !self.has("watch") && (self.has("test") || self.has("nextest")),
                &["--no-fail-fast"],
                &["--no-fail-fast"],
            ),
            (self.has("go") && self.has("test"), &["-v", "-json", "-args", "--args"], &["-v"]),
            (self.has("jest"), &["--json", "--outputFile"], &["--json", "--outputFile={reports}/jest.json"]),
            (self.has("vitest"), &["--reporter", "--outputFile"], &VITEST),
            (self.has("phpunit"), &["--log-junit"], &["--log-junit", "{reports}/phpunit.xml"]),
            (self.has("rspec"), &["--format", "-f"], &RSPEC),
            (self.has("ruby") && self.says(&["-Itest"]), &["-v", "--verbose"], &["-v"]),
            (self.has("rails") && self.has("test"), &["-v", "--verbose"], &["-v"]),
            (self.has("mix") && self.has("test"), &["--trace", "--formatter"], &["--trace"]),
            (self.has("dotnet") && self.has("test"), &["--logger", "-l", "-v", "--verbosity"], &DOTNET),
        ];
        let runner = runners.iter().find(|(is_it, ..)| *is_it);
        let words = runner.filter(|(_, own, _)| !self.says(own)).map_or(&[][..], |(.., words)| words);
        let mut reporting = by_mention(&self.0.join(" "));
        if runner.is_some() {
            // An argument reaches the runner alone, and not programs that its tests start.
            reporting.environment.retain(|(name, _)| !ARGUMENTS_IN_VARIABLES.contains(&name.as_str()));
        }
        reporting.arguments = words.iter().chain(self.ending()).map(|&word| word.to_owned()).collect();
        if ["react-scripts", "ng", "karma"].iter().any(|name| self.has(name)) {
            reporting.environment.push(("CI".to_owned(), "true".to_owned()));
        }
        reporting.written_anyway.extend(self.own_report());
        reporting
    }

    /// Arguments that make a watching runner exit after one run.
    fn ending(&self) -> &'static [&'static str] {
        let ends = |words: &[&str]| words.iter().any(|word| self.0.iter().any(|known| known == word));
        let watches = self.says(&["--watch"]) || ends(&["-w", "watch"]);
        if self.has("vitest")
            && !ends(&["run", "--run", "--watch=false", "--no-watch", "bench", "list", "related", "init"])
        {
            &["--run"]
        } else if (self.has("jest") && watches) || (self.has("react-scripts") && !ends(&["--watchAll=false"])) {
            &["--watchAll=false"]
        } else if self.has("mocha") && watches {
            &["--no-watch"]
        } else if self.has("ng") && self.has("test") && !self.says(&["--watch"]) {
            &["--watch=false"]
        } else if self.has("karma") && !self.says(&["--single-run"]) {
            &["--single-run"]
        } else {
            &[]
        }
    }

    /// Returns the path of the report that the user asked for.
    fn own_report(&self) -> Option<String> {
        const FLAGS: [&str; 4] = ["--junitxml", "--junit-xml", "--log-junit", "--outputFile"];
        let at = self.0.iter().position(|word| FLAGS.iter().any(|flag| word.starts_with(flag)))?;
        let path = self.0[at].split_once('=').map_or_else(|| self.0.get(at + 1), |_| None);
        let path = path.map(String::as_str).or_else(|| Some(self.0[at].split_once('=')?.1))?;
        Some(path.trim_start_matches("./").to_owned())
    }
}

const PYTEST: [&str; 3] = ["--junitxml={reports}/pytest.xml", "-o", "junit_family=xunit1"];
const VITEST: [&str; 3] = ["--reporter=default", "--reporter=json", "--outputFile.json={reports}/vitest.json"];
const RSPEC: [&str; 6] = ["--format", "progress", "--format", "json", "--out", "{reports}/rspec.json"];
/// Runners that write no new snapshots if `CI` is set, as it is for every command otherwise.
const SNAPSHOTS: [&str; 2] = ["jest", "vitest"];
/// Variables that a runner reads arguments from.
const ARGUMENTS_IN_VARIABLES: [&str; 3] = ["PYTEST_ADDOPTS", "GOFLAGS", "SPEC_OPTS"];
const DOTNET: [&str; 2] = ["--logger", "console;verbosity=normal"];

/// Reports that Java's runners write by default; Gradle uses one folder per task.
const JAVA: [&str; 3] = [
    "**/target/surefire-reports/TEST-*.xml",
    "**/target/failsafe-reports/TEST-*.xml",
    "**/build/test-results/*/TEST-*.xml",
];

/// Returns the settings that reach a runner through whatever starts it, if `text` (a makefile or script) names the
/// runner.
fn by_mention(text: &str) -> Reporting {
    let mut reporting = Reporting::default();
    let words: Vec<&str> = text.split(|char: char| !(char.is_alphanumeric() || "_.-".contains(char))).collect();
    let names = |name: &str| words.contains(&name);
    let mut set = |name: &str, value: &str| reporting.environment.push((name.to_owned(), value.to_owned()));
    if names("pytest") || names("py.test") {
        // Not the file name of the argument, since a line may run pytest twice.
        set("PYTEST_ADDOPTS", "--junitxml='{reports}/pytest-1.xml' -o junit_family=xunit1");
    }
    if names("tox") {
        // Tox passes only the variables that it is told to.
        set("TOX_OVERRIDE", "testenv.pass_env+=PYTEST_ADDOPTS");
    }
    if words.windows(2).any(|pair| pair == ["go", "test"]) {
        set("GOFLAGS", "-v");
    }
    if names("nextest") {
        set("NEXTEST_STATUS_LEVEL", "all");
    }
    if names("rspec") {
        set("SPEC_OPTS", "--format progress --format json --out '{reports}/rspec-1.json'");
    }
    if names("rake") || names("TestTask") {
        set("TESTOPTS", "-v");
    }
    if names("ctest") {
        set("CTEST_OUTPUT_ON_FAILURE", "1");
    }
    if SNAPSHOTS.iter().any(|name| names(name)) && !names("react-scripts") {
        set("CI", "false");
    }
    if names("prove") {
        set("HARNESS_VERBOSE", "1");
    }
    if ["mvn", "mvnw", "gradle", "gradlew"].iter().any(|name| names(name)) {
        reporting.written_anyway = JAVA.map(str::to_owned).into();
    }
    reporting
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Formats the arguments and variables for a command line in a repository with `files`.
    fn of(line: &str, files: &[(&str, &str)]) -> String {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(root.path().join(name), text).unwrap();
        }
        let command = TestCommand::shell(line);
        let reporting = reporting(&command, root.path());
        let argv = command.reporting(reporting.clone()).to_reporting_argv(&[], "R").unwrap();
        let variables = reporting.environment.iter().map(|(name, _)| format!("{name}= "));
        variables.chain(argv.into_iter().skip(4)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_runner_is_told_in_its_own_way() {
        let pytest = "--junitxml=R/pytest.xml -o junit_family=xunit1";
        let jest = "CI=  --json --outputFile=R/jest.json";
        let vitest = "CI=  --reporter=default --reporter=json --outputFile.json=R/vitest.json";
        for (line, added) in [
            ("pytest -q", pytest),
            ("poetry run pytest tests", pytest),
            ("python3 -m pytest", pytest),
            ("pytest --junitxml=mine.xml", ""),
            ("python3 -m unittest discover -s tests", "-v"),
            ("cargo test --workspace", "--no-fail-fast"),
            ("cargo test -- --nocapture", ""),
            ("cargo nextest run", "NEXTEST_STATUS_LEVEL=  --no-fail-fast"),
            ("go test ./...", "-v"),
            ("go test -json ./...", ""),
            ("go test ./... && true", "GOFLAGS= "),
            ("npx jest", jest),
            ("npx vitest run", vitest),
            ("npx mocha", ""),
            ("npx mocha --watch", "--no-watch"),
            ("npx vitest", &format!("{vitest} --run")),
            ("npx vitest --watch", &format!("{vitest} --run")),
            ("npx jest --watchAll", &format!("{jest} --watchAll=false")),
            ("react-scripts test", "CI=  --watchAll=false"),
            ("cargo watch -x test", ""),
            ("mix test", "--trace"),
            ("node --test", ""),
            ("vendor/bin/phpunit", "--log-junit R/phpunit.xml"),
            ("bundle exec rspec", "--format progress --format json --out R/rspec.json"),
            ("ctest --test-dir build", "CTEST_OUTPUT_ON_FAILURE= "),
            ("make && pytest", pytest),
            ("pytest | tee log", "PYTEST_ADDOPTS= "),
            ("./check.sh", ""),
        ] {
            assert_eq!(of(line, &[]), added, "{line}");
        }
    }

    #[test]
    fn runners_behind_something_else_are_found() {
        let package = |script: &str| format!(r#"{{"scripts": {{"test": "{script}"}}}}"#);
        let jest = package("eslint . && jest --coverage");
        let jest = [("package.json", jest.as_str())];
        assert_eq!(of("npm test", &jest), "CI=  -- --json --outputFile=R/jest.json");
        assert_eq!(of("yarn test", &jest), "CI=  --json --outputFile=R/jest.json");
        assert_eq!(of("make test", &[("Makefile", "test:\n\tpytest -q\n")]), "PYTEST_ADDOPTS= ");
        assert_eq!(of("./t.sh", &[("t.sh", "go test ./...")]), "GOFLAGS= ");
        assert_eq!(of("tox", &[("tox.ini", "commands = pytest")]), "PYTEST_ADDOPTS=  TOX_OVERRIDE= ");
        assert_eq!(of("make improve", &[("Makefile", "improve:\n\techo to improve\n")]), "");
    }

    #[test]
    fn what_java_writes_anyway_is_collected() {
        let reporting = reporting(&TestCommand::shell("./mvnw test"), Path::new("/nowhere"));
        assert_eq!((reporting.arguments.len(), reporting.written_anyway.len()), (0, 3));
        let own = super::reporting(&TestCommand::shell("pytest --junit-xml ./out/mine.xml"), Path::new("/nowhere"));
        assert_eq!(own.written_anyway, ["out/mine.xml"]);
    }
}
