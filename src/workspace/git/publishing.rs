//! A clone without files: a patch becomes a commit on a branch of a remote, and nothing of the remote's tree is ever written
//! as a file.
//!
//! The patch is applied to the index alone, so there are no links to follow, no filters, no hooks and no checkout. Git gets
//! settings that kcode writes and a credential in its environment: never in an argument, a file or the clone's settings.

use std::fmt;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::Git;
use super::folder::GitFolder;
use super::stand_in::{SETTINGS, StandIn};
use crate::settings::{Secret, is_loopback};

/// Bytes of a branch's name.
const MAX_NAME: usize = 200;
/// Who makes the commits.
const NAME: &str = "kcode";
const EMAIL: &str = "kcode@users.noreply.invalid";
/// What leads to another machine through a proxy, and with which certificates.
const NETWORK_VARIABLES: [&str; 7] =
    ["https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"];
/// Names under which the fetched commits are kept.
const FETCHED: &str = "refs/kcode/fetched";
const OURS: &str = "refs/kcode/ours";

/// The name of a branch: letters, digits and `. _ - /` only, so that it is neither an option nor anything to a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchName(String);

impl BranchName {
    /// Checks `name`; git's own rules apply as well.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.ends_with('.')
                && !part.split('.').skip(1).any(|end| end == "lock")
        };
        let good = name.len() <= MAX_NAME
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
            && !name.contains("..")
            && name.split('/').all(is_part);
        good.then(|| Self(name.to_owned()))
    }

    /// The name, without `refs/heads/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where branches are pushed to.
#[derive(Clone, Debug)]
pub struct Remote {
    url: Url,
    /// User name and password of HTTP.
    login: Option<(String, Secret)>,
}

/// Why a text is no URL of a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Not https, http to this machine, or file.
    #[error("it is neither https, nor http to this machine, nor file")]
    Scheme,
    /// It contains `user:password@`, a query or a fragment.
    #[error("it holds a user name, a password, a query or a fragment")]
    Credentials,
}

impl Remote {
    /// A remote at `url`; a `login` (user and password) is sent to its server only.
    ///
    /// # Errors
    /// When the URL would send the login in clear, names another program, or holds a credential itself.
    pub fn new(url: &str, login: Option<(String, Secret)>) -> Result<Self, RemoteError> {
        let url = Url::parse(url).map_err(|_| RemoteError::Scheme)?;
        let is_allowed = match url.scheme() {
            "https" => true,
            "http" => is_loopback(&url),
            // A bare repository on this machine.
            "file" => url.host_str().is_none_or(str::is_empty),
            _ => false,
        };
        if !is_allowed {
            return Err(RemoteError::Scheme);
        }
        let is_bare =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        if !is_bare {
            return Err(RemoteError::Credentials);
        }
        Ok(Self { url, login })
    }

    /// The URL, which holds no credential.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Settings in the environment: the only protocol, and the credential for this server alone.
    fn settings(&self) -> Vec<(String, String)> {
        let mut settings = vec![
            (format!("protocol.{}.allow", self.url.scheme()), "always".to_owned()),
            ("http.followRedirects".to_owned(), "false".to_owned()),
            ("credential.helper".to_owned(), String::new()),
        ];
        if let (Some((user, password)), "https" | "http") = (&self.login, self.url.scheme()) {
            let encoded = STANDARD.encode(format!("{user}:{}", password.expose()));
            settings.push((format!("http.{}.extraHeader", self.url), format!("Authorization: Basic {encoded}")));
        }
        settings
    }
}

/// A repository of its own with the tip of one branch of the remote; removed when dropped.
#[derive(Debug)]
pub struct PublishingClone {
    folder: GitFolder,
    remote: Remote,
}

