//! What all runs on one tree say of each test, and the file that keeps it for whoever checks the run later.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::journal::{Digest, TestResults, Verdict};

const SCHEMA: &str = "kcode.results/1";

/// The tests on one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// How each went, in the first run that knew it.
    pub tests: BTreeMap<Arc<str>, Verdict>,
    /// Those of them that went otherwise in another run.
    pub flaky: BTreeSet<Arc<str>>,
}

/// The file: single results of a run, before its patch and with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptResults {
    schema: String,
    /// On the start state; `None` when nothing is known of it.
    pub before: Option<Verdicts>,
    /// With the patch.
    pub after: Option<Verdicts>,
}

/// A test that went otherwise than it was said to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The test.
    pub test: String,
    /// How it went then; `null` when it wasn't there.
    pub then: Option<Verdict>,
    /// How it goes now; `null` when it isn't there.
    pub now: Option<Verdict>,
}

impl Verdicts {
    /// Of these runs; `None` when none came to its end with tests in it.
    #[must_use]
    pub fn of(runs: &[TestResults]) -> Option<Self> {
        let mut verdicts = Self::default();
        let whole: Vec<&TestResults> = runs.iter().filter(|run| run.complete && !run.tests.is_empty()).collect();
        whole.first()?;
        for (name, case) in whole.iter().flat_map(|run| run.tests.iter()) {
            let first = *verdicts.tests.entry(name.clone()).or_insert(case.verdict);
            if first != case.verdict || whole.iter().any(|run| !run.tests.contains_key(name)) {
                verdicts.flaky.insert(name.clone());
            }
        }
        Some(verdicts)
    }

    /// What goes otherwise in `now`. A test that is flaky in either is none of it.
    #[must_use]
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let names: BTreeSet<&Arc<str>> = self.tests.keys().chain(now.tests.keys()).collect();
        let steady = names.into_iter().filter(|name| !self.flaky.contains(*name) && !now.flaky.contains(*name));
        let told = steady.map(|name| Difference {
            test: name.to_string(),
            then: self.tests.get(name).copied(),
            now: now.tests.get(name).copied(),
        });
        told.filter(|told| told.then != told.now).collect()
    }
}

impl KeptResults {
    /// Of these.
    #[must_use]
    pub fn new(before: Option<Verdicts>, after: Option<Verdicts>) -> Self {
        Self { schema: SCHEMA.to_owned(), before, after }
    }

    /// Replaces the file in one step and returns its SHA-256.
    ///
    /// # Errors
    /// When its folder can't be written.
    pub fn save(&self, path: &Path) -> io::Result<Digest> {
        let file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        let mut hashing = Hashing { file: BufWriter::new(file), hash: Sha256::new() };
        serde_json::to_writer(&mut hashing, self)?;
        let file = hashing.file.into_inner().map_err(IntoInnerError::into_error)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(Digest::from_raw(hashing.hash.finalize().into()))
    }

    /// Reads the bytes of such a file.
    ///
    /// # Errors
    /// When they aren't one of this version.
    pub fn read(bytes: &[u8]) -> io::Result<Self> {
        let kept: Self = serde_json::from_slice(bytes)?;
        if kept.schema == SCHEMA {
            return Ok(kept);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("its schema is {:?}, not {SCHEMA:?}", kept.schema)))
    }
}

/// A file, and the hash of what is written to it: the results of a large suite are never one piece of memory.
struct Hashing {
    file: BufWriter<NamedTempFile>,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(tests: &[(&str, Verdict)], flaky: &[&str]) -> Verdicts {
        let tests = tests.iter().map(|(name, verdict)| ((*name).into(), *verdict)).collect();
        Verdicts { tests, flaky: flaky.iter().map(|&name| name.into()).collect() }
    }

    #[test]
    fn tests_that_come_go_or_change_differ_and_flaky_ones_do_not() {
        use Verdict::{Failed, Passed, Skipped};
        let then = verdicts(&[("same", Passed), ("broke", Passed), ("gone", Passed), ("moody", Failed)], &["moody"]);
        let now = verdicts(&[("same", Passed), ("broke", Failed), ("came", Skipped), ("moody", Passed)], &[]);
        let told: Vec<_> = then.differences(&now).into_iter().map(|d| (d.test, d.then, d.now)).collect();
        let differs = |test: &str, then, now| (test.to_owned(), then, now);
        assert_eq!(
            told,
            [
                differs("broke", Some(Passed), Some(Failed)),
                differs("came", None, Some(Skipped)),
                differs("gone", Some(Passed), None)
            ]
        );
        assert_eq!(then.differences(&then), []);
    }

    #[test]
    fn what_is_kept_is_read_back_and_another_version_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.json");
        let kept = KeptResults::new(None, Some(verdicts(&[("a", Verdict::Passed)], &[])));
        let sha256 = kept.save(&file).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!((Digest::of(&bytes), KeptResults::read(&bytes).unwrap()), (sha256, kept));
        assert!(KeptResults::read(br#"{"schema": "kcode.results/2", "before": null, "after": null}"#).is_err());
    }
}
