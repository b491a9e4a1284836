//! Renders Markdown for a terminal: without markup, tables in columns, lines broken between words.

use console::{measure_text_width, style};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::text::break_line;

/// Columns between table columns.
const GAP: usize = 2;

/// Renders Markdown, which must be sanitised already, for standard output with `width` columns.
#[must_use]
pub(crate) fn markdown(text: &str, width: usize) -> String {
    let mut page = MarkdownPage { width, ..MarkdownPage::default() };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        page.take(event);
    }
    page.end_block();
    page.out.trim_end().to_owned() + "\n"
}

/// Output so far, and the block being collected.
#[derive(Default)]
struct MarkdownPage {
    out: String,
    width: usize,
    /// The current paragraph, heading, item or cell.
    block: String,
    strong: bool,
    heading: bool,
    /// Depth of nested quotations.
    quoted: usize,
    /// For each open list, the number of its next item; `None` for bullets.
    lists: Vec<Option<u64>>,
    item: Option<String>,
    code: bool,
    rows: Vec<Vec<String>>,
}

impl MarkdownPage {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => self.block.push_str(&text),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.words(&text),
            Event::Code(text) => self.block.push_str(&style(&*text).cyan().to_string()),
            // In a quotation, the author's line breaks are kept.
            Event::SoftBreak if self.quoted == 0 => self.block.push(' '),
            Event::SoftBreak | Event::HardBreak => self.block.push('\n'),
            Event::Rule => self.out.push('\n'),
            _ => {}
        }
    }

    fn words(&mut self, text: &str) {
        let styled = if self.strong || self.heading { style(text).bold().to_string() } else { text.to_owned() };
        self.block.push_str(&styled);
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => self.heading = *level <= HeadingLevel::H6,
            Tag::Strong => self.strong = true,
            Tag::BlockQuote(_) => {
                self.end_block();
                self.quoted += 1;
            }
            Tag::CodeBlock(_) => self.code = true,
            Tag::List(first) => {
                self.end_block();
                self.lists.push(*first);
            }
            Tag::Item => {
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.item = Some(mark);
            }
            Tag::TableRow | Tag::TableHead => self.rows.push(Vec::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.strong = false,
            TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::CodeBlock => {
                self.end_block();
                (self.heading, self.code) = (false, false);
                if self.lists.is_empty() {
                    self.gap();
                }
            }
            TagEnd::Item => self.end_block(),
            TagEnd::BlockQuote(_) => {
                self.end_block();
                // The gap after the last paragraph doesn't belong to the quotation.
                let gap = format!("\n{}\n", self.lead().trim_end());
                if self.out.ends_with(&gap) {
                    self.out.truncate(self.out.len() - gap.len() + 1);
                }
                self.quoted -= 1;
                self.gap();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.gap();
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.block);
                self.rows.last_mut().into_iter().for_each(|row| row.push(cell.clone()));
            }
            TagEnd::Table => self.end_table(),
            _ => {}
        }
    }

    /// Adds an empty line unless there is one.
    fn gap(&mut self) {
        let quote = self.lead();
        if !self.out.ends_with(&format!("\n{}\n", quote.trim_end())) {
            self.out = format!("{}{}\n", self.out, quote.trim_end());
        }
    }

    fn lead(&self) -> String {
        format!("{}{}", "  ".repeat(self.lists.len().saturating_sub(1)), "│ ".repeat(self.quoted))
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let (lead, item) = (self.lead(), self.item.take());
        if block.trim().is_empty() && item.is_none() {
            return;
        }
        let hang = " ".repeat(item.as_ref().map_or(0, String::len));
        let room = self.width.saturating_sub(measure_text_width(&lead) + hang.len());
        let broken = |line| if self.code { str::to_owned(line) } else { break_line(line, room, 0) };
        let lines = block.split('\n').map(broken).collect::<Vec<_>>().join("\n");
        for (index, line) in lines.trim_end().lines().enumerate() {
            let mark = if index == 0 { item.as_deref().unwrap_or_default() } else { &hang };
            self.out.push_str(format!("{lead}{mark}{line}").trim_end());
            self.out.push('\n');
        }
    }

    /// Makes columns as wide as their content and breaks the last one between words.
    fn end_table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let wide = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(wide).collect();
        let before: usize = widths.iter().take(columns.saturating_sub(1)).map(|width| width + GAP).sum();
        for row in rows.iter().filter(|row| row.iter().any(|cell| !cell.is_empty())) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths).take(columns - 1) {
                line = format!("{line}{cell}{}", " ".repeat(width - measure_text_width(cell) + GAP));
            }
            let last = row.get(columns - 1).map(String::as_str).unwrap_or_default();
            let last = break_line(last, self.width.saturating_sub(before), 0);
            let hang = format!("\n{}", " ".repeat(before));
            self.out.push_str(format!("{line}{}", last.replace('\n', &hang)).trim_end());
            self.out.push('\n');
        }
        self.gap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_gone_and_lines_fit() {
        let text = "# kcode run x: verified\n\n**Task**\n\n> the greeting\n> is `misspelt`, and this goes on for longer than \
                    the terminal is wide\n\n| File | Lines |\n|---|---|\n| `a.txt` | −1 +1 |\n\n- one\n- two\n\n```\nlet x = 1;\n```\n";
        let page = console::strip_ansi_codes(&markdown(text, 40)).into_owned();
        insta::assert_snapshot!(page, @r"
        kcode run x: verified

        Task

        │ the greeting
        │ is misspelt, and this goes on for
        │ longer than the terminal is wide

        File   Lines
        a.txt  −1 +1

        - one
        - two

        let x = 1;
        ");
    }
}
