//! Names of tests and files, each kept once however many runs tell of it.
//!
//! A suite of a hundred thousand tests is run three or four times in a fix, and each run names all of them.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// So many are kept; a process that meets more has names that nobody else has.
const MOST: usize = 1_000_000;

static NAMES: LazyLock<Mutex<HashSet<Arc<str>>>> = LazyLock::new(Mutex::default);

/// `text` as everybody else has it who asked for it.
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
    use crate::evidence::{TestResults, Written, results};

    #[test]
    fn the_same_name_is_kept_once() {
        let (one, other) = (shared("core::tests::adds"), shared(&String::from("core::tests::adds")));
        assert!(Arc::ptr_eq(&one, &other) && !Arc::ptr_eq(&one, &shared("core::tests::subtracts")));
    }

    #[test]
    fn runs_of_a_large_suite_hold_its_names_once() {
        let printed = |failing: usize| {
            let line = |number: usize| {
                let verdict = if number == failing { "FAILED" } else { "ok" };
                format!("test suite::tests::number_{number} ... {verdict}\n")
            };
            let tests: String = (0..20_000).map(line).collect();
            format!(
                "running 20000 tests\n{tests}\ntest result: FAILED. 19999 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n"
            )
        };
        let read = |output: &str| {
            let written = Written { root: "/view", output, reports: &[], ended: true, passed: false };
            results(&written).unwrap()
        };
        let (one, other) = (read(&printed(1)), read(&printed(2)));
        assert_eq!(one.tests.len(), 20_000);
        assert!(one.tests.keys().zip(other.tests.keys()).all(|(name, same)| Arc::ptr_eq(name, same)));
        assert!(Arc::ptr_eq(&one.tests, &one.clone().tests), "a copy for those who look is none");
        let mut kept: TestResults = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        kept.share_names();
        assert!(kept == one && kept.tests.keys().zip(one.tests.keys()).all(|(name, same)| Arc::ptr_eq(name, same)));
    }
}
