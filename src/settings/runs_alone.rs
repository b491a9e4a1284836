//! What commands need that look at kept runs and start none.

use std::path::{Path, PathBuf};

use super::load::{MAX_USER_BYTES, kept, read_user_file};
use super::{Environment, KeepSettings, Origin, Setting, SettingsError, file, places};
use crate::journal::read_regular;

/// Where runs are kept, for commands that need nothing else: what else is wrong in the user's file is none of their business
/// ([`wrong_beside_state_dir`] tells it).
///
/// # Errors
/// As [`load`](super::load()), when the place itself isn't known.
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

/// What a file says of the place alone that can't be used otherwise; `None` where that can't be known.
fn named_place(env: &Environment, named: Option<&Path>) -> Option<(Option<PathBuf>, Origin)> {
    let path = named.map(Path::to_owned).or_else(|| places::user_file(env))?;
    let origin = Origin::UserFile(places::shown(&path, env));
    // The environment is asked first.
    if env.get("KCODE_HOME").is_some() {
        return Some((None, origin));
    }
    let text = String::from_utf8(read_regular(&path, MAX_USER_BYTES).ok()?).ok()?;
    Some((file::state_dir_alone(&text).ok()?, origin))
}

/// What is wrong in the user's file although commands that need nothing but the place of runs do without it.
#[must_use]
pub fn wrong_beside_state_dir(env: &Environment, user_file: Option<&Path>) -> Option<SettingsError> {
    read_user_file(env, user_file).err().filter(|_| named_place(env, user_file).is_some())
}

/// What is kept of runs, for commands that need nothing else.
///
/// # Errors
/// As [`load`](super::load()).
pub fn keep(env: &Environment, user_file: Option<&Path>) -> Result<KeepSettings, SettingsError> {
    let (user, origin) = read_user_file(env, user_file)?;
    kept(&user, &origin)
}
