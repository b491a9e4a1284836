//! What passes, what stops, and when.

use futures_util::{FutureExt, StreamExt, stream};
use proptest::prelude::*;

use super::*;

/// Bytes to send after a pause; then the body ends.
fn tap(pieces: Vec<(Duration, Vec<u8>)>, idle: Duration) -> SseValidator {
    let body = stream::iter(pieces).then(|(pause, piece)| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await; // Even of nothing it takes a millisecond.
        }
        Ok(Bytes::from(piece))
    });
    SseValidator::new(body, Arc::new(Exchange::new(std::time::Instant::now())), idle)
}

/// What passed, and the error at the end.
fn run(pieces: Vec<(Duration, Vec<u8>)>, idle: Duration) -> (Vec<u8>, Option<ErrorKind>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut tap = tap(pieces, idle);
        let (mut passed, mut end) = (Vec::new(), None);
        while let Some(piece) = tap.next().await {
            match piece {
                Ok(piece) => passed.extend_from_slice(&piece),
                Err(error) => end = Some(error.kind),
            }
        }
        (passed, end)
    })
}

fn at_once<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Duration, Vec<u8>)> {
    pieces.into_iter().map(|piece| (Duration::ZERO, piece.to_vec())).collect()
}

/// Longer than any test lasts, but where it is the point.
const IDLE: Duration = Duration::from_mins(2);

#[test]
fn silence_ends_the_reply_and_any_byte_renews_the_patience() {
    let slow = |n: usize, pause: Duration| vec![(pause, b": keep-alive\n\n".to_vec()); n];
    let (pause, idle) = (Duration::from_millis(250), Duration::from_secs(1));
    assert_eq!(run(slow(5, pause), idle).1, None, "it lasts until the body ends");
    assert_eq!(run(slow(1, IDLE), pause), (Vec::new(), Some(ErrorKind::IdleTimeout)));
}

#[test]
fn what_the_parser_cannot_bear_does_not_reach_it() {
    let garbled = Some(ErrorKind::Garbled);
    assert_eq!(run(at_once([&b"data: \xff\xfe\n\n"[..]]), IDLE).1, garbled);
    let endless = vec![b'x'; MAX_LINE / 4];
    assert_eq!(run(at_once([&endless[..]; 5]), IDLE).1, garbled);
    let mut lines = endless;
    lines.push(b'\n');
    assert_eq!(run(at_once([&lines[..]; 5]), IDLE).1, None, "many lines are fine");
    let (passed, _) = run(at_once([&b"\xef"[..], b"\xbb", b"\xbf", b"data: 1\n\n"]), IDLE);
    assert_eq!(passed, [b"data: 1\n\n", DONE].concat());
}

#[test]
fn a_body_that_ends_with_done_gets_its_empty_line() {
    for done in ["data: [DONE]", "data:[DONE]\n", "data: [DONE]\r\n"] {
        let (passed, end) = run(at_once([done.as_bytes()]), IDLE);
        assert_eq!(passed, format!("{done}\n\n").as_bytes());
        assert_eq!(end, None);
    }
}

#[test]
fn a_body_that_ends_between_events_is_given_its_end() {
    for whole in ["data: {\"a\":1}\n\n", "data: {\"a\":1}\n", "data: {\"a\":1}", "data:1\r\n\r\n: ping", ""] {
        let (passed, end) = run(at_once([whole.as_bytes()]), IDLE);
        assert_eq!((passed, end), ([whole.as_bytes(), DONE].concat(), None), "{whole:?}");
    }
    for torn in ["data: {\"a\":1", "data: 1\n\ndat", "data: {\"a\":\"\u{e9}\"}\n\ndata: ", "data: [DON"] {
        let (passed, end) = run(at_once([torn.as_bytes()]), IDLE);
        assert_eq!((passed, end), (torn.as_bytes().to_vec(), Some(ErrorKind::CutStream)), "{torn:?}");
    }
    let (_, end) = run(at_once([&b"data: \"a\"\n\n\xc3"[..]]), IDLE);
    assert_eq!(end, Some(ErrorKind::CutStream), "half a character");
}

