//! Files that test runs leave behind and that nobody means as a change.
//!
//! The rule is for new and untracked files that no tool wrote by name: repositories often forget to ignore these. A
//! tracked file always counts, and so does a file that the model asked to write.

use std::path::Path;

/// Folders of caches and reports.
const FOLDERS: [&str; 16] = [
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".tox",
    ".nox",
    ".eggs",
    "htmlcov",
    "node_modules",
    ".nyc_output",
    ".vite",
    ".turbo",
    ".parcel-cache",
    ".gradle",
    ".kotlin",
];

/// Folders that are build output only when one of these files lies beside them.
const BUILD_FOLDERS: [(&str, &[&str]); 2] =
    [("target", &["Cargo.toml", "pom.xml"]), ("build", &["build.gradle", "build.gradle.kts", "settings.gradle"])];

/// Coverage data and desktop litter.
const FILES: [&str; 4] = [".coverage", ".DS_Store", ".eslintcache", ".phpunit.result.cache"];

/// Suffixes of files that compilers and profilers write.
const SUFFIXES: [&str; 7] = [".pyc", ".pyo", ".o", ".obj", ".class", ".tsbuildinfo", ".profraw"];

/// Returns true when `path` is a by-product. `exists` answers whether a path exists.
pub(super) fn is_by_product(mut exists: impl FnMut(&Path) -> bool, path: &Path) -> bool {
    let named = path.file_name().and_then(|name| name.to_str()).is_some_and(is_by_product_file);
    named || path.ancestors().skip(1).any(|folder| is_by_product_folder(&mut exists, folder))
}

fn is_by_product_file(name: &str) -> bool {
    FILES.contains(&name) || name.starts_with(".coverage.") || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// Returns true when the folder `path` holds nothing but by-products.
pub(super) fn is_by_product_folder(mut exists: impl FnMut(&Path) -> bool, path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let mut beside = |file: &&str| exists(&path.with_file_name(file));
    FOLDERS.contains(&name)
        || name.ends_with(".egg-info")
        || BUILD_FOLDERS.iter().any(|(folder, files)| *folder == name && files.iter().any(&mut beside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_folder_is_build_output_only_beside_a_manifest() {
        let root = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir_all(root.path().join("rust")).expect("a folder");
        std::fs::write(root.path().join("rust/Cargo.toml"), "").expect("a file");
        let exists = |path: &Path| root.path().join(path).exists();
        let is = |path: &str| is_by_product(exists, Path::new(path));
        assert!(is("rust/target/debug/x") && is("a/__pycache__/m.pyc") && is(".coverage.7"));
        assert!(!is("docs/target/x") && !is("src/build/x") && !is("target") && !is("coverage.py"));
    }
}
