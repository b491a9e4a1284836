//! Detects projects whose manifest determines how their tests are run.

use std::collections::VecDeque;
use std::path::PathBuf;

use serde_json::Value;

use super::detect::{DetectedCommand, ProjectFolder};
use crate::settings::TestCommand;

/// Number of entries of a folder that are examined.
pub(super) const MAX_NAMES: usize = 1_000;
/// Number of folders of a project that are searched.
const MAX_FOLDERS: usize = 60;

/// Cargo: tests all members of a workspace; uses nextest if it is configured and installed.
pub(super) fn cargo(folder: &ProjectFolder) -> DetectedCommand {
    const NEXTEST: &str = ".config/nextest.toml";
    let manifest: toml::Table = folder.text("Cargo.toml")?.parse().unwrap_or_default();
    let whole = manifest.contains_key("workspace").then_some("--workspace");
    // A member's configuration is at the root of its workspace.
    let configured = folder.upwards().find(|(_, path)| folder.files.has(path.join(NEXTEST)));
    let (words, file) = match configured.filter(|_| (folder.installed)("cargo-nextest")) {
        Some((up, _)) => (vec!["cargo", "nextest", "run"], up.join(NEXTEST).display().to_string()),
        None => (vec!["cargo", "test"], "Cargo.toml".to_owned()),
    };
    Some((TestCommand::argv(words.into_iter().chain(whole)), file))
}

pub(super) fn go(folder: &ProjectFolder) -> DetectedCommand {
    folder.has("go.mod").then(|| (argv(&["go", "test", "./..."]), "go.mod".to_owned()))
}

/// Runs `scripts.test` of `package.json` with the package manager that the project names or whose lock file is nearest.
pub(super) fn node(folder: &ProjectFolder) -> DetectedCommand {
    let manifest: Value = serde_json::from_str(&folder.text("package.json")?).ok()?;
    let script = manifest["scripts"]["test"].as_str().filter(|script| !script.trim().is_empty())?;
    // The script that `npm init` writes is not a test.
    if script.contains("no test specified") {
        return None;
    }
    let named = manifest["packageManager"].as_str().and_then(|named| named.split('@').next());
    let words: &[&str] = match named.unwrap_or_else(|| manager_by_lock_file(folder)) {
        "pnpm" => &["pnpm", "test"],
        "yarn" => &["yarn", "test"],
        // `bun test` would run bun's own runner instead of the script.
        "bun" => &["bun", "run", "test"],
        _ => &["npm", "test"],
    };
    Some((argv(words), "package.json".to_owned()))
}

fn manager_by_lock_file(folder: &ProjectFolder) -> &'static str {
    const LOCK_FILES: [(&str, &str); 6] = [
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("package-lock.json", "npm"),
        ("npm-shrinkwrap.json", "npm"),
    ];
    let in_folder = |(_, path): (_, &std::path::Path)| {
        LOCK_FILES.iter().find(|(file, _)| folder.files.has(path.join(file))).map(|(_, manager)| *manager)
    };
    folder.upwards().find_map(in_folder).unwrap_or("npm")
}

/// `deno.json` with a task `test`, or with files that Deno recognises as tests.
pub(super) fn deno(folder: &ProjectFolder) -> DetectedCommand {
    let file = folder.first(&["deno.json", "deno.jsonc"])?;
    // With comments in it, it is no JSON; then its tasks aren't known.
    let manifest: Value = serde_json::from_str(&folder.text(file)?).unwrap_or_default();
    let task = &manifest["tasks"]["test"];
    if task.is_string() || task["command"].is_string() {
        return Some((argv(&["deno", "task", "test"]), file.to_owned()));
    }
    has_deno_tests(folder).then(|| (argv(&["deno", "test"]), file.to_owned()))
}

/// Whether there are files with the names that `deno test` looks for (<https://docs.deno.com/runtime/reference/cli/test/>), in the
/// folder or below it.
fn has_deno_tests(folder: &ProjectFolder) -> bool {
    let is_test = |name: &str| {
        let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
        let is_code = ["ts", "tsx", "mts", "js", "jsx", "mjs"].contains(&end);
        is_code && stem.rsplit(['.', '_']).next() == Some("test")
    };
    let mut folders = VecDeque::from([PathBuf::new()]);
    for _ in 0..MAX_FOLDERS {
        let Some(path) = folders.pop_front() else { return false };
        let names = folder.files.names(folder.path.join(&path), MAX_NAMES);
        if names.iter().any(|name| is_test(name) || (name == "__tests__")) {
            return true;
        }
        let may_be_folder = |name: &&String| !name.contains('.') && *name != "node_modules" && *name != "vendor";
        folders.extend(names.iter().filter(may_be_folder).map(|name| path.join(name)));
    }
    false
}

/// `pom.xml`. Not `-q`: it would silence the counts.
pub(super) fn maven(folder: &ProjectFolder) -> DetectedCommand {
    let maven = if folder.is_executable("mvnw") { "./mvnw" } else { "mvn" };
    folder.has("pom.xml").then(|| (argv(&[maven, "--batch-mode", "test"]), "pom.xml".to_owned()))
}

/// Gradle, without the daemon, which would outlive the run.
pub(super) fn gradle(folder: &ProjectFolder) -> DetectedCommand {
    let file = folder.first(&["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"])?;
    let gradle = if folder.is_executable("gradlew") { "./gradlew" } else { "gradle" };
    Some((argv(&[gradle, "--no-daemon", "test"]), file.to_owned()))
}

