//! Key bindings. A terminal that can't deliver single keys sends the same letters as lines.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyPress {
    /// A letter, digit or other character.
    Char(char),
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    /// The Home key.
    Home,
    /// The End key.
    End,
    Enter,
    /// The Tab key.
    Tab,
    /// The Escape key.
    Escape,
    /// The Backspace key.
    Backspace,
    /// Ctrl-C.
    Interrupt,
    /// Any other key.
    Other,
}

/// An action that a person can request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Accept the current hunk.
    Accept,
    /// Reject the current hunk.
    Reject,
    /// Take the decision back.
    Undo,
    /// Accept all undecided hunks of this file.
    AcceptFile,
    /// Reject all undecided hunks of this file.
    RejectFile,
    /// Split the hunk into its parts.
    Split,
    /// Rewrite the hunk in the editor.
    Edit,
    /// Show the model's turn that made the hunk.
    Why,
    /// Go to the next hunk.
    Next,
    /// Go to the hunk before.
    Previous,
    /// Toggle between one column and two.
    Sides,
    /// Show the whole patch in the pager.
    Page,
    /// Show the list of files.
    Files,
    /// Return to the page from which this one was opened.
    Back,
    /// Search for text.
    Search,
    /// Finish the review.
    Conclude,
    /// Leave the review; decisions are kept.
    Leave,
    /// Show the help.
    Help,
}

/// Each letter with its action, in the order of the help.
pub(super) const LETTERS: [(char, Action, &str); 18] = [
    ('y', Action::Accept, "accept this hunk"),
    ('n', Action::Reject, "reject it"),
    ('u', Action::Undo, "take the decision back"),
    ('a', Action::AcceptFile, "accept what is undecided in this file"),
    ('d', Action::RejectFile, "reject what is undecided in this file"),
    ('s', Action::Split, "split it into its separate changes"),
    ('e', Action::Edit, "rewrite it in your editor ($VISUAL, $EDITOR)"),
    ('w', Action::Why, "why: the turn that made it, and what the model said there"),
    ('t', Action::Sides, "old and new side by side, or in one column"),
    ('p', Action::Page, "the whole patch in your pager ($PAGER)"),
    ('/', Action::Search, "search; empty repeats the last one"),
    ('.', Action::Next, "next hunk (also → and Tab)"),
    (',', Action::Previous, "previous hunk (also ←)"),
    ('f', Action::Files, "the list of files"),
    ('b', Action::Back, "back to where you were (also Esc)"),
    ('c', Action::Conclude, "finish: test and apply what is accepted"),
    ('q', Action::Leave, "leave; what you decided is kept for the next review"),
    ('?', Action::Help, "this help"),
];

/// The action of a letter, in either case.
#[must_use]
pub(crate) fn action(letter: char) -> Option<Action> {
    LETTERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(&letter)).map(|(_, action, _)| *action)
}
