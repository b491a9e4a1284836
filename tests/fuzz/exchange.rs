//! What the provider sends instead of a reply, and the frames between the two processes.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue};
use kcode::model::Refusal;
use kcode::worker::protocol::{Decoder, FromWorker, ToWorker, encode, receive};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::damage::{cases, damaged, fixtures, pieces};

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

fn messages() -> Vec<ToWorker> {
    vec![
        ToWorker::Call { id: 1, name: "read_file".into(), arguments: r#"{"path":"ä\u0000"}"#.into() },
        ToWorker::RunTests { id: u64::MAX, command: None, filter: vec![String::new(), "tests::a b".into()] },
        ToWorker::Cancel,
        ToWorker::Stop,
    ]
}

fn frames() -> Vec<Vec<u8>> {
    let all: Vec<Vec<u8>> = messages().iter().map(|message| encode(message).unwrap()).collect();
    let failed = FromWorker::Failed { id: 3, reason: "gone".into(), disk: false };
    [vec![all.concat(), encode(&failed).unwrap()], all].concat()
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
        prop_assert!(!error.message.chars().any(|char| char.is_control()), "{:?}", error.message);
        prop_assert!(error.headline().lines().count() <= 1);
    }

    #[test]
    fn frames_say_the_same_however_they_are_cut(bytes in damaged(frames()), sizes in vec(1..50_usize, 1..6)) {
        let read = |pieces: Vec<&[u8]>| {
            let (mut decoder, mut seen) = (Decoder::default(), Vec::new());
            for piece in pieces {
                decoder.push(piece);
                loop {
                    match decoder.next_message::<ToWorker>() {
                        Ok(Some(message)) => seen.push(message),
                        Ok(None) => break,
                        // After a bad frame the connection is of no further use.
                        Err(error) => return (seen, Some(error.to_string())),
                    }
                }
            }
            (seen, None)
        };
        let whole = read(vec![&bytes]);
        prop_assert_eq!(&whole, &read(pieces(&bytes, &sizes)));
        let (mut rest, mut one_by_one) = (&bytes[..], Vec::new());
        while let Ok(message) = receive::<ToWorker>(&mut rest) {
            one_by_one.push(message);
        }
        prop_assert_eq!(whole.0, one_by_one);
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        while let Ok(Some(_)) = decoder.next_message::<FromWorker>() {}
    }
}
