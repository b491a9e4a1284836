//! What lies beside a tree, beside its copy: `../lib` leads there from both.
//!
//! A copy has a folder of the run's to itself. Into that folder kcode puts links, named as their targets are beside the tree; nothing
//! but what the plan shows anyway is linked to, and what a repository names is no part of it. Where the view is an overlay it stands
//! at the tree's own path, and nothing needs a link.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use super::plan::WorkerPlan;

/// Makes the links that `plan` needs should its view be a copy. Returns them all.
pub(super) fn link(plan: &WorkerPlan) -> Vec<PathBuf> {
    let (Some(tree), Some(holder)) = (&plan.tree, plan.view.parent()) else { return Vec::new() };
    // A view elsewhere has no folder to itself.
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

/// A link at `place`, unless something else is there.
fn put(place: &Path, target: &Path) -> Option<PathBuf> {
    fs::create_dir_all(place.parent()?).ok()?;
    let made = symlink(target, place).is_ok() || fs::read_link(place).is_ok_and(|leads| leads == target);
    made.then(|| place.to_owned())
}
