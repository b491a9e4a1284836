//! What the terminal and the locale can show: symbols only in UTF-8 locales, escape codes only if the terminal
//! understands them.

use std::borrow::Cow;
use std::env;
use std::sync::LazyLock;

/// Our symbols in ASCII.
const SPELT: [(char, &str); 24] = [
    ('✓', "ok"),
    ('✗', "no"),
    ('│', "|"),
    ('┃', "|"),
    ('─', "-"),
    ('━', "-"),
    ('−', "-"),
    ('–', "-"),
    ('—', "--"),
    ('·', "-"),
    ('•', "*"),
    ('…', "..."),
    ('→', "->"),
    ('←', "<-"),
    ('↑', "^"),
    ('↓', "v"),
    ('≥', ">="),
    ('≤', "<="),
    ('×', "x"),
    ('’', "'"),
    ('‘', "'"),
    ('“', "\""),
    ('”', "\""),
    ('\u{a0}', " "),
];

static PLAIN: LazyLock<bool> = LazyLock::new(|| !is_utf8(|name| env::var(name).ok()));
static DUMB: LazyLock<bool> = LazyLock::new(|| is_dumb_name(env::var("TERM").ok().as_deref()));

/// Whether to show ASCII only, because the locale is not UTF-8 (`LANG=C`, `ru_UA.KOI8-U`) or not set.
#[must_use]
pub(crate) fn are_plain() -> bool {
    *PLAIN
}

/// Whether the terminal understands no escape codes: `TERM` is `dumb`, empty or unset.
#[must_use]
pub(crate) fn is_dumb() -> bool {
    *DUMB
}

/// Converts `text` for the locale: symbols are spelt in ASCII, other characters become `?`.
#[must_use]
pub(crate) fn spelt(text: &str) -> Cow<'_, str> {
    if are_plain() { in_ascii(text) } else { Cow::Borrowed(text) }
}

fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match SPELT.iter().find(|(symbol, _)| *symbol == char) {
            _ if char.is_ascii() => out.push(char),
            Some((_, plain)) => out.push_str(plain),
            None => out.push('?'),
        }
    }
    Cow::Owned(out)
}

/// As the C library decides: the first non-empty variable of the three counts.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    set.is_some_and(|locale| {
        let charset = locale.split('@').next().unwrap_or_default().rsplit('.').next().unwrap_or_default();
        charset.eq_ignore_ascii_case("UTF-8") || charset.eq_ignore_ascii_case("UTF8")
    })
}

fn is_dumb_name(term: Option<&str>) -> bool {
    matches!(term, None | Some("" | "dumb" | "unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let is = |set: &[(&str, &str)]| {
            is_utf8(|name| set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(is(&[("LANG", "C.UTF-8")]) && is(&[("LANG", "de_DE.utf8@euro")]) && is(&[("LC_CTYPE", "UTF-8")]));
        assert!(is(&[("LC_ALL", ""), ("LANG", "en_US.UTF-8")]));
        assert!(!is(&[]) && !is(&[("LANG", "C")]) && !is(&[("LANG", "POSIX")]) && !is(&[("LANG", "uk_UA.KOI8-U")]));
        assert!(!is(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]) && !is(&[("LANG", "en_US")]));
    }

    #[test]
    fn symbols_are_spelt_in_plain_letters() {
        assert_eq!(in_ascii("files ✓ · −1 +2 … größer\u{1b}[0m"), "files ok - -1 +2 ... gr??er\u{1b}[0m");
        assert!(SPELT.iter().all(|(_, plain)| plain.is_ascii()));
        assert!(is_dumb_name(None) && is_dumb_name(Some("")) && is_dumb_name(Some("dumb")));
        assert!(!is_dumb_name(Some("xterm-256color")) && !is_dumb_name(Some("vt100")));
    }
}
