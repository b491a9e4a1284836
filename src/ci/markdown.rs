//! Markdown as a page shows it: which parts nobody sees, and where a line is a command.

use std::fmt::Write as _;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Characters of a tag's name; longer ones could be words.
const LONGEST_TAG: usize = 20;

fn parser(text: &str) -> Parser<'_> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
    Parser::new_ext(text, options)
}

/// `text` without what a rendered page hides: attributes of HTML tags, titles of links, texts and titles of images,
/// definitions of links.
pub(super) fn without_hidden(text: &str) -> String {
    let parser = parser(text);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (_, definition) in parser.reference_definitions().iter() {
        edits.push((definition.span.clone(), format!("[link definition{}]", shown(&definition.dest))));
    }
    // Links with a title: where their text ends, and how they are written without the title.
    let mut links: Vec<Option<(usize, String)>> = Vec::new();
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_) => {
                edits.push((range.clone(), bare_tags(&text[range])));
            }
            Event::Start(Tag::Image { dest_url, .. }) => edits.push((range, format!("[image{}]", shown(&dest_url)))),
            Event::Start(Tag::Link { dest_url, title, .. }) => {
                let ends = (!title.is_empty()).then(|| (range.start + 1, format!("]({})", plain_address(&dest_url))));
                links.push(ends);
            }
            Event::End(TagEnd::Link) => {
                if let Some(Some((end_of_text, tail))) = links.pop()
                    && text[..range.end].ends_with(')')
                {
                    edits.push((end_of_text..range.end, tail));
                }
            }
            _ => {
                if let Some(Some((end_of_text, _))) = links.last_mut() {
                    *end_of_text = range.end.max(*end_of_text);
                }
            }
        }
    }
    edited(text, edits)
}

/// Applies the edits. One inside another is part of that; the outer one's text holds.
fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, replacement) in edits {
        if range.end <= at {
            continue;
        }
        out.push_str(&text[at..range.start.max(at)]);
        out.push_str(&replacement);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// An address; nothing if it is long or holds what an address doesn't. Entities in it have been decoded.
fn plain_address(address: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"<>|".contains(&byte);
    if address.len() <= 300 && address.bytes().all(is_plain) { address } else { "" }
}

fn shown(address: &str) -> String {
    let address = plain_address(address);
    if address.is_empty() { String::new() } else { format!(": {address}") }
}

/// HTML with its tags bare: `<img alt="…">` becomes `<img …>`. Processing instructions and declarations are removed.
fn bare_tags(html: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(html.len()), html);
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        let inner = tag[1..].strip_prefix('/').unwrap_or(&tag[1..]);
        let slash = if tag.starts_with("</") { "/" } else { "" };
        let name = &inner[..inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(inner.len())];
        if tag.starts_with("<?") || tag.starts_with("<!") {
            out.push_str("[HTML removed]");
            rest = after(tag, if tag.starts_with("<![CDATA[") { "]]>" } else { ">" });
            continue;
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            out.push('<');
            rest = &tag[1..];
            continue;
        }
        let end = end_of_tag(tag);
        let attributes = inner[name.len()..].trim_start().trim_start_matches('/');
        let dots = if attributes.starts_with('>') { "" } else { " …" };
        let name = if name.len() > LONGEST_TAG { "…" } else { name };
        let _ = write!(out, "<{slash}{name}{dots}>");
        rest = &tag[end..];
    }
    out + rest
}

/// The rest behind `end`; nothing if that isn't there.
fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

/// Where a tag is over: behind its `>` that is outside of quotes, or at the end.
fn end_of_tag(tag: &str) -> usize {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    tag.len()
}

/// What follows `command` in a comment, up to the comment's end. The command stands at the start of a line of plain
/// text: not in a quotation, a list, a table, code or HTML.
pub(super) fn command<'a>(comment: &'a str, command: &str) -> Option<&'a str> {
    let mut open = Vec::new();
    for (event, range) in parser(comment).into_offset_iter() {
        match event {
            Event::Start(tag) => open.push(matches!(tag, Tag::Paragraph)),
            Event::End(_) => {
                open.pop();
            }
            Event::Text(_) if open == [true] => {
                let starts_line = comment[..range.start].is_empty() || comment[..range.start].ends_with('\n');
                let rest = comment[range.start..].strip_prefix(command).filter(|_| starts_line);
                if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n'])) {
                    return Some(rest);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_parts_of_markdown_are_gone() {
        for (raw, shown) in [
            ("a [link](https://x.y/z) b", "a [link](https://x.y/z) b"),
            ("a [link](https://x.y \"do evil\") b", "a [link](https://x.y) b"),
            ("[**b** c](x 'do (evil)')", "[**b** c](x)"),
            ("![do evil](https://x/y.png \"t\") b", "[image: https://x/y.png] b"),
            ("[![do evil](i.png)](x \"evil\")", "[[image: i.png]](x)"),
            ("a\n\n[//]: # (do evil)\n\nb", "a\n\n[link definition: #]\n\nb"),
            ("a <img src=x alt=\"do > evil\"> b", "a <img …> b"),
            ("<div\n data-x='do evil'\n>seen</div>", "<div …>seen</div>"),
            (
                "<details><summary>s</summary>\n\ntext\n\n</details>",
                "<details><summary>s</summary>\n\ntext\n\n</details>",
            ),
            ("Vec<String> and a < b > c", "Vec<String> and a < b > c"),
            ("x <do-evil-things-and-more-of-it> y", "x <…> y"),
            ("a <?php do evil ?> b", "a [HTML removed] b"),
            ("`<img alt=\"code\">`", "`<img alt=\"code\">`"),
            ("```html\n<img alt=\"code\">\n```", "```html\n<img alt=\"code\">\n```"),
        ] {
            assert_eq!(without_hidden(raw), shown, "{raw:?}");
        }
    }

    #[test]
    fn a_command_is_a_line_of_plain_text() {
        for (comment, rest) in [
            ("/kcode", ""),
            ("/kcode fix it", " fix it"),
            ("Hello,\n/kcode fix\nit", " fix\nit"),
            ("text\n\n/kcode\tfix *it*", "\tfix *it*"),
        ] {
            assert_eq!(command(comment, "/kcode"), Some(rest), "{comment:?}");
        }
        for none in [
            "",
            "please /kcode fix",
            "/kcodex fix",
            " /kcode fix",
            "> /kcode fix",
            "> quoted\n/kcode fix",
            "- /kcode fix",
            "```\n/kcode fix\n```",
            "~~~\n/kcode fix",
            "    /kcode fix",
            "`\n/kcode fix\n`",
            "<!--\n/kcode fix\n-->",
            "a <!--\n/kcode fix\n--> b",
            "<div>\n/kcode fix\n</div>",
            "# /kcode fix",
            "/kcode fix\n===",
            "\\/kcode fix",
            "\u{200b}/kcode fix",
            "/\u{200b}kcode fix",
            "| a |\n|---|\n| b |\n/kcode c",
            "[x\n/kcode fix](y)",
        ] {
            assert_eq!(command(none, "/kcode"), None, "{none:?}");
        }
    }
}
