//! Finds what package managers left in the repository that leads out of it: links in `node_modules`, and Python
//! environments' records of packages that were installed in editable mode.

use std::fs;

use super::{MOST_NAMES, OutsideSearch};
use crate::settings::RepositoryFiles;

/// Number of folders of installed packages that are searched.
const MOST_FOLDERS: usize = 10;
/// Maximum bytes of a record.
const MOST_BYTES: u64 = 64 * 1024;
/// Environments at the root that are searched.
const ENVIRONMENTS: [&str; 3] = [".venv", "venv", "env"];

/// Adds what it finds to `search`; `manifests` tells where packages are.
pub(super) fn look(search: &mut OutsideSearch<'_>, files: &RepositoryFiles, manifests: &[String]) {
    let packages = manifests.iter().filter_map(|path| path.strip_suffix("package.json"));
    for folder in packages.take(MOST_FOLDERS) {
        links(search, files, &format!("{folder}node_modules"));
    }
    for environment in ENVIRONMENTS {
        python(search, files, environment);
    }
    // The user's own environment, wherever it is.
    let elsewhere = std::env::var_os("VIRTUAL_ENV").and_then(|folder| fs::canonicalize(folder).ok());
    if let Some(folder) = elsewhere.filter(|folder| !folder.starts_with(search.root))
        && let Ok(files) = RepositoryFiles::open(&folder)
    {
        python(search, &files, ".");
    }
}

/// Adds links among packages and in scopes.
fn links(search: &mut OutsideSearch<'_>, files: &RepositoryFiles, folder: &str) {
    let (names, scopes): (Vec<_>, Vec<_>) =
        files.names(folder, MOST_NAMES).into_iter().partition(|name| !name.starts_with('@'));
    let inner = scopes.iter().flat_map(|scope| {
        files.names(format!("{folder}/{scope}"), MOST_NAMES).into_iter().map(move |name| format!("{scope}/{name}"))
    });
    for name in names.into_iter().chain(inner.collect::<Vec<_>>()) {
        let place = search.folder.join(folder).join(&name);
        if place.symlink_metadata().is_ok_and(|about| about.is_symlink()) {
            search.add(folder, &name, folder);
        }
    }
}

/// Adds the folders that an environment at `folder` refers to.
fn python(search: &mut OutsideSearch<'_>, files: &RepositoryFiles, folder: &str) {
    let libraries =
        files.names(format!("{folder}/lib"), MOST_NAMES).into_iter().filter(|name| name.starts_with("python"));
    for library in libraries.collect::<Vec<_>>() {
        let packages = format!("{folder}/lib/{library}/site-packages");
        for name in files.names(&packages, 4 * MOST_NAMES) {
            let note = if name.ends_with(".dist-info") {
                format!("{packages}/{name}/direct_url.json")
            } else {
                format!("{packages}/{name}")
            };
            let is_list = [".pth", ".egg-link"].iter().any(|end| name.ends_with(end));
            if !is_list && !name.ends_with(".dist-info") {
                continue;
            }
            let Some(text) = files.read(&note, MOST_BYTES).map(|note| note.text()) else { continue };
            let told = if is_list { paths(&text) } else { origin(&text).into_iter().collect() };
            for path in told {
                search.add(&packages, &path, &note);
            }
        }
    }
}

/// The paths in a `.pth` file or an egg link, without lines of code.
fn paths(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| line.starts_with('/') || line.starts_with(".."));
    lines.map(str::to_owned).collect()
}

/// The folder that a package was installed from in editable mode (PEP 610).
fn origin(text: &str) -> Option<String> {
    let told: serde_json::Value = serde_json::from_str(text).ok()?;
    told.get("dir_info")?.get("editable")?.as_bool().filter(|editable| *editable)?;
    let path = told.get("url")?.as_str()?.strip_prefix("file://")?;
    path.starts_with('/').then(|| path.replace("%20", " "))
}
