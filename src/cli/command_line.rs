//! The command line: every command, and the flags of all.

use clap::{Parser, Subcommand};

use super::apply::ApplyArguments;
use super::arguments::{FitRunArgument, Global};
use super::audit::AuditArguments;
use super::ci::CiArguments;
use super::config::ConfigArguments;
use super::doctor::DoctorArguments;
use super::export::ExportArguments;
use super::fix::{FixArguments, ResumeArguments};
use super::gc::GcArguments;
use super::list::ListArguments;
use super::policy::PolicyArguments;
use super::publish::PublishArguments;
use super::replay::ReplayArguments;
use super::review::ReviewArguments;
use super::show::ShowArguments;
use super::stats::StatsArguments;
use super::verify::VerifyArguments;

/// A coding agent that hands back a patch its own test runs stand behind.
///
/// Your working tree stays untouched until you say yes: the agent works on a private view, in a sandbox.
#[derive(Debug, Parser)]
#[command(name = "kcode", version, propagate_version = false, max_term_width = 100)]
pub(super) struct CommandLine {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Solve a task in this repository and hand back a patch
    Fix(Box<FixArguments>),
    /// Solve a task where nobody watches: never asks, never applies, and leaves patch and report in a folder
    ///
    /// The sandbox is `strict` and every limit is finite. Whatever happens, DIR says how the job ended: `result.json` is written
    /// first and replaced at the end, beside `patch.diff`, `report.json`, `report.md`, `events.jsonl` and `trajectory.json`. On
    /// GitHub and GitLab it writes the step summary, outputs or variables, and annotations for failing and weakened tests.
    Ci(Box<CiArguments>),
    /// Propose what a run of `kcode ci` left: a branch, a draft pull request with the evidence, and one comment
    ///
    /// Made for a job of its own with a token that may write, no model key and no code of the repository. It reads the folder as
    /// hostile input, checks the patch again, applies it without a checkout, and pushes `kcode/RUN`. The next run for the same
    /// issue updates the same branch, unless a person added commits. A run that failed, or a patch that the policy refuses or that
    /// doesn't apply any more, becomes a comment without a branch. The token is GITHUB_TOKEN or GITLAB_TOKEN.
    Publish(Box<PublishArguments>),
    /// Take up a run that was interrupted, or stopped by a limit or the provider
    Resume(Box<ResumeArguments>),
    /// Replay a recorded run offline, and report where it differs
    Replay(ReplayArguments),
    /// Write a run to one file, without secrets: to replay it elsewhere, or as a trajectory
    Export(ExportArguments),
    /// Try kcode without a key: a small broken repository and a recorded conversation
    Demo,
    /// Print every setting and where it comes from
    Config(ConfigArguments),
    /// Build the sandbox, try to break out of it, and say how to close its gaps
    Doctor(DoctorArguments),
    /// Print the patch of a run
    Diff(FitRunArgument),
    /// Print the report of a run
    Show(ShowArguments),
    /// Review the patch of a run hunk by hunk, and apply what you accept
    Review(ReviewArguments),
    /// Check a run against kcode's laws, from its journal alone, on one page
    ///
    /// Reasoning received against reasoning sent back, turn by turn, with hashes; what each request sent, hashed anew from the
    /// journal's messages; what was reserved for it and what it was charged; every file that tools named; what the sandbox blocked;
    /// the tests, and what they ran on. Exits with 1 when the journal shows a breach.
    Audit(AuditArguments),
    /// Write the patch of a run to the working tree: all files or none
    Apply(ApplyArguments),
    /// Restore what the working tree had before a run was applied
    Undo(FitRunArgument),
    /// Run the tests of a run once more, on a clean view, and say where its report and reality differ
    Verify(VerifyArguments),
    /// Hold a patch against the patch policy: what it touches, and what it adds
    ///
    /// `kcode policy check PATCH [--base REF] [--output json]` says allow, review or refuse, with a reason for each path and line. It
    /// exits with 7 for refuse, with 0 for allow and review, and with 2 where there is no patch. With --base, the `[policy]` of
    /// .kcode.toml comes from that commit, and paths and links are judged against its tree.
    Policy(PolicyArguments),
    /// List the runs of this repository
    Runs(ListArguments),
    /// Show figures of this repository's runs: outcomes, what became of patches, cost
    ///
    /// Everything is counted from the journals and from git's history each time; nothing is stored. A first success is a run
    /// that was verified without its tests ever sending the model back. A patch is accepted whole when all of it was applied as
    /// it was and not undone; it is handed off when nobody applied it. Human repair is what was rewritten in a review, and what
    /// differs in the patch's hunks between the tree after it was applied and the next commit of its files.
    Stats(StatsArguments),
    /// Remove runs beyond what settings keep, and test results that are out of date
    ///
    /// A run is removed when there are enough newer ones (`keep.runs`), when its last event is too old (`keep.age`), or when newer
    /// ones fill the allowed size (`keep.size`). Whatever the limits, these stay: a run that is at work, the latest run of each
    /// repository, its latest run whose patch nobody applied, a run whose patch stands in the tree as it was applied (it can be
    /// undone), one whose patch is just being applied or undone, and one whose journal can't be read. The same happens by
    /// itself after each run, for at most 50 ms; what is left then goes after a later one.
    Gc(GcArguments),
}

impl Command {
    /// True for commands that need no setting but the state folder.
    pub(super) const fn reads_runs_alone(&self) -> bool {
        matches!(
            self,
            Self::Export(_)
                | Self::Diff(_)
                | Self::Show(_)
                | Self::Audit(_)
                | Self::Apply(_)
                | Self::Undo(_)
                | Self::Runs(_)
                | Self::Stats(_)
        )
    }
}
