//! Where kcode's own files stand: the user's settings, and the runs.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Environment, Origin, Setting, SettingsError};

/// `$XDG_CONFIG_HOME/kcode/config.toml`, else `~/.config/kcode/config.toml`.
pub(super) fn user_file(env: &Environment) -> Option<PathBuf> {
    base(env, "XDG_CONFIG_HOME", ".config").value.map(|folder| folder.join("kcode/config.toml"))
}

/// `$KCODE_HOME`, else what the user's file says, else `$XDG_STATE_HOME/kcode`, else `~/.local/state/kcode`.
pub(super) fn state_dir(
    env: &Environment,
    file: Option<PathBuf>,
    file_origin: &Origin,
    repository_root: Option<&Path>,
) -> Result<Setting<PathBuf>, SettingsError> {
    let usual = base(env, "XDG_STATE_HOME", ".local/state");
    let usual = Setting { value: usual.value.map(|folder| folder.join("kcode")), origin: usual.origin };
    let chosen = usual
        .or(file.map(|path| Some(at_home(&path, env))), file_origin)
        .or(env.get("KCODE_HOME").map(|path| Some(path.into())), &Origin::Environment("KCODE_HOME".into()));
    let Some(value) = chosen.value else { return Err(SettingsError::NoHome) };
    let origin = chosen.origin;
    if !value.is_absolute() {
        let problem = format!("{:?} is relative; give the whole path", value.display());
        return Err(SettingsError::BadValue { name: "state_dir", origin, problem });
    }
    if repository_root.is_some_and(|root| resolved(&value).starts_with(resolved(root))) {
        return Err(SettingsError::StateInRepository { path: shown(&value, env), origin });
    }
    Ok(Setting { value, origin })
}

/// `path` as people write it: `~/…` below the home folder.
pub(super) fn shown(path: &Path, env: &Environment) -> String {
    let home = env.get("HOME").filter(|home| *home != "/");
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}

/// The XDG specification: a relative path in such a variable is invalid and ignored.
fn base(env: &Environment, variable: &str, below_home: &str) -> Setting<Option<PathBuf>> {
    let named = env.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    Setting::default(env.get("HOME").map(|home| Path::new(home).join(below_home)))
        .or(named.map(Some), &Origin::Environment(variable.to_owned()))
}

pub(super) fn at_home(path: &Path, env: &Environment) -> PathBuf {
    match (path.strip_prefix("~"), env.get("HOME")) {
        (Ok(below), Some(home)) => Path::new(home).join(below),
        _ => path.to_owned(),
    }
}

/// Symlinks resolved as far as the path exists.
fn resolved(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|ancestor| Some((ancestor, fs::canonicalize(ancestor).ok()?)));
    existing.map_or_else(
        || path.to_owned(),
        |(ancestor, real)| path.strip_prefix(ancestor).map_or_else(|_| real.clone(), |rest| real.join(rest)),
    )
}
