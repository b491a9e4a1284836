//! Searches hunks for the text typed after `/`.

use super::keys::KeyPress;
use super::row::DiffRow;
use super::session::{Review, ReviewPage};

impl Review {
    pub(super) fn type_key(&mut self, key: KeyPress) {
        let Some(typed) = &mut self.typing else { return };
        match key {
            KeyPress::Enter => {
                let typed = self.typing.take().unwrap_or_default();
                self.seek(&typed);
            }
            KeyPress::Escape => self.typing = None,
            KeyPress::Backspace => drop(typed.pop()),
            KeyPress::Char(char) => typed.push(char),
            _ => {}
        }
    }

    /// Goes to the next hunk that contains `text` (lower-case text matches any case); an empty text repeats the last
    /// search.
    pub(crate) fn seek(&mut self, text: &str) {
        self.typing = None;
        if !text.is_empty() {
            text.clone_into(&mut self.sought);
        }
        if self.sought.is_empty() {
            return;
        }
        let count = self.hunks.len();
        let first = usize::from(self.page == ReviewPage::Hunk);
        match (first..count + first).map(|step| (self.at + step) % count).find(|at| self.row_with(*at).is_some()) {
            Some(at) => {
                self.at = at;
                self.go(ReviewPage::Hunk);
                let row = self.row_with(at).unwrap_or(0);
                self.scroll = row.saturating_sub(self.body_height() / 2).min(self.last_scroll());
            }
            None => self.say(format!("{:?} is nowhere in the patch", self.sought)),
        }
    }

    /// The row in which a hunk contains the text; the file's name is the first row.
    fn row_with(&self, at: usize) -> Option<usize> {
        let hunk = &self.hunks[at];
        let any_case = !self.sought.chars().any(char::is_uppercase);
        let has = |text: &str| {
            if any_case { text.to_lowercase().contains(&self.sought) } else { text.contains(&self.sought) }
        };
        if has(self.material.files[hunk.file].path.as_str()) {
            return Some(0);
        }
        let text = |row: &DiffRow| row.iter().map(|span| span.text.as_str()).collect::<String>();
        self.hunk_rows(hunk).iter().position(|row| has(&text(row)))
    }
}
