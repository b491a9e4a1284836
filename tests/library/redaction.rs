//! Redaction: each case of `fixtures/redaction`, and the properties that hold for any text.

use std::fs;
use std::path::{Path, PathBuf};

use kcode::settings::{Environment, RedactedStream, Redactor, holds_marker};
use proptest::prelude::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/redaction")
}

/// Kind, text before the secret, secret, text behind it.
fn secrets() -> Vec<[String; 4]> {
    let text = fs::read_to_string(fixtures().join("secrets.txt")).unwrap().replace('·', "");
    let part = |line: &str| {
        let (kind, line) = line.split_once('\t').unwrap();
        let (before, rest) = line.split_once('⟦').unwrap();
        let (secret, after) = rest.split_once('⟧').unwrap();
        [kind, before, secret, after].map(str::to_owned)
    };
    text.lines().map(part).collect()
}

fn key_block(line_end: &str) -> String {
    let material: Vec<String> =
        (0..8_u32).map(|n| format!("MIIEvQ{n}BADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us{n}c")).collect();
    let name = ["PRIVATE", "KEY"].join(" ");
    format!("-----BEGIN {name}-----{line_end}{}{line_end}-----END {name}-----", material.join(line_end))
}

#[test]
fn each_secret_is_taken_out_and_nothing_beside_it() {
    let shapes = Redactor::shapes();
    let cases = secrets();
    assert!(cases.len() >= 50, "only {} cases were found", cases.len());
    for [kind, before, secret, after] in cases {
        let line = [before.as_str(), &secret, &after].concat();
        assert_eq!(shapes.text(&line), format!("{before}[redacted:{kind}]{after}"), "{line}");
    }
}

#[test]
fn what_only_looks_random_stays() {
    let mut count = 0;
    for entry in fs::read_dir(fixtures().join("stays")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for (line, clean) in text.lines().zip(Redactor::shapes().text(&text).lines()) {
            assert_eq!(line, clean);
        }
        count += 1;
    }
    assert!(count >= 10, "only {count} files were found");
}

#[test]
fn a_key_block_goes_line_by_line_however_its_lines_are_written() {
    let shapes = Redactor::shapes();
    for line_end in ["\n", "\r\n", "\\n", "\\\\n"] {
        let text = format!("before\n{}\nafter", key_block(line_end));
        let clean = shapes.text(&text);
        assert!(!clean.contains("MII") && clean.starts_with("before\n") && clean.ends_with("\nafter"), "{clean}");
        assert_eq!(clean.lines().count(), text.lines().count(), "{clean}");
    }
    let block = key_block("\n");
    let cut = shapes.text(&block[..block.len() / 2]).into_owned();
    assert!(!cut.contains("MII"), "{cut}");
}

fn known() -> Redactor {
    let variables = [
        ("MOONSHOT_API_KEY", "sk-not-of-any-shape"),
        ("DEPLOY_PASSWORD", "tulip garden 7"),
        ("PATH", "/usr/local/bin:/usr/bin"),
        ("LONG_TOKEN", "tulip garden 7 and more"),
    ];
    Redactor::of(&variables.into_iter().collect::<Environment>())
}

#[test]
fn known_values_are_taken_out_wherever_they_stand() {
    let known = known();
    let text = "xsk-not-of-any-shapex \"tulip garden 7\" tulip garden 7 and more /usr/local/bin:/usr/bin";
    let clean = "x[redacted:api-key]x \"[redacted:environment]\" [redacted:environment] /usr/local/bin:/usr/bin";
    assert_eq!(known.text(text), clean);
    assert_eq!(Redactor::shapes().text(text), text);
    assert!(!format!("{known:?}").contains("tulip"));
}

#[test]
fn a_known_value_that_a_tool_cut_off_is_taken_out_too() {
    assert_eq!(
        known().text("12\tpassword is tulip gar… (line cut)"),
        "12\tpassword is [redacted:environment]… (line cut)"
    );
    assert_eq!(known().text("a tulip…"), "a tulip…");
}

#[test]
fn markers_are_recognised() {
    assert!(holds_marker("x = '[redacted:api-key]'") && !holds_marker("x = '[redacted]'"));
}

