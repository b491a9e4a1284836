//! Folders and files beside the tree that tests may read. Only the user's own settings and flags can name them, never a
//! repository.

use std::path::{Component, Path, PathBuf};

use super::{Environment, Origin, Setting, SettingsError, places};

const FLAG: Origin = Origin::Flag("--readable");

/// The paths of settings and flags, absolute, without `.` and `..`; `name` is the key in settings files.
pub(super) fn resolve(
    name: &'static str,
    settings: Option<&[PathBuf]>,
    origin: &Origin,
    flags: &[PathBuf],
    env: &Environment,
) -> Result<Setting<Vec<PathBuf>>, SettingsError> {
    let bad = |origin: &Origin| {
        let origin = origin.clone();
        move |problem| SettingsError::BadValue { name, origin, problem }
    };
    let mut all = Setting::default(Vec::new());
    if let Some(paths) = settings {
        let paths: Result<_, _> = paths.iter().map(|path| of_settings(path, env)).collect();
        all = Setting { value: paths.map_err(bad(origin))?, origin: origin.clone() };
    }
    for path in flags {
        let path = of_flag(path, env).map_err(bad(&FLAG))?;
        all.origin = FLAG;
        if !all.value.contains(&path) {
            all.value.push(path);
        }
    }
    Ok(all)
}

/// A path in a settings file may be meant for another machine, so it need not exist.
fn of_settings(path: &Path, env: &Environment) -> Result<PathBuf, String> {
    let whole = places::at_home(path, env);
    if !whole.is_absolute() {
        return Err(format!("{:?} is relative; give the whole path, or begin with ~/", path.display().to_string()));
    }
    narrow(without_dots(&whole), env)
}

/// A path from the command line, relative to the current folder.
fn of_flag(path: &Path, env: &Environment) -> Result<PathBuf, String> {
    let told = path.display().to_string();
    let whole = std::path::absolute(path).map_err(|error| format!("{told:?}: {error}"))?;
    let real = whole.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("{told:?} isn't there"),
        _ => format!("{told:?}: {error}"),
    })?;
    let plain = without_dots(&whole);
    // A `..` after a link leads elsewhere than its text says.
    narrow(if plain.canonicalize().is_ok_and(|leads| leads == real) { plain } else { real }, env)
}

/// Refuses `/` and paths that contain the home folder, because those contain every secret.
fn narrow(path: PathBuf, env: &Environment) -> Result<PathBuf, String> {
    let home = env.get("HOME").map(Path::new);
    let told = path.display().to_string();
    if path.parent().is_none() || home.is_some_and(|home| home.starts_with(&path)) {
        return Err(format!("{told:?} contains your whole home folder; name single folders in it"));
    }
    if told.contains(['*', '?']) && path.symlink_metadata().is_err() {
        return Err(format!("{told:?} isn't there, and patterns are not expanded; name the folders one by one"));
    }
    Ok(path)
}

/// Removes `.` and `..` textually, without following links.
#[must_use]
pub fn without_dots(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut so_far, part| {
        match part {
            Component::ParentDir => {
                so_far.pop();
            }
            Component::CurDir => {}
            part => so_far.push(part),
        }
        so_far
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(settings: &[&str], flags: &[&str]) -> Result<Vec<PathBuf>, String> {
        let env: Environment = [("HOME", "/home/ada")].into_iter().collect();
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let file = Origin::UserFile("config.toml".into());
        resolve("readable", Some(&paths(settings)), &file, &paths(flags), &env)
            .map(|all| all.value)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn paths_of_settings_are_whole_ones() {
        let paths = resolved(&["~/lib", "/data/x/../y", "/gone/./z"], &[]).unwrap();
        assert_eq!(paths, ["/home/ada/lib", "/data/y", "/gone/z"].map(PathBuf::from));
        for (refused, why) in [
            ("lib", "relative"),
            ("~ada/lib", "relative"),
            ("", "relative"),
            ("/", "your whole home"),
            ("~", "your whole home"),
            ("/home/ada/x/..", "your whole home"),
            ("/home", "your whole home"),
            ("~/libs/*", "one by one"),
        ] {
            let error = resolved(&[refused], &[]).unwrap_err();
            assert!(error.contains(why) && error.contains("config.toml"), "{refused}: {error}");
        }
    }

    #[test]
    fn paths_of_flags_are_those_of_the_folder_one_stands_in_and_there() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(
            resolved(&["/data"], &["src/../src", "/usr/lib"]).unwrap()[1..],
            [here.join("src"), "/usr/lib".into()]
        );
        for (refused, why) in [("gone", "isn't there"), ("/", "your whole home"), ("", "--readable")] {
            let error = resolved(&[], &[refused]).unwrap_err();
            assert!(error.contains(why) && error.contains("--readable"), "{refused}: {error}");
        }
    }
}
