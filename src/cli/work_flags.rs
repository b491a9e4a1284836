//! Flags of all commands that solve a task: how it is done, and within which limits.

use std::time::Duration;

use clap::Args;

use super::arguments::{Global, parse_sandbox};
use super::readable::ShownArguments;
use crate::journal::{Tokens, Usd};
use crate::run::RunOptions;
use crate::settings::{FlagLayer, Sandbox, parse_duration, parse_tokens, parse_usd};

/// How a task is solved.
#[derive(Clone, Debug, Args)]
pub(super) struct WorkFlags {
    /// Run the tests with this shell command
    #[arg(long, value_name = "CMD", conflicts_with = "no_verify")]
    pub test: Option<String>,
    /// Run no tests and no checks; the outcome is then `unverified`
    #[arg(long)]
    pub no_verify: bool,
    /// Don't run tests and checks on the state that the run starts from
    #[arg(long)]
    pub no_baseline: bool,
    /// Ask for a test that fails without the fix, and check that it does
    #[arg(long, conflicts_with_all = ["no_verify", "no_baseline"])]
    pub reproduce: bool,
    /// Drop what no test needs of a verified patch, within half of the time that is left
    #[arg(long, conflicts_with_all = ["no_verify", "no_baseline"])]
    pub minimize: bool,
    /// Accept a patch that makes tests prove less
    #[arg(long)]
    pub allow_test_edits: bool,
    /// Refuse a patch that breaks the patch policy, such as one that touches CI files, hooks or install scripts
    #[arg(long)]
    pub policy: bool,
    /// Go on although the tests can't run here: their command can't start, or what it needs isn't installed
    #[arg(long)]
    pub allow_failing_setup: bool,
    /// Take what commands write of these files into the patch, such as "**/__snapshots__/**"; can be repeated
    #[arg(long, value_name = "GLOB")]
    pub include_generated: Vec<String>,
    /// Folders that `--readable` names
    #[command(flatten)]
    pub shown: ShownArguments,
    /// Limits
    #[command(flatten)]
    pub limits: LimitArguments,
    /// Base URL of the provider's API
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// How complete the sandbox has to be
    #[arg(long, value_parser = parse_sandbox, value_name = "strict|auto|off")]
    pub sandbox: Option<Sandbox>,
}

/// The hard limits of a run.
#[expect(clippy::struct_field_names, reason = "the fields are named as the flags are")]
#[derive(Clone, Debug, Args)]
pub(super) struct LimitArguments {
    /// Replies of the model [default: 60]
    #[arg(long, value_name = "N", value_parser = parse_turns, allow_hyphen_values = true)]
    pub max_turns: Option<u32>,
    /// Input and output tokens of all requests, such as 200k [default: no limit]
    #[arg(long, value_name = "N", value_parser = parse_tokens, allow_hyphen_values = true)]
    pub max_tokens: Option<Tokens>,
    /// Dollars at list price [default: 1]
    #[arg(long, value_name = "USD", value_parser = parse_usd, allow_hyphen_values = true)]
    pub max_cost: Option<Usd>,
    /// Time while the run runs, such as 90s or 1h30m; counts on when it is resumed [default: 20m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, allow_hyphen_values = true)]
    pub max_time: Option<Duration>,
}

fn parse_turns(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a count of replies; write 20 or 60"))
}

impl WorkFlags {
    /// Options of the run that aren't settings.
    pub(super) fn options(&self, global: &Global) -> RunOptions {
        RunOptions {
            test: self.test.clone(),
            no_verify: self.no_verify,
            no_baseline: self.no_baseline,
            reproduce: self.reproduce,
            minimize: self.minimize,
            allow_test_edits: self.allow_test_edits,
            allow_failing_setup: self.allow_failing_setup,
            include_generated: self.include_generated.clone(),
            shown: self.shown.shown(),
            loudness: global.loudness(),
            ..RunOptions::default()
        }
    }

    /// The part of these flags, and of the `options` that an earlier run may have set, that belongs to the settings.
    pub(super) fn layer(&self, options: &RunOptions) -> FlagLayer {
        FlagLayer {
            base_url: self.base_url.clone(),
            max_turns: self.limits.max_turns,
            max_tokens: self.limits.max_tokens,
            max_cost: self.limits.max_cost,
            max_time: self.limits.max_time,
            test: options.test.clone(),
            include_generated: options.include_generated.clone(),
            readable: options.shown.0.clone(),
            no_verify: options.no_verify,
            no_baseline: options.no_baseline,
            sandbox: self.sandbox,
            policy: self.policy,
            ..FlagLayer::default()
        }
    }
}
