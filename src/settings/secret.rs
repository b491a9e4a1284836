//! A key that can't be printed, logged or serialised.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Text that can only be read through [`Secret::expose`]: there is no `Display` and no `Serialize`, `Debug` only says
/// that it is set, and its memory is zeroed when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes ownership of `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text itself: for the `Authorization` header and for redaction, nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<Secret> for SecretString {
    /// For the client, which puts it into the header.
    fn from(secret: Secret) -> Self {
        secret.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(set)")
    }
}
