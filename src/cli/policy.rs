//! `kcode policy check`: holds a patch against the patch policy, without running or changing anything.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::{Global, Listing, ListingForm};
use super::output;
use crate::journal::{Digest, Outcome, PolicyFinding, PolicyReport, PolicyVerdict, read_regular};
use crate::policy::{PatchBase, Policy};
use crate::run::Failure;
use crate::settings::{self, Environment, FlagLayer, Redactor};
use crate::text::{counted, table};
use crate::workspace::{BaseTree, CommitTree, Repository};

/// Schema name of the output.
const SCHEMA: &str = "kcode.policy/1";
/// Bytes of a patch that is read at all.
const MAX_BYTES: u64 = 64 << 20;

/// See [`Command::Policy`](super::command_line::Command::Policy).
#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    pub action: PolicyAction,
}

/// What is done with the policy.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyAction {
    /// Say of a patch in git's format whether it may be published: exit code 0 for allow and review, 7 for refuse
    Check(PolicyCheckArguments),
}

/// See [`PolicyAction::Check`].
#[derive(Debug, Args)]
pub(super) struct PolicyCheckArguments {
    /// The patch, such as a run's patch.diff; `-` reads standard input
    pub patch: PathBuf,
    /// Take the repository's `[policy]` from this commit, and judge paths and links against its tree
    #[arg(long, value_name = "REF")]
    pub base: Option<String>,
    #[command(flatten)]
    pub form: ListingForm,
}

/// What `kcode policy check` prints as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PolicyCheck {
    /// Schema name: always `kcode.policy/1` when written by this version.
    schema: String,
    /// SHA-256 of the patch.
    sha256: Digest,
    /// The commit that the patch was checked against; `null` without `--base`.
    base: Option<String>,
    /// The verdict and its reasons.
    #[serde(flatten)]
    report: PolicyReport,
}

pub(super) fn execute(global: &Global, arguments: &PolicyArguments) -> Result<Outcome, Failure> {
    let PolicyAction::Check(arguments) = &arguments.action;
    let patch = read(&arguments.patch)?;
    let environment = Environment::from_process();
    let (repository, tree) = match &arguments.base {
        Some(reference) => {
            let (repository, tree) = at_base(global, reference)?;
            (Some(repository), Some(tree))
        }
        None => (global.repository_if_any()?, None),
    };
    let root = repository.as_ref().map(Repository::guiding_root);
    let settings = settings::load(&FlagLayer::default(), &environment, global.config.as_deref(), root)?;
    let policy = Policy::of(&settings).with_secrets_of(&Redactor::of(&environment));
    let report = policy.check(&patch, tree.as_ref().map(|tree| tree as &dyn PatchBase));
    if report.files == 0 && report.verdict == PolicyVerdict::Allow {
        return Err(Failure::usage(
            format!("{} holds no patch in git's format", arguments.patch.display()),
            "give it what `git diff` or `kcode diff` prints",
        ));
    }
    let outcome = if report.verdict == PolicyVerdict::Refuse { Outcome::Refused } else { Outcome::Verified };
    match arguments.form.listing() {
        Listing::Json => output::json(&PolicyCheck {
            schema: SCHEMA.to_owned(),
            sha256: Digest::of(&patch),
            base: tree.map(|tree| tree.commit().to_owned()),
            report,
        })?,
        Listing::Text => output::page(&page(&report))?,
    }
    Ok(outcome)
}

/// The repository as this commit says how to work on it, and the commit's tree.
fn at_base(global: &Global, reference: &str) -> Result<(Repository, CommitTree), Failure> {
    let repository = global.repository()?;
    let unreadable = |why: String| {
        let hint = "fetch it before: git fetch --depth=1 origin REF, or check out with fetch-depth: 0";
        Failure::new(Outcome::Config, format!("--base {reference} can't be read: {why}"), hint)
    };
    let guide = BaseTree::of(repository.root(), repository.focus(), reference).map_err(unreadable)?;
    let tree = CommitTree::of(repository.root(), guide.commit()).map_err(unreadable)?;
    Ok((repository.guided_by(guide), tree))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        read_regular(path, MAX_BYTES + 1)
    };
    let unreadable =
        |why: String| Failure::usage(format!("{} can't be read: {why}", path.display()), "name a file with a patch");
    let bytes = bytes.map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

/// The report for people: a line a finding, then the verdict.
fn page(report: &PolicyReport) -> String {
    let row = |finding: &PolicyFinding| {
        let line = finding.line.map_or(String::new(), |line| format!(":{line}"));
        let place = finding.path.as_deref().map_or_else(|| format!("(patch){line}"), |path| format!("{path}{line}"));
        vec![finding.verdict.to_string(), finding.class.to_string(), place, finding.why.clone()]
    };
    let rows: Vec<Vec<String>> = report.findings.iter().map(row).collect();
    let findings =
        if rows.is_empty() { String::new() } else { table(&["verdict", "class", "place", "why"], rows) + "\n" };
    let more = match report.findings_left_out {
        0 => String::new(),
        more => format!("and {more} more\n"),
    };
    format!("{findings}{more}{}: {}, {} bytes\n", report.verdict, counted(report.files as usize, "file"), report.bytes)
}
