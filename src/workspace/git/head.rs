//! Reads HEAD, without git where refs are files.

use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use super::dir::GitDir;
use super::plain;

/// What HEAD names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Full hash; `None` on an unborn branch.
    pub commit: Option<String>,
    /// Short name; `None` when HEAD is detached.
    pub branch: Option<String>,
}

/// Number of symbolic refs that git follows.
pub(super) const DEPTH: usize = 5;
const WORD: u64 = 64 << 10;
const LARGE: u64 = 1 << 30;

/// Content of a ref file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RefTarget {
    Ref(String),
    Commit(String),
}

impl RefTarget {
    /// `None` where there is no such file, or no valid ref in it.
    pub(super) fn read(file: &Path) -> io::Result<Option<Self>> {
        // Git's first versions made HEAD a symbolic link.
        if let Ok(link) = std::fs::read_link(file) {
            return Ok(link.to_str().and_then(name).map(Self::Ref));
        }
        if file.is_dir() {
            return Ok(None);
        }
        let text = plain::read(file, WORD)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let text = text.trim_end();
        Ok(match text.strip_prefix("ref:") {
            Some(target) => name(target.trim_start()).map(Self::Ref),
            None => text.split_ascii_whitespace().next().and_then(id).map(Self::Commit),
        })
    }
}

/// A valid ref name, which can't lead out of `refs/`.
fn name(text: &str) -> Option<String> {
    let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\0', '\n']);
    (text.starts_with("refs/") && text.split('/').all(is_part)).then(|| text.to_owned())
}

fn id(text: &str) -> Option<String> {
    let is_one = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| text.to_ascii_lowercase())
}

impl GitDir {
    pub(in crate::workspace) fn head(&self) -> Head {
        if self.is_classic() || !self.common.join("reftable").is_dir() {
            self.head_of_files()
        } else {
            self.asked_head()
        }
    }

    fn head_of_files(&self) -> Head {
        let branch = match RefTarget::read(&self.own.join("HEAD")) {
            Ok(Some(RefTarget::Ref(name))) => Some(short(&name)),
            _ => None,
        };
        Head { commit: self.commit_of("HEAD"), branch }
    }

    /// The commit that a ref names; for refs that are files.
    fn commit_of(&self, name: &str) -> Option<String> {
        let mut name = name.to_owned();
        for _ in 0..DEPTH {
            match RefTarget::read(&self.place_of(&name)).ok()? {
                Some(RefTarget::Ref(next)) => name = next,
                Some(RefTarget::Commit(id)) => return Some(id),
                None => return self.packed(&name),
            }
        }
        None
    }

    fn packed(&self, wanted: &str) -> Option<String> {
        let file = BufReader::new(plain::open(&self.common.join("packed-refs"), LARGE).ok()?);
        let mut lines = file.split(b'\n').map_while(Result::ok);
        lines.find_map(|line| {
            let (commit, name) = std::str::from_utf8(&line).ok()?.split_once(' ')?;
            (name == wanted).then(|| id(commit)).flatten()
        })
    }

    fn asked_head(&self) -> Head {
        let text = |arguments: &[&str]| self.line(arguments).map(|line| String::from_utf8_lossy(&line).into_owned());
        Head {
            commit: text(&["rev-parse", "--quiet", "--verify", "HEAD"]),
            branch: text(&["symbolic-ref", "--quiet", "HEAD"]).map(|name| short(&name)),
        }
    }
}

fn short(name: &str) -> String {
    name.strip_prefix("refs/heads/").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_none() {
        assert_eq!(name("refs/heads/a/b"), Some("refs/heads/a/b".to_owned()));
        for wrong in ["", "HEAD", "refs/", "refs/../x", "refs/heads//x", "refs/heads/./x", "/refs/x", "refs/a\0"] {
            assert_eq!(name(wrong), None, "{wrong:?}");
        }
        assert_eq!(id(&"A".repeat(40)), Some("a".repeat(40)));
        assert!(id("abc").is_none() && id(&"g".repeat(40)).is_none());
    }
}
