//! Paths and lines that strangers name.

use super::event::ReviewPlace;
use super::task::NoTask;
use crate::journal::RelPath;
use crate::text::is_invisible;

/// Lines of a file that a comment can be about.
const MAX_LINE: u64 = 5_000_000;
/// Lines that one comment can be about.
const MAX_SPAN: u64 = 2_000;

/// The lines of a review comment, in words.
pub(super) fn place(place: &ReviewPlace) -> Result<String, NoTask> {
    let bad = |why: &str| Err(NoTask::Place(why.to_owned()));
    let path = checked_path(&place.path).map_err(NoTask::Place)?;
    let side = if place.is_old_side { ", before the change" } else { "" };
    let Some(last) = place.last else { return Ok(format!("{path}{side}")) };
    let first = place.first.unwrap_or(last);
    if first == 0 || first > last || last > MAX_LINE || last - first > MAX_SPAN {
        return bad("its lines are out of order, or too many");
    }
    Ok(if first == last {
        format!("{path}, line {last}{side}")
    } else {
        format!("{path}, lines {first}–{last}{side}")
    })
}

/// A path that a stranger named, if it can be one of a file in the repository.
pub(super) fn checked_path(path: &str) -> Result<RelPath, String> {
    if path.len() > 1000 || path.chars().any(is_invisible) {
        return Err("its path is too long or has characters that don't show".to_owned());
    }
    let path = RelPath::new(path).map_err(|error| error.to_string())?;
    if path.to_string().split('/').any(|part| part.eq_ignore_ascii_case(".git")) {
        return Err("its path belongs to git".to_owned());
    }
    Ok(path)
}
