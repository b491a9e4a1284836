//! What of the machine tests see beside the tree and toolchains, and what a person is told of the rest.

use std::fs;
use std::path::{Path, PathBuf};

use super::consents::Beside;
use crate::sandbox::{self, WorkerPlan};
use crate::workspace::{Dependencies, LeadingOut};

/// Links of dependency folders that are named one by one.
const MOST_NOTES: usize = 3;
/// Why what the user's settings name isn't shown, where it isn't the place itself.
const COVERED: &str = "it is covered, as secrets, sockets and devices are";

/// Has `plan` show to tests what was allowed of `beside` and what they need of `dependencies`. Returns a sentence for people of each
/// part of both that isn't shown, and of what their own settings name in vain.
pub(super) fn show_to_tests(
    plan: &mut WorkerPlan,
    beside: Beside,
    dependencies: Dependencies,
    root: &Path,
) -> Vec<String> {
    let mut notes = beside.tell(plan);
    notes.extend(show_dependencies(plan, dependencies, root));
    notes
}

fn show_dependencies(plan: &mut WorkerPlan, dependencies: Dependencies, root: &Path) -> Vec<String> {
    let wanted = plan.readable.clone();
    plan.readable.extend(dependencies.folders);
    plan.work_on(root);
    if dependencies.leading_out.is_empty() && dependencies.borrowed.is_empty() && wanted.is_empty() {
        return Vec::new();
    }
    let shown = sandbox::shown(plan);
    let is_refused = |path: &&PathBuf| fs::canonicalize(path).is_ok_and(|real| !shown.shows(&real));
    let refused = wanted.iter().filter(is_refused);
    let mut notes: Vec<_> = refused
        .map(|path| {
            let why = sandbox::why_refused(path, &plan.private).unwrap_or(COVERED);
            format!("readable = {:?} is not shown to tests: {why}", path.display().to_string())
        })
        .collect();
    let unseen = dependencies.leading_out.iter().filter(|link| !shown.shows(&link.target));
    notes.extend(unseen.clone().take(MOST_NOTES).map(LeadingOut::note));
    if let more @ 1.. = unseen.count().saturating_sub(MOST_NOTES) {
        notes.push(format!("{more} more links of dependency folders are not followed either"));
    }
    notes.extend(dependencies.borrowed.iter().filter(|path| !shown.shows(path)).map(|path| borrowed(path)));
    notes
}

/// What the user should know about git's objects that tests don't see. Nothing is advised that would show them: it is the repository
/// that names the place.
fn borrowed(place: &Path) -> String {
    format!(
        "git finds not all of its objects in tests: the repository borrows some from {}, which isn't shown; after `git repack -a -d` and \
         without .git/objects/info/alternates it has them itself",
        place.display()
    )
}
