//! Secrets taken out of text before anybody else sees it: the model, the journal, logs, the terminal.
//!
//! Two kinds are known: *values* that this process was given (keys, variables named like secrets), and *shapes* that
//! well-known tokens have. Each is replaced by `[redacted:KIND]`. Redacting what is redacted changes nothing, and
//! the number of lines stays, so that line numbers go on meaning what they meant.
//!
//! Values are also found when they are encoded (base64, base32, hexadecimal, percent signs, escapes, entities), reversed,
//! written in another case, or with something between their characters.
//!
//! Values are known to the broker alone; the worker knows shapes ([`Redactor::shapes`]), and the broker goes over all
//! that the worker says once more ([`Redactor::of`]). What is written to files, and what the model itself said, stays
//! as it is.

mod disguised;
mod known;
mod plain_letters;
mod plausible;
mod redactor;
mod shapes;
mod stream;

pub use redactor::{Redactor, holds_marker};
pub use stream::RedactedStream;
