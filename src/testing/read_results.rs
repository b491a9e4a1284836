//! Reads in the broker what the worker left of a test run: removes secrets and adds results of single tests.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;

use super::causes::Hidden;
use super::counts::counts;
use super::parse::{RunOutput, results};
use super::why::why_failed;
use crate::journal::{TestResults, whole};
use crate::sandbox;
use crate::settings::{Redactor, SecretFiles};
use crate::tools::TestRun;

/// Bytes read of a log. The worker keeps 16 MiB and a line, but the broker doesn't rely on that.
const LOG_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of the log's end in which the runner's totals are looked for.
const TOTALS_BYTES: usize = 64 * 1024;
/// Bytes read of one report; the worker keeps no larger ones.
const REPORT_BYTES: u64 = 32 * 1024 * 1024;
/// Most reports that are read.
const REPORTS: usize = 2_000;

/// Adds the runner's results to `run`, whose files are in `logs`, and removes known secrets from both. `hidden` are
/// paths outside of the repository that its manifests name and the user hasn't allowed.
///
/// # Errors
/// If the log can't be read or written.
pub fn read_results(run: &mut TestRun, logs: &Path, redactor: &Redactor, hidden: &[PathBuf]) -> io::Result<()> {
    let folder = logs;
    let logs = Dir::open_ambient_dir(logs, ambient_authority())?;
    let output = redact_log(&logs, &run.log, redactor)?;
    // A report that can't be read counts as not written.
    let reports = run.reports.as_ref().and_then(|name| redact_reports(&logs, name, redactor).ok()).unwrap_or_default();
    let ended = run.left_out == 0 && run.stopped.is_none() && run.signal.is_none();
    let written = RunOutput { root: &run.view, output: &output, reports: &reports, ended, passed: run.passed() };
    run.results = results(&written);
    let totals = || counts(&output[output.ceil_char_boundary(output.len().saturating_sub(TOTALS_BYTES))..]);
    // If all single tests are known, the totals are derived from them.
    run.counts = run.results.as_ref().filter(|results| results.complete).map(TestResults::counts).or_else(totals);
    run.why = with_hidden(run, folder, hidden, |hidden| why_failed(run, &output, hidden));
    redactor.clean(&mut run.excerpt);
    redactor.clean(&mut run.command);
    Ok(())
}

/// Removes known secrets from the logs of interrupted commands, which are not read otherwise. Files that can't be read
/// or written are left as they are.
pub fn clean_logs(logs: &Path, redactor: &Redactor) {
    let Ok(logs) = Dir::open_ambient_dir(logs, ambient_authority()) else { return };
    for entry in logs.entries().into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        // A folder of reports, or of a trial's logs.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            drop(redact_reports(&logs, &name, redactor));
        } else {
            drop(redact_log(&logs, &name, redactor));
        }
    }
}

/// Calls `ask` with what the sandbox hides from `run`, whose logs are below a run's `folder`; `named` is `hidden` of
/// [`read_results`].
pub fn with_hidden<T>(run: &TestRun, folder: &Path, named: &[PathBuf], ask: impl FnOnce(Hidden<'_>) -> T) -> T {
    let of_state = |above: &&Path| above.ends_with("runs") || above.ends_with("verifications");
    let state = folder.ancestors().find(of_state).and_then(Path::parent);
    let secrets = SecretFiles::new(&[]).ok();
    let closed = |path: &Path| {
        let is_own = state.is_some_and(|state| path.starts_with(state));
        is_own || sandbox::is_secret(path) || secrets.as_ref().is_some_and(|secrets| secrets.what(path).is_some())
    };
    ask(Hidden { around: &around(run), named, closed: &closed })
}

/// Folders that are mostly hidden: the home, and the parents of the tree.
fn around(run: &TestRun) -> Vec<PathBuf> {
    let above = Path::new(&run.view).ancestors().skip(1).map(Path::to_owned);
    std::env::home_dir().into_iter().chain(above).filter(|folder| folder.parent().is_some()).collect()
}

/// Returns the log, rewritten if it contains known secrets: the worker knows their shapes, but no values. The name
/// comes from the worker, so that it is only opened inside `logs`.
fn redact_log(logs: &Dir, name: &str, redactor: &Redactor) -> io::Result<String> {
    let raw = match open(logs, name) {
        // A run that was cancelled before it began has no log.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        file => whole(file?, LOG_BYTES)?,
    };
    let clean = match redactor.bytes(&raw) {
        Cow::Borrowed(_) => None,
        Cow::Owned(clean) => Some(clean),
    };
    if let Some(clean) = &clean {
        logs.write(name, clean)?;
    }
    // Valid UTF-8 isn't copied.
    let text = String::from_utf8(clean.unwrap_or(raw));
    Ok(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Opens a regular file without following a link or waiting for the other end of a pipe.
fn open(folder: &Dir, name: impl AsRef<Path>) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let file = folder.open_with(name, OpenOptions::new().read(true).custom_flags(flags))?.into_std();
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

/// Does the same for reports, in the order of their numbers.
fn redact_reports(logs: &Dir, folder: &str, redactor: &Redactor) -> io::Result<Vec<Vec<u8>>> {
    let folder = logs.open_dir(folder)?;
    let mut names: Vec<_> = folder.entries()?.flatten().take(REPORTS).map(|entry| entry.file_name()).collect();
    names.sort_unstable();
    let mut reports = Vec::new();
    for name in names {
        let mut raw = Vec::new();
        open(&folder, &name)?.take(REPORT_BYTES).read_to_end(&mut raw)?;
        let clean = redactor.bytes(&raw);
        if let Cow::Owned(clean) = &clean {
            folder.write(&name, clean)?;
        }
        reports.push(clean.into_owned());
    }
    Ok(reports)
}
