//! Names that aren't UTF-8: lists show them escaped, and no call can name them.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::place::{ToolPath, shown};
use super::tool_context::ToolContext;
use crate::workspace::escaped;

impl ToolContext {
    /// A sentence about a path that doesn't exist but looks like the escaped form of an existing name; `None` if there
    /// is no such name.
    pub(super) fn unnamed(&self, place: &ToolPath) -> Option<String> {
        let ToolPath::View(path) = place else { return None };
        let mut so_far = PathBuf::new();
        for part in path.as_path() {
            if self.view().symlink_metadata(so_far.join(part)).is_err() {
                return self.is_shown_so(&so_far, Path::new(part)).then(|| {
                    format!(
                        "{} can't be opened: it is how a name is shown that isn't UTF-8 (\\xNN stands for a byte of it), and no \
                         call can hold that name. Work without it, and say so in your summary if it matters; the user can \
                         rename it.",
                        shown(&so_far.join(part).to_string_lossy())
                    )
                });
            }
            so_far.push(part);
        }
        None
    }

    /// Whether `folder` holds a name that isn't UTF-8 and is shown as `part`.
    fn is_shown_so(&self, folder: &Path, part: &Path) -> bool {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let Some(part) = part.to_str() else { return false };
        let names = self.view().read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut odd = names.filter(|name| name.to_str().is_none());
        odd.any(|name| escaped(name.as_bytes()) == part || name.to_string_lossy() == part)
    }
}
