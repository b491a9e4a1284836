//! GitHub: <https://docs.github.com/en/rest>.

use serde_json::{Value, json};

use super::{Answer, Call, Forge, State, is_number};

pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    if call.header("user-agent").is_empty() {
        return error(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        );
    }
    if call.header("accept") != "application/vnd.github+json" || call.header("x-github-api-version") != "2022-11-28" {
        return error(415, "Unsupported 'Accept' header, or no version of the API");
    }
    if call.header("authorization") != format!("Bearer {}", Forge::TOKEN) {
        return error(401, "Bad credentials");
    }
    let path = call.path().to_owned();
    if path == "/user" {
        return error(403, "Resource not accessible by integration");
    }
    let Some(rest) = path.strip_prefix(&format!("/repos/{}", Forge::REPOSITORY)) else {
        return error(404, "Not Found");
    };
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", []) => Answer::json(200, json!({ "default_branch": "main" })),
        ("GET", ["pulls"]) => {
            let all = call.query("state").as_deref() == Some("all");
            let mut found: Vec<Value> =
                state.requests.iter().filter(|it| all || it["state"] == "open").cloned().collect();
            found.reverse();
            state.paged(call, found)
        }
        ("POST", ["pulls"]) => open(state, call),
        ("PATCH", ["pulls", number]) => {
            let Some(found) = state.requests.iter_mut().find(|it| is_number(&it["number"], number)) else {
                return error(404, "Not Found");
            };
            for (name, value) in call.body.as_object().unwrap() {
                assert!(["title", "body", "state", "base"].contains(&name.as_str()), "{name}");
                found[name] = value.clone();
            }
            Answer::json(200, found.clone())
        }
        ("POST", ["issues", number, "labels"]) => {
            let labels: Vec<Value> =
                call.body["labels"].as_array().unwrap().iter().map(|name| json!({ "name": name })).collect();
            let Some(found) = state.requests.iter_mut().find(|it| is_number(&it["number"], number)) else {
                return error(404, "Not Found");
            };
            found["labels"] = Value::Array(labels.clone());
            Answer::json(200, Value::Array(labels))
        }
        ("GET", ["issues", number, "comments"]) => {
            let comments = state.comments.get(&number.parse().unwrap()).cloned().unwrap_or_default();
            state.paged(call, comments)
        }
        ("POST", ["issues", number, "comments"]) => {
            let made = json!({ "id": state.id(), "body": call.body["body"], "user": { "login": state.account } });
            state.comments.entry(number.parse().unwrap()).or_default().push(made.clone());
            Answer::json(201, made)
        }
        ("PATCH", ["issues", "comments", id]) => {
            let found = state.comments.values_mut().flatten().find(|it| is_number(&it["id"], id));
            let Some(found) = found else { return error(404, "Not Found") };
            found["body"] = call.body["body"].clone();
            Answer::json(200, found.clone())
        }
        _ => error(404, "Not Found"),
    }
}

fn open(state: &mut State, call: &Call) -> Answer {
    let invalid = |why: Value| {
        let url = "https://docs.github.com/rest/pulls/pulls#create-a-pull-request";
        let body =
            json!({ "message": "Validation Failed", "errors": [why], "documentation_url": url, "status": "422" });
        Answer::json(422, body)
    };
    for field in ["title", "head", "base"] {
        if call.body[field].as_str().is_none_or(str::is_empty) {
            return invalid(json!({ "resource": "PullRequest", "code": "missing_field", "field": field }));
        }
    }
    if call.body["body"].as_str().is_some_and(|body| body.chars().count() > 65_536) {
        return invalid(json!({ "message": "body is too long (maximum is 65536 characters)" }));
    }
    let head = &call.body["head"];
    if state.requests.iter().any(|it| it["state"] == "open" && it["head"]["ref"] == *head) {
        let message = format!("A pull request already exists for octo:{}.", head.as_str().unwrap());
        return invalid(json!({ "resource": "PullRequest", "code": "custom", "message": message }));
    }
    let number = state.id() + 100;
    let made = json!({
        "number": number,
        "state": "open",
        "draft": call.body["draft"],
        "title": call.body["title"],
        "body": call.body["body"],
        "html_url": format!("https://github.com/{}/pull/{number}", Forge::REPOSITORY),
        "user": { "login": state.account },
        "labels": [],
        "head": { "ref": head, "repo": { "full_name": Forge::REPOSITORY } },
        "base": { "ref": call.body["base"] },
        "created_at": "2099-01-01T00:00:00Z",
        "updated_at": "2099-01-01T00:00:00Z",
    });
    state.requests.push(made.clone());
    Answer::json(201, made)
}

fn error(status: u16, message: &str) -> Answer {
    let url = "https://docs.github.com/rest";
    Answer::json(status, json!({ "message": message, "documentation_url": url, "status": status.to_string() }))
}
