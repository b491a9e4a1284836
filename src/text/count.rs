//! Counts with their noun, for messages.

/// Formats `count` with `thing`, whose plural takes an `s`: `1 file`, `2 files`.
#[must_use]
pub fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
