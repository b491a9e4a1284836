//! Credentials that a checkout left in a repository's settings, where the repository's own tests can read them.

use std::fs;
use std::path::{Path, PathBuf};

use super::dir::GitDir;
use super::facts::GitSettings;
use super::plain;

/// Bytes of a settings file.
const MOST: u64 = 1 << 20;
/// Folders of submodules that are looked into.
const MOST_FOLDERS: usize = 10_000;

impl GitDir {
    /// The setting that holds a credential or leads to one, and its file; those of submodules count.
    pub(in crate::workspace) fn credential(&self) -> Option<(PathBuf, String)> {
        let own = [self.common.join("config"), self.own.join("config.worktree")];
        own.into_iter().chain(of_submodules(&self.common.join("modules"))).find_map(|file| {
            let text = plain::read(&file, MOST).ok()??;
            // What git can't read either is no credential of git's.
            let settings = GitSettings::parse(&text).ok()?;
            let name = settings.all().find(|(name, value)| is_credential(name, value))?.0.to_owned();
            Some((file, name))
        })
    }
}

/// Settings files below `modules`, where submodules may lie within folders.
fn of_submodules(modules: &Path) -> Vec<PathBuf> {
    let (mut folders, mut found, mut seen) = (vec![modules.to_owned()], Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST_FOLDERS {
                return found;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            match entry.file_name().to_str() {
                Some("config") if !is_folder => found.push(entry.path()),
                Some("objects" | "refs" | "logs" | "hooks" | "info") => {}
                _ if is_folder => folders.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

/// Names are git's, in lower case but for a subsection.
fn is_credential(name: &str, value: &str) -> bool {
    let (section, last) = (name.split('.').next().unwrap_or_default(), name.rsplit('.').next().unwrap_or_default());
    match (section, last) {
        ("http", "extraheader" | "cookiefile" | "sslkey" | "proxy") => {
            !value.is_empty() && (last != "proxy" || has_user(value))
        }
        ("credential", "helper") => !value.is_empty(),
        // A checkout may keep its token in a file of its own and include that.
        ("include" | "includeif", "path") => true,
        ("core", "sshcommand") => value.contains("-i") || value.contains("IdentityFile"),
        ("remote", "url" | "pushurl") => has_user(value),
        ("url", "insteadof" | "pushinsteadof") => has_user(name),
        _ => false,
    }
}

/// Whether a URL has a name or a password before its host; a bare `git@` of SSH is none.
fn has_user(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let scheme_is_ssh = url.contains("ssh://");
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':') || !scheme_is_ssh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_checkout_persists_is_found_and_nothing_else() {
        for (text, found) in [
            ("[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic eDp5\n", true),
            ("[HTTP]\nExtraHeader=x\n", true),
            ("[remote \"origin\"]\nurl = https://gitlab-ci-token:glcbt@gitlab.com/a/b.git\n", true),
            ("[remote \"origin\"]\nurl = https://ghp_x@github.com/a/b\n", true),
            ("[url \"https://oauth2:t@gitlab.com/\"]\ninsteadOf = https://gitlab.com/\n", true),
            ("[credential]\nhelper = store\n", true),
            ("[includeIf \"gitdir:/w/.git\"]\npath = /tmp/git-credentials-1.config\n", true),
            ("[core]\nsshCommand = ssh -i /tmp/key\n", true),
            ("[remote \"origin\"]\nurl = https://github.com/a/b@c\nfetch = +refs/*:refs/*\n", false),
            ("[remote \"origin\"]\nurl = git@github.com:a/b.git\n", false),
            ("[remote \"origin\"]\nurl = ssh://git@github.com/a/b.git\n", false),
            ("[http]\nextraheader =\n[credential]\nhelper =\n", false),
            ("[user]\nname = extraheader\n", false),
        ] {
            let settings = GitSettings::parse(text.as_bytes()).unwrap();
            assert_eq!(settings.all().any(|(name, value)| is_credential(name, value)), found, "{text}");
        }
    }
}
