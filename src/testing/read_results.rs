//! What the worker left of a test run, read in the broker: secrets out, single results in.

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

/// Of a log. The worker keeps 16 MiB and a line; nothing of the broker's depends on that it does.
const LOG_BYTES: u64 = 32 * 1024 * 1024;
/// How much of that is read for the runner's totals.
const TOTALS_BYTES: usize = 64 * 1024;
/// Of one report; the worker keeps no longer ones.
const REPORT_BYTES: u64 = 32 * 1024 * 1024;
/// Of reports, as for their length.
const REPORTS: usize = 2_000;

/// Adds to `run`, whose files are in `logs`, what the runner said of its tests, and takes known secrets out of it and them.
/// `hidden` is what the repository names outside of itself and nobody allowed.
///
/// # Errors
/// When the log can't be read or written.
pub fn read_results(run: &mut TestRun, logs: &Path, redactor: &Redactor, hidden: &[PathBuf]) -> io::Result<()> {
    let folder = logs;
    let logs = Dir::open_ambient_dir(logs, ambient_authority())?;
    let output = redact_log(&logs, &run.log, redactor)?;
    // A report that can't be read is as one that wasn't written.
    let reports = run.reports.as_ref().and_then(|name| redact_reports(&logs, name, redactor).ok()).unwrap_or_default();
    let ended = run.left_out == 0 && run.stopped.is_none() && run.signal.is_none();
    let written = RunOutput { root: &run.view, output: &output, reports: &reports, ended, passed: run.passed() };
    run.results = results(&written);
    let totals = || counts(&output[output.ceil_char_boundary(output.len().saturating_sub(TOTALS_BYTES))..]);
    // Where single tests are known, the totals follow from them.
    run.counts = run.results.as_ref().filter(|results| results.complete).map(TestResults::counts).or_else(totals);
    run.why = with_hidden(run, folder, hidden, |hidden| why_failed(run, &output, hidden));
    redactor.clean(&mut run.excerpt);
    redactor.clean(&mut run.command);
    Ok(())
}

/// Takes known secrets out of what commands left in `logs` that were cut off: nobody reads it otherwise. What can't be read or
/// written stays as it is.
pub fn clean_logs(logs: &Path, redactor: &Redactor) {
    let Ok(logs) = Dir::open_ambient_dir(logs, ambient_authority()) else { return };
    for entry in logs.entries().into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        // A folder of reports, or of the logs of a trial.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            drop(redact_reports(&logs, &name, redactor));
        } else {
            drop(redact_log(&logs, &name, redactor));
        }
    }
}

/// Asks about what the sandbox shows `run` little of, whose logs are below a run's `folder`; `named` as for [`read_results`].
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

/// Folders of which the sandbox shows little: the home, and those that the tree lies in.
fn around(run: &TestRun) -> Vec<PathBuf> {
    let above = Path::new(&run.view).ancestors().skip(1).map(Path::to_owned);
    std::env::home_dir().into_iter().chain(above).filter(|folder| folder.parent().is_some()).collect()
}

/// The worker knows the shapes of secrets and no values; a log in which there are some is written anew. Returns the log. Its name
/// comes from the worker, so that it is looked for in `logs` alone.
fn redact_log(logs: &Dir, name: &str, redactor: &Redactor) -> io::Result<String> {
    let raw = match open(logs, name) {
        // A run that was cancelled before it began has none.
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
    // Long output isn't copied where it is text.
    let text = String::from_utf8(clean.unwrap_or(raw));
    Ok(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// A regular file, through no link at its end and without waiting for the other end of a pipe.
fn open(folder: &Dir, name: impl AsRef<Path>) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let file = folder.open_with(name, OpenOptions::new().read(true).custom_flags(flags))?.into_std();
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

/// The same for reports, in the order of their numbers.
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
