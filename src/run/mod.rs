//! One run, from its spec to its end: puts the rooms below together. Nothing here prints or knows of flags; a [`Front`] is told and
//! asked, and the command line is one.
//!
//! | Step | Where |
//! |---|---|
//! | what is to be done | [`RunSpec`], with [`RunOptions`] and settings; [`ResumedRun`] takes up a run that stopped, [`FollowUp`] gives one that is over a further task (`inherited` is its conversation, `pending_changes` its changes), [`ReplayContext`] plays one again |
//! | opened | `open_run`: its folder, its journal, who watches; `terms`: limits, price, client |
//! | prepared | `start`: worker and view (`enclosure`, `view_slot`), the first messages (`opening`), what tests may see beside the tree ([`beside`]), whether tests can run at all (`setup`), how they went before (`start_state`, `baseline_runs`), beside each other |
//! | held | the planner's loop works at `environment`: tools, the patch, tests on it (`command_runs`, `on_patch`, `copy_instead`, `test_runs`), and whether it weakens them (`guard`); `model_backend` answers, and `redacted_errors` keeps a provider's words without secrets |
//! | proven | `reproduction`: a test that shows what the patch mends; `minimize`, `minimized_patch`: what no test needs of it; `trial_runs` are the runs of both, `certificate` what is noted for whoever verifies later |
//! | finished | `finish`: outcome, patch and report (`outgrown`: what to do about a full window); `applying`: the tree; `kept`: what is read of a run later; `sweep`: what killed runs left |

mod applying;
mod baseline_runs;
pub mod beside;
mod certificate;
mod chosen_tests;
mod command_runs;
mod copy_instead;
mod enclosure;
mod environment;
mod environment_errors;
mod failure;
mod finish;
mod follow;
mod front;
mod guard;
mod inherited;
mod interrupt;
mod kept;
mod kept_flags;
mod minimize;
mod minimized_patch;
mod model_backend;
mod on_patch;
mod open_run;
mod opening;
mod options;
pub mod out_file;
mod outgrown;
mod pending_changes;
mod readable;
mod redacted_errors;
mod replay_context;
mod reproduction;
mod resumed_run;
mod run_spec;
mod setup;
mod signals;
mod start;
mod start_state;
mod sweep;
mod terms;
mod test_runs;
mod trial_runs;
mod unanswered;
mod view_slot;

use crate::journal::{Outcome, RunFolder};

pub use applying::{apply, apply_changes, carry_out, changes, note, renew_report, reopen};
pub use chosen_tests::ChosenTests;
pub use enclosure::{RENAMES, show_dependencies, worker_plan};
pub use failure::Failure;
pub use finish::{Handed, end_of};
pub use follow::FollowUp;
pub use front::{Front, Next};
pub use inherited::Inherited;
pub use interrupt::Interrupts;
pub use kept::{load, unreadable, write_report};
pub use kept_flags::resumed;
pub use options::RunOptions;
pub use out_file::replace;
pub use readable::{ShownFolders, noted};
pub use replay_context::ReplayContext;
pub use resumed_run::ResumedRun;
pub use run_spec::RunSpec;
pub use signals::{News, Signals};
pub use start::Run;
pub use sweep::{REPLAYS, clear, clear_replays};
pub use test_runs::finish as read_results;

/// Runs an order to its end on a runtime of its own. What is wanted after that is wanted of the run in the folder: it is over, and its
/// journal free.
///
/// # Errors
/// What kept it from beginning, or from being handed over.
pub fn run(order: RunSpec<'_>) -> Result<(Outcome, Next, Option<RunFolder>), Failure> {
    // Told before the run, not after it was paid for.
    order.options.patch.as_deref().map_or(Ok(()), |path| out_file::check(path, "--patch"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let (front, is_kept, mut kept) = (order.front, order.kept, None);
    let ended = runtime.block_on(async {
        let Interrupts { asked, mut insisted } = Interrupts::listen()?;
        let mut run = Run::open(order)?;
        let folder = run.open.folder.clone();
        kept = Some(folder.clone());
        let in_order = async {
            let ended = Box::pin(run.converse(asked)).await;
            match run.order.again {
                Some(_) => Box::pin(replay_context::put_away(run, ended)).await.map(|outcome| (outcome, Next::Nothing)),
                None => Box::pin(finish::finish(run, ended)).await,
            }
        };
        tokio::select! {
            ended = in_order => ended,
            // The worker and all it started end with the connection to this process.
            _ = insisted.wait_for(|insisted| *insisted) => {
                let outcome = finish::cut_short(&folder)?;
                if is_kept {
                    front.cut_short(&folder);
                }
                Ok((outcome, Next::Nothing))
            }
        }
    });
    // A copy that is still being made was told to stop; nothing waits for it.
    runtime.shutdown_background();
    ended.map(|(outcome, next)| (outcome, next, kept))
}
