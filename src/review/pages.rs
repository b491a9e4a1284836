//! Renders the screen: title bar, page, message, and the keys of this page.

use super::diff;
use super::hunk::{HunkDecided, ReviewedHunk};
use super::keys::LETTERS;
use super::row::{DiffRow, Screen, Tone, columns, fitted, span, worded};
use super::session::{Review, ReviewPage};
use crate::text::counted;

/// Rows of the title bar and the keys.
const FRAME: usize = 2;
const MOST_SAID: usize = 3;

impl Review {
    /// Renders the whole screen.
    #[must_use]
    pub(crate) fn screen(&self) -> Screen {
        let (body, height, width) = (self.body(), self.body_height(), self.size.columns);
        let below = body.len().saturating_sub(self.scroll + height);
        let mut rows = vec![fitted(&[span(self.title(), Tone::Bar)], width, Tone::Bar)];
        rows.extend(body.into_iter().skip(self.scroll).take(height));
        rows.resize(height + 1, DiffRow::new());
        rows.extend(self.note(below));
        rows.push(fitted(&[span(keys_within(self.keys(), width), Tone::Bar)], width, Tone::Bar));
        Screen { rows }
    }

    /// Number of the page's rows that are visible at once.
    pub(super) fn body_height(&self) -> usize {
        self.size.rows.saturating_sub(FRAME + self.note(0).len()).max(1)
    }

    pub(super) fn last_scroll(&self) -> usize {
        self.body().len().saturating_sub(self.body_height())
    }

    /// All rows of the page.
    #[must_use]
    pub(crate) fn body(&self) -> Vec<DiffRow> {
        match self.page {
            ReviewPage::Files => self.files_page(),
            ReviewPage::Hunk => self.hunk_rows(&self.hunks[self.at]),
            ReviewPage::Why => self.why_page(),
            ReviewPage::Summary => self.summary_page(),
            ReviewPage::Help => self.help_page(),
        }
    }

    /// Text of the title bar.
    #[must_use]
    pub(crate) fn title(&self) -> String {
        let place = match self.page {
            ReviewPage::Files => counted(self.material.files.len(), "file"),
            ReviewPage::Hunk | ReviewPage::Why => {
                let hunk = &self.hunks[self.at];
                let path = &self.material.files[hunk.file].path;
                format!("{}/{} {} {path}", self.at + 1, self.hunks.len(), hunk.decision.sign())
            }
            ReviewPage::Summary => "what you decided".to_owned(),
            ReviewPage::Help => "keys".to_owned(),
        };
        format!(" review {} · {} · {place}", self.material.run, self.material.outcome)
    }

    /// Rows of the message below the page: one row, except for long messages.
    fn note(&self, below: usize) -> Vec<DiffRow> {
        let row = match (&self.typing, &self.message, below) {
            (Some(typed), ..) => vec![span(format!("/{typed}_"), Tone::Strong)],
            (None, Some(message), _) => {
                let mut rows = worded(&[span(message, Tone::Warning)], self.size.columns);
                rows.truncate(MOST_SAID);
                return rows;
            }
            (None, None, 0) => DiffRow::new(),
            (None, None, below) => vec![span(format!("↓ {} more below", counted(below, "row")), Tone::Dim)],
        };
        vec![row]
    }

