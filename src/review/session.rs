//! State of a review: the current position and the decisions so far. Takes keys and actions, returns [`Effect`]s.

use super::hunk::{HunkDecided, ReviewedHunk};
use super::keys::{Action, KeyPress, action};
use super::material::Material;
use super::row::Size;

/// What the command line has to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Redraw only.
    None,
    /// Open the current hunk in an editor, then call [`Review::edited`].
    Edit,
    /// Act on the decisions.
    Conclude,
    /// Show the whole patch in the pager.
    Page,
    /// End the review; decisions are kept.
    Leave,
    /// End at once, because the person pressed Ctrl-C.
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReviewPage {
    /// The list of files, with the evidence.
    Files,
    Hunk,
    /// The model's turn that made the hunk.
    Why,
    /// The decisions, before the review is finished.
    Summary,
    /// The key bindings.
    Help,
}

/// Shown on the summary after any other key: nothing is applied without this one.
pub(crate) const HOW_TO_APPLY: &str = "y applies it, b goes back";

/// An interactive review.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(super) material: Material,
    pub(super) hunks: Vec<ReviewedHunk>,
    pub(super) at: usize,
    pub(super) page: ReviewPage,
    /// The page from which Help or Why was opened.
    called_from: ReviewPage,
    pub(super) scroll: usize,
    pub(super) two_columns: bool,
    pub(super) size: Size,
    /// The text being typed after `/`.
    pub(super) typing: Option<String>,
    pub(super) sought: String,
    pub(super) message: Option<String>,
}

impl Review {
    /// Starts with the list of files. There must be at least one hunk.
    #[must_use]
    pub(crate) fn new(material: Material, hunks: Vec<ReviewedHunk>, size: Size) -> Self {
        Self {
            material,
            hunks,
            at: 0,
            page: ReviewPage::Files,
            called_from: ReviewPage::Files,
            scroll: 0,
            two_columns: false,
            size,
            typing: None,
            sought: String::new(),
            message: None,
        }
    }

    /// The current page.
    #[must_use]
    pub(crate) fn page(&self) -> ReviewPage {
        self.page
    }

    /// The material under review.
    #[must_use]
    pub(crate) fn material(&self) -> &Material {
        &self.material
    }

    /// All hunks with their decisions.
    #[must_use]
    pub(crate) fn hunks(&self) -> &[ReviewedHunk] {
        &self.hunks
    }

    /// The current hunk and its index.
    #[must_use]
    pub(crate) fn hunk(&self) -> Option<(usize, &ReviewedHunk)> {
        Some((self.at, self.hunks.get(self.at)?))
    }

    /// The message below the page, shown until the next key.
    #[must_use]
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Removes the message.
    pub(crate) fn say_nothing(&mut self) {
        self.message = None;
    }

