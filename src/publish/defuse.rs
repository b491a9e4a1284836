//! Text of models, tests and strangers before a platform shows it: what the platform would act on is broken.
//!
//! Mentions notify people; `#12`, `!12` and `fixes …` link and close issues; GitLab obeys lines that begin with `/`; images and links
//! carry data away when somebody looks; HTML hides. A space breaks each of them, and the words stay readable. What is
//! multi-line also goes into a fenced block, in which neither platform looks for any of these.

use crate::settings::Redactor;
use crate::text::{sanitise, sanitise_line};

/// `text` without secrets and control characters, cut to `most` characters, with everything active broken.
pub(super) fn defused(text: &str, redactor: &Redactor, most: usize) -> String {
    let clean = redactor.text(text).into_owned();
    let clean = sanitise(&clean).into_owned();
    let broken: String = clean.lines().map(|line| inert(line) + "\n").collect();
    cut(broken.trim_end(), most)
}

/// The same on one line, for titles and table cells.
pub(super) fn defused_line(text: &str, redactor: &Redactor, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean = redactor.text(&line).into_owned();
    let plain: String = sanitise_line(&clean).chars().filter(|c| !"`|*[]\\".contains(*c)).collect();
    cut(&inert(&plain), most)
}

/// A fenced block, whatever fences `text` holds.
pub(super) fn fenced(text: &str) -> String {
    let mut longest = 2;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

fn inert(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut out = String::with_capacity(line.len() + 8);
    for (at, c) in chars.iter().enumerate() {
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        let before = at.checked_sub(1).map_or(' ', |at| chars[at]);
        match c {
            // Quick actions of GitLab's stand at the beginning of a line.
            '/' if out.trim().is_empty() => out.push_str("- /"),
            '<' => out.push('‹'),
            '>' => out.push('›'),
            _ => out.push(*c),
        }
        let is_reference = match c {
            '@' | '~' => next.is_alphanumeric() || "_-\"".contains(next),
            '#' | '!' | '$' | '&' | '%' => next.is_ascii_alphanumeric() || "\"[".contains(next),
            '^' => next.is_ascii_alphanumeric(),
            // `https://`, and `GH-12`.
            ':' => next == '/',
            '-' => next.is_ascii_digit() && before.eq_ignore_ascii_case(&'h'),
            ']' => "([:".contains(next),
            _ => false,
        };
        if is_reference {
            out.push(' ');
        }
    }
    out.replace("www.", "www .").replace("WWW.", "WWW .")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_platform_acts_on_is_left() {
        for (hostile, harmless) in [
            ("hi @octocat", "hi @ octocat"),
            ("fixes #12, closes a/b#3", "fixes # 12, closes a/b# 3"),
            ("fixes https://github.com/a/b/issues/1", "fixes https: //github.com/a/b/issues/1"),
            ("closes GH-7", "closes GH- 7"),
            ("see !5 &6 %7 $8 ~bug", "see ! 5 & 6 % 7 $ 8 ~ bug"),
            ("![x](//evil/?q)", "! [x] (//evil/?q)"),
            ("<img src=x> <!-- kcode:publish -->", "‹img src=x› ‹!-- kcode:publish --›"),
            ("ok\n/merge\n  /approve", "ok\n- /merge\n  - /approve"),
            ("::set-output name=a::b", ": :set-output name=a::b"),
            ("www.evil.example", "www .evil.example"),
            ("a\u{202e}b\u{200b}@\u{200b}org", "ab@ org"),
        ] {
            assert_eq!(defused(hostile, &Redactor::shapes(), 500), harmless);
        }
        assert_eq!(defused_line("a\nb `c` | *d* [e](f)", &Redactor::shapes(), 40), "a b c  d e(f)");
        assert_eq!(defused_line("what max_length is", &Redactor::shapes(), 40), "what max_length is");
        assert_eq!(defused("aaaaaa", &Redactor::shapes(), 4), "aaa…");
    }

    #[test]
    fn a_fence_holds_what_is_in_it() {
        assert_eq!(fenced("a\n`````\nb"), "``````text\na\n`````\nb\n``````\n");
    }

    #[test]
    fn a_secret_is_gone_before_anything_is_broken() {
        let text = "key ghp_16C7e42F292c6912E7710c838347Ae178B4a";
        assert!(!defused(text, &Redactor::shapes(), 500).contains("16C7e42F"));
    }
}
