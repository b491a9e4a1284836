//! Who may start a run: what an event proves about the account that caused it, against `[ci] actors`.
//!
//! An event tells an association of the *author* of a text only, and names the one who *acted* apart from that. What
//! each event proves of the actor:
//!
//! | Event | Proven |
//! |---|---|
//! | issue opened, comment written or edited | the association, if the actor wrote the text; else nothing, and no run: somebody else's words would be taken for the actor's |
//! | label added (GitHub) | triage permission, if another person wrote the issue or pull request; else the author's association, because a template can give labels to what an outsider opens |
//! | label added (GitLab) | triage permission, if another person opened it and the label came later |
//! | workflow or repository dispatched | write permission |
//! | workflow ended | write permission, if it ran on a branch of this repository because of a push, a pull request, a schedule or by hand |
//!
//! GitLab's events tell no association, so that there comments and one's own labels need an account by name.

use crate::ci::event::{Account, Association, CiEvent, CiPlatform};
use crate::settings::{CiActor, CiSettings, CiTrigger};

/// Who starts a run, and why this account may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    /// Name of the account.
    pub login: String,
    /// What the event proves of it that the settings ask for.
    pub standing: CiActor,
}

/// Why an event starts no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTrusted {
    /// Nobody is named as the one who acted.
    #[error("the event doesn't say who caused it")]
    Nobody,
    /// A bot that the settings don't name.
    #[error("@{0} is a bot, and bots start runs only where they are named exactly")]
    Bot(String),
    /// An application wrote in a person's name.
    #[error("the application {app:?} wrote this in the name of @{login}")]
    Application { login: String, app: String },
    /// The text that would be the task is another account's.
    #[error("@{0} caused the event, but didn't write its text, or the event doesn't say who did")]
    WrittenByAnother(String),
    /// The event tells too little of the actor, or the settings don't allow what it tells.
    #[error("the event doesn't show that @{login} may start a run; it shows {shown}, and allowed are {allowed}")]
    NotAllowed {
        login: String,
        /// What the event proves.
        shown: String,
        /// The setting.
        allowed: String,
    },
}

impl NotTrusted {
    /// What can be done about it.
    #[must_use]
    pub(crate) const fn hint(&self) -> &'static str {
        match self {
            Self::Nobody => "give the file as the platform wrote it",
            Self::Bot(_) => "name it in `ci.actors` as \"@name[bot]\", if strangers can't make it act",
            Self::Application { .. } => {
                "name the application in `ci.actors` as \"@app[bot]\", or write the comment by hand"
            }
            Self::WrittenByAnother(_) => "write a comment of your own",
            Self::NotAllowed { .. } => {
                "somebody with permission can start it by a label or a comment; accounts are named in `ci.actors` as \"@name\""
            }
        }
    }
}

/// Decides whether the account that caused `event` may start a run.
///
/// # Errors
/// When it may not, or when the event doesn't say enough.
pub(crate) fn decide(event: &CiEvent, settings: &CiSettings) -> Result<Actor, NotTrusted> {
    let account = actor(event).ok_or(NotTrusted::Nobody)?;
    let allowed = &settings.actors.value;
    let named = allowed.iter().find(|allowed| is_named(allowed, &account.login));
    if account.is_bot && named.is_none() {
        return Err(NotTrusted::Bot(account.login.clone()));
    }
    if needs_own_text(event) && !wrote_it(event, account) {
        return Err(NotTrusted::WrittenByAnother(account.login.clone()));
    }
    if let Some(app) = event.comment.as_ref().and_then(|comment| comment.app.as_ref()).filter(|_| !account.is_bot)
        && !allowed.iter().any(|allowed| is_named(allowed, &format!("{app}[bot]")))
    {
        return Err(NotTrusted::Application { login: account.login.clone(), app: app.clone() });
    }
    let shown = if account.is_bot { Vec::new() } else { shown(event, account) };
    let standing = named.or_else(|| shown.iter().find(|standing| allowed.contains(standing)));
    match standing {
        Some(standing) => Ok(Actor { login: account.login.clone(), standing: standing.clone() }),
        None => Err(NotTrusted::NotAllowed {
            login: account.login.clone(),
            shown: listed(&shown),
            allowed: listed(allowed),
        }),
    }
}

/// Who acted. A workflow's end is sent in the name of the one who started it.
fn actor(event: &CiEvent) -> Option<&Account> {
    match &event.failed_run {
        Some(run) => run.actor.as_ref(),
        None => event.actor.as_ref(),
    }
}

fn is_named(allowed: &CiActor, login: &str) -> bool {
    matches!(allowed, CiActor::Login(name) if name.eq_ignore_ascii_case(login))
}

/// Whether the task is a text of the actor's own, rather than one that the actor points at.
fn needs_own_text(event: &CiEvent) -> bool {
    use CiTrigger::{CommentCreated, CommentEdited, IssueOpened, ReviewCommentCreated, ReviewCommentEdited};
    let own = [IssueOpened, CommentCreated, CommentEdited, ReviewCommentCreated, ReviewCommentEdited];
    event.comment.is_some() || event.trigger.is_some_and(|trigger| own.contains(&trigger))
}

fn wrote_it(event: &CiEvent, account: &Account) -> bool {
    let author = match &event.comment {
        Some(comment) => comment.author.as_ref(),
        None => event.subject.as_ref().and_then(|subject| subject.author.as_ref()),
    };
    author.is_some_and(|author| author.is(account))
}

/// What the event proves of a person, the strongest first.
fn shown(event: &CiEvent, account: &Account) -> Vec<CiActor> {
    let Some(trigger) = event.trigger else { return Vec::new() };
    let subject = event.subject.as_ref();
    let author = subject.and_then(|subject| subject.author.as_ref());
    match trigger {
        CiTrigger::IssueOpened => standing(subject.and_then(|subject| subject.association)),
        CiTrigger::CommentCreated
        | CiTrigger::CommentEdited
        | CiTrigger::ReviewCommentCreated
        | CiTrigger::ReviewCommentEdited => standing(event.comment.as_ref().and_then(|comment| comment.association)),
        CiTrigger::IssueLabeled | CiTrigger::PullRequestLabeled => match (author, event.platform) {
            (Some(author), _) if author.is(account) => standing(subject.and_then(|subject| subject.association)),
            // GitLab names the author only where that is the actor.
            (Some(_), CiPlatform::GitHub) | (None, CiPlatform::GitLab) => vec![CiActor::Triage],
            _ => Vec::new(),
        },
        CiTrigger::WorkflowDispatch | CiTrigger::RepositoryDispatch => vec![CiActor::Write, CiActor::Triage],
        CiTrigger::WorkflowRunCompleted => {
            let of_writers = ["push", "pull_request", "schedule", "workflow_dispatch", "repository_dispatch"];
            let run = event.failed_run.as_ref();
            let proven = run.is_some_and(|run| run.is_same_repository && of_writers.contains(&run.event.as_str()));
            if proven { vec![CiActor::Write, CiActor::Triage] } else { Vec::new() }
        }
    }
}

/// Members and collaborators may have read permission only, so that these prove nothing else.
fn standing(association: Option<Association>) -> Vec<CiActor> {
    match association {
        Some(Association::Owner) => vec![CiActor::Owner, CiActor::Write, CiActor::Triage],
        Some(Association::Member) => vec![CiActor::Member],
        Some(Association::Collaborator) => vec![CiActor::Collaborator],
        Some(Association::Outsider) | None => Vec::new(),
    }
}

fn listed(actors: &[CiActor]) -> String {
    let words: Vec<String> = actors.iter().map(ToString::to_string).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
