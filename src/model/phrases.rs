//! Finds phrases in a provider's message.
//!
//! Messages hold names of accounts, keys, projects and models, which may contain anything: `org-78cdtpd8`,
//! `proj-daily`. So phrases are matched as whole words, and a name counts as one word.

use std::time::Duration;

/// Whether `text` holds one of the phrases (in lower case), word by word.
pub(super) fn hold_any(text: &str, phrases: &[&str]) -> bool {
    let words = words(text);
    phrases.iter().any(|phrase| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).any(|window| window.iter().zip(&phrase).all(|(word, wanted)| word == wanted))
    })
}

/// The wait that `text` asks for: `try again after 7 seconds`, `retry in 1.5s`.
pub(super) fn wait(text: &str) -> Option<Duration> {
    let words = words(text);
    let again = words.iter().position(|word| matches!(&**word, "again" | "retry" | "retrying" | "wait"))?;
    let mut rest = words[again..].iter().map(String::as_str);
    rest.find(|word| matches!(*word, "after" | "in" | "for"))?;
    let (number, unit) = split_unit(rest.next()?);
    let unit = if unit.is_empty() { rest.next().unwrap_or("seconds") } else { unit };
    let seconds = match unit {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => 1.0,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

/// The words in lower case, without surrounding punctuation.
fn words(text: &str) -> Vec<String> {
    let is_around = |c: char| c.is_ascii_punctuation();
    let words = text.split_whitespace().map(|word| word.trim_matches(is_around).to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}

/// Splits `1.5s` into number and unit.
fn split_unit(word: &str) -> (&str, &str) {
    let end = word.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(word.len());
    word.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_as_whole_words_only() {
        for text in ["organization TPD rate limit", "your (tpd) is", "TPD: 5", "limit is <tpd>."] {
            assert!(hold_any(text, &["tpd"]), "{text}");
        }
        for text in ["org-78cdtpd8<ak-1> request", "project proj-tpd", "ak-tpd-1", "x_tpd", "tpd.example.org", ""] {
            assert!(!hold_any(text, &["tpd"]), "{text}");
        }
        assert!(hold_any("Usage  limit, reached", &["usage limit"]));
        assert!(!hold_any("usage of the limit", &["usage limit"]));
    }

    #[test]
    fn a_wait_is_found_in_its_forms() {
        let seconds = |text| wait(text).map(|wait| wait.as_secs_f64());
        for (text, expected) in [
            ("please try again after 1 seconds", Some(1.0)),
            ("Please retry after 2s.", Some(2.0)),
            ("try again in 1.5 seconds", Some(1.5)),
            ("try again in 20ms", Some(0.02)),
            ("please wait 3 seconds", None),
            ("please wait for 3 seconds", Some(3.0)),
            ("try again after 2 minutes", Some(120.0)),
            ("try again later", None),
            ("after 3 seconds it failed", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
