//! Assembles the tool calls of a streamed reply: each piece goes to its call, and what a host sent twice is taken once.

use serde_json::Value;

use super::chunk::CallDelta;
use super::{ErrorKind, ModelError, ToolCall, surrogates};

/// Most calls of a reply. The limit keeps comparing each piece with all calls cheap.
pub(super) const MAX_CALLS: usize = 512;
/// Longest name or id in bytes; the APIs allow 64.
const MAX_NAME: usize = 1024;
/// Most offsets at which repeated arguments are looked for.
const MAX_PLACES: usize = 64;
/// Bytes compared first, before the whole text is.
const GLANCE: usize = 32;

/// All calls so far, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct CallPieces(Vec<PartialCall>);

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: ArgumentPieces,
}

impl CallPieces {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a piece; returns how many characters of arguments it brought.
    pub(super) fn add(&mut self, delta: CallDelta) -> Result<usize, ModelError> {
        let at = match self.slot(&delta) {
            Some(at) => at,
            None if self.0.len() == MAX_CALLS => return Err(too_much("more tool calls")),
            None => {
                self.0.push(PartialCall { index: delta.index, ..PartialCall::default() });
                self.0.len() - 1
            }
        };
        let call = &mut self.0[at];
        if call.id.is_empty() {
            call.id = delta.id;
        }
        call.add_name(&delta.name);
        if call.id.len() > MAX_NAME || call.name.len() > MAX_NAME {
            return Err(too_much("a longer name of a tool call"));
        }
        call.arguments.add(&delta.arguments);
        Ok(delta.arguments.chars().count())
    }

    /// The call that a piece belongs to; `None` for a new one. An index decides, unless the piece brings another id
    /// (some hosts number every call 0). Without an index the id decides. Without both, the piece continues the last
    /// call, unless it is a complete call of its own.
    fn slot(&mut self, delta: &CallDelta) -> Option<usize> {
        let same_id = |call: &PartialCall| delta.id.is_empty() || call.id.is_empty() || call.id == delta.id;
        match delta.index {
            Some(_) => self.0.iter().rposition(|call| call.index == delta.index && same_id(call)),
            None if delta.id.is_empty() => {
                let is_more = self.0.last_mut().is_some_and(|last| !last.is_followed_by(delta));
                is_more.then(|| self.0.len() - 1)
            }
            None => self.0.iter().rposition(|call| call.id == delta.id),
        }
    }

    /// The calls sorted by index (those without one keep their order), each with an id.
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
    /// Some hosts send a name in pieces, some send all of it each time, some send what there is of it so far.
    fn add_name(&mut self, piece: &str) {
        if piece.starts_with(&*self.name) {
            piece.clone_into(&mut self.name);
        } else {
            self.name.push_str(piece);
        }
    }

    /// Whether a piece without index and id is another complete call, rather than more of this one or a repetition of
    /// it.
    fn is_followed_by(&mut self, delta: &CallDelta) -> bool {
        if delta.name.is_empty() || self.name.is_empty() {
            return false;
        }
        match (object(&delta.arguments), self.arguments.object()) {
            (Some(next), Some(now)) => delta.name != self.name || (*now != next && !is_hollow(now)),
            _ => false,
        }
    }
}

/// A reply that exceeds what any model sends.
pub(super) fn too_much(what: &str) -> ModelError {
    let words = format!("the reply has {what} than any reply of a model");
    ModelError { may_be_billed: true, ..ModelError::new(ErrorKind::Broken, &words) }
}

#[derive(Debug, Default)]
struct ArgumentPieces {
    all: String,
    /// The last piece.
    last: String,
    /// Some piece did not begin with the one before it.
    is_plain: bool,
    extent: JsonExtent,
    /// The parsed arguments, cached on demand; null if they are no object.
    read: Option<Value>,
}

impl ArgumentPieces {
    fn add(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        self.is_plain |= !piece.starts_with(&*self.last);
        self.all.push_str(piece);
        piece.clone_into(&mut self.last);
        self.extent.add(piece);
        self.read = None;
    }

