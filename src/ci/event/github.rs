//! GitHub's payloads, as <https://docs.github.com/en/webhooks/webhook-events-and-payloads> describes them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::EventError;
use super::shape::{
    Account, Association, CiEvent, CiPlatform, EventSubject, FailedRun, ProposedBranch, ReviewPlace, SubjectKind,
    WrittenComment, account, page, plain_name,
};
use crate::settings::CiTrigger;

#[derive(Deserialize)]
struct Payload {
    action: Option<String>,
    repository: GitHubRepository,
    sender: Option<GitHubUser>,
    issue: Option<GitHubItem>,
    pull_request: Option<GitHubItem>,
    comment: Option<Comment>,
    label: Option<Label>,
    workflow_run: Option<WorkflowRun>,
    #[serde(default)]
    inputs: Option<BTreeMap<String, Value>>,
    #[serde(default, rename = "client_payload")]
    sent_inputs: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct GitHubRepository {
    full_name: String,
}

#[derive(Deserialize)]
struct GitHubUser {
    login: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct GitHubItem {
    number: u64,
    title: String,
    body: Option<String>,
    user: Option<GitHubUser>,
    author_association: Option<String>,
    html_url: Option<String>,
    updated_at: Option<String>,
    /// In an issue: there if it is a pull request.
    pull_request: Option<Value>,
    head: Option<Branch>,
    base: Option<Branch>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(rename = "ref")]
    name: String,
    /// `None` if the repository was deleted.
    repo: Option<GitHubRepository>,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
    user: Option<GitHubUser>,
    author_association: Option<String>,
    html_url: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
    performed_via_github_app: Option<App>,
    path: Option<String>,
    line: Option<u64>,
    original_line: Option<u64>,
    start_line: Option<u64>,
    original_start_line: Option<u64>,
    side: Option<String>,
    diff_hunk: Option<String>,
}

#[derive(Deserialize)]
struct App {
    slug: Option<String>,
}

#[derive(Deserialize)]
struct WorkflowRun {
    id: u64,
    name: Option<String>,
    html_url: Option<String>,
    conclusion: Option<String>,
    event: String,
    head_branch: Option<String>,
    head_repository: Option<GitHubRepository>,
    actor: Option<GitHubUser>,
    triggering_actor: Option<GitHubUser>,
}

pub(super) fn read(object: Map<String, Value>) -> Result<CiEvent, EventError> {
    let event = kind(&object)?;
    let shape = |problem: String| EventError::Shape { event, problem };
    let payload: Payload = serde_json::from_value(Value::Object(object)).map_err(|error| shape(error.to_string()))?;
    let Some(repository) = plain_name(&payload.repository.full_name) else {
        return Err(shape("`repository.full_name` is no repository's name".to_owned()));
    };
    // A repository_dispatch event's action is a name that its sender chose.
    let action = payload.action.as_deref().filter(|_| event != "repository_dispatch").and_then(plain_name);
    let name = action.map_or_else(|| event.to_owned(), |action| format!("{event}.{action}"));
    let item = match event {
        "pull_request" | "pull_request_review_comment" => payload.pull_request,
        _ => payload.issue,
    };
    let inputs = if event == "workflow_dispatch" { payload.inputs } else { payload.sent_inputs };
    let inputs = inputs.unwrap_or_default().into_iter();
    let added = payload.label.filter(|_| name.ends_with(".labeled"));
    Ok(CiEvent {
        platform: CiPlatform::GitHub,
        trigger: CiTrigger::ALL.into_iter().find(|trigger| trigger.name() == name),
        actor: payload.sender.as_ref().and_then(GitHubUser::account),
        subject: item.map(|item| item.subject(event, &repository)),
        comment: payload.comment.map(Comment::written),
        labels_added: added.into_iter().map(|label| label.name).collect(),
        inputs: inputs.filter_map(|(name, value)| value.as_str().map(|text| (name, text.to_owned()))).collect(),
        failed_run: payload.workflow_run.filter(|_| event == "workflow_run").map(|run| run.ended(&repository)),
        is_confidential: false,
        repository,
        name,
    })
}

/// Which event it is; the file doesn't say, so its parts tell.
fn kind(object: &Map<String, Value>) -> Result<&'static str, EventError> {
    let has = |key: &str| object.get(key).is_some_and(Value::is_object);
    let unknown = |why: &str| Err(EventError::Unknown(why.to_owned()));
    if !has("repository") {
        return unknown("it has no `repository`");
    }
    let known = match (has("issue"), has("pull_request"), has("comment")) {
        (true, false, true) => "issue_comment",
        (true, false, false) => "issues",
        (false, true, true) if has_text(object, "comment", "path") => "pull_request_review_comment",
        (false, true, false) if !has("review") && !has("thread") => "pull_request",
        (false, false, false) if has("workflow_run") => "workflow_run",
        (false, false, false) if object.contains_key("client_payload") => "repository_dispatch",
        (false, false, false) if object.contains_key("inputs") && has_text(object, "", "workflow") => {
            "workflow_dispatch"
        }
        _ => return unknown("its parts belong to none of them"),
    };
    Ok(known)
}

