//! Removes secrets from text before anything else sees it: the model, the journal, logs, the terminal.
//!
//! Two kinds are known: *values* that this process was given (keys, variables named like secrets), and *shapes* of
//! well-known tokens. Each is replaced by `[redacted:KIND]`. Redacting redacted text changes nothing, and the number of
//! lines stays, so that line numbers stay valid.
//!
//! Values are also found when they are encoded (base64, base32, hexadecimal, percent signs, escapes, entities),
//! reversed, written in another case, or with something between their characters.
//!
//! Only the broker knows values; the worker knows shapes ([`Redactor::shapes`]), and the broker redacts all that the
//! worker returns once more ([`Redactor::of`]). Files that are written, and the model's own messages, stay as they are.

mod disguised;
mod known;
mod plain_letters;
mod plausible;
mod redactor;
mod shapes;
mod stream;

pub use redactor::{Redactor, holds_marker};
pub use stream::RedactedStream;
