//! What keys do. A terminal that can't take single keys sends the same letters as lines.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPress {
    /// A letter, digit or sign.
    Char(char),
    /// Arrows.
    Up,
    /// See [`KeyPress::Up`].
    Down,
    /// See [`KeyPress::Up`].
    Left,
    /// See [`KeyPress::Up`].
    Right,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Return.
    Enter,
    /// Tab.
    Tab,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// Ctrl-C.
    Interrupt,
    /// Any other.
    Other,
}

/// What a person wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Accept this hunk.
    Accept,
    /// Reject it.
    Reject,
    /// Take the decision back.
    Undo,
    /// Accept all of this file that is undecided.
    AcceptFile,
    /// Reject all of this file that is undecided.
    RejectFile,
    /// Make its parts hunks of their own.
    Split,
    /// Rewrite it.
    Edit,
    /// Show the turn that made it.
    Why,
    /// The next hunk.
    Next,
    /// The one before.
    Previous,
    /// Old and new beside each other, or not.
    Sides,
    /// Show all of it in the person's pager.
    Page,
    /// The list of files.
    Files,
    /// Go back to where this page was called from.
    Back,
    /// Find a text.
    Search,
    /// Come to an end with what was decided.
    Conclude,
    /// Leave; decisions are kept.
    Leave,
    /// Say what keys do.
    Help,
}

/// Every letter with what it does; the help shows them in this order.
pub const LETTERS: [(char, Action, &str); 18] = [
    ('y', Action::Accept, "accept this hunk"),
    ('n', Action::Reject, "reject it"),
    ('u', Action::Undo, "take the decision back"),
    ('a', Action::AcceptFile, "accept what is undecided in this file"),
    ('d', Action::RejectFile, "reject what is undecided in this file"),
    ('s', Action::Split, "split it into its separate changes"),
    ('e', Action::Edit, "rewrite it in your editor ($VISUAL, $EDITOR)"),
    ('w', Action::Why, "why: the turn that made it, and what the model said there"),
    ('t', Action::Sides, "two columns, old and new beside each other, or one"),
    ('p', Action::Page, "the whole patch in your pager ($PAGER)"),
    ('/', Action::Search, "search; empty repeats the last one"),
    ('.', Action::Next, "next hunk (also → and Tab)"),
    (',', Action::Previous, "previous hunk (also ←)"),
    ('f', Action::Files, "the list of files"),
    ('b', Action::Back, "back to where you were (also Esc)"),
    ('c', Action::Conclude, "come to an end: test and apply what is accepted"),
    ('q', Action::Leave, "leave; what you decided is kept for the next review"),
    ('?', Action::Help, "this help"),
];

/// What a letter does, be it large or small.
#[must_use]
pub fn action(letter: char) -> Option<Action> {
    LETTERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(&letter)).map(|(_, action, _)| *action)
}
