//! What the path in a tool call refers to, as the tools interpret it.

use std::path::Path;

use crate::journal::{RelPath, RelPathError};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// No path, or the repository's root.
    Everything,
    /// A file or folder below the root, or a log.
    File(String),
    /// A path that no tool may access.
    Out {
        /// The path as the model wrote it.
        path: String,
        /// Why it is refused.
        why: &'static str,
    },
}

impl Named {
    /// Interprets the path of a call on the repository at `root`. An absolute path below the root means the file there.
    pub(super) fn of(path: Option<&str>, root: &str) -> Self {
        let Some(path) = path else { return Self::Everything };
        let inside = Path::new(path).strip_prefix(root).ok().and_then(Path::to_str).unwrap_or(path);
        let out = |why| Self::Out { path: path.to_owned(), why };
        match RelPath::new(inside) {
            Ok(path) if is_of_git(&path) => out("it is git's own"),
            Ok(path) => Self::File(path.to_string()),
            Err(RelPathError::Empty) => Self::Everything,
            Err(RelPathError::Absolute(_) | RelPathError::Parent(_)) => out("it is outside the repository"),
            Err(RelPathError::Nul | RelPathError::NotUtf8(_)) => out("it is no path"),
        }
    }
}

fn is_of_git(path: &RelPath) -> bool {
    crate::settings::is_of_git(path.as_path())
}

#[cfg(test)]
mod tests {
    use super::Named;

    #[test]
    fn paths_mean_what_they_mean_to_the_tools() {
        let named = |path| Named::of(Some(path), "/home/a/project");
        let file = |path: &str| Named::File(path.to_owned());
        assert_eq!(Named::of(None, "/home/a/project"), Named::Everything);
        assert_eq!(named("."), Named::Everything);
        assert_eq!(named("/home/a/project"), Named::Everything);
        assert_eq!(named("./src//main.rs"), file("src/main.rs"));
        assert_eq!(named("/home/a/project/src/main.rs"), file("src/main.rs"));
        assert_eq!(named("@logs/tests-1.log"), file("@logs/tests-1.log"));
        for out in ["/etc/passwd", "../other/x", "src/../../x", ".git/config", "sub/.GIT/hooks", "a\0b"] {
            assert!(matches!(named(out), Named::Out { .. }), "{out:?}");
        }
    }
}
