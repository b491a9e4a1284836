//! `[ci]`: who may start a run of `kcode ci`, by which events, and how much of their text a model reads.
//!
//! Only the user's file can contain these: a repository that could set them would choose who spends its owner's money.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::amounts::Amount;
use super::{Origin, Setting, SettingsError};
use crate::journal::Bytes;

/// Bytes of a label, a command or a name.
const LONGEST_NAME: usize = 100;
/// Entries of a list; more are a mistake.
const MOST: usize = 200;

/// Who or what an event has to prove for its actor to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CiActor {
    /// The owner of the repository.
    Owner,
    /// A member of the organization that owns it.
    Member,
    /// Somebody who was invited to collaborate on it.
    Collaborator,
    /// Somebody whose action needs write permission, such as starting a workflow by hand.
    Write,
    /// Somebody whose action needs triage permission, such as adding a label to another person's issue.
    Triage,
    /// An account by its exact name, without `@`; the only way to name a bot.
    Login(String),
}

/// An event that can start a run, by GitHub's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CiTrigger {
    /// An issue was opened.
    IssueOpened,
    /// A label was added to an issue.
    IssueLabeled,
    /// Somebody commented on an issue or pull request.
    CommentCreated,
    /// A comment was edited by its author.
    CommentEdited,
    /// A label was added to a pull request.
    PullRequestLabeled,
    /// Somebody commented on lines of a pull request.
    ReviewCommentCreated,
    /// Such a comment was edited by its author.
    ReviewCommentEdited,
    /// Somebody started the workflow by hand.
    WorkflowDispatch,
    /// A program started the workflow through the API.
    RepositoryDispatch,
    /// Another workflow ended.
    WorkflowRunCompleted,
}

/// What becomes of a task on a pull request from another repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CiForks {
    /// No run.
    #[default]
    Refuse,
    /// The run starts from the base; nothing of the fork is checked out.
    Base,
}

/// The settings of `[ci]`.
#[derive(Clone, Debug)]
pub struct CiSettings {
    /// Who may start a run; one of them has to be proven by the event.
    pub actors: Setting<Vec<CiActor>>,
    /// The events that start a run.
    pub on: Setting<Vec<CiTrigger>>,
    /// The label whose addition starts a run.
    pub label: Setting<String>,
    /// The word at the start of a comment's line that starts a run.
    pub command: Setting<String>,
    /// The input of a dispatched workflow that holds the task.
    pub input: Setting<String>,
    /// What becomes of pull requests from other repositories.
    pub forks: Setting<CiForks>,
    /// The account that opens kcode's pull requests.
    pub publisher: Setting<String>,
    /// Maximum bytes of one text of an event in the conversation.
    pub max_text: Setting<Bytes>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, expecting = "a table")]
pub(super) struct CiTable {
    actors: Option<Vec<String>>,
    on: Option<Vec<String>>,
    label: Option<String>,
    command: Option<String>,
    input: Option<String>,
    forks: Option<String>,
    publisher: Option<String>,
    #[serde(deserialize_with = "super::written::bytes")]
    max_text: Option<Bytes>,
}

impl CiTable {
    /// The settings, with defaults where this table has no value.
    pub(super) fn resolve(&self, origin: &Origin) -> Result<CiSettings, SettingsError> {
        let bad = |name: &'static str| {
            move |problem: String| SettingsError::BadValue { name, origin: origin.clone(), problem }
        };
        let word = |name: &'static str, value: &Option<String>| {
            value.as_deref().map(|word| plain_word(word).map_err(bad(name))).transpose()
        };
        let forks = self.forks.as_deref().map(str::parse).transpose().map_err(bad("ci.forks"))?;
        let usual = CiSettings::defaults();
        Ok(CiSettings {
            actors: usual.actors.or(list(self.actors.as_deref()).map_err(bad("ci.actors"))?, origin),
            on: usual.on.or(list(self.on.as_deref()).map_err(bad("ci.on"))?, origin),
            label: usual.label.or(word("ci.label", &self.label)?, origin),
            command: usual.command.or(word("ci.command", &self.command)?, origin),
            input: usual.input.or(word("ci.input", &self.input)?, origin),
            forks: usual.forks.or(forks, origin),
            publisher: usual.publisher.or(word("ci.publisher", &self.publisher)?, origin),
            max_text: usual.max_text.or(self.max_text, origin).usable("ci.max_text")?,
        })
    }
}

impl CiSettings {
    /// The values when no file sets one.
    #[must_use]
    pub fn defaults() -> Self {
        Self {
            actors: Setting::default(CiActor::usual()),
            on: Setting::default(CiTrigger::usual()),
            label: Setting::default("kcode".to_owned()),
            command: Setting::default("/kcode".to_owned()),
            input: Setting::default("task".to_owned()),
            forks: Setting::default(CiForks::Refuse),
            publisher: Setting::default("github-actions[bot]".to_owned()),
            max_text: Setting::default(Bytes(64_000)),
        }
    }
}

impl CiActor {
    fn usual() -> Vec<Self> {
        vec![Self::Owner, Self::Member, Self::Collaborator, Self::Write, Self::Triage]
    }
}

