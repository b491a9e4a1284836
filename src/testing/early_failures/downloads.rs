//! Finds crates, modules, gems and packages that lock files and manifests name and that were never downloaded.

use std::path::PathBuf;

use serde_json::Value;

use super::{CommandPlace, MAX_BYTES, PACKAGES};
use crate::journal::read_regular;
use crate::testing::gems;

impl CommandPlace<'_> {
    /// Finds packages of `Cargo.lock` that were never downloaded.
    pub(super) fn cargo(&self) -> Option<String> {
        let upwards = self.dir.ancestors();
        let (manifest, lock) = upwards
            .map(|dir| (dir.join("Cargo.toml"), dir.join("Cargo.lock")))
            .find(|(_, lock)| self.files.has(lock))
            .or_else(|| Some((self.dir.join("Cargo.toml"), self.dir.join("Cargo.lock"))))?;
        let manifest = self.files.read(&manifest, MAX_BYTES)?.text();
        if manifest.contains("path = \"../") {
            return Some("a crate outside of the repository is needed".to_owned());
        }
        let home =
            std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".cargo")))?;
        let own = self.text(".cargo/config.toml").or_else(|| self.text(".cargo/config"));
        let users =
            || read_regular(&home.join("config.toml"), MAX_BYTES).ok().and_then(|it| String::from_utf8(it).ok());
        if let Some(wrapper) = own.as_deref().and_then(wrapper).or_else(|| wrapper(&users()?))
            && let Some(name) = self.missing(std::slice::from_ref(&wrapper))
        {
            return Some(format!("{name}, which Cargo starts the compiler with, isn't found"));
        }
        if self.has(".cargo/config.toml") || self.has(".cargo/config") {
            // Packages may be vendored.
            return None;
        }
        let registries: Vec<PathBuf> = std::fs::read_dir(home.join("registry/cache"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        let Some(lock) = self.files.read(&lock, MAX_BYTES) else {
            let manifest: toml::Table = manifest.parse().ok()?;
            let needs =
                |key: &str| manifest.get(key).and_then(toml::Value::as_table).is_some_and(|table| !table.is_empty());
            let any = needs("dependencies") || needs("dev-dependencies");
            return any.then(|| "there is no Cargo.lock".to_owned());
        };
        let lock: toml::Table = lock.text().parse().ok()?;
        let packages = lock.get("package")?.as_array()?;
        let missing = packages.iter().take(PACKAGES).find_map(|package| {
            package.get("source")?.as_str()?.starts_with("registry+").then_some(())?;
            let (name, version) = (package.get("name")?.as_str()?, package.get("version")?.as_str()?);
            let file = format!("{name}-{version}.crate");
            (!registries.iter().any(|registry| registry.join(&file).is_file())).then(|| name.to_owned())
        })?;
        Some(format!("the crate {missing} isn't downloaded"))
    }

    /// Finds modules of `go.mod` that were never downloaded.
    pub(super) fn go(&self) -> Option<String> {
        let manifest = self.text("go.mod")?;
        if manifest.contains("=> ../") {
            return Some("a module outside of the repository is needed".to_owned());
        }
        if self.has("vendor/modules.txt") {
            return None;
        }
        let home = std::env::home_dir()?;
        let path = std::env::var_os("GOPATH").and_then(|path| std::env::split_paths(&path).next());
        let named = std::env::var_os("GOMODCACHE").map(PathBuf::from);
        let cache = named.unwrap_or_else(|| path.unwrap_or_else(|| home.join("go")).join("pkg/mod"));
        let required = manifest.lines().map(|line| line.trim().trim_start_matches("require").trim());
        let required = required.filter(|line| !line.ends_with("// indirect")).filter_map(|line| line.split_once(" v"));
        let missing = required.take(PACKAGES).find(|(module, version)| {
            let version = version.split_whitespace().next().unwrap_or_default();
            let file = cache
                .join("cache/download")
                .join(escaped(module))
                .join("@v")
                .join(format!("v{}.mod", escaped(version)));
            module.contains('.') && !file.is_file()
        })?;
        Some(format!("the module {} isn't downloaded", missing.0))
    }

    /// Finds gems of `Gemfile.lock` that were never installed.
    pub(super) fn bundler(&self) -> Option<String> {
        let Some(lock) = self.text("Gemfile.lock") else {
            let names_gems = |line: &str| line.trim_start().starts_with("gem ") || line.trim() == "gemspec";
            let needs = self.text("Gemfile").is_some_and(|text| text.lines().any(names_gems));
            return needs.then(|| "there is no Gemfile.lock".to_owned());
        };
        let missing = gems::missing(&lock, &self.folder)?;
        Some(format!("the gem {missing} isn't installed"))
    }

    /// Whether the output of `composer install` exists, or the project needs none.
    pub(super) fn has_composers_packages(&self) -> bool {
        if !self.has("composer.json") {
            return true;
        }
        let manifest = self.text("composer.json").and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let named = manifest.as_ref().and_then(|manifest| manifest["config"]["vendor-dir"].as_str());
        self.has(&format!("{}/autoload.php", named.unwrap_or("vendor")))
    }
}

/// Returns the compiler wrapper of Cargo's settings.
fn wrapper(settings: &str) -> Option<String> {
    let settings: toml::Table = settings.parse().ok()?;
    Some(settings.get("build")?.get("rustc-wrapper")?.as_str()?.to_owned()).filter(|wrapper| !wrapper.is_empty())
}

/// Escapes a module's path as Go's module cache does (<https://go.dev/ref/mod#goproxy-protocol>).
fn escaped(path: &str) -> String {
    path.chars()
        .flat_map(|c| if c.is_ascii_uppercase() { vec!['!', c.to_ascii_lowercase()] } else { vec![c] })
        .collect()
}
