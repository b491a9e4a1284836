//! A run as one file: enough to replay it elsewhere, and nothing that is secret.
//!
//! The repository isn't in it: the file names the tree that the run started from, and whoever replays it has a clone.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Recording;
use crate::journal::{Digest, Record, RunId};
use crate::settings::Redactor;
use crate::workspace::ChangeSet;

/// The schema that an exported run names.
pub const ARCHIVE_SCHEMA: &str = "kcode.run/1";

/// An exported run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Archive {
    /// Always [`ARCHIVE_SCHEMA`] when written by this version.
    pub schema: String,
    /// The run.
    pub run: RunId,
    /// Git's id of the tree that it started from, where its journal knows it.
    pub start_tree: Option<String>,
    /// How many records, contents and paths secrets were taken out of. A reply without its secret can't be replayed.
    pub redacted: u64,
    /// The journal.
    pub journal: Vec<Record>,
    /// What the run had changed in the end.
    pub changes: ChangeSet,
    /// The contents of changed files, before and after.
    pub contents: Vec<ArchivedContent>,
    /// Hashes of contents that are not in the file: they hold secrets, or are not kept any more.
    pub left_out: Vec<Digest>,
}

/// The content of a file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Content")]
pub enum ArchivedContent {
    /// As it stands.
    Text(String),
    /// What isn't UTF-8.
    Base64(String),
}

impl Archive {
    /// Packs a run.
    ///
    /// # Errors
    /// When a record without its secrets is none any more.
    pub fn pack(recording: &Recording, redactor: &Redactor) -> io::Result<Self> {
        let mut redacted = 0;
        let mut journal = Vec::with_capacity(recording.records.len());
        for record in &recording.records {
            let mut value = serde_json::to_value(record)?;
            redacted += u64::from(clean(&mut value, redactor));
            journal.push(serde_json::from_value(value)?);
        }
        let (mut contents, mut left_out) = (Vec::new(), Vec::new());
        for digest in recording.contents_needed() {
            match recording.content(digest) {
                Ok(content) if redactor.bytes(&content) == content => contents.push(ArchivedContent::of(content)),
                Ok(_) => {
                    redacted += 1;
                    left_out.push(digest);
                }
                Err(_) => left_out.push(digest),
            }
        }
        Ok(Self {
            schema: ARCHIVE_SCHEMA.to_owned(),
            run: recording.started.run.clone(),
            start_tree: recording.start_tree().map(ToOwned::to_owned),
            redacted,
            journal,
            changes: recording.changes.clone(),
            contents,
            left_out,
        })
    }

    /// Reads an exported run.
    ///
    /// # Errors
    /// When it isn't one, or of another version.
    pub fn unpack(json: &[u8]) -> io::Result<Recording> {
        #[derive(Deserialize)]
        struct ArchiveHead {
            schema: String,
        }
        let ArchiveHead { schema } = serde_json::from_slice(json)?;
        if schema != ARCHIVE_SCHEMA {
            return Err(invalid(format!("its schema is {schema:?}, not {ARCHIVE_SCHEMA:?}")));
        }
        let archive: Self = serde_json::from_slice(json)?;
        let contents = archive.contents.into_iter().map(ArchivedContent::bytes).collect::<io::Result<_>>()?;
        Recording::held(archive.journal, archive.changes, contents)
    }
}

impl ArchivedContent {
    fn of(content: Vec<u8>) -> Self {
        String::from_utf8(content)
            .map_or_else(|error| Self::Base64(BASE64_STANDARD.encode(error.as_bytes())), Self::Text)
    }

    fn bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Base64(text) => BASE64_STANDARD.decode(text).map_err(|error| invalid(error.to_string())),
        }
    }
}

/// Takes secrets out of every string of a value; true when there were some.
fn clean(value: &mut Value, redactor: &Redactor) -> bool {
    match value {
        Value::String(text) => {
            let clean = redactor.text(text).into_owned();
            let has_secrets = clean != *text;
            *text = clean;
            has_secrets
        }
        // All of them, also after the first.
        Value::Array(items) => items.iter_mut().fold(false, |any, item| clean(item, redactor) | any),
        Value::Object(fields) => fields.values_mut().fold(false, |any, field| clean(field, redactor) | any),
        _ => false,
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
