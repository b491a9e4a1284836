//! Finds packages that the project's manifests and tests require and that aren't installed. Executes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::declared::{gems, node_packages, python_asks_for};
use crate::settings::RepositoryFiles;

/// Number of files whose imports are read; the next limit is bytes per file.
const FILES: usize = 60;
const MAX_BYTES: u64 = 32 * 1024;
/// Python modules that may be part of the interpreter.
const BUILT_IN: [&str; 22] = [
    "array",
    "atexit",
    "binascii",
    "builtins",
    "cmath",
    "errno",
    "faulthandler",
    "fcntl",
    "gc",
    "grp",
    "itertools",
    "marshal",
    "math",
    "mmap",
    "posix",
    "pwd",
    "resource",
    "select",
    "sys",
    "termios",
    "time",
    "zlib",
];

/// Returns a module that the tests import, a manifest requires, and none of `libraries` contains.
pub(super) fn python_package(files: &RepositoryFiles, dir: &Path, libraries: &[PathBuf]) -> Option<String> {
    let mut imported = BTreeSet::new();
    let mut left = FILES;
    for folder in ["", "tests", "test", "src"] {
        let folder = dir.join(folder);
        for name in files
            .names(&folder, 500)
            .into_iter()
            .filter(|name| Path::new(name).extension().is_some_and(|it| it == "py"))
        {
            let Some(fewer) = left.checked_sub(1) else { break };
            left = fewer;
            let text = files.read(folder.join(name), MAX_BYTES).map(|file| file.text()).unwrap_or_default();
            let lines = text.lines().filter_map(|line| line.strip_prefix("import ").or(line.strip_prefix("from ")));
            imported.extend(lines.filter_map(|line| Some(line.split([' ', '.', ',']).next()?.to_owned())));
        }
    }
    let is_there = |module: &str| {
        let starts = |path: PathBuf| {
            let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
            entries.any(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{module}.")))
        };
        libraries.iter().any(|library| {
            library.join(module).is_dir()
                || library.join(format!("{module}.py")).is_file()
                || starts(library.join("lib-dynload"))
        })
    };
    let is_module = |name: &String| !name.is_empty() && !name.starts_with('_') && !BUILT_IN.contains(&name.as_str());
    let mut unknown = imported.into_iter().filter(is_module).filter(|module| python_asks_for(files, module));
    unknown.find(|module| !is_there(module))
}

/// Returns a package of `package.json` that no `node_modules` from `folder` up to `root` contains.
pub(super) fn node_package(files: &RepositoryFiles, folder: &Path, root: &Path) -> Option<String> {
    let dir = folder.strip_prefix(root).ok()?.to_str()?;
    let above: Vec<&Path> = folder.ancestors().take_while(|above| above.starts_with(root)).collect();
    if above.iter().any(|above| [".pnp.cjs", ".pnp.js"].iter().any(|name| above.join(name).exists())) {
        return None;
    }
    let is_there = |name: &String| above.iter().any(|above| above.join("node_modules").join(name).exists());
    node_packages(files, dir).into_iter().find(|name| !is_there(name))
}

/// Returns a gem of the Gemfile that no gem folder contains.
pub(super) fn gem(files: &RepositoryFiles, root: &Path) -> Option<String> {
    let wanted = gems(files);
    if wanted.is_empty() {
        return None;
    }
    let home = std::env::home_dir().unwrap_or_default();
    let own = std::env::var_os("GEM_HOME").map(PathBuf::from).into_iter();
    let below = [
        home.join(".gem/ruby"),
        home.join(".local/share/gem/ruby"),
        root.join("vendor/bundle/ruby"),
        "/var/lib/gems".into(),
        "/usr/lib/ruby/gems".into(),
        "/usr/local/lib/ruby/gems".into(),
        "/usr/share/rubygems-integration".into(),
    ];
    let versions = ["rbenv", "asdf/installs/ruby", "rvm/gems"].map(|name| home.join(format!(".{name}")));
    let deep = versions.iter().flat_map(|folder| [folder.clone(), folder.join("versions")]).flat_map(|it| entries(&it));
    let deep = deep.map(|version| version.join("lib/ruby/gems"));
    let stores = own.chain(below.into_iter().chain(deep).flat_map(|folder| entries(&folder)));
    let names: BTreeSet<String> = stores
        .flat_map(|store| [store.join("gems"), store.join("specifications"), store.join("specifications/default")])
        .flat_map(|folder| entries(&folder))
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    let is_there = |gem: &String| {
        let begins = |name: &String| {
            name.strip_prefix(gem.as_str())
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit()))
        };
        names.iter().any(begins)
    };
    wanted.into_iter().find(|gem| !is_there(gem))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