    /// The keys of this page.
    #[must_use]
    pub(crate) fn keys(&self) -> &'static str {
        match self.page {
            ReviewPage::Files => " Enter open  ↑↓ choose  a accept  d reject  c conclude  q leave  ? help",
            ReviewPage::Hunk => " y accept  n reject  s split  e edit  w why  t columns  p pager  / search  c  ?",
            ReviewPage::Why => " q back  y accept  n reject  Space scroll  ? help",
            ReviewPage::Summary => " y test and apply what is accepted  b back  f files  q leave  ? help",
            ReviewPage::Help => " q back",
        }
    }

    fn wrap(&self, rows: impl Iterator<Item = DiffRow>) -> Vec<DiffRow> {
        rows.flat_map(|row| worded(&row, self.size.columns)).collect()
    }

    /// Counts hunks by decision.
    #[must_use]
    pub(crate) fn tally(&self) -> String {
        let count = |is: &dyn Fn(&HunkDecided) -> bool| self.hunks.iter().filter(|hunk| is(&hunk.decision)).count();
        let edited = count(&|decision| matches!(decision, HunkDecided::Edited(_)));
        let rewritten = if edited > 0 { format!(", {edited} rewritten") } else { String::new() };
        format!(
            "{}: {} accepted, {} rejected, {} undecided{rewritten}",
            counted(self.hunks.len(), "hunk"),
            count(&|decision| *decision == HunkDecided::Accepted),
            count(&|decision| *decision == HunkDecided::Rejected),
            count(&|decision| *decision == HunkDecided::Open),
        )
    }

    fn help_page(&self) -> Vec<DiffRow> {
        let row = |key: &str, does: &str| vec![span(format!("  {key}   "), Tone::Strong), span(does, Tone::Plain)];
        let mut rows: Vec<DiffRow> = LETTERS.iter().map(|(letter, _, does)| row(&letter.to_string(), does)).collect();
        rows.push(row("↑ ↓ PgUp PgDn Space Home End", "scroll"));
        rows.push(row("1 2 3…", "line by line: the hunk with that number"));
        self.wrap(rows.into_iter())
    }

    fn head(&self) -> Vec<DiffRow> {
        let mut rows = vec![vec![span(&self.material.task, Tone::Strong)]];
        rows.extend(self.material.evidence.iter().map(|line| vec![span(line, Tone::Plain)]));
        rows.extend([vec![span(self.tally(), Tone::Plain)], DiffRow::new()]);
        self.wrap(rows.into_iter())
    }

    fn files_page(&self) -> Vec<DiffRow> {
        let mut rows = self.head();
        rows.extend((0..self.material.files.len()).flat_map(|file| self.file_rows(file)));
        rows
    }

    /// Row of the current hunk's file in the list of files.
    pub(super) fn selected_row(&self) -> usize {
        let before = (0..self.hunks[self.at].file).map(|file| self.file_rows(file).len()).sum::<usize>();
        self.head().len() + before
    }

    fn file_rows(&self, number: usize) -> Vec<DiffRow> {
        let file = &self.material.files[number];
        let (mut signs, mut added, mut removed) = (String::new(), 0, 0);
        let mut numbers = Vec::new();
        for (at, hunk) in self.hunks.iter().enumerate().filter(|(_, hunk)| hunk.file == number) {
            numbers.push(at + 1);
            signs.push_str(hunk.decision.sign());
            let (old, new) = self.material.lines_of(hunk);
            (removed, added) = (removed + old.len(), added + new.len());
        }
        let is_selected = self.page == ReviewPage::Files && self.hunks[self.at].file == number;
        let (cursor, tone) = if is_selected { ("▸ ", Tone::Strong) } else { ("  ", Tone::Plain) };
        let mut rows = vec![vec![
            span(cursor, tone),
            span(file.path.as_str(), tone),
            span(format!("  {} −{removed} +{added}  {} ", file.change, named(&numbers)), Tone::Dim),
            span(signs, Tone::Plain),
        ]];
        rows.extend(
            file.flags
                .iter()
                .map(|flag| vec![span(format!("    ! line {}: {}", flag.line, flag.reason), Tone::Warning)]),
        );
        self.wrap(rows.into_iter())
    }

    /// A hunk with its origin and flags.
    pub(super) fn hunk_rows(&self, hunk: &ReviewedHunk) -> Vec<DiffRow> {
        let file = &self.material.files[hunk.file];
        let origin = match self.material.origin(hunk) {
            Some(edit) => format!("{}, {}", edit.place(), edit.tool),
            None => "no edit of the model: a command of the run wrote this file".to_owned(),
        };
        let decided = match &hunk.decision {
            HunkDecided::Open => "undecided",
            HunkDecided::Accepted => "accepted",
            HunkDecided::Rejected => "rejected",
            HunkDecided::Edited(_) => "accepted as you rewrote it",
        };
        let head = format!("{} · {origin} · {decided}", file.change);
        let mut rows = vec![vec![span(head, Tone::Dim)]];
        let flags = self.material.flags_of(hunk);
        rows.extend(flags.map(|flag| vec![span(format!("! {}", flag.reason), Tone::Warning)]));
        rows.push(DiffRow::new());
        let mut rows = self.wrap(rows.into_iter());
        let drawn = diff::drawn(file, hunk, self.size.columns, self.two_columns);
        if drawn.is_empty() {
            rows.push(vec![span("(no lines to show)", Tone::Dim)]);
        }
        rows.extend(drawn);
        rows
    }

    /// The whole patch with all decisions, in one column or two.
    #[must_use]
    pub(crate) fn whole(&self) -> Vec<DiffRow> {
        let mut rows = self.head();
        for (number, hunk) in self.hunks.iter().enumerate() {
            let path = &self.material.files[hunk.file].path;
            let place = format!("{}/{} {} {path}", number + 1, self.hunks.len(), hunk.decision.sign());
            rows.extend([DiffRow::new(), vec![span(place, Tone::Strong)]]);
            rows.extend(self.hunk_rows(hunk));
        }
        rows
    }

    fn why_page(&self) -> Vec<DiffRow> {
        let Some(edit) = self.material.origin(&self.hunks[self.at]) else {
            let told = "No edit of the model touched this file: a command of the run, such as the tests, wrote it.";
            return self.wrap([vec![span(told, Tone::Plain)]].into_iter());
        };
        let mut rows = vec![vec![span(format!("{}: {} of {}", edit.place(), edit.tool, edit.path), Tone::Strong)]];
        for (name, words) in [("the model said", &edit.said), ("the model thought", &edit.thought)] {
            if words.trim().is_empty() {
                continue;
            }
            rows.extend([DiffRow::new(), vec![span(name, Tone::Dim)]]);
            rows.extend(words.trim().lines().map(|line| vec![span(line, Tone::Plain)]));
        }
        if rows.len() == 1 {
            rows.push(vec![span("The model said nothing in that turn.", Tone::Plain)]);
        }
        self.wrap(rows.into_iter())
    }

    fn summary_page(&self) -> Vec<DiffRow> {
        let mut rows = vec![vec![span(self.tally(), Tone::Strong)], DiffRow::new()];
        for number in 0..self.material.files.len() {
            rows.extend(self.file_rows(number));
        }
        rows.push(DiffRow::new());
        let takes = |hunk: &ReviewedHunk| matches!(hunk.decision, HunkDecided::Accepted | HunkDecided::Edited(_));
        let told = match (self.hunks.iter().any(takes), self.takes_all()) {
            (false, _) => "Nothing is accepted: your tree stays as it is.",
            (true, true) => "The whole patch is accepted, as the run made it.",
            (true, false) => "What is accepted is tested on its own before it is applied. The rest stays out.",
        };
        rows.push(vec![span(told, Tone::Plain)]);
        self.wrap(rows.into_iter())
    }
}

/// As many keys as fit; the last one, which opens the help, always does.
fn keys_within(keys: &str, width: usize) -> String {
    let mut items: Vec<&str> = keys.trim().split("  ").collect();
    let line = |items: &[&str]| format!(" {}", items.join("  "));
    while items.len() > 1 && columns(&[span(line(&items), Tone::Bar)]) > width {
        items.remove(items.len() - 2);
    }
    line(&items)
}

/// The numbers of a file's hunks.
fn named(numbers: &[usize]) -> String {
    match numbers {
        [] => String::new(),
        [only] => format!("hunk {only}"),
        [first, .., last] => format!("hunks {first}-{last}"),
    }
}
