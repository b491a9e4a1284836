//! Finds gems that Bundler needs and that aren't installed, by the lock file and the names of gem specifications.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Number of gems of a lock file that are checked.
const MOST: usize = 2_000;
/// Number of installed gem specifications that are listed.
const MOST_INSTALLED: usize = 50_000;

/// Returns the first gem of `Gemfile.lock` that isn't installed where Ruby and the project in `folder` look for it.
pub(super) fn missing(lock: &str, folder: &Path) -> Option<String> {
    let installed = installed(folder);
    let is_there = |gem: &str| {
        // Some gems have one specification per platform.
        let platform = format!("{gem}-");
        installed.contains(gem)
            || installed.range(platform.clone()..).next().is_some_and(|name| name.starts_with(&platform))
    };
    locked(lock).take(MOST).find(|gem| !is_there(gem))
}

/// Turns each `    rspec (3.13.0)` below `GEM` into `rspec-3.13.0`.
fn locked(lock: &str) -> impl Iterator<Item = String> {
    let gems = lock.lines().skip_while(|line| *line != "GEM").take_while(|line| !line.is_empty());
    let own = gems.filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.starts_with(' '));
    own.filter_map(|line| line.strip_suffix(')')?.split_once(" (")).map(|(name, version)| format!("{name}-{version}"))
}

/// Names and versions of the gems that have a specification.
fn installed(folder: &Path) -> BTreeSet<String> {
    let places = places(folder).into_iter().flat_map(|place| [place.join("default"), place]);
    let entries = places.flat_map(|place| fs::read_dir(place).into_iter().flatten().flatten()).take(MOST_INSTALLED);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".gemspec").map(str::to_owned)).collect()
}

/// Folders of specifications: of the project, of environment variables, of the home, and of the system.
fn places(folder: &Path) -> Vec<PathBuf> {
    let home = std::env::home_dir().unwrap_or_default();
    let named = ["GEM_HOME", "GEM_PATH", "BUNDLE_PATH"].into_iter().filter_map(std::env::var_os);
    let named: Vec<PathBuf> = named.flat_map(|value| std::env::split_paths(&value).collect::<Vec<_>>()).collect();
    let of_each: Vec<PathBuf> = [
        folder.join("vendor/bundle/ruby"),
        home.join(".gem/ruby"),
        home.join(".local/share/gem/ruby"),
        home.join(".bundle/ruby"),
        home.join(".rvm/gems"),
        "/var/lib/gems".into(),
        "/usr/share/rubygems-integration".into(),
        "/usr/lib/ruby/gems".into(),
        "/usr/local/lib/ruby/gems".into(),
    ]
    .into_iter()
    .chain(versions(&home))
    .chain(named.iter().map(|folder| folder.join("ruby")))
    .flat_map(|folder| below(&folder))
    .collect();
    let all = of_each.into_iter().chain(named).chain(["/usr/local/bundle".into()]);
    all.map(|folder| folder.join("specifications")).collect()
}

/// Folders in which version managers of Ruby keep the gems of each version.
fn versions(home: &Path) -> impl Iterator<Item = PathBuf> {
    let managers = [".rbenv/versions", ".rubies", ".asdf/installs/ruby", ".local/share/mise/installs/ruby"];
    let versions = managers.into_iter().flat_map(|manager| below(&home.join(manager))).collect::<Vec<_>>();
    versions.into_iter().map(|version| version.join("lib/ruby/gems"))
}

fn below(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gems_of_the_lock_file_are_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let specifications = folder.path().join("vendor/bundle/ruby/3.2.0/specifications");
        fs::create_dir_all(&specifications).unwrap();
        fs::write(specifications.join("no-such-one-1.2.0.gemspec"), "").unwrap();
        fs::write(specifications.join("no-such-native-2.0.0-x86_64-linux.gemspec"), "").unwrap();
        let lock = |version: &str| {
            format!(
                "GIT\n  remote: x\n  specs:\n    no-such-git (1.0)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    \
                 no-such-one (1.2.0)\n      no-such-dependency (>= 1)\n    no-such-native ({version})\n\nPLATFORMS\n  ruby\n"
            )
        };
        assert_eq!(missing(&lock("2.0.0"), folder.path()), None);
        assert_eq!(missing(&lock("2.0.1"), folder.path()).as_deref(), Some("no-such-native-2.0.1"));
        assert_eq!(missing("", folder.path()), None);
    }
}
