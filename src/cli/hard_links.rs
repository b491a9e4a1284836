//! Messages about files with several names (hard links) that a patch was applied to.

use super::output;
use crate::journal::Applied;
use crate::text::sanitise_line;

/// Files are replaced as a whole, so that their other names, which may be outside of the tree, keep the old content.
pub(super) fn tell(applied: &Applied) {
    for path in &applied.severed {
        let path = sanitise_line(path.as_str());
        output::say(&format!(
            "  {path} had other names (hard links), which keep the old content and are files of their own now"
        ));
    }
}
