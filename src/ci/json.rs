//! JSON of a platform, read strictly: one object, no key twice. Of two equal keys, one reader takes the first and another
//! the last, so that what was checked wouldn't be what is used.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Why bytes are not such an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JsonProblem {
    TooLarge,
    Bad(String),
}

/// Reads one JSON object of at most `max` bytes.
pub(super) fn object(bytes: &[u8], max: usize) -> Result<Map<String, Value>, JsonProblem> {
    if bytes.len() > max {
        return Err(JsonProblem::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // serde_json refuses what is nested deeper than 128 levels.
    let value: Strict = serde_json::from_slice(bytes).map_err(|error| JsonProblem::Bad(error.to_string()))?;
    match value.0 {
        Value::Object(object) => Ok(object),
        _ => Err(JsonProblem::Bad("it is no object".to_owned())),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} is there twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_there_twice_is_refused_at_any_depth() {
        assert!(object(br#"{"a":{"b":1},"c":[{"d":2}]}"#, 100).is_ok());
        for twice in [r#"{"a":1,"a":2}"#, r#"{"x":[{"a":1,"\u0061":2}]}"#, r#"{"sender":{},"issue":{},"sender":{}}"#] {
            let refused = object(twice.as_bytes(), 100).unwrap_err();
            assert!(matches!(&refused, JsonProblem::Bad(why) if why.contains("twice")), "{refused:?}");
        }
    }

    #[test]
    fn what_is_large_deep_or_no_object_is_refused() {
        for bad in ["", "[]", "1", "{", "{} {}", "\u{0}{}"] {
            assert!(object(bad.as_bytes(), 100).is_err(), "{bad:?}");
        }
        assert!(object(&[&[0xff][..], b"{}"].concat(), 100).is_err(), "invalid UTF-8");
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(object(deep.as_bytes(), 20_000).is_err());
        assert_eq!(object(b"{\"a\":1}", 6), Err(JsonProblem::TooLarge));
    }
}
