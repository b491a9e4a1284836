//! Resolves a path that the model wrote: into the view or into the run's logs.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use super::plain_words::quoted;
use super::text::visible;
use super::tool::{ToolError, tell};
use super::tool_context::ToolContext;
use crate::journal::RelPath;
use crate::settings::is_of_git;

/// Prefix of log paths. It hides a folder of that name at the repository's root.
const LOGS: &str = "@logs/";
/// Longest path in bytes; the kernel takes no longer ones.
const LONGEST: usize = 4_095;

/// A path that a tool can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ToolPath {
    /// A file or folder of the view.
    View(RelPath),
    /// A file in the run's `logs/`; logs of trials are in subfolders.
    Log(RelPath),
}

impl ToolPath {
    /// Parses `text` without looking at the disk.
    ///
    /// # Errors
    /// [`ToolError::Tell`] if the path is invalid, outside the view, or inside `.git`.
    pub(super) fn parse(room: &ToolContext, text: &str) -> Result<Self, ToolError> {
        if text.len() > LONGEST {
            return tell(format!("The path has {} bytes; no path has more than {LONGEST}.", text.len()));
        }
        if let Some(name) = text.strip_prefix(LOGS) {
            return match RelPath::new(name) {
                Ok(path) => Ok(Self::Log(path)),
                Err(_) => tell(format!(
                    "{} is not a log; logs are named as run_tests says, such as @logs/tests-1.log",
                    quoted(text)
                )),
            };
        }
        // Stack traces and compilers print absolute paths; those below the root mean the file there.
        let inside = Path::new(text).strip_prefix(room.root()).ok().and_then(Path::to_str).unwrap_or(text);
        let path = RelPath::new(inside).or_else(|error| tell(error.to_string()))?;
        if is_of_git(path.as_path()) {
            return tell(format!(
                "{} is inside .git, which belongs to git; only the files of the work tree are open to you",
                quoted(text)
            ));
        }
        Ok(Self::View(path))
    }

    /// As [`ToolPath::parse`], for tools that write: logs are read-only.
    pub(super) fn writable(room: &ToolContext, text: &str) -> Result<RelPath, ToolError> {
        match Self::parse(room, text)? {
            Self::View(path) => Ok(path),
            Self::Log(_) => tell(format!("{} is a log of this run; logs are read-only", quoted(text))),
        }
    }
}

impl fmt::Display for ToolPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::View(path) => f.write_str(&shown(path.as_str())),
            Self::Log(path) => write!(f, "{LOGS}{}", shown(path.as_str())),
        }
    }
}

/// A name on one line; quoted and escaped if it holds control or bidirectional characters.
pub(super) fn shown(name: &str) -> Cow<'_, str> {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if name.chars().any(is_odd) { Cow::Owned(format!("\"{}\"", visible(name))) } else { Cow::Borrowed(name) }
}
