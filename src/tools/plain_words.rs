//! How answers to the model quote texts and describe system errors. `{:?}` would show the model Rust types; clippy
//! refuses it in this module.

use std::io::{self, ErrorKind};

use rustix::io::Errno;

use super::text::{clip, visible};

/// Bytes after which a quoted text is cut.
const CAP: usize = 200;

/// `text` in double quotes, with escapes for invisible characters; a long one is cut and ends with `…`.
pub(super) fn quoted(text: &str) -> String {
    let shown = clip(text, CAP);
    format!("\"{}{}\"", visible(shown), if shown.len() < text.len() { "…" } else { "" })
}

/// Describes a system error without its number.
#[must_use]
pub fn in_words(error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::LOOP) => "its symbolic links form a loop".to_owned(),
        Some(Errno::NAMETOOLONG) => "its name is too long".to_owned(),
        Some(Errno::ROFS) => "it can only be read".to_owned(),
        _ => match error.kind() {
            ErrorKind::NotFound => "it is not there".to_owned(),
            ErrorKind::PermissionDenied => "permission is denied".to_owned(),
            ErrorKind::NotADirectory => "a part of its path is a file".to_owned(),
            _ => without_number(&error.to_string()),
        },
    }
}

/// Turns `No such device (os error 19)` into `no such device`.
pub(super) fn without_number(text: &str) -> String {
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    // An abbreviation keeps its case.
    let is_word = text.chars().nth(1).is_none_or(|second| !second.is_uppercase());
    match letters.next().filter(|_| is_word) {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_in_words() {
        let told = |errno: Errno| in_words(&io::Error::from(errno));
        assert_eq!(told(Errno::LOOP), "its symbolic links form a loop");
        assert_eq!(told(Errno::ACCESS), "permission is denied");
        assert_eq!(told(Errno::NODEV), "no such device");
        assert_eq!(without_number("IO failed (os error 5)"), "IO failed");
        for number in 1..134 {
            let text = in_words(&io::Error::from_raw_os_error(number));
            assert!(!text.is_empty() && !text.contains("os error"), "{number}: {text}");
        }
    }

    #[test]
    fn what_is_repeated_is_short_and_visible() {
        assert_eq!(quoted("a\u{1b}b"), "\"a\\u{1b}b\"");
        assert!(quoted(&"ä".repeat(10_000)).ends_with("ä…\"") && quoted(&"ä".repeat(10_000)).len() < 210);
    }
}
