//! A run exported as one file: enough to replay it elsewhere, without secrets.
//!
//! The repository isn't included: the file names the start tree, and whoever replays the run needs a clone that has it.

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

/// Schema name of an exported run.
pub const ARCHIVE_SCHEMA: &str = "kcode.run/1";

/// An exported run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Archive {
    /// Schema name: always `kcode.run/1` when written by this version.
    pub schema: String,
    /// Id of the run.
    pub run: RunId,
    /// Git's id of the start tree, if the journal has it.
    pub start_tree: Option<String>,
    /// Number of records, contents and paths from which secrets were removed. A reply that contained a secret can't be
    /// replayed.
    pub redacted: u64,
    /// Records of the journal.
    pub journal: Vec<Record>,
    /// The run's changes at its end.
    pub changes: ChangeSet,
    /// Contents of changed files, before and after.
    pub contents: Vec<ArchivedContent>,
    /// Digests of contents that are not included: they contain secrets, or are no longer kept.
    pub left_out: Vec<Digest>,
}

/// Content of a file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Content")]
pub enum ArchivedContent {
    /// UTF-8 content as text.
    Text(String),
    /// Other content, in base64.
    Base64(String),
}

impl Archive {
    /// Exports a run.
    ///
    /// # Errors
    /// When a record is no longer valid without its secrets.
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
    /// When it is none, or has another schema version.
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

/// Removes secrets from every string of a value; returns true if there were any.
fn clean(value: &mut Value, redactor: &Redactor) -> bool {
    match value {
        Value::String(text) => {
            let clean = redactor.text(text).into_owned();
            let has_secrets = clean != *text;
            *text = clean;
            has_secrets
        }
        // Without short-circuit, so that every item is cleaned.
        Value::Array(items) => items.iter_mut().fold(false, |any, item| clean(item, redactor) | any),
        Value::Object(fields) => fields.values_mut().fold(false, |any, field| clean(field, redactor) | any),
        _ => false,
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
