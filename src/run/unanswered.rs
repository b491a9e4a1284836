//! Calls whose answer was never kept get their one honest answer.

use serde_json::Value;

use crate::journal::{Event, Message};
use crate::model::Conversation;

/// What the model is told in place of an answer that was never kept.
const UNANSWERED: &str =
    "kcode was stopped before this call's answer was kept; it may have partly run. Look at the files before you go on.";

/// Answers the calls of the last reply that have no answer. The events are what joined the conversation of these `messages`.
pub(super) fn answer<'a>(conversation: &mut Conversation, messages: impl Iterator<Item = &'a Message>) -> Vec<Event> {
    let open = unanswered(messages);
    open.into_iter().map(|(id, name)| Event::Message(conversation.push_tool(&id, &name, UNANSWERED))).collect()
}

/// The messages among `events`.
pub(super) fn messages<'a>(events: impl Iterator<Item = &'a Event>) -> impl Iterator<Item = &'a Message> {
    events.filter_map(|event| if let Event::Message(message) = event { Some(message) } else { None })
}

/// Id and name of each call without an answer.
fn unanswered<'a>(messages: impl Iterator<Item = &'a Message>) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut open: Vec<(String, String)> = Vec::new();
    for message in messages {
        let Ok(json) = serde_json::from_str::<Value>(&message.json) else { continue };
        match message.role.as_str() {
            "assistant" => {
                let calls = json["tool_calls"].as_array().into_iter().flatten();
                open = calls.map(|call| (text(&call["id"]), text(&call["function"]["name"]))).collect();
            }
            "tool" => {
                // Two calls of one reply may bear the same id: an answer closes one of them.
                let id = text(&json["tool_call_id"]);
                if let Some(answered) = open.iter().position(|(open, _)| *open == id) {
                    open.remove(answered);
                }
            }
            _ => {}
        }
    }
    open
}
