//! The project's guidance: `AGENTS.md` of the root and of each folder down to the focus.

use std::path::{Path, PathBuf};

use super::plain::{plain, plain_name};
use crate::journal::RelPath;
use crate::settings::{Beginning, RepositoryFiles};

/// Bytes of all files of the chain together; each gets an equal share.
const MAX_BYTES: u64 = 10_000;
const NAME: &str = "AGENTS.md";

pub(super) struct Guidance {
    /// Without hidden characters.
    pub path: String,
    /// Without hidden characters; cut at the end of a line.
    pub text: String,
    /// A sentence for the model and the user if the file was cut.
    pub cut: Option<String>,
}

/// The guidance files that are shown, and a sentence for each that exists but can't be.
pub(super) struct GuidanceChain {
    pub shown: Vec<Guidance>,
    pub refused: Vec<String>,
}

/// Reads the chain, root first, so that more specific guidance comes later.
pub(super) fn chain(files: &RepositoryFiles, focus: Option<&RelPath>) -> GuidanceChain {
    let focus = focus.map_or(Path::new(""), RelPath::as_path);
    let mut paths: Vec<PathBuf> = focus.ancestors().map(|folder| folder.join(NAME)).collect();
    paths.reverse();
    let mut refused = Vec::new();
    let mut beginnings: Vec<(PathBuf, Beginning)> = Vec::new();
    for path in paths {
        match files.try_read(&path, MAX_BYTES) {
            Ok(beginning) => beginnings.push((path, beginning)),
            Err(reason) if reason.is_missing() => {}
            Err(reason) => {
                refused
                    .push(format!("{} is not shown to the model: {reason}", plain_name(&path.display().to_string())));
            }
        }
    }
    let share = MAX_BYTES / (beginnings.len() as u64).max(1);
    let shown = beginnings.into_iter().filter_map(|(path, beginning)| guidance(&path, beginning, share)).collect();
    GuidanceChain { shown, refused }
}

fn guidance(path: &Path, mut beginning: Beginning, share: u64) -> Option<Guidance> {
    beginning.bytes.truncate(share as usize);
    let path = plain_name(&path.display().to_string());
    let mut bytes = beginning.bytes.as_slice();
    let mut cut = None;
    if beginning.is_cut() {
        // Cuts at the end of a line; if there is none, a partial character at the end is replaced.
        bytes = bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes, |end| &bytes[..=end]);
        let (shown, size) = (bytes.len(), beginning.size);
        cut = Some(format!("{path} is cut at {shown} of {size} bytes; read_file shows the rest"));
    }
    let text = plain(&String::from_utf8_lossy(bytes)).trim().to_owned();
    (!text.is_empty()).then_some(Guidance { path, text, cut })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_chain_goes_from_the_root_to_the_focus_and_says_what_it_cuts() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join("a/b")).expect("folders");
        fs::write(root.path().join("AGENTS.md"), "Be kind.\u{202e}\n").expect("a file");
        fs::write(root.path().join("a/AGENTS.md"), "line of text\n".repeat(1_000)).expect("a file");
        fs::write(root.path().join("a/b/AGENTS.md"), " \n").expect("a file");
        std::os::unix::fs::symlink("/etc/hostname", root.path().join("out.md")).expect("a link");
        let files = RepositoryFiles::open(root.path()).expect("it opens");

        let GuidanceChain { shown: chain, refused } = chain(&files, RelPath::new("a/b").ok().as_ref());
        assert!(refused.is_empty());
        let paths: Vec<&str> = chain.iter().map(|guidance| guidance.path.as_str()).collect();
        assert_eq!(paths, ["AGENTS.md", "a/AGENTS.md"]);
        assert_eq!((chain[0].text.as_str(), &chain[0].cut), ("Be kind.", &None));
        assert!(chain[1].text.ends_with("line of text") && chain[1].text.len() < 3_400);
        let note = "a/AGENTS.md is cut at 3328 of 13000 bytes; read_file shows the rest";
        assert_eq!(chain[1].cut.as_deref(), Some(note));
    }

    #[test]
    fn guidance_that_is_something_else_is_no_guidance_and_told() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join(".git")).expect("a folder");
        fs::write(root.path().join(".git/config"), "[core]\n").expect("a file");
        fs::write(root.path().join(".env"), "A=1\n").expect("a file");
        for (target, reason) in [
            ("/etc/hostname", "leads out"),
            ("../x", "leads out"),
            (".env", "environment variables"),
            (".git/config", ".git"),
        ] {
            std::os::unix::fs::symlink(target, root.path().join(NAME)).expect("a link");
            let files = RepositoryFiles::open(root.path()).expect("it opens");
            let GuidanceChain { shown, refused } = chain(&files, None);
            assert!(shown.is_empty(), "{target}");
            assert!(refused.len() == 1 && refused[0].contains(reason), "{target}: {refused:?}");
            fs::remove_file(root.path().join(NAME)).expect("it goes");
        }
    }
}
