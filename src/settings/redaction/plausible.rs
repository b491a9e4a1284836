//! Decides whether text with the shape of a secret is one: random, and no placeholder.

/// Words in examples.
const PLACEHOLDERS: [&str; 12] = [
    "example",
    "placeholder",
    "changeme",
    "your",
    "xxxx",
    "0000",
    "dummy",
    "fake",
    "sample",
    "redacted",
    "1234567890",
    "abcdefgh",
];
/// Passwords in URLs that protect nothing.
const USUAL_PASSWORDS: [&str; 22] = [
    "admin", "changeme", "dev", "docker", "example", "foo", "foobar", "guest", "minio", "mysql", "pass", "passwd",
    "password", "port", "postgres", "pw", "pwd", "root", "secret", "test", "token", "user",
];

/// Letters and digits mixed at random, without an example's words.
pub(super) fn is_random(text: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && entropy(text) >= 3.0 && !is_placeholder(text)
}

/// True for a secret after a name like `password`. Code and prose follow such names too, so the bar is higher.
pub(super) fn is_assigned_secret(value: &[u8], quoted: bool, next: Option<u8>) -> bool {
    if !quoted && (matches!(next, Some(b'(' | b'[' | b'{')) || is_code(value)) {
        return false;
    }
    entropy(value) >= 3.5 && changes(value) >= 3 && !is_uuid(value) && !is_placeholder(value)
}

/// True for a real password in `scheme://user:password@host`.
pub(super) fn is_real_password(password: &[u8], host: &[u8]) -> bool {
    let usual = USUAL_PASSWORDS.iter().any(|usual| password.eq_ignore_ascii_case(usual.as_bytes()));
    let filled_in = password.iter().any(|byte| b"${}<>*%".contains(byte));
    let first = password.first();
    let one_character = password.iter().all(|byte| Some(byte) == first);
    !usual && !filled_in && !one_character && !is_placeholder(password) && !is_placeholder(host)
}

/// True for a block that contains key material, not just the lines that begin and end one.
pub(super) fn is_key_block(block: &[u8]) -> bool {
    let material = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    block.split(|byte| !material(byte)).any(|run| run.len() >= 32 && entropy(run) >= 3.0)
}

/// Shannon entropy in bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let total = text.len() as f64;
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(share).map(|share| -share * share.log2()).sum()
}

/// How often a letter is next to a digit: rare in words and versions, frequent in random text.
fn changes(text: &[u8]) -> usize {
    let change = |pair: &&[u8]| {
        (pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic())
            || (pair[0].is_ascii_alphabetic() && pair[1].is_ascii_digit())
    };
    text.windows(2).filter(change).count()
}

fn is_placeholder(text: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(text).to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// True for a name in a program, such as `a.b.c`, `SOME_CONSTANT_2`, `some_name_2`.
fn is_code(value: &[u8]) -> bool {
    let upper = value.iter().any(u8::is_ascii_uppercase);
    let lower = value.iter().any(u8::is_ascii_lowercase);
    value.contains(&b'.') || (value.contains(&b'_') && upper != lower)
}

fn is_uuid(text: &[u8]) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = |(at, byte): (usize, &u8)| if dash(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() };
    text.len() == 36 && text.iter().enumerate().all(fits)
}
