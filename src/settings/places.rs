//! Paths of kcode's own files: the user's settings and the state folder.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::{Environment, Origin, Setting, SettingsError};

/// Folders that kcode creates in its state folder.
const FOLDERS: [&str; 5] = ["runs", "unfinished", "verifications", "baselines", "consents"];

/// As many links as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// `$XDG_CONFIG_HOME/kcode/config.toml`, else `~/.config/kcode/config.toml`.
pub(super) fn user_file(env: &Environment) -> Option<PathBuf> {
    base(env, "XDG_CONFIG_HOME", ".config").value.map(|folder| folder.join("kcode/config.toml"))
}

/// `$KCODE_HOME`, else `state_dir` of the user's file, else `$XDG_STATE_HOME/kcode`, else `~/.local/state/kcode`.
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
    if let Some(problem) = unsafe_place(&value).or_else(|| unsafe_parent(&value)) {
        return Err(SettingsError::UnsafeState { problem, origin });
    }
    Ok(Setting { value, origin })
}

/// Why an existing state folder, or a folder in it, is unsafe: others who can write there could plant runs, and links
/// where kcode is about to write.
fn unsafe_place(state: &Path) -> Option<String> {
    // The user may reach the folder itself by a link.
    let own = fs::metadata(state).ok().map(|about| (state.to_owned(), about));
    let below = FOLDERS.iter().map(|name| state.join(name));
    let below = below.filter_map(|path| Some((path.clone(), fs::symlink_metadata(&path).ok()?)));
    own.into_iter().chain(below).find_map(|(path, about)| {
        let why = match about.mode() & 0o022 {
            _ if about.is_symlink() => "is a symbolic link",
            _ if !about.is_dir() => "is not a folder",
            _ if about.uid() != geteuid().as_raw() => "belongs to another user",
            0 => return None,
            _ => "can be written by other users",
        };
        Some(format!("{} {why}", path.display()))
    })
}

/// A parent of the state folder in which everybody may rename entries of others, and so replace the folder.
fn unsafe_parent(state: &Path) -> Option<String> {
    let is_open = |folder: &PathBuf| {
        let about = fs::metadata(folder);
        about.is_ok_and(|about| about.is_dir() && about.mode() & 0o002 != 0 && about.mode() & 0o1000 == 0)
    };
    let open = folders_around(state).into_iter().find(is_open)?;
    Some(format!(
        "{}, which it lies in, can be written by other users, who could put another in its place",
        open.display()
    ))
}

/// Every parent folder of `path`, including those of links on the way and of their targets: who may rename in one of
/// them decides where the path leads.
fn folders_around(path: &Path) -> Vec<PathBuf> {
    let (mut found, mut next) = (Vec::new(), Some(path.to_owned()));
    for _ in 0..MOST_LINKS {
        let Some(path) = next else { break };
        let above: Vec<&Path> = path.ancestors().filter(|folder| !folder.as_os_str().is_empty()).collect();
        found.extend(above.iter().skip(1).map(|folder| (*folder).to_owned()));
        // The first link from the top.
        next = above.iter().rev().find_map(|link| {
            let target = link.parent()?.join(fs::read_link(link).ok()?);
            path.strip_prefix(link)
                .ok()
                .map(|rest| if rest.as_os_str().is_empty() { target.clone() } else { target.join(rest) })
        });
    }
    found
}

/// `path` as people write it: `~/…` below the home folder.
pub(super) fn shown(path: &Path, env: &Environment) -> String {
    let home = env.get("HOME").filter(|home| *home != "/");
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(below) => format!("~/{}", below.display()),
        None => path.display().to_string(),
    }
}

/// By the XDG specification, a relative path in such a variable is invalid and ignored.
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

/// Resolves links in the part of the path that exists.
fn resolved(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|ancestor| Some((ancestor, fs::canonicalize(ancestor).ok()?)));
    existing.map_or_else(
        || path.to_owned(),
        |(ancestor, real)| path.strip_prefix(ancestor).map_or_else(|_| real.clone(), |rest| real.join(rest)),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_folder_that_everybody_may_write_to_is_found_wherever_links_pass() {
        let world = tempfile::tempdir().unwrap();
        let at = |name: &str| world.path().canonicalize().unwrap().join(name);
        for folder in ["real/state", "open", "own"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::set_permissions(at("open"), fs::Permissions::from_mode(0o777)).unwrap();
        symlink("../real", at("open/hop")).unwrap();
        symlink("../open/hop", at("own/link")).unwrap();
        symlink("real", at("plain")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for (path, open) in [
            ("own/link/state", true),
            ("open/x", true),
            ("own/link/new/state", true),
            ("plain/state", false),
            ("loop/x", false),
        ] {
            assert_eq!(unsafe_parent(&at(path)).is_some(), open, "{path}");
        }
    }
}