fn has_text(object: &Map<String, Value>, part: &str, key: &str) -> bool {
    let part = if part.is_empty() { Some(object) } else { object.get(part).and_then(Value::as_object) };
    part.and_then(|part| part.get(key)).is_some_and(Value::is_string)
}

impl GitHubUser {
    fn account(&self) -> Option<Account> {
        let is_person = self.kind.as_deref() == Some("User");
        account(&self.login, !is_person)
    }
}

impl GitHubItem {
    fn subject(self, event: &str, repository: &str) -> EventSubject {
        let is_pull_request =
            event.starts_with("pull_request") || self.pull_request.is_some_and(|part| !part.is_null());
        let same = |branch: &Branch| {
            let name = branch.repo.as_ref().map(|repository| repository.full_name.as_str());
            name.is_some_and(|name| name.eq_ignore_ascii_case(repository))
        };
        let base_is_own = self.base.as_ref().is_some_and(same);
        EventSubject {
            kind: if is_pull_request { SubjectKind::PullRequest } else { SubjectKind::Issue },
            number: self.number,
            url: self.html_url.as_deref().and_then(page),
            title: self.title,
            body: self.body.unwrap_or_default(),
            author: self.user.as_ref().and_then(GitHubUser::account),
            association: self.author_association.as_deref().map(association),
            updated_at: self.updated_at,
            head: self
                .head
                .map(|head| ProposedBranch { is_same_repository: base_is_own && same(&head), branch: head.name }),
        }
    }
}

impl Comment {
    fn written(self) -> WrittenComment {
        let last = self.line.or(self.original_line);
        let first = self.start_line.or(self.original_start_line.filter(|_| self.line.is_none())).or(last);
        let hunk = self.diff_hunk.unwrap_or_default();
        let is_old_side = self.side.as_deref() == Some("LEFT");
        WrittenComment {
            id: self.id,
            url: self.html_url.as_deref().and_then(page),
            body: self.body.unwrap_or_default(),
            author: self.user.as_ref().and_then(GitHubUser::account),
            association: self.author_association.as_deref().map(association),
            created_at: self.created_at,
            updated_at: self.updated_at,
            place: self.path.map(|path| ReviewPlace { path, first, last, is_old_side, hunk }),
            app: self.performed_via_github_app.map(|app| app.slug.as_deref().and_then(plain_name).unwrap_or_default()),
        }
    }
}

impl WorkflowRun {
    fn ended(self, repository: &str) -> FailedRun {
        let head = self.head_repository.as_ref().map(|repository| repository.full_name.as_str());
        // Somebody else may have started it again.
        let actor = self.triggering_actor.as_ref().or(self.actor.as_ref());
        FailedRun {
            id: self.id,
            url: self.html_url.as_deref().and_then(page),
            workflow: self.name.unwrap_or_default(),
            conclusion: self.conclusion.unwrap_or_default(),
            event: self.event,
            branch: self.head_branch.unwrap_or_default(),
            is_same_repository: head.is_some_and(|head| head.eq_ignore_ascii_case(repository)),
            actor: actor.and_then(GitHubUser::account),
        }
    }
}

fn association(word: &str) -> Association {
    match word {
        "OWNER" => Association::Owner,
        "MEMBER" => Association::Member,
        "COLLABORATOR" => Association::Collaborator,
        _ => Association::Outsider,
    }
}
