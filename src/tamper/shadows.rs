//! Flags new files that replace the test runner or the tested code.

use super::change::ChangedSource;
use super::language::Language;
use super::pattern::Pattern;
use crate::journal::{TamperFlag, TamperKind};

/// Python loads these before any code of the project.
const LOADED_FIRST: [&str; 2] = ["sitecustomize.py", "usercustomize.py"];
/// Names of runners and of their parts.
const RUNNERS: [&str; 11] =
    ["pytest", "_pytest", "unittest", "nose", "doctest", "tox", "mock", "pluggy", "coverage", "hypothesis", "assertpy"];
/// Folders of installed packages.
const INSTALLED: [&str; 4] = ["node_modules", "site-packages", ".venv", "venv"];

static HOOK: Pattern = Pattern::new(
    r"^\s*(?:async\s+)?def\s+(pytest_(?:collection\w*|collect\w*|ignore_collect|itemcollected|deselected|runtest\w*|session\w*|report\w*|pyfunc_call|pycollect\w*|exception_interact|unconfigure|fixture_setup|assertrepr\w*|assertion_pass|cmdline\w*|load_initial\w*|make_collect\w*|make_parametrize\w*|terminal_summary))\b|^\s*(collect_ignore(?:_glob)?)\b",
);

/// Flags a file for its name or its hooks.
pub(super) fn flags(file: &ChangedSource) -> Vec<TamperFlag> {
    let mut flags: Vec<TamperFlag> = by_name(file).into_iter().collect();
    if file.path.as_str().ends_with("conftest.py") {
        flags.extend(hooks(file));
    }
    flags
}

fn by_name(file: &ChangedSource) -> Option<TamperFlag> {
    let path = file.path.as_str();
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let folder = parts.next().unwrap_or_default();
    let flag = |weakens, reason: &str| Some(file.flag(1, TamperKind::Shadowed, weakens, reason));
    // Tests may contain an installation of their own as test data.
    let outside_tests = path.split('/').take_while(|part| !part.contains("test"));
    if outside_tests.into_iter().any(|part| INSTALLED.contains(&part)) {
        return flag(true, "what is installed was changed in place");
    }
    if !file.is_new {
        return None;
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if LOADED_FIRST.contains(&name) || ending == "pth" {
        return flag(true, "Python runs this file before any test");
    }
    let module = name.strip_suffix(".py").map(|stem| if stem == "__init__" { folder } else { stem });
    let depth = path.split('/').count() - usize::from(name == "__init__.py");
    if module.is_some_and(|module| RUNNERS.contains(&module)) && depth <= 2 {
        return flag(true, "a module of this name takes the place of the test runner's");
    }
    if folder == "__mocks__" && Language::of(file.path) == Language::JavaScript {
        return flag(false, "a module of the same name may be replaced by this one in tests");
    }
    None
}

/// Flags hooks of `conftest.py` that decide which tests run and how results count.
fn hooks(file: &ChangedSource) -> Vec<TamperFlag> {
    let Some(after) = &file.after else { return Vec::new() };
    let hook_at = |at: usize| {
        // The hook that the line begins or belongs to.
        let inside = after.unit_at(at).map_or(at, |unit| unit.body.start);
        [at, inside].into_iter().find_map(|line| HOOK.captures(&after.file.code[line]))
    };
    let mut seen = Vec::new();
    let mut flags = Vec::new();
    for at in file.added().filter(|at| !after.file.code[*at].trim().is_empty()) {
        let Some(hook) =
            hook_at(at).and_then(|found| found.get(1).or(found.get(2)).map(|name| name.as_str().to_owned()))
        else {
            continue;
        };
        if !seen.contains(&hook) {
            let reason = format!("`{hook}` decides which tests run, or what becomes of their results");
            flags.push(file.flag(file.place_of_new(at), TamperKind::RunnerChanged, true, reason));
            seen.push(hook);
        }
    }
    flags
}