impl fmt::Display for CiActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::Member => f.write_str("member"),
            Self::Collaborator => f.write_str("collaborator"),
            Self::Write => f.write_str("write"),
            Self::Triage => f.write_str("triage"),
            Self::Login(name) => write!(f, "@{name}"),
        }
    }
}

impl FromStr for CiActor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(name) = text.strip_prefix('@') {
            if name.contains('/') {
                return Err(format!("no event says who belongs to the team {text:?}; name its members"));
            }
            return if is_login(name) {
                Ok(Self::Login(name.to_owned()))
            } else {
                Err(format!("{text:?} is no account"))
            };
        }
        let known = Self::usual().into_iter().find(|known| known.to_string() == text);
        known.ok_or_else(|| {
            format!("{text:?} is none of owner, member, collaborator, write, triage; an account is written as @name")
        })
    }
}

impl CiTrigger {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::IssueOpened,
        Self::IssueLabeled,
        Self::CommentCreated,
        Self::CommentEdited,
        Self::PullRequestLabeled,
        Self::ReviewCommentCreated,
        Self::ReviewCommentEdited,
        Self::WorkflowDispatch,
        Self::RepositoryDispatch,
        Self::WorkflowRunCompleted,
    ];

    /// Neither what an outsider can cause alone, nor what changes a text after it was read.
    fn usual() -> Vec<Self> {
        let off = [Self::IssueOpened, Self::CommentEdited, Self::ReviewCommentEdited];
        Self::ALL.into_iter().filter(|trigger| !off.contains(trigger)).collect()
    }

    /// The name in settings: GitHub's event and, behind a dot, its action.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IssueOpened => "issues.opened",
            Self::IssueLabeled => "issues.labeled",
            Self::CommentCreated => "issue_comment.created",
            Self::CommentEdited => "issue_comment.edited",
            Self::PullRequestLabeled => "pull_request.labeled",
            Self::ReviewCommentCreated => "pull_request_review_comment.created",
            Self::ReviewCommentEdited => "pull_request_review_comment.edited",
            Self::WorkflowDispatch => "workflow_dispatch",
            Self::RepositoryDispatch => "repository_dispatch",
            Self::WorkflowRunCompleted => "workflow_run.completed",
        }
    }
}

impl fmt::Display for CiTrigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CiTrigger {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.name() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("{text:?} starts no run; known are {}", known.join(", "))
        })
    }
}

impl fmt::Display for CiForks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "refuse",
            Self::Base => "base",
        })
    }
}

impl FromStr for CiForks {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "base" => Ok(Self::Base),
            _ => Err(format!("{text:?} is none of refuse, base")),
        }
    }
}

fn list<T: FromStr<Err = String>>(words: Option<&[String]>) -> Result<Option<Vec<T>>, String> {
    match words {
        Some(words) if words.len() > MOST => Err(format!("there are more than {MOST}")),
        words => words.map(|words| words.iter().map(|word| word.parse()).collect()).transpose(),
    }
}

/// An account's name on GitHub (`ada`, `renovate[bot]`) or GitLab (`ada.l_1`).
fn is_login(name: &str) -> bool {
    let plain = name.strip_suffix("[bot]").unwrap_or(name);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !plain.is_empty() && name.len() <= LONGEST_NAME && plain.bytes().all(is_plain)
}

fn plain_word(word: &str) -> Result<String, String> {
    let good = (1..=LONGEST_NAME).contains(&word.len()) && word.trim() == word && !word.contains(char::is_control);
    if good { Ok(word.to_owned()) } else { Err(format!("{word:?} is empty, too long, or has blanks around it")) }
}

impl Amount for Vec<CiActor> {
    fn shown(&self) -> String {
        self.iter().map(ToString::to_string).collect::<Vec<_>>().shown()
    }
}

impl Amount for Vec<CiTrigger> {
    fn shown(&self) -> String {
        self.iter().map(ToString::to_string).collect::<Vec<_>>().shown()
    }
}

impl Amount for CiForks {
    fn shown(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_a_standing_or_an_exact_account() {
        for word in ["owner", "member", "collaborator", "write", "triage", "@ada", "@renovate[bot]", "@a.b_c-1"] {
            assert_eq!(word.parse::<CiActor>().unwrap().to_string(), word);
        }
        for bad in ["", "*", "@*", "@", "@[bot]", "anyone", "OWNER", "none", "contributor", "ada", "@a b", "@acme/core"]
        {
            assert!(bad.parse::<CiActor>().is_err(), "{bad:?}");
        }
        assert!("@acme/core".parse::<CiActor>().is_err_and(|why| why.contains("team")));
    }

    #[test]
    fn what_an_outsider_can_cause_alone_starts_nothing_by_default() {
        let usual = CiTrigger::usual();
        assert!(!usual.contains(&CiTrigger::IssueOpened) && !usual.contains(&CiTrigger::CommentEdited));
        for trigger in CiTrigger::ALL {
            assert_eq!(trigger.name().parse(), Ok(trigger));
        }
        for bad in ["issues.edited", "issues.deleted", "issue_comment.deleted", "push", "pull_request_target"] {
            assert!(bad.parse::<CiTrigger>().is_err(), "{bad}");
        }
    }
}
