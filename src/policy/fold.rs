//! Names as the most lenient file system takes them, so that a guarded name is known however it is spelt.

/// The path as it is compared: letters of one case, without characters that HFS+ ignores, without the dots and spaces
/// that NTFS drops at the end of a name, without its streams, and with `/` for `\`.
pub(super) fn folded(path: &str) -> String {
    let visible = path.chars().filter(|c| !crate::text::is_hidden(*c) && !is_ignored(*c));
    // Upper case first: some letters, such as the long s, have a common form only there.
    let cased: String = visible.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    let names = cased.split(['/', '\\']).map(|name| {
        let name = name.split(':').next().unwrap_or_default();
        // `.` and `..` are checked before; their dots are no end of a name.
        if name.chars().all(|c| c == '.') { name } else { name.trim_end_matches(['.', ' ']) }
    });
    names.collect::<Vec<_>>().join("/")
}

/// Characters without width that no terminal and no editor shows.
pub(super) fn is_ignored(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// True for a name in the form of NTFS's short names, such as `GITHUB~1`, which may stand for any other.
pub(super) fn is_short_name(name: &str) -> bool {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let Some((start, number)) = stem.rsplit_once('~') else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && !start.is_empty() && stem.len() <= 8 && extension.len() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_form() {
        for spelt in [
            ".GitHub/Workflows/x.yml",
            ".github./workflows /x.yml.",
            ".gith\u{200c}ub/workflows/x.yml",
            ".github\\workflows\\x.yml",
            ".github/workflow\u{17f}/x.yml::$DATA",
        ] {
            assert_eq!(folded(spelt), ".github/workflows/x.yml", "{spelt:?}");
        }
        assert_eq!(folded("a/..b/c d"), "a/..b/c d");
    }

    #[test]
    fn short_names_are_known() {
        assert!(is_short_name("github~1") && is_short_name("gi7eb5~1") && is_short_name("gitlab~1.yml"));
        assert!(
            !is_short_name("a~")
                && !is_short_name("~1")
                && !is_short_name("averylongname~1")
                && !is_short_name("x~1.html")
        );
    }
}
