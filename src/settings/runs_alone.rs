//! Settings for commands that read kept runs and start none.

use std::path::{Path, PathBuf};

use super::load::{MAX_USER_BYTES, kept, read_user_file};
use super::{Environment, KeepSettings, Origin, Setting, SettingsError, file, places};
use crate::journal::read_regular;

/// The state folder, for commands that need nothing else. Other errors in the user's file don't matter to them
/// ([`wrong_beside_state_dir`] returns those).
///
/// # Errors
/// As [`load`](super::load()), when the folder itself can't be determined.
pub fn state_dir(
    env: &Environment,
    user_file: Option<&Path>,
    repository_root: Option<&Path>,
) -> Result<Setting<PathBuf>, SettingsError> {
    let (user, origin) = match read_user_file(env, user_file) {
        Ok((user, origin)) => (user.state_dir, origin),
        Err(error) => named_place(env, user_file).ok_or(error)?,
    };
    places::state_dir(env, user, &origin, repository_root)
}

/// The `state_dir` of a file that is invalid otherwise; `None` where that can't be determined.
fn named_place(env: &Environment, named: Option<&Path>) -> Option<(Option<PathBuf>, Origin)> {
    let path = named.map(Path::to_owned).or_else(|| places::user_file(env))?;
    let origin = Origin::UserFile(places::shown(&path, env));
    // The environment takes precedence.
    if env.get("KCODE_HOME").is_some() {
        return Some((None, origin));
    }
    let text = String::from_utf8(read_regular(&path, MAX_USER_BYTES).ok()?).ok()?;
    Some((file::state_dir_alone(&text).ok()?, origin))
}

/// The error in the user's file, when [`state_dir`] works in spite of it.
#[must_use]
pub fn wrong_beside_state_dir(env: &Environment, user_file: Option<&Path>) -> Option<SettingsError> {
    read_user_file(env, user_file).err().filter(|_| named_place(env, user_file).is_some())
}

/// The limits for kept runs, for commands that need nothing else.
///
/// # Errors
/// As [`load`](super::load()).
pub fn keep(env: &Environment, user_file: Option<&Path>) -> Result<KeepSettings, SettingsError> {
    let (user, origin) = read_user_file(env, user_file)?;
    kept(&user, &origin)
}
