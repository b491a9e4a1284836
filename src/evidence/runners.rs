//! Projects whose manifest says by itself how their tests are run.

use serde_json::Value;

use super::detect::{Folder, Found};
use crate::settings::TestCommand;

/// `Cargo.toml`; with a workspace in it, all members are tested.
pub(super) fn cargo(folder: &Folder) -> Found {
    let manifest: toml::Table = folder.text("Cargo.toml")?.parse().unwrap_or_default();
    let words: &[&str] = &["cargo", "test", "--workspace"];
    let words = if manifest.contains_key("workspace") { words } else { &words[..2] };
    Some((argv(words), "Cargo.toml".to_owned()))
}

/// `go.mod`.
pub(super) fn go(folder: &Folder) -> Found {
    folder.has("go.mod").then(|| (argv(&["go", "test", "./..."]), "go.mod".to_owned()))
}

/// `scripts.test` of `package.json`, run by the manager that the project names or whose lock file is nearest.
pub(super) fn node(folder: &Folder) -> Found {
    let manifest: Value = serde_json::from_str(&folder.text("package.json")?).ok()?;
    let script = manifest["scripts"]["test"].as_str().filter(|script| !script.trim().is_empty())?;
    // What `npm init` writes is no test.
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

fn manager_by_lock_file(folder: &Folder) -> &'static str {
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

/// `pom.xml`. Not `-q`: it would silence the counts.
pub(super) fn maven(folder: &Folder) -> Found {
    let maven = if folder.is_executable("mvnw") { "./mvnw" } else { "mvn" };
    folder.has("pom.xml").then(|| (argv(&[maven, "--batch-mode", "test"]), "pom.xml".to_owned()))
}

/// A Gradle build, without the daemon that would outlive the run.
pub(super) fn gradle(folder: &Folder) -> Found {
    let file = folder.first(&["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"])?;
    let gradle = if folder.is_executable("gradlew") { "./gradlew" } else { "gradle" };
    Some((argv(&[gradle, "--no-daemon", "test"]), file.to_owned()))
}

/// A makefile with a target `test` or `check`.
pub(super) fn make(folder: &Folder) -> Found {
    // In the order in which make itself looks.
    let file = folder.first(&["GNUmakefile", "makefile", "Makefile"])?;
    let text = folder.text(file)?;
    let target = ["test", "check"].into_iter().find(|target| text.lines().any(|line| is_rule(line, target)))?;
    Some((argv(&["make", target]), file.to_owned()))
}

/// True for `test: all` and `check test:`, not for `test := x`, `test = a:b` or an indented recipe.
fn is_rule(line: &str, target: &str) -> bool {
    let Some((targets, rest)) = line.split_once(':') else { return false };
    let is_assignment = targets.contains('=') || rest.trim_start_matches(':').starts_with('=');
    !line.starts_with(['\t', ' ', '#']) && !is_assignment && targets.split_whitespace().any(|name| name == target)
}

/// A script that can be executed and says by its name what it is for.
pub(super) fn script(folder: &Folder) -> Found {
    let file = ["test.sh", "run_tests.sh", "run-tests.sh"].into_iter().find(|name| folder.is_executable(name))?;
    Some((argv(&[&format!("./{file}")]), file.to_owned()))
}

fn argv(words: &[&str]) -> TestCommand {
    TestCommand::argv(words.iter().copied())
}
