//! Finds the project that a folder belongs to: a member of a workspace doesn't work without the rest of it.

use std::path::{Path, PathBuf};

use crate::journal::read_regular;

/// Maximum bytes of a manifest.
const MOST_BYTES: u64 = 512 * 1024;
/// Number of folders, from the member upwards, that are checked for a workspace.
const MOST_ABOVE: usize = 4;
/// Workspace manifests, each with a text that marks one.
const WORKSPACES: [(&str, &str); 4] = [
    ("Cargo.toml", "[workspace"),
    ("package.json", "\"workspaces\""),
    ("pnpm-workspace.yaml", "packages"),
    ("pyproject.toml", "[tool.uv.workspace"),
];

/// The workspace around the folder `real`, else the folder itself. Folders that contain the repository or the home
/// folder don't count.
pub(super) fn around(real: &Path, root: &Path, home: Option<&Path>) -> PathBuf {
    let holds_too_much = |folder: &Path| {
        folder.parent().is_none() || root.starts_with(folder) || home.is_some_and(|home| home.starts_with(folder))
    };
    let is_workspace = |folder: &Path| {
        WORKSPACES.iter().any(|(name, sign)| {
            let text = read_regular(&folder.join(name), MOST_BYTES);
            text.is_ok_and(|text| memchr::memmem::find(&text, sign.as_bytes()).is_some())
        })
    };
    if !real.is_dir() {
        return real.to_owned();
    }
    let above = real.ancestors().take_while(|folder| !holds_too_much(folder)).take(MOST_ABOVE);
    above.filter(|folder| is_workspace(folder)).last().unwrap_or(real).to_owned()
}