proptest! {
    #[test]
    fn bytes_pass_unchanged_wherever_they_are_split(text in "(data: .{0,20}\n\n){0,5}", size in 1usize..5, bom: bool) {
        let body = if bom { format!("\u{feff}{text}") } else { text.clone() };
        let (passed, _) = run(at_once(body.as_bytes().chunks(size)), IDLE);
        let text = text.strip_prefix('\u{feff}').filter(|_| !bom).unwrap_or(&text);
        prop_assert_eq!(passed, [text.as_bytes(), DONE].concat());
    }
}

#[test]
fn a_burst_passes_in_slices_of_whole_lines() {
    let burst = "data: {\"id\":\"b\"}\n\n".repeat(1_000) + "data: a line without an end";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let slices: Vec<Bytes> = runtime.block_on(async {
        tap(at_once([burst.as_bytes()]), IDLE).filter_map(async |slice| slice.ok()).collect().await
    });
    assert_eq!(slices.concat(), burst.as_bytes(), "what is torn at its end gets none");
    let (last, whole) = slices.split_last().unwrap();
    assert!(whole.iter().all(|slice| slice.ends_with(b"\n") && slice.len() < SLICE + 20), "{slices:?}");
    assert!(last.ends_with(b"an end"));
}

proptest! {
    #[test]
    fn any_bytes_pass_as_they_are_or_stop_wherever_they_are_split(
        text in proptest::collection::vec(prop_oneof![
            Just(b"data: {}\n\n".to_vec()), Just(b"data: [DONE]\n\n".to_vec()), Just(b": keep-alive\r\n".to_vec()),
            Just(BOM.to_vec()), Just("\u{e4}\u{1f600}".as_bytes().to_vec()), proptest::collection::vec(any::<u8>(), 0..4),
        ], 0..12),
        size in 1usize..9,
    ) {
        let text = text.concat();
        let (whole, ended) = run(at_once([text.as_slice()]), IDLE);
        let (pieces, ended_in_pieces) = run(at_once(text.chunks(size)), IDLE);
        let bare = text.strip_prefix(BOM).unwrap_or(&text);
        // As they came, or with the end that they lacked.
        let came = |bytes: Option<&[u8]>| bytes.is_some_and(|bytes| bare.starts_with(bytes));
        let passed = |bytes: &[u8]| {
            came(Some(bytes)) || came(bytes.strip_suffix(b"\n\n")) || came(bytes.strip_suffix(DONE))
        };
        prop_assert!(passed(&whole) && passed(&pieces));
        prop_assert_eq!(ended, ended_in_pieces);
        prop_assert!(std::str::from_utf8(&pieces).is_ok(), "no character is passed in halves at the end");
    }
}

#[test]
fn of_many_empty_lines_the_first_pass() {
    for end in ["\n", "\r\n", "\r"] {
        let body = format!("{}data: 1{end}{end}data: [DONE]{end}{end}", end.repeat(9));
        let (passed, error) = run(at_once([body.as_bytes(), end.repeat(3).as_bytes()]), IDLE);
        let passed = String::from_utf8(passed).unwrap();
        assert!(error.is_none() && passed.contains(&format!("data: 1{end}{end}data: [DONE]{end}{end}")), "{passed:?}");
        assert!(passed.matches(['\r', '\n']).count() <= 4 + 4 + 4 + DONE.len(), "{passed:?}");
    }
}

#[test]
fn others_have_turns_however_little_the_parser_makes_of_the_bytes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    for nothing in ["\n", ": x\n\n", "id: 1\n\n"] {
        let whole = nothing.repeat(4 * TURN_BYTES / nothing.len());
        let mut tap = tap(at_once([whole.as_bytes()]), IDLE);
        let (mut longest, mut since) = (0, 0);
        loop {
            match tap.next().now_or_never() {
                None => since = 0,
                Some(Some(Ok(piece))) => since += piece.len(),
                Some(end) => break assert!(end.is_none()),
            }
            longest = longest.max(since);
        }
        assert!(longest <= TURN_BYTES + 2 * SLICE, "{longest} bytes of {nothing:?}");
    }
}
