//! Caches that builds write to: warm in the sandbox, while all writes stay in the run.
//!
//! Some toolchains keep compiled code outside the repository: Go always, Cargo if a person shares one `target` among
//! projects. Without it each run would compile everything, and if it is read-only they fail. So the worker mounts an
//! overlay at the folder's own path; if that fails, the toolchain gets an empty folder of the run.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::user::User;
use crate::journal::read_regular;

/// A folder that a toolchain writes to.
struct Known {
    /// The variable that names the folder.
    variable: &'static str,
    /// Text before the folder in the variable's value.
    before: &'static str,
    /// Default folder in the home. It must hold nothing else, because tests can read it.
    folder: &'static str,
    /// Whether tools find the home through the user database instead of `HOME`.
    by_database: bool,
    /// Whether a read-only folder is still useful.
    serves_read_only: bool,
    /// Files in it that may hold secrets.
    hidden: &'static [&'static str],
}

const fn cache(variable: &'static str, folder: &'static str) -> Known {
    Known { variable, before: "", folder, by_database: false, serves_read_only: false, hidden: &[] }
}

/// A folder of installed or downloaded packages, which is needed but seldom written.
const fn store(variable: &'static str, folder: &'static str) -> Known {
    Known { serves_read_only: true, ..cache(variable, folder) }
}

/// Maven records which repository each file came from, and offline it ignores files from unknown repositories, such as
/// a mirror that only the user's hidden settings name. Without these records it uses what is there.
const MAVEN: &str = "-Daether.enhancedLocalRepository.trackingFilename=no-such-notes -Dmaven.repo.local=";

const IN_HOME: [Known; 15] = [
    cache("CCACHE_DIR", ".cache/ccache"),
    cache("COMPOSER_CACHE_DIR", ".cache/composer"),
    cache("DENO_DIR", ".cache/deno"),
    cache("GOCACHE", ".cache/go-build"),
    cache("HATCH_CACHE_DIR", ".cache/hatch"),
    cache("SCCACHE_DIR", ".cache/sccache"),
    cache("PIPENV_CACHE_DIR", ".cache/pipenv"),
    cache("UV_CACHE_DIR", ".cache/uv"),
    // Java finds the home in the user database.
    Known {
        by_database: true,
        hidden: &["gradle.properties", "init.d", "init.gradle", "init.gradle.kts", "secrets", "enterprise"],
        ..cache("GRADLE_USER_HOME", ".gradle")
    },
    store("COREPACK_HOME", ".cache/node/corepack"),
    store("HATCH_DATA_DIR", ".local/share/hatch"),
    store("NUGET_PACKAGES", ".nuget/packages"),
    store("WORKON_HOME", ".local/share/virtualenvs"),
    store("YARN_GLOBAL_FOLDER", ".yarn/berry"),
    Known { by_database: true, before: MAVEN, ..store("MAVEN_OPTS", ".m2/repository") },
];
/// Cargo's target folder is in the repository unless this is set.
const CARGO: &str = "CARGO_TARGET_DIR";
/// An alternative to [`CARGO`].
const CARGO_TOO: &str = "CARGO_BUILD_TARGET_DIR";

/// Bytes read of Cargo's configuration.
const CONFIG_LIMIT: u64 = 1 << 20;

/// A cache of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cache {
    /// Unique, and usable as a file name.
    pub(super) name: String,
    /// The variable that tells commands where it is, and the text before the folder in its value.
    pub(super) variable: Option<(String, String)>,
    /// Its path, or its name in the repository. It may not exist.
    pub(super) folder: PathBuf,
    /// Whether a read-only folder is still useful.
    pub(super) serves_read_only: bool,
    /// Files in it that are covered.
    pub(super) hidden: Vec<String>,
}

/// The caches of a user, and those that the user's settings name.
pub(super) fn of_user(user: &User, named: &[PathBuf]) -> Vec<Cache> {
    let home = user.home.as_deref();
    let set = |name: &str| user.variable(name).map(PathBuf::from);
    let usual =
        |known: &Known| home.map(|home| home.join(known.folder)).filter(|folder| known.by_database || folder.is_dir());
    let in_home = IN_HOME.iter().filter_map(|known| {
        // A variable with more than the folder in it isn't considered.
        let set = if known.before.is_empty() { set(known.variable) } else { user.maven.clone() };
        Some(known.at(set.or_else(|| usual(known))?))
    });
    let cargo_home = set("CARGO_HOME").or_else(|| home.map(|home| home.join(".cargo")));
    let target = set(CARGO).or_else(|| set(CARGO_TOO)).or_else(|| configured_target(&cargo_home?));
    // Neither the home nor a folder above it is a cache.
    let is_apart = |folder: &Path| folder.parent().is_some() && !home.is_some_and(|home| home.starts_with(folder));
    let own = named.iter().enumerate().map(|(number, folder)| Cache {
        name: format!("own-{number}"),
        variable: None,
        folder: folder.clone(),
        serves_read_only: true,
        hidden: Vec::new(),
    });
    in_home
        .filter(|cache| cache.folder.is_absolute())
        .chain(target.map(|folder| cache(CARGO, "").at(folder)))
        .chain(own)
        .filter(|cache| is_apart(&cache.folder))
        .collect()
}

