//! Where the paths of a patch lead: out of the tree, into git's folder, through links.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use super::fold::{folded, is_short_name};
use super::patch::{PatchSection, SectionChange};
use super::{FileKind, PatchBase};
use crate::settings::is_git_name;

/// Why a path may not be in any patch.
pub(super) fn wrong_path(path: &str) -> Option<String> {
    let refuse = |why: &str| Some(why.to_owned());
    if path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':') {
        return refuse("it is an absolute path");
    }
    if path.chars().any(char::is_control) {
        return refuse("its name holds a control character");
    }
    for name in path.split('/').flat_map(|name| name.split('\\')) {
        let folded = folded(name);
        if matches!(name, "" | "." | "..") || matches!(folded.as_str(), "" | "." | "..") {
            return refuse("it leads elsewhere than it says, with `.`, `..` or an empty name");
        }
        if is_git_name(OsStr::new(name)) || is_git_name(OsStr::new(&folded)) {
            return refuse("some file system takes it for git's own folder");
        }
        if is_short_name(&folded) {
            return refuse("it has the form of a short name of NTFS, which may stand for any other name");
        }
    }
    None
}

/// Why a symbolic link at `path` may not lead to `target`.
pub(super) fn wrong_target(path: &str, target: &str) -> Option<String> {
    let refuse = |why: &str| Some(why.to_owned());
    if target.is_empty() || target.chars().any(char::is_control) {
        return refuse("the target of the link is no path");
    }
    if target.starts_with(['/', '\\']) || target.as_bytes().get(1) == Some(&b':') {
        return refuse("the link leads out of the tree");
    }
    let mut depth = path.split('/').count() - 1;
    for name in target.split(['/', '\\']) {
        match name {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return refuse("the link leads out of the tree"),
            },
            name if is_git_name(OsStr::new(name)) || is_git_name(OsStr::new(&folded(name))) => {
                return refuse("the link leads into git's own folder");
            }
            _ => depth += 1,
        }
    }
    None
}

/// Where `target` leads from a link at `path`, if nothing on the way is a link.
pub(super) fn resolved(path: &str, target: &str) -> String {
    let mut names: Vec<&str> = path.split('/').collect();
    names.pop();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.join("/")
}

/// Every link and submodule that there is after the patch, or at some time while it is applied, by folded path.
pub(super) struct Links(BTreeSet<String>);

impl Links {
    pub(super) fn of(sections: &[PatchSection], base: Option<&dyn PatchBase>) -> Self {
        let of_base = base.into_iter().flat_map(|base| base.links().iter().map(|path| folded(path)));
        let is_link = |kind| matches!(kind, Some(FileKind::Symlink | FileKind::Gitlink));
        let made = sections.iter().flat_map(|section| {
            let old = is_link(section.old_kind).then(|| folded(&section.old));
            let new = is_link(section.new_kind).then(|| folded(&section.new));
            old.into_iter().chain(new)
        });
        Self(of_base.chain(made).collect())
    }

    /// The link that the path leads through, in its folded form.
    pub(super) fn on_the_way(&self, path: &str) -> Option<&str> {
        let path = folded(path);
        let ends = path.match_indices('/').map(|(end, _)| end);
        ends.filter_map(|end| self.0.get(&path[..end])).map(String::as_str).next()
    }

    /// Whether the path, in any spelling, is a link.
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains(&folded(path))
    }
}

/// Pairs of sections that can't both be meant: one file twice, or files that some file system can't tell apart.
pub(super) fn twice(sections: &[PatchSection]) -> Vec<(&str, &'static str)> {
    let mut wrong = Vec::new();
    let mut touched: BTreeMap<&str, &PatchSection> = BTreeMap::new();
    let mut after: BTreeMap<String, &str> = BTreeMap::new();
    for section in sections {
        // A copy leaves its source as it is.
        let ends = match section.change {
            SectionChange::Renamed => vec![section.old.as_str(), section.new.as_str()],
            _ => vec![section.new.as_str()],
        };
        for path in ends {
            if let Some(earlier) = touched.insert(path, section)
                && !is_change_of_type(earlier, section)
            {
                wrong.push((path, "the patch has two sections for it"));
            }
        }
        if section.change != SectionChange::Deleted
            && let Some(other) = after.insert(folded(&section.new), &section.new)
            && other != section.new
        {
            wrong.push((section.new.as_str(), "another file of the patch has the same name on some file systems"));
        }
    }
    for path in after.keys() {
        let above = path.match_indices('/').find_map(|(end, _)| after.get(&path[..end]));
        wrong.extend(above.map(|above| (*above, "the patch makes it both a file and a folder")));
    }
    wrong
}

/// A file becomes a link, or the reverse: git writes that as a deletion and an addition.
fn is_change_of_type(earlier: &PatchSection, later: &PatchSection) -> bool {
    earlier.change == SectionChange::Deleted
        && later.change == SectionChange::Added
        && earlier.old_kind != later.new_kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_known() {
        for path in [
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a/./b",
            "a/",
            ".git/config",
            "a/.GIT/hooks/x",
            "git~1/config",
            ".git./x",
            ".g\u{200c}it/x",
            ".git\\hooks\\x",
            "a\\..\\..\\x",
            "c:/x",
            "\\\\host\\x",
            "a\nb",
            "GITHUB~1/workflows/x.yml",
            ".. /x",
            "\u{200b}/x",
        ] {
            assert!(wrong_path(path).is_some(), "{path:?}");
        }
        for path in ["a", ".gitignore", "a b/c", "..a/b", "a~/b", "ä/ö", ".github/x"] {
            assert_eq!(wrong_path(path), None, "{path:?}");
        }
    }

    #[test]
    fn targets_are_judged_from_where_the_link_is() {
        for (path, target) in [
            ("a", "../x"),
            ("a/b", "../../x"),
            ("a", "/etc"),
            ("a", "x/../../y"),
            ("a", ".git/hooks"),
            ("a", "x/.GIT"),
            ("a", ""),
            ("a", "..\\x"),
            ("a", "c:x"),
        ] {
            assert!(wrong_target(path, target).is_some(), "{path} -> {target}");
        }
        for (path, target) in [("a", "b"), ("a/b", "../c"), ("a/b/c", "../../d"), ("a", "b/../c")] {
            assert_eq!(wrong_target(path, target), None, "{path} -> {target}");
        }
        assert_eq!(resolved("a/b", "../c/./d"), "c/d");
    }
}
