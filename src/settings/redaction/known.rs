//! Values that are secret because the name of their variable says so.

use std::collections::BTreeMap;

use crate::settings::{Environment, key_variables};

/// Bytes; a shorter value would occur in innocent text.
const MIN_LENGTH: usize = 8;
/// Kind of kcode's own keys.
pub(super) const API_KEY: &str = "api-key";
/// Kind of all other values.
const ENVIRONMENT: &str = "environment";

/// Parts of a name, split at underscores, that make its value a secret. `PWD` is the working folder.
const SECRET_PARTS: [&str; 22] = [
    "APIKEY",
    "AUTH",
    "COOKIE",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "DSN",
    "KEY",
    "KEYS",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PASSWORDS",
    "PAT",
    "PRIVATE",
    "SECRET",
    "SECRETS",
    "SIGNATURE",
    "TOKEN",
    "TOKENS",
    "WEBHOOK",
];

/// Values that are no secret although their variable is named like one.
const TRIVIAL: [&str; 12] = [
    "changeme",
    "disabled",
    "password",
    "passw0rd",
    "redacted",
    "required",
    "undefined",
    "localhost",
    "anonymous",
    "optional",
    "testtest",
    "keyring:",
];

/// Secret values of `env`, longest first, each with its kind.
pub(super) fn values(env: &Environment) -> Vec<(String, &'static str)> {
    let mut values = BTreeMap::new();
    for (name, value) in env.iter() {
        let is_key = key_variables().any(|key| key == name);
        if value.len() < MIN_LENGTH || !(is_key || (is_secret_name(name) && !is_trivial(value))) {
            continue;
        }
        let kind = if is_key { API_KEY } else { ENVIRONMENT };
        values.insert(value.to_owned(), kind);
        // Its JSON form, when that differs.
        let quoted = serde_json::Value::from(value).to_string();
        values.entry(quoted[1..quoted.len() - 1].to_owned()).or_insert(kind);
    }
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    values
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_part = |part: &str| SECRET_PARTS.contains(&part) || part.ends_with("TOKEN") || part.ends_with("PASSWORD");
    name.split(['_', '-', '.']).any(is_part)
}

/// Words, numbers, paths and addresses without a password: they would be found all over a repository.
fn is_trivial(value: &str) -> bool {
    let is_word = value.bytes().all(|byte| byte.is_ascii_lowercase()) && value.len() < 16;
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_one_character = value.bytes().all(|byte| value.as_bytes().first() == Some(&byte));
    let is_path = value.starts_with(['/', '~', '.']);
    let is_address = value.contains("://") && !value.contains('@') && !value.contains('?');
    let holds_marker = value.contains("[redacted:");
    let lower = value.to_ascii_lowercase();
    is_word || is_number || is_one_character || is_path || is_address || holds_marker || TRIVIAL.contains(&&*lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, value: &str) -> bool {
        !values(&[(name, value)].into_iter().collect()).is_empty()
    }

    #[test]
    fn names_tell_secrets() {
        for name in ["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "NPM_AUTH", "SENTRY_DSN", "github_pat"] {
            assert!(found(name, "a1B2c3D4e5"), "{name}");
        }
        for name in ["PATH", "PWD", "OLDPWD", "MONKEY", "KEYBOARD", "AUTHOR", "XDG_SESSION_ID", "LS_COLORS"] {
            assert!(!found(name, "a1B2c3D4e5"), "{name}");
        }
    }

    #[test]
    fn trivial_values_are_no_secrets_but_a_key_of_kcodes_own_always_is() {
        for value in
            ["short", "changeme", "true", "/run/user/1000/ssh", "https://sts.example", "12345678", "xxxxxxxxxx"]
        {
            assert!(!found("MY_TOKEN", value), "{value}");
        }
        assert!(found("MY_TOKEN", "https://user:pw@example"));
        assert!(found("MOONSHOT_API_KEY", "sk-plain"));
    }

    #[test]
    fn a_value_is_also_known_as_json_writes_it() {
        let env: Environment = [("DB_PASSWORD", "pass\"word\\1")].into_iter().collect();
        let values: Vec<_> = values(&env).into_iter().map(|(value, _)| value).collect();
        assert_eq!(values, ["pass\\\"word\\\\1", "pass\"word\\1"]);
    }
}
