//! GitHub's REST API: <https://docs.github.com/en/rest/pulls/pulls>, <https://docs.github.com/en/rest/issues/comments>.

use http::Method;
use serde_json::{Value, json};

use super::PublishError;
use super::http::RestApi;
use super::platform::{ChangeRequest, NewRequest, Platform, Thread, ThreadComment};
use crate::workspace::BranchName;

/// The account of the token that Actions gives a job; that token may not ask who it is.
const ACTIONS: &str = "github-actions[bot]";

/// One repository.
pub(crate) struct GitHub {
    http: RestApi,
    /// `OWNER/NAME`.
    repository: String,
}

impl GitHub {
    /// The repository called `OWNER/NAME`.
    #[must_use]
    pub(crate) fn new(http: RestApi, repository: &str) -> Self {
        let http = http.with("accept", "application/vnd.github+json").with("x-github-api-version", "2022-11-28");
        Self { http, repository: repository.to_owned() }
    }

    fn path(&self, rest: &str) -> String {
        format!("repos/{}{rest}", self.repository)
    }

    fn requests(
        &mut self,
        query: &str,
        account: &str,
        mut goes_on: impl FnMut(&ChangeRequest) -> bool,
    ) -> Result<Vec<ChangeRequest>, PublishError> {
        let (path, repository) = (self.path(&format!("/pulls?{query}&per_page=100")), self.repository.clone());
        let mut found = Vec::new();
        self.http.list(&path, |item| {
            let request = read(item, &repository);
            let on = goes_on(&request);
            if on && request.author == account {
                found.push(request);
            }
            on
        })?;
        Ok(found)
    }
}

impl Platform for GitHub {
    fn account(&mut self) -> Result<String, PublishError> {
        match self.http.get("user") {
            Ok(user) => Ok(text(&user["login"])),
            Err(error) if error.status == Some(403) => Ok(ACTIONS.to_owned()),
            Err(error) => Err(error),
        }
    }

    fn default_branch(&mut self) -> Result<String, PublishError> {
        let path = self.path("");
        Ok(text(&self.http.get(&path)?["default_branch"]))
    }

    fn open_requests(&mut self, account: &str) -> Result<Vec<ChangeRequest>, PublishError> {
        self.requests("state=open&sort=created&direction=desc", account, |_| true)
    }

    fn requests_since(&mut self, account: &str, time: &str) -> Result<Vec<ChangeRequest>, PublishError> {
        self.requests("state=all&sort=created&direction=desc", account, |request| request.created_at.as_str() >= time)
    }

    fn open(&mut self, new: NewRequest<'_>) -> Result<ChangeRequest, PublishError> {
        let body = json!({
            "title": new.title,
            "head": new.branch.as_str(),
            "base": new.base.as_str(),
            "body": new.body,
            "draft": true,
            "maintainer_can_modify": false,
        });
        let path = self.path("/pulls");
        let made = self.http.send(&Method::POST, &path, Some(&body))?;
        Ok(read(&made, &self.repository))
    }

    fn rewrite(&mut self, number: u64, body: &str) -> Result<(), PublishError> {
        let path = self.path(&format!("/pulls/{number}"));
        self.http.send(&Method::PATCH, &path, Some(&json!({ "body": body }))).map(drop)
    }

    fn label(&mut self, number: u64, labels: &[&str]) -> Result<(), PublishError> {
        let path = self.path(&format!("/issues/{number}/labels"));
        self.http.send(&Method::POST, &path, Some(&json!({ "labels": labels }))).map(drop)
    }

    fn close(&mut self, number: u64) -> Result<(), PublishError> {
        let path = self.path(&format!("/pulls/{number}"));
        self.http.send(&Method::PATCH, &path, Some(&json!({ "state": "closed" }))).map(drop)
    }

    fn comments(&mut self, thread: Thread) -> Result<Vec<ThreadComment>, PublishError> {
        let path = self.path(&format!("/issues/{}/comments?per_page=100", thread.number));
        let mut found = Vec::new();
        self.http.list(&path, |item| {
            let id = item["id"].as_u64().unwrap_or_default();
            found.push(ThreadComment { id, body: text(&item["body"]), author: text(&item["user"]["login"]) });
            true
        })?;
        Ok(found)
    }

    fn comment(&mut self, thread: Thread, body: &str) -> Result<(), PublishError> {
        let path = self.path(&format!("/issues/{}/comments", thread.number));
        self.http.send(&Method::POST, &path, Some(&json!({ "body": body }))).map(drop)
    }

    fn rewrite_comment(&mut self, _: Thread, id: u64, body: &str) -> Result<(), PublishError> {
        let path = self.path(&format!("/issues/comments/{id}"));
        self.http.send(&Method::PATCH, &path, Some(&json!({ "body": body }))).map(drop)
    }

    fn calls(&self) -> &[String] {
        self.http.calls()
    }
}

fn read(item: &Value, repository: &str) -> ChangeRequest {
    let is_own = item["head"]["repo"]["full_name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(repository));
    let labels = item["labels"].as_array().into_iter().flatten().map(|label| text(&label["name"]));
    ChangeRequest {
        number: item["number"].as_u64().unwrap_or_default(),
        url: text(&item["html_url"]),
        body: text(&item["body"]),
        branch: item["head"]["ref"].as_str().filter(|_| is_own).and_then(BranchName::new),
        author: text(&item["user"]["login"]),
        labels: labels.collect(),
        created_at: text(&item["created_at"]),
        updated_at: text(&item["updated_at"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
