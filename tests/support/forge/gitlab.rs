//! GitLab: <https://docs.gitlab.com/api/rest/>.

use serde_json::{Value, json};

use super::{Answer, Call, Forge, State, is_number};

pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    if call.header("private-token") != Forge::TOKEN {
        return Answer::json(401, json!({ "message": "401 Unauthorized" }));
    }
    let path = call.path().to_owned();
    if path == "/api/v4/user" {
        return Answer::json(200, json!({ "username": state.account }));
    }
    let project = Forge::REPOSITORY.replace('/', "%2F");
    let Some(rest) = path.strip_prefix(&format!("/api/v4/projects/{project}")) else {
        return Answer::json(404, json!({ "message": "404 Project Not Found" }));
    };
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", []) => Answer::json(200, json!({ "default_branch": "main" })),
        ("GET", ["merge_requests"]) => {
            let opened = call.query("state").as_deref() == Some("opened");
            let author = call.query("author_username");
            let found = state.requests.iter().filter(|it| !opened || it["state"] == "opened");
            let found = found.filter(|it| author.as_deref().is_none_or(|name| it["author"]["username"] == name));
            let found = found.rev().cloned().collect();
            state.paged(call, found)
        }
        ("POST", ["merge_requests"]) => open(state, call),
        ("PUT", ["merge_requests", number]) => {
            let Some(found) = state.requests.iter_mut().find(|it| is_number(&it["iid"], number)) else {
                return Answer::json(404, json!({ "message": "404 Not found" }));
            };
            if let Some(text) = call.body.get("description") {
                found["description"] = text.clone();
            }
            if let Some(labels) = call.body["add_labels"].as_str() {
                found["labels"] = labels.split(',').collect();
            }
            if call.body["state_event"] == "close" {
                found["state"] = json!("closed");
            }
            Answer::json(200, found.clone())
        }
        ("GET", ["issues" | "merge_requests", number, "notes"]) => {
            let notes = state.comments.get(&number.parse().unwrap()).cloned().unwrap_or_default();
            state.paged(call, notes)
        }
        ("POST", ["issues" | "merge_requests", number, "notes"]) => {
            let made = json!({ "id": state.id(), "body": call.body["body"], "author": { "username": state.account } });
            state.comments.entry(number.parse().unwrap()).or_default().push(made.clone());
            Answer::json(201, made)
        }
        ("PUT", ["issues" | "merge_requests", number, "notes", id]) => {
            let notes = state.comments.entry(number.parse().unwrap()).or_default();
            let Some(found) = notes.iter_mut().find(|it| is_number(&it["id"], id)) else {
                return Answer::json(404, json!({ "message": "404 Not found" }));
            };
            found["body"] = call.body["body"].clone();
            Answer::json(200, found.clone())
        }
        _ => Answer::json(404, json!({ "error": "404 Not Found" })),
    }
}

fn open(state: &mut State, call: &Call) -> Answer {
    for field in ["title", "source_branch", "target_branch"] {
        if call.body[field].as_str().is_none_or(str::is_empty) {
            return Answer::json(400, json!({ "error": format!("{field} is missing") }));
        }
    }
    let branch = &call.body["source_branch"];
    if state.requests.iter().any(|it| it["state"] == "opened" && it["source_branch"] == *branch) {
        return Answer::json(
            409,
            json!({ "message": ["Another open merge request already exists for this source branch: !1"] }),
        );
    }
    let number = state.id() + 100;
    let draft = call.body["title"].as_str().is_some_and(|title| title.starts_with("Draft: "));
    let made = json!({
        "iid": number,
        "state": "opened",
        "draft": draft,
        "title": call.body["title"],
        "description": call.body["description"],
        "web_url": format!("https://gitlab.com/{}/-/merge_requests/{number}", Forge::REPOSITORY),
        "author": { "username": state.account },
        "labels": Value::Array(Vec::new()),
        "source_branch": branch,
        "target_branch": call.body["target_branch"],
        "source_project_id": 7,
        "target_project_id": 7,
        "created_at": "2099-01-01T00:00:00.000Z",
        "updated_at": "2099-01-01T00:00:00.000Z",
    });
    state.requests.push(made.clone());
    Answer::json(201, made)
}