/// A makefile with a target `test` or `check`.
pub(super) fn make(folder: &ProjectFolder) -> DetectedCommand {
    // In the order in which make itself looks.
    let file = folder.first(&["GNUmakefile", "makefile", "Makefile"])?;
    let text = folder.text(file)?;
    let target = ["test", "check"].into_iter().find(|target| text.lines().any(|line| is_rule(line, target)))?;
    Some((argv(&["make", target]), file.to_owned()))
}

/// Matches `test: all` and `check test:`, not `test := x`, `test = a:b` or an indented recipe.
fn is_rule(line: &str, target: &str) -> bool {
    let Some((targets, rest)) = line.split_once(':') else { return false };
    let is_assignment = targets.contains('=') || rest.trim_start_matches(':').starts_with('=');
    !line.starts_with(['\t', ' ', '#']) && !is_assignment && targets.split_whitespace().any(|name| name == target)
}

/// An executable script with a conventional name.
pub(super) fn script(folder: &ProjectFolder) -> DetectedCommand {
    let file = ["test.sh", "run_tests.sh", "run-tests.sh"].into_iter().find(|name| folder.is_executable(name))?;
    Some((argv(&[&format!("./{file}")]), file.to_owned()))
}

/// A justfile with a recipe `test` or `check`.
pub(super) fn just(folder: &ProjectFolder) -> DetectedCommand {
    let file = folder.first(&["justfile", "Justfile", ".justfile"])?;
    let text = folder.text(file)?;
    let recipe = ["test", "check"].into_iter().find(|name| text.lines().any(|line| is_recipe(line, name)))?;
    Some((argv(&["just", recipe]), file.to_owned()))
}

/// Matches `test: build` and `test filter="": build`, not `test := "x"`.
fn is_recipe(line: &str, name: &str) -> bool {
    let rest = line.trim_start_matches('@').strip_prefix(name).filter(|rest| rest.starts_with([' ', ':']));
    rest.is_some_and(|rest| rest.contains(':') && !rest.contains(":="))
}

/// Tox with a test environment, or nox with a test session.
pub(super) fn tox(folder: &ProjectFolder) -> DetectedCommand {
    let says = |file: &str, words: &str| folder.text(file).is_some_and(|text| text.contains(words));
    if says("tox.ini", "[testenv") {
        return Some((argv(&["tox"]), "tox.ini".to_owned()));
    }
    let session = ["test", "tests"].into_iter().find(|name| says("noxfile.py", &format!("def {name}(")))?;
    Some((argv(&["nox", "-s", session]), "noxfile.py".to_owned()))
}

/// .NET: a solution or a test project.
pub(super) fn dotnet(folder: &ProjectFolder) -> DetectedCommand {
    let names = folder.files.names(&folder.path, MAX_NAMES);
    let ends = |endings: &'static [&str]| {
        let mut found = names.iter();
        found.find(|name| name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending)))
    };
    let is_of_tests = |name: &&String| folder.text(name).is_some_and(|text| text.contains("Microsoft.NET.Test.Sdk"));
    let file = ends(&["sln", "slnx"]).or_else(|| ends(&["csproj", "fsproj", "vbproj"]).filter(is_of_tests))?;
    Some((argv(&["dotnet", "test"]), file.clone()))
}

/// PHPUnit if it is configured, in the project's own version if there is one.
pub(super) fn phpunit(folder: &ProjectFolder) -> DetectedCommand {
    let file = folder.first(&["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"])?;
    let own = ["vendor/bin/phpunit", "bin/phpunit"].into_iter().find(|path| folder.has(path));
    Some((argv(&[own.unwrap_or("phpunit")]), file.to_owned()))
}

/// RSpec, Rails' own tests, or a test task of a Rakefile; with Bundler if there is a Gemfile.
pub(super) fn ruby(folder: &ProjectFolder) -> DetectedCommand {
    let rake = folder.text("Rakefile").filter(|text| text.contains("TestTask") || text.contains("Minitest"));
    let (words, file): (&[&str], &str) = match folder.first(&[".rspec", "spec/spec_helper.rb", "spec/rails_helper.rb"])
    {
        Some(file) => (&["rspec"], file),
        None if folder.has("bin/rails") && folder.has("test") => {
            return Some((argv(&["bin/rails", "test"]), "bin/rails".to_owned()));
        }
        None => (&["rake", "test"], rake.map(|_| "Rakefile")?),
    };
    let bundler: &[&str] = if folder.has("Gemfile") { &["bundle", "exec"] } else { &[] };
    Some((argv(&[bundler, words].concat()), file.to_owned()))
}

pub(super) fn mix(folder: &ProjectFolder) -> DetectedCommand {
    folder.has("mix.exs").then(|| (argv(&["mix", "test"]), "mix.exs".to_owned()))
}

/// CMake with tests, in an existing build folder, else in one outside of the tree that is made anew for each view.
pub(super) fn ctest(folder: &ProjectFolder) -> DetectedCommand {
    let text = folder.text("CMakeLists.txt")?.to_ascii_lowercase();
    let has_tests = text.contains("enable_testing") || text.contains("include(ctest)");
    let folders = ["build", "_build", "out", "cmake-build-debug"].into_iter().filter(|_| has_tests);
    let configured = folders.into_iter().find(|build| folder.has(format!("{build}/CMakeCache.txt")));
    let line = match configured {
        Some(build) => format!("cmake --build {build} && ctest --test-dir {build}"),
        None if has_tests => {
            let own = "\"$HOME/build\"";
            format!("cmake -S . -B {own} && cmake --build {own} && ctest --test-dir {own}")
        }
        None => return None,
    };
    Some((TestCommand::shell(&line), "CMakeLists.txt".to_owned()))
}

fn argv(words: &[&str]) -> TestCommand {
    TestCommand::argv(words.iter().copied())
}
