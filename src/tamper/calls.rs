//! Splits expressions: calls and their arguments, the sides of a comparison.

use super::pattern::Pattern;

static COMPARES: Pattern =
    Pattern::new(r"===|==|\bis\s+not\b|\bis\b|\bnot\s+in\b|\bin\b|!==|!=|<=|>=|[^=\-<]>[^>]|[^<]<[^<]");

pub(super) fn squeezed(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

/// Returns the left and right side of the comparison in an expression.
pub(super) fn sides(text: &str) -> (String, String) {
    match COMPARES.regex().and_then(|pattern| pattern.find(text)) {
        Some(found) => (squeezed(&text[..found.start()]), squeezed(&text[found.start()..])),
        None => (squeezed(text), String::new()),
    }
}

pub(super) fn last_word(head: &str) -> String {
    head.trim_end_matches(['!', ' ']).rsplit(['.', ':', '>']).next().unwrap_or_default().to_owned()
}

/// Returns the words of a chain up to its last call: `.not.toBe`, `.to.be.a`.
pub(super) fn chain_words(tail: &str) -> String {
    let mut words = String::new();
    let mut rest = tail;
    while let Some((head, _, behind)) = call(rest) {
        words.push_str(head);
        rest = behind.trim_start();
        if !rest.starts_with('.') {
            break;
        }
    }
    words
}

/// Returns the text before the first parenthesis, the arguments, and the text after its closing parenthesis.
pub(super) fn call(text: &str) -> Option<(&str, Vec<String>, &str)> {
    let open = text.find('(')?;
    let mut depth = 0_i64;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, character) in text.char_indices().skip_while(|(at, _)| *at < open) {
        if escaped {
            escaped = false;
        } else if let Some(open) = quote {
            escaped = character == '\\';
            quote = Some(open).filter(|open| *open != character);
        } else {
            match character {
                '"' | '\'' | '`' => quote = Some(character),
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some((&text[..open], split(&text[open + 1..at], ','), &text[at + 1..]));
            }
        }
    }
    None
}

/// Splits at each `separator` outside of brackets and strings.
pub(super) fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut current) = (Vec::new(), String::new());
    let (mut depth, mut quote, mut escaped) = (0_i64, None, false);
    for character in text.chars() {
        if escaped {
            escaped = false;
        } else if let Some(open) = quote {
            escaped = character == '\\';
            quote = Some(open).filter(|open| *open != character);
        } else {
            match character {
                '"' | '\'' | '`' => quote = Some(character),
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ if character == separator && depth == 0 => {
                    parts.push(std::mem::take(&mut current));
                    continue;
                }
                _ => {}
            }
        }
        current.push(character);
    }
    if !current.trim().is_empty() {
        parts.push(current);
    }
    parts
}
