//! The combined results of all runs on one tree, and the file that keeps them for a later check.

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

/// Combined results of the tests on one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// Each test's result in the first run that reported it.
    pub tests: BTreeMap<Arc<str>, Verdict>,
    /// Tests whose result differed in another run.
    pub flaky: BTreeSet<Arc<str>>,
}

/// The file: combined results before the patch and with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptResults {
    schema: String,
    /// Results on the start state; `None` if unknown.
    pub before: Option<Verdicts>,
    /// Results with the patch; `None` if unknown.
    pub after: Option<Verdicts>,
}

/// A test whose result differs from the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The test.
    pub test: String,
    /// Result in the report; `null` if the test didn't exist.
    pub then: Option<Verdict>,
    /// Result now; `null` if the test doesn't exist.
    pub now: Option<Verdict>,
}

impl Verdicts {
    /// Combines these runs; `None` if none is complete and has tests.
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

    /// Lists tests whose result differs in `now`, without those that are flaky in either.
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
    /// Creates the file's content from both sides.
    #[must_use]
    pub fn new(before: Option<Verdicts>, after: Option<Verdicts>) -> Self {
        Self { schema: SCHEMA.to_owned(), before, after }
    }

    /// Replaces the file atomically and returns its SHA-256.
    ///
    /// # Errors
    /// If its folder can't be written.
    pub fn save(&self, path: &Path) -> io::Result<Digest> {
        let file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        let mut hashing = Hashing { file: BufWriter::new(file), hash: Sha256::new() };
        serde_json::to_writer(&mut hashing, self)?;
        let file = hashing.file.into_inner().map_err(IntoInnerError::into_error)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(Digest::from_raw(hashing.hash.finalize().into()))
    }

    /// Parses the bytes of such a file.
    ///
    /// # Errors
    /// If they aren't JSON of this version.
    pub fn read(bytes: &[u8]) -> io::Result<Self> {
        let kept: Self = serde_json::from_slice(bytes)?;
        if kept.schema == SCHEMA {
            return Ok(kept);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("its schema is {:?}, not {SCHEMA:?}", kept.schema)))
    }
}

/// Hashes a file while it is written, so that the results of a large suite are never all in memory.
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