    /// The arguments so far, if they are a complete object. They are parsed once for each piece that may have completed
    /// it.
    fn object(&mut self) -> Option<&Value> {
        if !self.extent.may_be_whole() {
            return None;
        }
        let read = self.read.get_or_insert_with(|| object(&self.all).unwrap_or_default());
        Some(&*read).filter(|read| read.is_object())
    }

    /// The final arguments. Usually the concatenated pieces; only if that is no JSON object, the host may have sent
    /// some of it before it sent all of it: `{}` first, a part, or each time everything so far.
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

/// Finds where a JSON object may end, reading each byte once. Only a parser can tell whether it is valid.
#[derive(Debug, Default)]
struct JsonExtent {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    has_ended: bool,
    /// More text follows its end.
    is_over: bool,
}

impl JsonExtent {
    fn add(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.in_string => self.is_escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                byte if byte.is_ascii_whitespace() => {}
                _ if self.has_ended => self.is_over = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.has_ended = self.depth == 0;
                }
                _ => {}
            }
        }
    }

    fn may_be_whole(&self) -> bool {
        self.has_ended && !self.is_over
    }
}

/// The complete object at the end of `all`, if everything before it is a prefix of it, the same object, or empty.
fn said_again(all: &str) -> Option<&str> {
    let mut rest = all;
    loop {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(first)) = values.next() else { break };
        rest = rest[values.byte_offset()..].trim_start();
        match object(rest) {
            Some(second) if is_hollow(&first) || first == second => return Some(rest),
            None if is_hollow(&first) => {}
            _ => return None,
        }
    }
    let starts = rest.match_indices('{').map(|(at, _)| at).skip(1).take_while(|at| at * 2 <= rest.len());
    let is_alike = |at: &usize| {
        let glance = GLANCE.min(*at);
        rest.as_bytes()[*at..].starts_with(&rest.as_bytes()[..glance])
    };
    let parts = starts.filter(is_alike).take(MAX_PLACES).map(|at| rest.split_at(at));
    parts.filter(|(part, again)| again.starts_with(*part)).map(|it| it.1).find(|again| object(again).is_some())
}

fn object(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok().filter(Value::is_object)
}

fn is_hollow(value: &Value) -> bool {
    value.is_null() || value == "" || value.as_object().is_some_and(serde_json::Map::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(pieces: &[&str]) -> String {
        let mut arguments = ArgumentPieces::default();
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
    fn pieces_without_end_are_looked_at_once() {
        // Each of these would take hours if every piece or offset were compared with all others.
        let hollow = "{}".repeat(200_000);
        assert_eq!(whole(&[&hollow]), "{}");
        let open = "{".repeat(400_000);
        assert_eq!(whole(&[&open]), open);
        let mut calls = CallPieces::default();
        let piece =
            |arguments: &str| CallDelta { name: "a".into(), arguments: arguments.into(), ..CallDelta::default() };
        calls.add(piece(&format!("{{\"text\":\"{}", "x".repeat(400_000)))).unwrap();
        for _ in 0..20_000 {
            calls.add(piece("{}")).unwrap();
        }
        assert_eq!(calls.finish().len(), 1);
    }

    #[test]
    fn more_calls_than_any_reply_has_are_an_error() {
        let mut calls = CallPieces::default();
        let call =
            |number: usize| CallDelta { index: Some(number as u64), id: number.to_string(), ..CallDelta::default() };
        let added = (0..=MAX_CALLS).map(|number| calls.add(call(number))).collect::<Vec<_>>();
        assert!(added[..MAX_CALLS].iter().all(Result::is_ok));
        assert_eq!(added[MAX_CALLS].as_ref().unwrap_err().kind, ErrorKind::Broken);
        let long = CallDelta { index: Some(0), name: "n".repeat(MAX_NAME + 1), ..CallDelta::default() };
        assert_eq!(calls.add(long).unwrap_err().kind, ErrorKind::Broken);
    }

    #[test]
    fn what_can_mean_two_things_is_left_as_it_came() {
        for pieces in [&[r#"{"a":1}"#, r#"{"a":2}"#][..], &[r#"{"a":"#, r#"{"b":1}"#], &["{\"a", "\":1"], &["", ""]] {
            assert_eq!(whole(pieces), pieces.concat(), "{pieces:?}");
        }
    }
}
