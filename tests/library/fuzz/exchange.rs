//! What the provider sends instead of a reply.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue};
use kcode::model::Refusal;
use proptest::prelude::*;

use super::damage::{cases, damaged, fixtures};

fn responses() -> Vec<Vec<u8>> {
    fixtures("api/errors", |name| name == "response.http")
}

/// A response as it would come: status, headers and body; what is no header is none.
fn response(bytes: &[u8]) -> (u16, HeaderMap, Vec<u8>) {
    let end =
        bytes.windows(2).position(|pair| pair == b"\n\n").or(bytes.windows(4).position(|four| four == b"\r\n\r\n"));
    let (head, body) = bytes.split_at(end.unwrap_or(0));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').find_map(|word| word.parse().ok())).unwrap_or(500);
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((HeaderName::try_from(name.trim()).ok()?, HeaderValue::try_from(value.trim()).ok()?))
    };
    (status, lines.filter_map(header).collect(), body.to_vec())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_refusal_is_one_short_line(bytes in damaged(responses())) {
        let (status, headers, body) = response(&bytes);
        let url = "https://api.example/v1/chat/completions";
        let refusal = Refusal { status, headers: &headers, body: &body, url, now: SystemTime::UNIX_EPOCH };
        let error = refusal.judge();
        prop_assert!(error.message.len() < 4096, "{} bytes", error.message.len());
        prop_assert!(!error.message.chars().any(char::is_control), "{:?}", error.message);
        prop_assert!(error.headline().lines().count() <= 1);
    }
}
