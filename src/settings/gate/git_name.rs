//! Recognises git's folder under any file system, by the same rules as git (`core.protectNTFS`, `protectHFS`).

use std::ffi::OsStr;

/// Returns true when some file system, mounted here or where a patch is applied, takes `name` for `.git`: in another
/// case, as NTFS's short name, with what NTFS drops at its end or takes for a separator, or with characters that HFS+
/// ignores.
#[must_use]
pub fn is_git_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    // Fast path for nearly every name.
    if !matches!(bytes.first(), Some(b'.' | b'g' | b'G' | 0xe2 | 0xef)) {
        return false;
    }
    let mut seen: String = name.to_string_lossy().chars().filter(|c| !is_ignored(*c)).collect();
    seen.truncate(seen.find([':', '\\']).unwrap_or(seen.len()));
    let seen = seen.trim_end_matches(['.', ' ']);
    seen.eq_ignore_ascii_case(".git") || seen.eq_ignore_ascii_case("git~1")
}

/// Characters that HFS+ ignores when it compares names.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_as_every_file_system_spells_it() {
        for name in [
            ".git",
            ".GIT",
            ".git ",
            ".git. .",
            "git~1",
            "GIT~1",
            ".git::$INDEX_ALLOCATION",
            ".git:x",
            ".git\\config",
            ".g\u{200c}it",
            "\u{200d}.gi\u{feff}t",
            "\u{feff}.git",
        ] {
            assert!(is_git_name(OsStr::new(name)), "{name:?}");
        }
        for name in [".gitignore", ".github", "git", "git~2", "x.git", ".gi t", ".g\u{e9}it", "", ".", "\u{200c}"] {
            assert!(!is_git_name(OsStr::new(name)), "{name:?}");
        }
    }
}
