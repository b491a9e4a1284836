//! Changes to files that configure how tests are found and run; one module per kind of file.
//!
//! A change that narrows what runs, or ignores a failure, weakens. Any other change of how tests run is a note; changes
//! unrelated to tests are skipped.

mod build_files;
mod cargo;
mod commands;
mod node;
mod python;

use super::change::{ChangedSource, runner_changed};
use super::role::Role;
use crate::journal::TamperFlag;

/// Flags a changed configuration file.
pub(super) fn flags(file: &ChangedSource) -> Vec<TamperFlag> {
    if file.role == Role::Ci {
        return ci(file).into_iter().collect();
    }
    if file.role != Role::Configuration && file.old_role != Role::Configuration {
        return Vec::new();
    }
    let path = file.path.as_str();
    let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
    match name.as_str() {
        "pytest.ini" | ".pytest.ini" | "pyproject.toml" | "setup.cfg" | "tox.ini" => python::flags(file, &name),
        "package.json" | "composer.json" | "deno.json" => node::manifest(file),
        "cargo.toml" => cargo::manifest(file),
        "config.toml" | "config" | "nextest.toml" => cargo::settings(file),
        _ if node::is_runner_configuration(&name) => node::runner(file),
        "makefile" | "gnumakefile" | "justfile" | "noxfile.py" | "rakefile" | "test.sh" | "run_tests.sh"
        | "run-tests.sh" | "runtests.py" | "taskfile.yml" => commands::recipes(file),
        _ => build_files::flags(file),
    }
}

/// Flags a changed CI file as a note, since people see CI results before they count.
fn ci(file: &ChangedSource) -> Option<TamperFlag> {
    let says_test = |line: &String| line.contains("test") || line.contains("continue-on-error");
    let added = file.after.iter().flat_map(|after| file.added().map(|at| (file.place_of_new(at), &after.file.raw[at])));
    let removed =
        file.before.iter().flat_map(|before| file.removed().map(|at| (file.place_of_old(at), &before.file.raw[at])));
    let (line, _) = added.chain(removed).find(|(_, line)| says_test(line))?;
    Some(runner_changed(file, line, false, "how a server runs the tests was changed"))
}