impl PublishingClone {
    /// An empty one.
    ///
    /// # Errors
    /// In words, as those of all its functions.
    pub fn make(remote: Remote) -> Result<Self, String> {
        let folder = GitFolder::make("/dev/null".as_ref()).map_err(|error| error.to_string())?;
        let path = folder.path();
        let made = fs::create_dir_all(path.join("objects"))
            .and_then(|()| fs::create_dir_all(path.join("refs")))
            .and_then(|()| fs::write(path.join("HEAD"), "ref: refs/heads/none\n"))
            .and_then(|()| {
                let settings = SETTINGS.replace("bare = false", "bare = true\n\trepositoryformatversion = 0");
                fs::write(path.join("config"), settings)
            });
        made.map_err(|error| error.to_string())?;
        Ok(Self { folder, remote })
    }

    fn git(&self) -> Result<Git, String> {
        let path = self.folder.path();
        let home = StandIn::bare_home(path).map_err(|error| error.to_string())?;
        let git = Git::new(path, home)?;
        Ok(git.env("GIT_DIR", path).env("GIT_INDEX_FILE", path.join("index")))
    }

    fn remote_git(&self) -> Result<Git, String> {
        let settings = self.remote.settings();
        let mut git = self.git()?.env("GIT_CONFIG_COUNT", settings.len().to_string());
        for (number, (name, value)) in settings.into_iter().enumerate() {
            git = git.env(&format!("GIT_CONFIG_KEY_{number}"), name).env(&format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        git.command.envs(NETWORK_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        git.is_remote = true;
        Ok(git)
    }

    /// The commit that a branch of the remote is at; `None` if there is no such branch.
    ///
    /// # Errors
    /// When the remote can't be asked.
    pub fn tip(&self, branch: &BranchName) -> Result<Option<String>, String> {
        let reference = branch.reference();
        let told = self.remote_git()?.args(["ls-remote", "--quiet", self.remote.url(), &reference]).run(&[])?;
        let told = String::from_utf8_lossy(&told).into_owned();
        // A pattern matches the end of a name; only this very one counts.
        let mut lines = told.lines().filter_map(|line| line.split_once('\t'));
        let commit = lines.find(|(_, name)| *name == reference).map(|(commit, _)| commit.to_owned());
        Ok(commit.filter(|commit| is_commit(commit)))
    }

    /// Fetches the tip of `branch`, and no history.
    ///
    /// # Errors
    /// When there is no such branch, or the remote can't be asked.
    pub fn fetch(&self, branch: &BranchName) -> Result<String, String> {
        let wanted = format!("+{}:{FETCHED}", branch.reference());
        let arguments =
            ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"];
        self.remote_git()?.args(arguments).args([self.remote.url(), &wanted]).run(&[])?;
        self.line(&["rev-parse", "--verify", FETCHED], &[])
    }

    /// Makes a commit of `patch` on `parent`. The same patch, message and time make the same commit.
    ///
    /// # Errors
    /// When the patch doesn't apply to that very commit.
    pub fn commit(&self, parent: &str, patch: &[u8], message: &str, time: i64) -> Result<String, String> {
        self.git()?.args(["read-tree", parent]).run(&[])?;
        self.git()?.args(["apply", "--cached", "--whitespace=nowarn", "-"]).run(patch)?;
        let tree = self.line(&["write-tree"], &[])?;
        let when = format!("@{time} +0000");
        let git = self.git()?.env("GIT_AUTHOR_NAME", NAME).env("GIT_AUTHOR_EMAIL", EMAIL);
        let git = git.env("GIT_COMMITTER_NAME", NAME).env("GIT_COMMITTER_EMAIL", EMAIL);
        let git = git.env("GIT_AUTHOR_DATE", &when).env("GIT_COMMITTER_DATE", &when);
        let made = git.args(["commit-tree", &tree, "-p", parent]).run(message.as_bytes())?;
        let commit = String::from_utf8_lossy(&made).trim().to_owned();
        self.git()?.args(["update-ref", OURS, &commit]).run(&[])?;
        Ok(commit)
    }

    /// Pushes a commit to `branch`, which must still be at `expected` (or not exist): what anybody else pushed meanwhile
    /// stays.
    ///
    /// # Errors
    /// When the branch is elsewhere, or the remote refuses.
    pub fn push(&self, commit: &str, branch: &BranchName, expected: Option<&str>) -> Result<(), String> {
        let reference = branch.reference();
        let lease = format!("--force-with-lease={reference}:{}", expected.unwrap_or_default());
        let wanted = format!("{commit}:{reference}");
        let arguments = ["push", "--quiet", "--no-verify", "--no-recurse-submodules", "--no-signed", &lease];
        self.remote_git()?.args(arguments).args([self.remote.url(), &wanted]).run(&[]).map(drop)
    }

    /// The message of a fetched commit, with its header.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn message(&self, commit: &str) -> Result<String, String> {
        self.line(&["cat-file", "commit", commit], &[])
    }

    fn line(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let told = self.git()?.args(arguments).run(input)?;
        Ok(String::from_utf8_lossy(&told).trim().to_owned())
    }
}

/// Whether `text` is a commit's full hash.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_can_be_no_option_and_no_shell_text() {
        for good in ["main", "kcode/abcd2345", "release-1.2_x"] {
            assert!(BranchName::new(good).is_some(), "{good}");
        }
        for bad in ["", "-f", "a/-b", "a b", "$(id)", "a;b", "a..b", "/a", "a/", "a.lock", "@{u}", "a\nb", "é", ".a"] {
            assert!(BranchName::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_remote_names_no_program_and_sends_nothing_in_clear() {
        for good in ["https://github.com/a/b.git", "http://127.0.0.1:1/a", "http://localhost/a", "file:///srv/a.git"] {
            assert!(Remote::new(good, None).is_ok(), "{good}");
        }
        for bad in [
            "http://github.com/a/b",
            "ext::sh -c id",
            "ssh://-oProxyCommand=id/x",
            "git@github.com:a/b",
            "/srv/a.git",
            "--upload-pack=id",
            "https://x:y@github.com/a",
            "https://github.com/a?b",
            "file://host/a",
            "fd::3",
        ] {
            assert!(Remote::new(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_patch_becomes_a_commit_on_a_branch_and_only_where_the_branch_was() {
        let place = tempfile::tempdir().unwrap();
        let bare = place.path().join("bare.git");
        let git = |arguments: &[&str]| {
            let mut git = std::process::Command::new("git");
            git.args(arguments).current_dir(place.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
            let output = git.output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "-q", "--bare", "bare.git"]);
        git(&["init", "-q", "-b", "main", "tree"]);
        fs::write(place.path().join("tree/a.txt"), "one\n").unwrap();
        git(&["-C", "tree", "add", "."]);
        git(&["-C", "tree", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"]);
        git(&["-C", "tree", "push", "-q", bare.to_str().unwrap(), "main"]);
        let remote = Remote::new(&format!("file://{}", bare.display()), None).unwrap();
        let clone = PublishingClone::make(remote).unwrap();
        let (main, ours) = (BranchName::new("main").unwrap(), BranchName::new("kcode/abcd2345").unwrap());
        assert_eq!(clone.tip(&ours), Ok(None));
        let parent = clone.fetch(&main).unwrap();
        let patch = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n";
        let commit = clone.commit(&parent, patch.as_bytes(), "two\n", 1_700_000_000).unwrap();
        assert_eq!(clone.commit(&parent, patch.as_bytes(), "two\n", 1_700_000_000), Ok(commit.clone()));
        clone.push(&commit, &ours, None).unwrap();
        assert_eq!(clone.tip(&ours), Ok(Some(commit.clone())));
        assert_eq!(git(&["-C", "bare.git", "show", "kcode/abcd2345:a.txt"]), "two");
        let other = clone.commit(&parent, patch.as_bytes(), "other\n", 1).unwrap();
        assert!(clone.push(&other, &ours, None).is_err() && clone.push(&other, &ours, Some(&parent)).is_err());
        clone.push(&other, &ours, Some(&commit)).unwrap();
        for bad in ["--- a/a.txt\n+++ b/../../x\n@@ -1 +1 @@\n-one\n+two\n", &patch.replace("-one", "-three")] {
            assert!(clone.commit(&parent, bad.as_bytes(), "x\n", 1).is_err());
        }
    }
}
