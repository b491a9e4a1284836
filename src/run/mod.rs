//! One run, from its spec to its end: puts the rooms below together. Nothing here prints or knows of flags; a [`Front`] is told and
//! asked, and the command line is one.
//!
//! | Step | Where |
//! |---|---|
//! | what is to be done | [`RunSpec`], with [`RunOptions`], settings and `start_conditions`; [`ResumedRun`] takes up a run that stopped, [`FollowUp`] gives one that is over a further task (`inherited` is its conversation, `pending_changes` its changes) |
//! | from its beginning to its end | [`run`], in `live`; [`replay()`] is the same with a model, a journal and an environment that go by a recording |
//! | opened | `current_run`, `open_run`: its folder, its journal, who watches; `run_limits`: limits, price, client |
//! | prepared | `prepare`: worker and view (`sandbox_start`, `new_view`, `view_slot`), the first messages (`opening`), what tests may see beside the tree ([`consents`], `visible_paths`), how they went before (`start_state`, `baseline_runs`), beside each other |
//! | held | `conversation`: once tests can run at all (`setup`), the planner's loop works at `environment`: its `tool_calls`, its `verifier` (`command_runs`, `on_patch`, `copy_instead`, `failure_causes`), and whether the patch weakens tests (`guard`); `model_backend` answers, and `redacted_errors` keeps a provider's words without secrets |
//! | proven | `patch_verification`, `reproduction`: a test that shows what the patch mends; `minimize`, `minimized_patch`: what no test needs of it; `trial_runs` are the runs of both, `certificate` what is noted for whoever verifies later |
//! | finished | `finish`: outcome, patch and report (`context_window`: what to do about a full window); `applying`: the tree; `stored_run`: what is read of a run later; `clean_up`: what killed runs left |
//! | run again | [`rerun`]: the tests of a run that is over |

mod applying;
mod baseline_runs;
mod certificate;
mod chosen_tests;
mod clean_up;
mod command_runs;
pub(crate) mod consents;
mod context_window;
mod conversation;
mod copy_instead;
mod current_run;
mod environment;
mod environment_errors;
mod failure;
mod failure_causes;
mod finish;
mod follow;
mod guard;
mod inherited;
mod interrupt;
mod kept_flags;
mod live;
mod minimize;
mod minimized_patch;
mod model_backend;
mod new_view;
mod on_patch;
mod open_run;
mod opening;
mod options;
pub(crate) mod out_file;
mod patch_verification;
mod pending_changes;
mod prepare;
mod readable;
mod redacted_errors;
mod replay;
mod reproduction;
pub(crate) mod rerun;
mod resumed_run;
mod run_limits;
mod run_spec;
mod sandbox_start;
mod setup;
mod signals;
mod start_conditions;
mod start_state;
mod stored_run;
mod tool_calls;
mod trial_runs;
mod unanswered;
mod user_interface;
mod verifier;
mod view_slot;
mod visible_paths;

pub(crate) use applying::{apply_changes, carry_out, changes, note, renew_report, reopen};
pub(crate) use chosen_tests::ChosenTests;
pub(crate) use clean_up::{REPLAYS, clear, clear_replays};
pub(crate) use failure::Failure;
pub(crate) use follow::FollowUp;
pub(crate) use inherited::Inherited;
pub(crate) use interrupt::Interrupts;
pub(crate) use kept_flags::resumed;
pub(crate) use live::{Ended, on_a_runtime, run};
pub(crate) use options::RunOptions;
pub(crate) use out_file::replace;
pub(crate) use readable::{ShownFolders, noted};
pub(crate) use replay::{ReplayContext, replay};
pub(crate) use resumed_run::ResumedRun;
pub(crate) use run_spec::RunSpec;
pub(crate) use signals::{News, Signals};
pub(crate) use stored_run::{load, unreadable};
pub(crate) use user_interface::{Front, Handed, LineReader, Next};
