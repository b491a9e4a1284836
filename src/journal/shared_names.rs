//! Names of tests and files, each kept in memory once, however many runs mention it.
//!
//! A suite of a hundred thousand tests runs three or four times in a fix, and each run names all of them.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Most names kept; further ones aren't shared.
const MOST: usize = 1_000_000;

static NAMES: LazyLock<Mutex<HashSet<Arc<str>>>> = LazyLock::new(Mutex::default);

/// Returns the shared copy of `text`.
#[must_use]
pub fn shared(text: &str) -> Arc<str> {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text) {
        return Arc::clone(known);
    }
    let name: Arc<str> = text.into();
    if names.len() < MOST {
        names.insert(Arc::clone(&name));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_is_kept_once() {
        let (one, other) = (shared("core::tests::adds"), shared(&String::from("core::tests::adds")));
        assert!(Arc::ptr_eq(&one, &other) && !Arc::ptr_eq(&one, &shared("core::tests::subtracts")));
    }
}
