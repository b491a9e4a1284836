//! Every case of `fixtures/api/errors/`: what a refusing response means, by the pure function and over a socket.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use kcode::journal::Tokens;
use kcode::model::{Client, Conversation, Endpoint, Model, ModelError, Refusal, RequestOrigin, ToolChoice};
use serde::Deserialize;

use crate::support::kimi::{Answer, MockKimi};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    base_url: Option<String>,
    kind: String,
    class: String,
    outcome: String,
    error_type: Option<String>,
    message: String,
    request_id: Option<String>,
    retry_after_ms: Option<u64>,
    may_be_billed: bool,
    hint: Vec<String>,
}

struct Case {
    name: String,
    response: Vec<u8>,
    expected: Expected,
}

fn cases() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/api/errors");
    let mut cases: Vec<Case> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| Case {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            response: std::fs::read(path.join("response.http")).unwrap(),
            expected: serde_json::from_slice(&std::fs::read(path.join("expected.json")).unwrap()).unwrap(),
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(cases.len() > 50, "the fixtures are there");
    cases
}

/// Status, headers and body of a raw response.
fn parse(response: &[u8]) -> (u16, HeaderMap, &[u8]) {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&response[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    };
    (status, lines.map(header).collect(), &response[end + 4..])
}

fn check(case: &Case, error: &ModelError, base_url: &str) {
    let Case { name, expected, .. } = case;
    assert_eq!(format!("{:?}", error.kind), expected.kind, "{name}");
    assert_eq!(format!("{:?}", error.class()), expected.class, "{name}");
    assert_eq!(error.outcome().name(), expected.outcome, "{name}");
    assert_eq!(error.error_type, expected.error_type, "{name}");
    assert_eq!(error.message, expected.message, "{name}");
    assert_eq!(error.request_id, expected.request_id, "{name}");
    assert_eq!(error.may_be_billed, expected.may_be_billed, "{name}");
    let asked = RequestOrigin { key_variable: Some("MOONSHOT_API_KEY"), base_url, model: "kimi-k2.7-code" };
    let hint = error.hint(asked);
    assert!(!hint.is_empty(), "{name}");
    for phrase in &expected.hint {
        assert!(hint.contains(phrase), "{name}: `{phrase}` is not in `{hint}`");
    }
}

#[test]
fn each_response_means_what_its_case_says() {
    let now = httpdate::parse_http_date("Sat, 21 Nov 2026 12:00:00 GMT").unwrap();
    for case in cases() {
        let (status, headers, body) = parse(&case.response);
        let base_url = case.expected.base_url.as_deref().unwrap_or("https://api.moonshot.ai/v1");
        let url = format!("{base_url}/chat/completions");
        let error = Refusal { status, headers: &headers, body, url: &url, now }.judge();
        check(&case, &error, base_url);
        let expected = case.expected.retry_after_ms.map(Duration::from_millis);
        assert_eq!(error.retry_after, expected, "{}", case.name);
        assert_eq!(error.status, Some(status), "{}", case.name);
    }
}

#[test]
fn each_response_means_the_same_over_a_socket() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut conversation = Conversation::new(MockKimi::MODEL, None, "[]");
    conversation.push_user("Hello.");
    let request = conversation.request(Tokens(100), ToolChoice::Auto).unwrap();
    for case in cases() {
        let kimi = MockKimi::script([Answer::verbatim(&case.response)]);
        let path = case.expected.base_url.as_deref().and_then(|url| url.split_once("api.moonshot.ai"));
        let base_url = match path {
            Some((_, path)) => kimi.base_url().replace("/v1", path),
            None => kimi.base_url(),
        };
        let client = Client::new(&Endpoint::new(&base_url, Some(MockKimi::KEY.into()))).unwrap();
        let error = runtime.block_on(client.ask(&request, &mut |_| {})).unwrap_err();
        let named = case.expected.base_url.as_deref().unwrap_or("https://api.moonshot.ai/v1");
        check(&case, &error, named);
        assert_eq!(kimi.requests().len(), 1, "{}: nothing is retried inside", case.name);
    }
}

#[test]
fn a_headline_says_what_happened_with_status_type_and_request() {
    let headers: HeaderMap =
        [(HeaderName::from_static("x-request-id"), HeaderValue::from_static("req-8c1"))].into_iter().collect();
    let body = br#"{"error":{"message":"Invalid Authentication","type":"invalid_authentication_error"}}"#;
    let refusal = Refusal { status: 401, headers: &headers, body, url: "", now: SystemTime::UNIX_EPOCH };
    let headline = "the provider refused the key (401 invalid_authentication_error, request req-8c1)";
    assert_eq!(refusal.judge().headline(), headline);
    assert_eq!(refusal.judge().to_string(), headline);
}
