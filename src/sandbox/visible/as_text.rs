//! How paths are told as JSON: as text, or as bytes where they are none. Anybody may call a folder or a socket so.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum ToldPlace {
    Text(PathBuf),
    Bytes(OsString),
}

pub(super) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    match path.to_str() {
        Some(text) => to.serialize_str(text),
        None => path.as_os_str().serialize(to),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Ok(match ToldPlace::deserialize(from)? {
        ToldPlace::Text(path) => path,
        ToldPlace::Bytes(bytes) => bytes.into(),
    })
}
