//! What publishing needs of a platform.

use super::PublishError;
use crate::workspace::BranchName;

/// Where a comment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    /// Which numbers are meant.
    pub kind: ThreadKind,
    /// The number that people see.
    pub number: u64,
}

/// GitLab numbers them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadKind {
    Issue,
    /// A pull request or merge request.
    Request,
}

/// A pull request or merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangeRequest {
    /// The number that people see.
    pub number: u64,
    pub url: String,
    pub body: String,
    /// The branch that it proposes; `None` for one of a fork, or with a name that kcode doesn't use.
    pub branch: Option<BranchName>,
    /// The account that opened it.
    pub author: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// When it was opened and last touched, RFC 3339.
    pub created_at: String,
    /// See `created_at`.
    pub updated_at: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadComment {
    pub id: u64,
    pub body: String,
    /// The account that wrote it.
    pub author: String,
}

/// What a new one consists of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRequest<'a> {
    /// The branch to be merged.
    pub branch: &'a BranchName,
    /// The branch that it is for.
    pub base: &'a BranchName,
    /// One line.
    pub title: &'a str,
    /// Markdown.
    pub body: &'a str,
}

/// A platform's API, for one repository.
///
/// # Errors
/// Every function fails when the platform refuses or can't be reached.
pub(crate) trait Platform {
    /// The account that the token belongs to.
    fn account(&mut self) -> Result<String, PublishError>;
    /// The repository's default branch.
    fn default_branch(&mut self) -> Result<String, PublishError>;
    /// Open ones of `account`.
    fn open_requests(&mut self, account: &str) -> Result<Vec<ChangeRequest>, PublishError>;
    /// Those of `account` that were opened since `time` (RFC 3339), whatever became of them.
    fn requests_since(&mut self, account: &str, time: &str) -> Result<Vec<ChangeRequest>, PublishError>;
    /// Opens a draft.
    fn open(&mut self, new: NewRequest<'_>) -> Result<ChangeRequest, PublishError>;
    /// Replaces the text of one.
    fn rewrite(&mut self, number: u64, body: &str) -> Result<(), PublishError>;
    /// Adds labels to one.
    fn label(&mut self, number: u64, labels: &[&str]) -> Result<(), PublishError>;
    /// Closes one.
    fn close(&mut self, number: u64) -> Result<(), PublishError>;
    /// The comments of a thread.
    fn comments(&mut self, thread: Thread) -> Result<Vec<ThreadComment>, PublishError>;
    /// Writes one.
    fn comment(&mut self, thread: Thread, body: &str) -> Result<(), PublishError>;
    /// Replaces the text of one.
    fn rewrite_comment(&mut self, thread: Thread, id: u64, body: &str) -> Result<(), PublishError>;
    /// What was, or in a dry run would have been, called.
    fn calls(&self) -> &[String];
}
