//! The parts of an event, the same for each platform.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::CiTrigger;

/// Where an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CiPlatform {
    /// GitHub, the public one or an enterprise's.
    GitHub,
    /// GitLab, the public one or a self-managed one.
    GitLab,
}

impl fmt::Display for CiPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
        })
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CiEvent {
    /// The platform.
    pub platform: CiPlatform,
    /// The platform's name of it with its action, such as `issues.labeled`; letters, digits, `_` and `.`.
    pub name: String,
    /// What it can start; `None` for actions that never start anything.
    pub trigger: Option<CiTrigger>,
    /// The repository or project, such as `acme/shop`.
    pub repository: String,
    /// Who caused it. `None` if the event doesn't say.
    pub actor: Option<Account>,
    /// The issue or pull request.
    pub subject: Option<EventSubject>,
    /// The comment.
    pub comment: Option<WrittenComment>,
    /// The labels that this event added.
    pub labels_added: Vec<String>,
    /// Inputs of a dispatched workflow that are text.
    pub inputs: BTreeMap<String, String>,
    /// The run of a workflow that ended.
    pub failed_run: Option<FailedRun>,
    /// True if fewer people can read it than the repository.
    pub is_confidential: bool,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its name; letters, digits, `-`, `_`, `.`, and `[bot]` at the end.
    pub login: String,
    /// False only if the platform says that it is a person's.
    pub is_bot: bool,
}

impl Account {
    /// Whether both are one account; names don't differ by case alone.
    #[must_use]
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.login.eq_ignore_ascii_case(&other.login)
    }
}

/// How an author stands to the repository, as GitHub says.
/// <https://docs.github.com/en/graphql/reference/enums#commentauthorassociation>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Association {
    /// Owner of the repository.
    Owner,
    /// Member of the organization that owns it.
    Member,
    /// Invited to collaborate.
    Collaborator,
    /// Anybody else: contributors, first-timers, strangers.
    Outsider,
}

impl fmt::Display for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::Collaborator => "collaborator",
            Self::Outsider => "outsider",
        })
    }
}

/// Issue or pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    Issue,
    /// A pull or merge request.
    PullRequest,
}

/// An issue or pull request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventSubject {
    /// The kind.
    pub kind: SubjectKind,
    /// The number that people see.
    pub number: u64,
    pub url: Option<String>,
    /// Written by the author, or by anybody who may edit it.
    pub title: String,
    /// Written by the author, or by anybody who may edit it.
    pub body: String,
    /// Who opened it.
    pub author: Option<Account>,
    /// How the author, and nobody else, stands to the repository.
    pub association: Option<Association>,
    /// When anything about it last changed.
    pub updated_at: Option<String>,
    /// What a pull request wants to merge; `None` for issues, and when the event doesn't say.
    pub head: Option<ProposedBranch>,
}

/// The proposed side of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProposedBranch {
    /// True only if the event says that it is a branch of the event's own repository.
    pub is_same_repository: bool,
    /// The branch, as its author named it.
    pub branch: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WrittenComment {
    pub id: u64,
    pub url: Option<String>,
    /// What it says.
    pub body: String,
    /// Who wrote it.
    pub author: Option<Account>,
    /// How the author stands to the repository.
    pub association: Option<Association>,
    /// When it was written.
    pub created_at: Option<String>,
    /// When it last changed.
    pub updated_at: Option<String>,
    /// The lines that it is about.
    pub place: Option<ReviewPlace>,
    /// The application that wrote it in its author's name.
    pub app: Option<String>,
}

/// Lines that a comment is about, not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReviewPlace {
    /// Path in the repository.
    pub path: String,
    /// First line, counted from 1.
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// True for lines that the change removes.
    pub is_old_side: bool,
    /// The hunk of the diff.
    pub hunk: String,
}

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedRun {
    pub id: u64,
    pub url: Option<String>,
    /// The workflow's name.
    pub workflow: String,
    /// How it ended, such as `failure`.
    pub conclusion: String,
    /// The event that started it.
    pub event: String,
    /// The branch that it ran on.
    pub branch: String,
    /// True only if that branch belongs to the event's own repository.
    pub is_same_repository: bool,
    /// Who started it.
    pub actor: Option<Account>,
}

/// The account called `login`; `None` if no account can be called that.
pub(super) fn account(login: &str, is_bot: bool) -> Option<Account> {
    let plain = login.strip_suffix("[bot]");
    let name = plain_name(plain.unwrap_or(login)).filter(|name| !name.contains('/'))?;
    let suffix = if plain.is_some() { "[bot]" } else { "" };
    Some(Account { login: format!("{name}{suffix}"), is_bot: is_bot || plain.is_some() })
}

/// A name of a repository, an account or an action; `None` if it holds anything that a name can't.
pub(super) fn plain_name(name: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    ((1..=255).contains(&name.len()) && name.bytes().all(is_plain)).then(|| name.to_owned())
}

/// The address of a page; `None` if it is none that can be shown as it is.
pub(super) fn page(address: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\`|^{}()[]".contains(&byte);
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    (is_web && address.len() <= 2000 && address.bytes().all(is_plain)).then(|| address.to_owned())
}
