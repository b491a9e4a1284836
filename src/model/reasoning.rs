//! Reasoning in the three forms that hosts send, kept apart so that it goes back in the form it came (law 4).

use serde_json::{Map, Value};

use super::surrogates;

/// The reasoning received in each form. Kimi's empty string differs from none: it means "reasoned, but empty".
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    /// `reasoning_content`: Kimi's own.
    content: Option<String>,
    /// `reasoning`: newer vLLM, Together, OpenRouter.
    plain: Option<String>,
    /// `reasoning_details`: OpenRouter.
    details: Vec<Value>,
    /// The details came as one object instead of a list.
    is_bare: bool,
}

impl Reasoning {
    /// Adds a piece; returns how many characters of reasoning it brought, counted once if several forms hold the same
    /// text.
    pub(super) fn add(&mut self, content: Option<String>, plain: Option<String>, details: Option<Value>) -> usize {
        let details = match details {
            None => Vec::new(),
            Some(Value::Array(details)) => details,
            Some(one) => {
                self.is_bare = true;
                vec![one]
            }
        };
        let grown = content.as_ref().or(plain.as_ref()).map_or_else(
            || details.iter().filter_map(thought).map(|text| text.chars().count()).sum(),
            |text| text.chars().count(),
        );
        extend(&mut self.content, content);
        extend(&mut self.plain, plain);
        for detail in details {
            self.add_detail(detail);
        }
        grown
    }

    /// Kimi's field, else `reasoning`; the details aren't considered.
    pub(super) fn text(&self) -> Option<&str> {
        self.content.as_deref().or(self.plain.as_deref())
    }

    /// As [`Self::text`], else the joined texts of the details.
    pub(super) fn text_owned(&self) -> Option<String> {
        self.text()
            .map(str::to_owned)
            .or_else(|| (!self.details.is_empty()).then(|| self.details.iter().filter_map(thought).collect()))
    }

    pub(super) fn is_none(&self) -> bool {
        self.content.is_none() && self.plain.is_none() && self.details.is_empty()
    }

    /// Writes each form that was received into a message.
    pub(super) fn write_into(&self, message: &mut Map<String, Value>) {
        if let Some(text) = &self.content {
            message.insert("reasoning_content".to_owned(), text.as_str().into());
        }
        if let Some(text) = &self.plain {
            message.insert("reasoning".to_owned(), text.as_str().into());
        }
        match &self.details[..] {
            [] => {}
            [one] if self.is_bare => {
                message.insert("reasoning_details".to_owned(), one.clone());
            }
            details => {
                message.insert("reasoning_details".to_owned(), details.to_vec().into());
            }
        }
    }

    /// Rejoins surrogate pairs that were split between events. Called once everything has been received.
    pub(super) fn complete(&mut self) {
        for text in [&mut self.content, &mut self.plain].into_iter().flatten() {
            *text = surrogates::join(std::mem::take(text));
        }
        for detail in self.details.iter_mut().filter_map(Value::as_object_mut) {
            for text in detail.values_mut().filter(|value| value.is_string()) {
                *text = surrogates::join(text.as_str().unwrap_or_default().to_owned()).into();
            }
        }
    }

    /// A streamed detail continues the last one with the same index and type: texts are joined, other fields (a
    /// signature, an id) replaced. See openrouter.ai/docs/use-cases/reasoning-tokens.
    fn add_detail(&mut self, detail: Value) {
        let last = self.details.last_mut().and_then(Value::as_object_mut);
        match (last, detail) {
            (Some(last), Value::Object(detail)) if continues(last, &detail) => {
                for (key, value) in detail {
                    match (last.get_mut(&key), value) {
                        (Some(Value::String(whole)), Value::String(piece)) if is_thought(&key) => {
                            whole.push_str(&piece);
                        }
                        (Some(_), Value::Null) => {}
                        (_, value) => {
                            last.insert(key, value);
                        }
                    }
                }
            }
            (_, detail) => self.details.push(detail),
        }
    }
}

fn continues(last: &Map<String, Value>, detail: &Map<String, Value>) -> bool {
    detail.contains_key("index") && ["index", "type"].iter().all(|key| last.get(*key) == detail.get(*key))
}

fn is_thought(key: &str) -> bool {
    matches!(key, "text" | "summary" | "data")
}

fn thought(detail: &Value) -> Option<&str> {
    detail.get("text").or_else(|| detail.get("summary")).and_then(Value::as_str)
}

fn extend(whole: &mut Option<String>, piece: Option<String>) {
    if let Some(piece) = piece {
        whole.get_or_insert_default().push_str(&piece);
    }
}
