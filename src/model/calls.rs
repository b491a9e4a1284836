//! The tool calls of a reply in the making: pieces go to the call that they belong to, and what a host said twice is
//! taken once.

use serde_json::Value;

use super::chunk::CallDelta;
use super::{ToolCall, surrogates};

/// All calls so far, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<PartialCall>);

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: Arguments,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a piece; says how many characters of arguments it brought.
    pub(super) fn add(&mut self, delta: CallDelta) -> usize {
        let at = self.slot(&delta).unwrap_or_else(|| {
            self.0.push(PartialCall { index: delta.index, ..PartialCall::default() });
            self.0.len() - 1
        });
        let call = &mut self.0[at];
        if call.id.is_empty() {
            call.id = delta.id;
        }
        call.add_name(&delta.name);
        call.arguments.add(&delta.arguments);
        delta.arguments.chars().count()
    }

    /// The call that a piece belongs to; `None` for a new one. An index decides, unless the piece brings another id
    /// (hosts that number every call 0); without an index the id decides; without both it goes on with the last, unless
    /// it is a whole call of its own.
    fn slot(&self, delta: &CallDelta) -> Option<usize> {
        let same_id = |call: &PartialCall| delta.id.is_empty() || call.id.is_empty() || call.id == delta.id;
        match delta.index {
            Some(_) => self.0.iter().rposition(|call| call.index == delta.index && same_id(call)),
            None if delta.id.is_empty() => {
                let last = self.0.last().filter(|last| !last.is_followed_by(delta))?;
                self.0.iter().rposition(|call| std::ptr::eq(call, last))
            }
            None => self.0.iter().rposition(|call| call.id == delta.id),
        }
    }

    /// The calls by their index (those without keep their place), each with an id that can be answered.
    pub(super) fn finish(mut self) -> Vec<ToolCall> {
        self.0.sort_by_key(|call| call.index.unwrap_or(u64::MAX));
        let whole = self.0.into_iter().map(|call| (call.id, call.name, call.arguments.whole()));
        let said = whole.filter(|(_, name, arguments)| !(name.is_empty() && arguments.is_empty()));
        said.enumerate()
            .map(|(n, (id, name, arguments))| ToolCall {
                id: if id.is_empty() { format!("functions.{name}:{n}") } else { id },
                name: surrogates::join(name),
                arguments: surrogates::join(arguments),
            })
            .collect()
    }
}

impl PartialCall {
    /// Some hosts send a name in pieces, some all of it each time, some what there is of it so far.
    fn add_name(&mut self, piece: &str) {
        if piece.starts_with(&*self.name) {
            piece.clone_into(&mut self.name);
        } else {
            self.name.push_str(piece);
        }
    }

    /// Whether a piece without index and id is another whole call, and not more of this one or the same once more.
    fn is_followed_by(&self, delta: &CallDelta) -> bool {
        let (now, next) = (object(&self.arguments.all), object(&delta.arguments));
        let is_named = !delta.name.is_empty() && !self.name.is_empty();
        match (now, next) {
            (Some(now), Some(next)) if is_named => delta.name != self.name || (now != next && !is_hollow(&now)),
            _ => false,
        }
    }
}

/// The arguments of a call, piece by piece.
#[derive(Debug, Default)]
struct Arguments {
    all: String,
    /// The piece that came last.
    last: String,
    /// Not every piece began with the one before.
    is_plain: bool,
}

impl Arguments {
    fn add(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        self.is_plain |= !piece.starts_with(&*self.last);
        self.all.push_str(piece);
        piece.clone_into(&mut self.last);
    }

    /// What they are. Pieces belong together; only where that makes no JSON, a host may have said some of them before it
    /// said all of them: `{}` first, or a part, or each time all there is so far.
    fn whole(self) -> String {
        if object(&self.all).is_some() {
            self.all
        } else if !self.is_plain && object(&self.last).is_some() {
            self.last
        } else {
            said_again(&self.all).map(str::to_owned).unwrap_or(self.all)
        }
    }
}

/// The whole object at the end of `all`, if what stands before it is nothing else: a beginning of it, the same, or nothing.
fn said_again(all: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(all).into_iter::<Value>();
    if let Some(Ok(first)) = values.next() {
        let rest = all[values.byte_offset()..].trim_start();
        return match object(rest) {
            Some(second) if is_hollow(&first) || first == second => Some(rest),
            None if is_hollow(&first) => said_again(rest),
            _ => None,
        };
    }
    let starts = all.match_indices('{').map(|(at, _)| at).skip(1).take_while(|at| at * 2 <= all.len());
    starts
        .map(|at| all.split_at(at))
        .find(|(part, rest)| rest.starts_with(*part) && object(rest).is_some())
        .map(|it| it.1)
}

fn object(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok().filter(Value::is_object)
}

/// What stands where nothing is said yet.
fn is_hollow(value: &Value) -> bool {
    value.is_null() || value == "" || value.as_object().is_some_and(serde_json::Map::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(pieces: &[&str]) -> String {
        let mut arguments = Arguments::default();
        for piece in pieces {
            arguments.add(piece);
        }
        arguments.whole()
    }

    #[test]
    fn what_was_said_twice_is_taken_once() {
        let path = r#"{"path":"a","n":{}}"#;
        for pieces in [
            &[path][..],
            &["{}", path],
            &["{}", "{}", path],
            &["{}", r#"{"path":"#, r#""a","n":{}}"#],
            &["null", path],
            &[r#"{"path":"#, path],
            &[r#"{"pa"#, r#"{"path":"a""#, path],
            &["{", r#""path""#, path],
            &[path, path],
            &["", path, ""],
        ] {
            assert_eq!(whole(pieces), path, "{pieces:?}");
        }
        assert_eq!(whole(&["{}"]), "{}");
        assert_eq!(whole(&["{}", "{}"]), "{}");
        let spaced = r#"{ "path": "a", "n": {} }"#;
        assert_eq!(whole(&[spaced, path]), path, "the same in other bytes");
    }

    #[test]
    fn what_can_mean_two_things_is_left_as_it_came() {
        for pieces in [&[r#"{"a":1}"#, r#"{"a":2}"#][..], &[r#"{"a":"#, r#"{"b":1}"#], &["{\"a", "\":1"], &["", ""]] {
            assert_eq!(whole(pieces), pieces.concat(), "{pieces:?}");
        }
    }
}