impl Known {
    fn at(&self, folder: PathBuf) -> Cache {
        let variable = Some((self.variable.to_owned(), self.before.to_owned()));
        let hidden = self.hidden.iter().map(|&name| name.to_owned()).collect();
        Cache { name: self.variable.to_owned(), variable, folder, serves_read_only: self.serves_read_only, hidden }
    }
}

/// The target folder in the user's Cargo configuration
/// (<https://doc.rust-lang.org/cargo/reference/config.html#buildtarget-dir>).
fn configured_target(cargo_home: &Path) -> Option<PathBuf> {
    let bytes = read_regular(&cargo_home.join("config.toml"), CONFIG_LIMIT).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let config: toml::Table = text.parse().ok()?;
    let folder = config.get("build")?.get("target-dir")?.as_str()?;
    Some(cargo_home.parent()?.join(folder))
}

impl Cache {
    /// Whether it lies in the repository that is worked on.
    fn is_in_repository(&self) -> bool {
        self.folder.is_relative()
    }

    /// Where changes of it are kept, below `layers`; `None` when it has to be shown nowhere.
    pub(super) fn layers(&self, layers: &Path) -> Option<PathBuf> {
        (!self.is_in_repository()).then(|| layers_below(layers).join(&self.name))
    }

    /// What commands are told: its own path if it `is_shown` there or serves as it is, otherwise that of an empty
    /// folder in `scratch`.
    pub(super) fn setting(&self, is_shown: bool, scratch: &Path) -> Option<(String, String)> {
        let (variable, before) = self.variable.as_ref()?;
        let is_there = is_shown || self.is_in_repository() || (self.serves_read_only && self.folder.is_dir());
        let folder = if is_there { self.folder.clone() } else { scratch.join("caches").join(&self.name) };
        if !is_there {
            fs::create_dir_all(&folder).ok()?;
        }
        Some((variable.clone(), format!("{before}{}", folder.to_str()?)))
    }
}

/// The folder with the layers of all caches, in the folder of the view's.
pub(super) fn layers_below(layers: &Path) -> PathBuf {
    layers.join("caches")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(home: &Path, variables: &[(&str, &str)]) -> Vec<(String, PathBuf)> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let user = User { home: Some(home.to_owned()), variables, maven: None };
        let all = of_user(&user, &[]).into_iter().map(|cache| (cache.name, cache.folder));
        all.filter(|(name, _)| !["GRADLE_USER_HOME", "MAVEN_OPTS"].contains(&&**name)).collect()
    }

    #[test]
    fn caches_are_found_in_the_home_and_where_variables_say() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(found(home.path(), &[]), []);
        let go = home.path().join(".cache/go-build");
        fs::create_dir_all(&go).unwrap();
        assert_eq!(found(home.path(), &[]), [("GOCACHE".to_owned(), go)]);
        let elsewhere = [("GOCACHE", "/data/go"), ("CARGO_TARGET_DIR", "/data/target")];
        let [go, cargo] = elsewhere.map(|(name, folder)| (name.to_owned(), folder.into()));
        assert_eq!(found(home.path(), &elsewhere), [go, cargo]);
    }

    #[test]
    fn the_home_is_no_cache_and_a_relative_folder_is_the_repositorys() {
        let home = Path::new("/nowhere/ada");
        for folder in ["/nowhere/ada", "/nowhere", "/", "off"] {
            assert_eq!(found(home, &[("GOCACHE", folder)]), [], "{folder}");
        }
        let [(_, target)] = &found(home, &[(CARGO, "target/ci")])[..] else { panic!("Cargo's own is passed on") };
        assert_eq!(target, Path::new("target/ci"));
    }

    #[test]
    fn cargos_configuration_counts() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".cargo")).unwrap();
        fs::write(home.path().join(".cargo/config.toml"), "[build]\ntarget-dir = \"builds\"\n").unwrap();
        let target = |folder: PathBuf| [(CARGO.to_owned(), folder)];
        assert_eq!(found(home.path(), &[]), target(home.path().join("builds")));
        assert_eq!(found(home.path(), &[(CARGO, "/t")]), target("/t".into()));
    }
}
