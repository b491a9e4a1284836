//! GitLab's payloads, as <https://docs.gitlab.com/user/project/integrations/webhook_events/> describes them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::EventError;
use super::shape::{
    Account, CiEvent, CiPlatform, EventSubject, ProposedBranch, ReviewPlace, SubjectKind, WrittenComment, account,
    page, plain_name,
};
use crate::settings::CiTrigger;

#[derive(Deserialize)]
struct Payload {
    object_kind: String,
    user: Option<GitLabUser>,
    project: Project,
    object_attributes: Value,
    issue: Option<GitLabItem>,
    merge_request: Option<GitLabItem>,
    #[serde(default)]
    changes: Option<GitLabChanges>,
}

#[derive(Deserialize)]
struct GitLabUser {
    id: Option<u64>,
    username: String,
}

#[derive(Deserialize)]
struct Project {
    id: Option<u64>,
    path_with_namespace: String,
}

/// An issue or merge request.
#[derive(Deserialize)]
struct GitLabItem {
    iid: u64,
    title: String,
    description: Option<String>,
    url: Option<String>,
    author_id: Option<u64>,
    #[serde(default)]
    confidential: Option<bool>,
    updated_at: Option<String>,
    action: Option<String>,
    source_branch: Option<String>,
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    #[serde(rename = "note")]
    text: String,
    noteable_type: String,
    action: Option<String>,
    #[serde(default)]
    system: bool,
    internal: Option<bool>,
    confidential: Option<bool>,
    url: Option<String>,
    author_id: Option<u64>,
    created_at: Option<String>,
    updated_at: Option<String>,
    position: Option<Position>,
    st_diff: Option<OldDiff>,
}

#[derive(Deserialize)]
struct Position {
    new_path: Option<String>,
    old_path: Option<String>,
    new_line: Option<u64>,
    old_line: Option<u64>,
}

#[derive(Deserialize)]
struct OldDiff {
    diff: Option<String>,
}

#[derive(Default, Deserialize)]
struct GitLabChanges {
    labels: Option<GitLabChange<Vec<Label>>>,
}

#[derive(Deserialize)]
struct GitLabChange<T> {
    previous: Option<T>,
    current: Option<T>,
}

#[derive(Clone, Deserialize, PartialEq)]
struct Label {
    title: String,
}

pub(super) fn read(object: Map<String, Value>) -> Result<CiEvent, EventError> {
    let event = match object.get("object_kind").and_then(Value::as_str) {
        Some("issue" | "work_item") => "issue",
        Some("note") => "note",
        Some("merge_request") => "merge_request",
        _ => return Err(EventError::Unknown("its `object_kind` is none of issue, note, merge_request".to_owned())),
    };
    let shape = |problem: String| EventError::Shape { event, problem };
    let payload: Payload = serde_json::from_value(Value::Object(object)).map_err(|error| shape(error.to_string()))?;
    let Some(repository) = plain_name(&payload.project.path_with_namespace) else {
        return Err(shape("`project.path_with_namespace` is no project's name".to_owned()));
    };
    let attributes = payload.object_attributes.clone();
    let told = if event == "note" {
        let note: Note = serde_json::from_value(attributes).map_err(|error| shape(error.to_string()))?;
        payload.of_note(note)?
    } else {
        let item: GitLabItem = serde_json::from_value(attributes).map_err(|error| shape(error.to_string()))?;
        payload.of_item(item)
    };
    Ok(CiEvent { repository, ..told })
}

impl Payload {
    fn actor(&self) -> Option<Account> {
        self.user.as_ref().and_then(|user| account(&user.username, is_bot(&user.username)))
    }

    /// The author, who is known only if it is the one who acted: elsewhere the event has a number alone.
    fn author(&self, id: Option<u64>) -> Option<Account> {
        let user = self.user.as_ref()?;
        if user.id.is_some() && user.id == id { self.actor() } else { None }
    }

    fn event(&self, action: Option<&str>, trigger: Option<CiTrigger>) -> CiEvent {
        let action = action.and_then(plain_name);
        let kind = if self.object_kind == "work_item" { "issue" } else { &self.object_kind };
        CiEvent {
            platform: CiPlatform::GitLab,
            name: action.map_or_else(|| kind.to_owned(), |action| format!("{kind}.{action}")),
            trigger,
            repository: String::new(),
            actor: self.actor(),
            subject: None,
            comment: None,
            labels_added: Vec::new(),
            inputs: std::collections::BTreeMap::new(),
            failed_run: None,
            is_confidential: false,
        }
    }

