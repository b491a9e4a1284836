//! Links to files next to the tree, made next to its copy, so that `../lib` leads there from both.
//!
//! A copy lies alone in a folder of the run. kcode puts links there, named like their targets next to the tree; it
//! links only to what the plan shows anyway, never to what a repository names. An overlay is at the tree's own path and
//! needs no links.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use super::plan::WorkerPlan;

/// Makes the links that a copy needs, and returns them.
pub(super) fn link(plan: &WorkerPlan) -> Vec<PathBuf> {
    let (Some(tree), Some(holder)) = (&plan.tree, plan.view.parent()) else { return Vec::new() };
    // A view elsewhere doesn't lie alone in its folder.
    let Some(around) = tree.parent().filter(|around| holder.ends_with("view") && *around != holder) else {
        return Vec::new();
    };
    let made = plan.readable.iter().filter(|path| !path.starts_with(tree)).filter_map(|path| {
        let real = fs::canonicalize(path).ok().filter(|real| !real.starts_with(tree))?;
        let below = [path.as_path(), &real].into_iter().find_map(|path| path.strip_prefix(around).ok())?;
        let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
        (is_plain && below != Path::new("")).then(|| put(&holder.join(below), &real)).flatten()
    });
    made.collect()
}

/// Makes a link at `place`; `None` if something else is there.
fn put(place: &Path, target: &Path) -> Option<PathBuf> {
    fs::create_dir_all(place.parent()?).ok()?;
    let made = symlink(target, place).is_ok() || fs::read_link(place).is_ok_and(|leads| leads == target);
    made.then(|| place.to_owned())
}