/// Text that is made of secrets, pieces of them, markers and anything else.
fn text() -> impl Strategy<Value = String> {
    let secrets: Vec<String> = secrets()
        .into_iter()
        .flat_map(|[_, before, secret, after]| [[before, secret.clone(), after].concat(), secret])
        .collect();
    let others =
        ["tulip garden 7", "sk-not-of-any-shape", "[redacted:", "[redacted:api-key]", "\n", "\"", "token=", "…"];
    let part = prop_oneof![
        3 => prop::sample::select(secrets),
        2 => prop::sample::select(others.map(str::to_owned).to_vec()),
        1 => Just(key_block("\n")),
        2 => any::<String>(),
        2 => "[ -~]{0,40}",
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redacting_twice_changes_nothing_and_lines_stay(text in text()) {
        let known = known();
        let once = known.text(&text).into_owned();
        prop_assert_eq!(known.text(&once), once.as_str());
        prop_assert_eq!(once.matches('\n').count(), text.matches('\n').count());
        prop_assert!(!once.contains("tulip garden 7") && !once.contains("sk-not-of-any-shape"));
        // The broker goes over what the worker has redacted.
        let inner = Redactor::shapes().text(&text).into_owned();
        prop_assert_eq!(Redactor::shapes().text(&inner), inner.as_str());
    }

    #[test]
    fn a_stream_gives_what_the_whole_would(text in text(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).chain([0, text.len()]).collect();
        ends.sort_unstable();
        let mut stream = RedactedStream::new(known());
        let mut out = Vec::new();
        for pair in ends.windows(2) {
            out.extend(stream.push(&text.as_bytes()[pair[0]..pair[1]]));
        }
        out.extend(stream.finish());
        prop_assert_eq!(String::from_utf8_lossy(&out).into_owned(), known().text(&text).into_owned());
    }
}

#[test]
fn a_stream_without_lines_stays_small_and_keeps_tokens_whole() {
    let [_, _, secret, _] = secrets().remove(4);
    let line = format!("{}, {secret}, ", "word, ".repeat(200));
    let mut stream = RedactedStream::new(Redactor::shapes());
    let mut out = Vec::new();
    for chunk in line.repeat(300).as_bytes().chunks(1000) {
        out.extend(stream.push(chunk));
    }
    assert!(out.len() > 200_000, "it holds back too much");
    out.extend(stream.finish());
    let out = String::from_utf8(out).unwrap();
    assert!(!out.contains(&secret[..12]) && out.matches("[redacted:").count() == 300);
}

#[test]
fn a_line_of_words_alone_is_cut_beside_a_secret_wherever_it_lies() {
    let value = "Zq7vT2mXw9LpR4nKc8Jd3HsB";
    let known = || Redactor::of(&[("KCODE_API_KEY".to_owned(), value.to_owned())].into_iter().collect::<Environment>());
    // Nothing between them but what keys may hold themselves; at one offset or another each cut falls into one.
    for between in ["", " and ", "_", "x/y z", "password=\"hunter2hunter2\" "] {
        for offset in (0..value.len() + between.len()).step_by(9) {
            let line = format!(
                "{}{}",
                "a".repeat(offset),
                format!("{value}{between}").repeat(80_000 / (value.len() + between.len()))
            );
            let mut stream = RedactedStream::new(known());
            let mut out: Vec<u8> = line.as_bytes().chunks(9_001).flat_map(|chunk| stream.push(chunk)).collect();
            out.extend(stream.finish());
            assert_eq!(String::from_utf8(out).unwrap(), known().text(&line), "{offset} {between:?}");
        }
    }
}

#[test]
fn a_line_that_can_be_cut_nowhere_is_left_out_to_its_end() {
    let value = "v3-Zq7vT2mXw9LpR4nKc8Jd3HsB-".repeat(400);
    let known = Redactor::of(&[("KCODE_API_KEY".to_owned(), value.clone())].into_iter().collect::<Environment>());
    let mut stream = RedactedStream::new(known);
    let text = format!("{}\nafter\n", value.repeat(24));
    let mut out: Vec<u8> = text.as_bytes().chunks(300_000).flat_map(|chunk| stream.push(chunk)).collect();
    out.extend(stream.finish());
    let out = String::from_utf8(out).unwrap();
    assert!(!out.contains("Zq7vT2mXw9"), "{}", &out[..300.min(out.len())]);
    assert!(out.ends_with("\nafter\n"), "{}", out.len());
}