    /// The text with which the person replaced the current hunk, if any.
    #[must_use]
    pub(crate) fn edited_text(&self) -> Option<Vec<u8>> {
        match &self.hunks.get(self.at)?.decision {
            HunkDecided::Edited(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Name of the current hunk's file, without folders.
    #[must_use]
    pub(crate) fn file_name(&self) -> String {
        let file = self.hunks.get(self.at).and_then(|hunk| self.material.files.get(hunk.file));
        let name = file.and_then(|file| file.path.as_path().file_name());
        name.map_or_else(|| "hunk".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Shows a message below the page.
    pub(crate) fn say(&mut self, message: impl Into<String>) {
        self.message = Some(message.into());
    }

    /// Restores the decisions of an earlier review.
    pub(crate) fn recall(&mut self, hunks: Vec<ReviewedHunk>) {
        self.hunks = hunks;
        self.at = 0;
        self.say("your decisions of the last review are still there");
    }

    /// Adapts to another screen size.
    pub(crate) fn resize(&mut self, size: Size) {
        self.size = size;
        self.scroll = self.scroll.min(self.last_scroll());
    }

    /// Handles a key.
    pub(crate) fn press(&mut self, key: KeyPress) -> Effect {
        self.message = None;
        if key == KeyPress::Interrupt {
            return Effect::Stop;
        }
        if self.typing.is_some() {
            self.type_key(key);
            return Effect::None;
        }
        match key {
            KeyPress::Up | KeyPress::Char('k') => self.up(),
            KeyPress::Down | KeyPress::Char('j') => self.down(),
            KeyPress::PageUp => self.scroll = self.scroll.saturating_sub(self.body_height()),
            KeyPress::PageDown | KeyPress::Char(' ') => {
                self.scroll = (self.scroll + self.body_height()).min(self.last_scroll());
            }
            KeyPress::Home => self.scroll = 0,
            KeyPress::End => self.scroll = self.last_scroll(),
            KeyPress::Right | KeyPress::Tab => return self.act(Action::Next),
            KeyPress::Left => return self.act(Action::Previous),
            KeyPress::Escape => return self.act(Action::Back),
            KeyPress::Enter => return self.enter(),
            KeyPress::Char(letter) => return action(letter).map_or(Effect::None, |action| self.act(action)),
            _ => {}
        }
        Effect::None
    }

    fn enter(&mut self) -> Effect {
        match self.page {
            ReviewPage::Files => self.go(ReviewPage::Hunk),
            ReviewPage::Summary => self.say(HOW_TO_APPLY),
            ReviewPage::Why | ReviewPage::Help => return self.act(Action::Back),
            ReviewPage::Hunk => {}
        }
        Effect::None
    }

    /// Performs an action.
    pub(crate) fn act(&mut self, action: Action) -> Effect {
        match action {
            // Decisions are disabled while the help hides the hunk.
            _ if self.page == ReviewPage::Help && !matches!(action, Action::Help | Action::Search) => self.back(),
            Action::Leave if self.page == ReviewPage::Why => self.back(),
            Action::Accept if self.page == ReviewPage::Summary => return Effect::Conclude,
            Action::Conclude if self.page == ReviewPage::Summary => self.say(HOW_TO_APPLY),
            Action::Accept => self.decide(HunkDecided::Accepted),
            Action::Reject => self.decide(HunkDecided::Rejected),
            Action::Undo => self.undo(),
            Action::AcceptFile => self.decide_file(&HunkDecided::Accepted),
            Action::RejectFile => self.decide_file(&HunkDecided::Rejected),
            Action::Split => self.split(),
            Action::Edit => return self.ask_to_edit(),
            Action::Page => return Effect::Page,
            Action::Why => self.call(ReviewPage::Why),
            Action::Help if self.page == ReviewPage::Help => return self.act(Action::Back),
            Action::Help => self.call(ReviewPage::Help),
            Action::Next => self.step(1),
            Action::Previous => self.step(self.hunks.len().saturating_sub(1)),
            Action::Sides => self.two_columns = !self.two_columns,
            Action::Files => self.go(ReviewPage::Files),
            Action::Back => self.back(),
            Action::Search => self.typing = Some(String::new()),
            Action::Conclude => self.go(ReviewPage::Summary),
            Action::Leave => return Effect::Leave,
        }
        self.scroll = self.scroll.min(self.last_scroll());
        Effect::None
    }

    pub(super) fn go(&mut self, page: ReviewPage) {
        (self.page, self.scroll) = (page, 0);
    }

    /// Opens a page that returns to the current one.
    fn call(&mut self, page: ReviewPage) {
        if self.page != ReviewPage::Help && self.page != ReviewPage::Why {
            self.called_from = self.page;
        }
        self.go(page);
    }

    fn back(&mut self) {
        let to = match self.page {
            ReviewPage::Help | ReviewPage::Why => self.called_from,
            ReviewPage::Summary if self.is_settled() => ReviewPage::Files,
            ReviewPage::Summary => ReviewPage::Hunk,
            ReviewPage::Hunk | ReviewPage::Files => ReviewPage::Files,
        };
        self.go(to);
    }

    /// Shows the hunk with this index, from 0.
    pub(crate) fn show(&mut self, number: usize) {
        if number < self.hunks.len() {
            self.at = number;
            self.go(ReviewPage::Hunk);
        } else {
            self.say(format!("there is no hunk {}; there are {}", number + 1, self.hunks.len()));
        }
    }

    fn up(&mut self) {
        if self.page == ReviewPage::Files {
            let file = self.hunks[self.at].file;
            let before = self.hunks.iter().rev().find(|hunk| hunk.file < file).map(|hunk| hunk.file);
            self.select(before);
        } else {
            self.scroll = self.scroll.saturating_sub(1);
        }
    }

    fn down(&mut self) {
        if self.page == ReviewPage::Files {
            let file = self.hunks[self.at].file;
            let next = self.hunks.iter().find(|hunk| hunk.file > file).map(|hunk| hunk.file);
            self.select(next);
        } else {
            self.scroll = (self.scroll + 1).min(self.last_scroll());
        }
    }

    /// Selects the first hunk of a file in the list.
    fn select(&mut self, file: Option<usize>) {
        if let Some(first) = file.and_then(|file| self.hunks.iter().position(|hunk| hunk.file == file)) {
            self.at = first;
            let row = self.selected_row();
            let height = self.body_height();
            self.scroll = self.scroll.clamp((row + 1).saturating_sub(height), row);
        }
    }

    fn step(&mut self, by: usize) {
        self.at = (self.at + by) % self.hunks.len();
        self.go(ReviewPage::Hunk);
    }

    fn decide(&mut self, decision: HunkDecided) {
        if self.page != ReviewPage::Hunk && self.page != ReviewPage::Why {
            self.say("open a hunk first (Enter), or decide about a whole file with a or d");
            return;
        }
        self.hunks[self.at].decision = decision;
        self.on_to_undecided();
    }

    fn undo(&mut self) {
        self.hunks[self.at].decision = HunkDecided::Open;
    }

    fn decide_file(&mut self, decision: &HunkDecided) {
        let file = self.hunks[self.at].file;
        for hunk in self.hunks.iter_mut().filter(|hunk| hunk.file == file && hunk.decision == HunkDecided::Open) {
            hunk.decision = decision.clone();
        }
        if self.page == ReviewPage::Files {
            self.down();
        } else {
            self.on_to_undecided();
        }
    }

    /// Goes to the next undecided hunk, or to the summary if there is none.
    fn on_to_undecided(&mut self) {
        let count = self.hunks.len();
        let next =
            (1..=count).map(|step| (self.at + step) % count).find(|at| self.hunks[*at].decision == HunkDecided::Open);
        match next {
            Some(at) => {
                self.at = at;
                self.go(ReviewPage::Hunk);
            }
            None => self.go(ReviewPage::Summary),
        }
    }

    fn is_settled(&self) -> bool {
        self.hunks.iter().all(|hunk| hunk.decision != HunkDecided::Open)
    }

    fn split(&mut self) {
        match self.hunks[self.at].split() {
            Some(pieces) => {
                self.say(format!("split into {}", pieces.len()));
                self.hunks.splice(self.at..=self.at, pieces);
                self.go(ReviewPage::Hunk);
            }
            None => self.say("this hunk is one change; e rewrites it"),
        }
    }

    fn ask_to_edit(&mut self) -> Effect {
        if self.material.text_of(&self.hunks[self.at]).is_some() {
            return Effect::Edit;
        }
        self.say("there is no text to rewrite here");
        Effect::None
    }

    /// Records the text with which the person replaced the current hunk.
    pub(crate) fn edited(&mut self, text: Vec<u8>) {
        let as_it_was = self.material.text_of(&self.hunks[self.at]).is_some_and(|was| was == text);
        if as_it_was {
            self.say("nothing was rewritten");
        } else {
            self.hunks[self.at].decision = HunkDecided::Edited(text);
            self.go(ReviewPage::Hunk);
            self.say("rewritten; it goes in like this (u takes that back)");
        }
    }
}

#[cfg(test)]
mod tests;
