//! GitLab's REST API: <https://docs.gitlab.com/api/merge_requests/>, <https://docs.gitlab.com/api/notes/>.

use http::Method;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::PublishError;
use super::http::RestApi;
use super::platform::{ChangeRequest, NewRequest, Platform, Thread, ThreadComment, ThreadKind};
use crate::workspace::BranchName;

/// One project.
pub(crate) struct GitLab {
    http: RestApi,
    /// The project's path, or its id.
    project: String,
}

impl GitLab {
    /// The project with this path (`group/name`) or id.
    #[must_use]
    pub(crate) fn new(http: RestApi, project: &str) -> Self {
        Self { http: http.with("accept", "application/json"), project: encoded(project) }
    }

    fn path(&self, rest: &str) -> String {
        format!("projects/{}{rest}", self.project)
    }

    fn requests(&mut self, query: &str, account: &str) -> Result<Vec<ChangeRequest>, PublishError> {
        let account_query = encoded(account);
        let path =
            self.path(&format!("/merge_requests?scope=all&author_username={account_query}&{query}&per_page=100"));
        let mut found = Vec::new();
        self.http.list(&path, |item| {
            found.push(read(item));
            true
        })?;
        found.retain(|request| request.author == account);
        Ok(found)
    }

    fn notes(&self, thread: Thread) -> String {
        let kind = match thread.kind {
            ThreadKind::Issue => "issues",
            ThreadKind::Request => "merge_requests",
        };
        self.path(&format!("/{kind}/{}/notes", thread.number))
    }

    fn change(&mut self, number: u64, change: &Value) -> Result<(), PublishError> {
        let path = self.path(&format!("/merge_requests/{number}"));
        self.http.send(&Method::PUT, &path, Some(change)).map(drop)
    }
}

impl Platform for GitLab {
    fn account(&mut self) -> Result<String, PublishError> {
        Ok(text(&self.http.get("user")?["username"]))
    }

    fn default_branch(&mut self) -> Result<String, PublishError> {
        let path = self.path("");
        Ok(text(&self.http.get(&path)?["default_branch"]))
    }

    fn open_requests(&mut self, account: &str) -> Result<Vec<ChangeRequest>, PublishError> {
        self.requests("state=opened", account)
    }

    fn requests_since(&mut self, account: &str, time: &str) -> Result<Vec<ChangeRequest>, PublishError> {
        self.requests(&format!("state=all&created_after={}", encoded(time)), account)
    }

    fn open(&mut self, new: NewRequest<'_>) -> Result<ChangeRequest, PublishError> {
        let body = json!({
            "title": format!("Draft: {}", new.title),
            "source_branch": new.branch.as_str(),
            "target_branch": new.base.as_str(),
            "description": new.body,
            "remove_source_branch": true,
        });
        let path = self.path("/merge_requests");
        Ok(read(&self.http.send(&Method::POST, &path, Some(&body))?))
    }

    fn rewrite(&mut self, number: u64, body: &str) -> Result<(), PublishError> {
        self.change(number, &json!({ "description": body }))
    }

    fn label(&mut self, number: u64, labels: &[&str]) -> Result<(), PublishError> {
        self.change(number, &json!({ "add_labels": labels.join(",") }))
    }

    fn close(&mut self, number: u64) -> Result<(), PublishError> {
        self.change(number, &json!({ "state_event": "close" }))
    }

    fn comments(&mut self, thread: Thread) -> Result<Vec<ThreadComment>, PublishError> {
        let path = format!("{}?per_page=100", self.notes(thread));
        let mut found = Vec::new();
        self.http.list(&path, |item| {
            let id = item["id"].as_u64().unwrap_or_default();
            found.push(ThreadComment { id, body: text(&item["body"]), author: text(&item["author"]["username"]) });
            true
        })?;
        Ok(found)
    }

    fn comment(&mut self, thread: Thread, body: &str) -> Result<(), PublishError> {
        let path = self.notes(thread);
        self.http.send(&Method::POST, &path, Some(&json!({ "body": body }))).map(drop)
    }

    fn rewrite_comment(&mut self, thread: Thread, id: u64, body: &str) -> Result<(), PublishError> {
        let path = format!("{}/{id}", self.notes(thread));
        self.http.send(&Method::PUT, &path, Some(&json!({ "body": body }))).map(drop)
    }

    fn calls(&self) -> &[String] {
        self.http.calls()
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn read(item: &Value) -> ChangeRequest {
    let is_own = item["source_project_id"].is_number() && item["source_project_id"] == item["target_project_id"];
    let labels = item["labels"].as_array().into_iter().flatten().map(text);
    ChangeRequest {
        number: item["iid"].as_u64().unwrap_or_default(),
        url: text(&item["web_url"]),
        body: text(&item["description"]),
        branch: item["source_branch"].as_str().filter(|_| is_own).and_then(BranchName::new),
        author: text(&item["author"]["username"]),
        labels: labels.collect(),
        created_at: text(&item["created_at"]),
        updated_at: text(&item["updated_at"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
