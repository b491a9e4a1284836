//! A key that is written otherwise: each form is taken out, in one piece or in several, and nothing that only looks like one is.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kcode::settings::{Environment, RedactedStream, Redactor};

const KEY: &str = "sk-Zu8Kq2_vT5wX7rB3nM9c";

fn knowing(key: &str) -> Redactor {
    Redactor::of(&[("MOONSHOT_API_KEY", key)].into_iter().collect::<Environment>())
}

/// The key in every form, by name.
fn forms() -> Vec<(&'static str, String)> {
    let each = |write: fn(char) -> String| KEY.chars().map(write).collect::<String>();
    let base64 = STANDARD.encode(KEY);
    vec![
        ("base64", base64.clone()),
        ("base64 behind one byte", STANDARD.encode(format!(":{KEY}"))),
        ("base64 behind two bytes", STANDARD.encode(format!("u:{KEY}"))),
        ("base64 in an object", STANDARD.encode(format!("{{\"key\":\"{KEY}\",\"n\":12}}"))),
        ("base64 for URLs", URL_SAFE_NO_PAD.encode(KEY)),
        ("hex", each(|c| format!("{:02x}", u32::from(c)))),
        ("upper-case hex", each(|c| format!("{:02X}", u32::from(c)))),
        ("hex with colons", each(|c| format!("{:02x}:", u32::from(c)))),
        ("hex numbers", each(|c| format!("0x{:02x}, ", u32::from(c)))),
        ("decimal numbers", each(|c| format!("{}, ", u32::from(c)))),
        ("percent signs", each(|c| format!("%{:02X}", u32::from(c)))),
        ("escapes", each(|c| format!("\\x{:02x}", u32::from(c)))),
        ("Unicode escapes", each(|c| format!("\\u{:04x}", u32::from(c)))),
        ("entities", each(|c| format!("&#x{:x};", u32::from(c)))),
        ("upper case", KEY.to_uppercase()),
        ("lower case", KEY.to_lowercase()),
        ("zero-width spaces", each(|c| format!("{c}\u{200b}"))),
        ("soft hyphens", each(|c| format!("{c}\u{ad}"))),
        ("spaces", each(|c| format!("{c} "))),
        ("quoted characters", each(|c| format!("'{c}', "))),
        ("reversed", KEY.chars().rev().collect()),
        ("reversed base64", base64.chars().rev().collect()),
        ("full width", each(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap().to_string())),
    ]
}

#[test]
fn each_form_is_taken_out_and_what_stands_beside_it_stays() {
    let redactor = knowing(KEY);
    for (name, form) in forms() {
        let clean = redactor.text(&format!("before <{form}> behind\n")).into_owned();
        let core = form.trim_end_matches([',', ' ', ':', ';', '\'', '\u{200b}', '\u{ad}']);
        assert!(clean.contains("[redacted:api-key]") && !clean.contains(core), "{name}: {clean}");
        assert!(clean.starts_with("before <") && clean.ends_with("> behind\n"), "{name}: {clean}");
    }
}

#[test]
fn base64_that_is_broken_into_lines_is_taken_out() {
    for width in [4, 7, 16, 20] {
        let encoded = STANDARD.encode(format!("user name:{KEY}:and more"));
        let lines: Vec<_> =
            encoded.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let text = lines.join("\n");
        let clean = knowing(KEY).text(&text).into_owned();
        let whole = clean.replace('\n', "");
        assert!(whole.contains("[redacted:api-key]"), "{width}: {clean}");
        assert_eq!(clean.lines().count(), text.lines().count(), "line numbers go on meaning what they meant");
        let inner = STANDARD.encode(KEY);
        assert!(!whole.contains(&inner[4..16]), "{width}: {clean}");
    }
}

#[test]
fn a_form_that_comes_in_two_chunks_is_taken_out() {
    let redactor = knowing(KEY);
    for (name, form) in forms() {
        let text = format!("a line\nkey = {form}\nanother\n");
        let whole = redactor.bytes(text.as_bytes()).into_owned();
        for cut in 0..=text.len() {
            let mut stream = RedactedStream::new(redactor.clone());
            let mut out = stream.push(&text.as_bytes()[..cut]);
            out.extend(stream.push(&text.as_bytes()[cut..]));
            out.extend(stream.finish());
            assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole), "{name}, cut at {cut}");
        }
    }
}

#[test]
fn no_key_is_found_in_sources_that_do_not_hold_it() {
    // Of many lengths and alphabets; none of them stands in any file.
    let keys = [
        "sk-Hd3Rm8_yJ6tP1sV5kC0e".to_owned(),
        "4f1d2a9c77e05b3866aa01cd9e8f2b7d".to_owned(),
        format!("sk-{}", "q7Lw2Zx9Vb4N".repeat(4)),
        "A9K2M4P7Q1R8".to_owned(),
    ];
    let redactors: Vec<_> = keys.iter().map(|key| knowing(key)).collect();
    let mut count = 0;
    for file in ["src", "docs", "prompts", "tools"].iter().flat_map(|folder| files(&root().join(folder))) {
        let text = fs::read(&file).unwrap();
        // What has the shape of a secret is another matter.
        let shapes = Redactor::shapes().bytes(&text).into_owned();
        for redactor in &redactors {
            assert!(redactor.bytes(&text) == shapes, "{}", file.display());
        }
        count += 1;
    }
    assert!(count > 300, "only {count} files were found");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
