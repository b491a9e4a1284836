//! Finds the tool call that made a hunk, its turn, and what the model wrote there.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::journal::{Event, RelPath, ToolCalled};
use crate::tools;

/// A successful edit of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ModelEdit {
    pub turn: u32,
    pub tool: String,
    /// Path of the file; empty only by default.
    pub path: String,
    /// The replaced passage, if the call contains it.
    pub old: String,
    pub new: String,
    /// The model's message in that turn.
    pub said: String,
    /// The model's reasoning in that turn.
    pub thought: String,
    /// True if it was made for an earlier task of the conversation.
    pub earlier: bool,
}

/// All successful edits in `events`, in order.
pub(super) fn edits<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<ModelEdit> {
    let (mut called, mut done): (Vec<&ToolCalled>, Vec<&ToolCalled>) = (Vec::new(), Vec::new());
    let (mut turn, mut words) = (0, BTreeMap::new());
    for event in events {
        match event {
            Event::Reply(reply) => turn = reply.turn,
            Event::Message(message) if message.role == "assistant" => {
                words.insert(turn, serde_json::from_str::<Value>(&message.json).unwrap_or_default());
            }
            Event::ToolCalled(call) => called.push(call),
            // An id may be reused in another turn, and even within a turn.
            Event::ToolAnswered(answer) => {
                if let Some(at) = called.iter().position(|call| call.turn == answer.turn && call.id == answer.id) {
                    let call = called.remove(at);
                    done.extend(answer.ok.then_some(call));
                }
            }
            _ => {}
        }
    }
    done.into_iter().filter_map(|call| edit(call, words.get(&call.turn))).collect()
}

impl ModelEdit {
    /// The turn, for people.
    pub(super) fn place(&self) -> String {
        let before = if self.earlier { " of a task before" } else { "" };
        format!("turn {}{before}", self.turn)
    }
}

fn edit(call: &ToolCalled, words: Option<&Value>) -> Option<ModelEdit> {
    let path = tools::written_path(&call.tool, &call.arguments)?.to_string();
    let arguments: Value = serde_json::from_str(&call.arguments).ok()?;
    let text = |value: &Value, names: &[&str]| {
        let found = names.iter().find_map(|name| value.get(name)?.as_str());
        found.unwrap_or_default().to_owned()
    };
    let said = |name| words.map_or_else(String::new, |words| text(words, &[name]));
    Some(ModelEdit {
        turn: call.turn,
        tool: call.tool.clone(),
        path,
        old: text(&arguments, &["old_text"]),
        new: text(&arguments, &["new_text", "content"]),
        said: said("content"),
        thought: said("reasoning_content"),
        earlier: false,
    })
}

/// The edit of `path` with most of these lines, the latest if several have as many; `None` if no edit touched the file.
pub(super) fn made_by<'a>(
    edits: &'a [ModelEdit],
    path: &RelPath,
    removed: &[String],
    added: &[String],
) -> Option<&'a ModelEdit> {
    let of_file = edits.iter().filter(|edit| edit.path == path.as_str());
    of_file.max_by_key(|edit| shared(removed, &edit.old, &edit.new) + shared(added, &edit.new, &edit.old))
}

/// Counts the `lines` that are in `with` and not in `without`.
fn shared(lines: &[String], with: &str, without: &str) -> usize {
    let has = |text: &str, line: &str| text.lines().any(|other| other.trim() == line);
    let told = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    told.filter(|line| has(with, line) && !has(without, line)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(turn: u32, old: &str, new: &str) -> ModelEdit {
        ModelEdit { turn, path: "a".to_owned(), old: old.to_owned(), new: new.to_owned(), ..ModelEdit::default() }
    }

    #[test]
    fn the_edit_with_most_of_the_lines_made_the_hunk() {
        let edits = [edit(2, "one\ntwo", "one\n  2"), edit(3, "", "three\n"), edit(5, "four\n", "")];
        let made = |path: &str, removed: &[&str], added: &[&str]| {
            let lines = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>();
            let path = RelPath::new(path).expect("a path");
            made_by(&edits, &path, &lines(removed), &lines(added)).map(|edit| edit.turn)
        };
        assert_eq!(made("a", &["two"], &["  2"]), Some(2));
        assert_eq!(made("a", &[], &["three"]), Some(3));
        assert_eq!(made("a", &["four"], &[]), Some(5));
        assert_eq!(made("a", &["nobody's"], &[]), Some(5), "the latest");
        assert_eq!(made("b", &["two"], &[]), None);
    }
}