    fn of_item(&self, item: GitLabItem) -> CiEvent {
        let labels = self.changes.as_ref().and_then(|changes| changes.labels.as_ref());
        let previous = labels.and_then(|change| change.previous.as_deref()).unwrap_or_default();
        let current = labels.and_then(|change| change.current.as_deref()).unwrap_or_default();
        let added = current.iter().filter(|label| !previous.contains(label)).map(|label| label.title.clone());
        let added: Vec<String> = added.collect();
        let is_pull_request = self.object_kind == "merge_request";
        // Everybody who may open an issue may give it labels at that moment, so only a later label is a permission.
        let trigger = match (item.action.as_deref(), is_pull_request) {
            (Some("open"), false) => Some(CiTrigger::IssueOpened),
            (Some("update"), false) if !added.is_empty() => Some(CiTrigger::IssueLabeled),
            (Some("update"), true) if !added.is_empty() => Some(CiTrigger::PullRequestLabeled),
            _ => None,
        };
        let labels_added = if item.action.as_deref() == Some("update") { added } else { Vec::new() };
        let event = self.event(item.action.as_deref(), trigger);
        let is_confidential = item.confidential == Some(true);
        CiEvent { is_confidential, subject: Some(self.subject(item, is_pull_request)), labels_added, ..event }
    }

    fn of_note(mut self, note: Note) -> Result<CiEvent, EventError> {
        let (item, is_pull_request) = match note.noteable_type.as_str() {
            "Issue" => (self.issue.take(), false),
            "MergeRequest" => (self.merge_request.take(), true),
            _ => return Err(EventError::Unknown("the comment is on no issue and no merge request".to_owned())),
        };
        let is_on_lines = note.position.is_some();
        let is_created = !note.system && note.action.as_deref().is_none_or(|action| action == "create");
        let is_edited = !note.system && note.action.as_deref() == Some("update");
        let trigger = match (is_created, is_edited, is_on_lines) {
            (true, _, true) => Some(CiTrigger::ReviewCommentCreated),
            (true, _, false) => Some(CiTrigger::CommentCreated),
            (_, true, true) => Some(CiTrigger::ReviewCommentEdited),
            (_, true, false) => Some(CiTrigger::CommentEdited),
            _ => None,
        };
        let event = self.event(note.action.as_deref(), trigger);
        let of_item = item.as_ref().and_then(|item| item.confidential);
        let is_confidential = [note.internal, note.confidential, of_item].contains(&Some(true));
        let comment = WrittenComment {
            id: note.id,
            url: note.url.as_deref().and_then(page),
            author: self.author(note.author_id),
            association: None,
            created_at: note.created_at,
            updated_at: note.updated_at,
            place: note.position.and_then(|position| position.place(note.st_diff)),
            app: None,
            body: note.text,
        };
        let subject = item.map(|item| self.subject(item, is_pull_request));
        Ok(CiEvent { subject, comment: Some(comment), is_confidential, ..event })
    }

    fn subject(&self, item: GitLabItem, is_pull_request: bool) -> EventSubject {
        let own = self.project.id.is_some() && item.target_project_id == self.project.id;
        let is_same_repository = own && item.source_project_id == item.target_project_id;
        EventSubject {
            kind: if is_pull_request { SubjectKind::PullRequest } else { SubjectKind::Issue },
            number: item.iid,
            url: item.url.as_deref().and_then(page),
            title: item.title,
            body: item.description.unwrap_or_default(),
            author: self.author(item.author_id),
            association: None,
            updated_at: item.updated_at,
            head: item.source_branch.map(|branch| ProposedBranch { is_same_repository, branch }),
        }
    }
}

impl Position {
    fn place(self, diff: Option<OldDiff>) -> Option<ReviewPlace> {
        let is_old_side = self.new_line.is_none() && self.old_line.is_some();
        let line = self.new_line.or(self.old_line);
        let path = if is_old_side { self.old_path } else { self.new_path }?;
        let hunk = diff.and_then(|diff| diff.diff).unwrap_or_default();
        Some(ReviewPlace { path, first: line, last: line, is_old_side, hunk })
    }
}

/// Accounts of tokens and of GitLab's own are called so.
/// <https://docs.gitlab.com/user/project/settings/project_access_tokens/#bot-users-for-projects>
fn is_bot(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_token = |prefix: &str| {
        let rest = name.strip_prefix(prefix).and_then(|rest| rest.split_once("_bot"));
        rest.is_some_and(|(id, _)| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let known = ["alert-bot", "support-bot", "ghost", "gitlab-bot", "gitlabduo", "duo-developer", "visual-review-bot"];
    let prefixes = ["service_account_", "gitlab-security-bot", "security-bot", "gitlab-admin-bot", "duo-"];
    of_token("project_")
        || of_token("group_")
        || known.contains(&name.as_str())
        || prefixes.iter().any(|prefix| name.starts_with(prefix))
}
