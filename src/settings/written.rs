//! Values that settings files write as text.

use std::time::Duration;

use serde::{Deserialize as _, Deserializer, de};

use super::amounts;
use crate::journal::Bytes;

/// Deserialises a value that is written as a string, by its `FromStr`.
pub(super) fn text<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map(Some).map_err(de::Error::custom)
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    amounts::parse_duration(&text).map(Some).map_err(de::Error::custom)
}

pub(super) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    let text = String::deserialize(deserializer)?;
    amounts::parse_bytes(&text).map(Some).map_err(de::Error::custom)
}
