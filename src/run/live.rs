//! A run from its spec to its end, whatever happens on the way.

use tokio::sync::watch;

use super::current_run::Run;
use super::failure::Failure;
use super::finish::{cut_short, finish};
use super::interrupt::Interrupts;
use super::model_backend::ModelBackend;
use super::out_file;
use super::run_spec::RunSpec;
use super::user_interface::Next;
use crate::journal::{Outcome, RunFolder};
use crate::settings::{Environment, Redactor};

pub(crate) struct Ended {
    pub outcome: Outcome,
    /// The run, if a person wants to look at its patch hunk by hunk: it is over, and its journal free.
    pub review: Option<RunFolder>,
}

/// Does what `spec` says, to the end.
///
/// # Errors
/// What kept it from beginning, or from being handed over.
pub(crate) fn run(spec: RunSpec<'_>) -> Result<Ended, Failure> {
    // Told before the run, not after it was paid for.
    spec.options.patch.as_deref().map_or(Ok(()), |path| out_file::check(path, "--patch"))?;
    on_a_runtime(async {
        let interrupts = Interrupts::listen()?;
        let redactor = Redactor::of(&Environment::from_process());
        let model = ModelBackend::live(&spec.settings, &redactor)?;
        let run = Run::open(spec, model, redactor)?;
        let in_order = async |mut run: Run<'_>, cancelled| {
            let folder = run.open.folder.clone();
            let ended = Box::pin(run.converse(cancelled)).await;
            let (outcome, next) = Box::pin(finish(run, ended)).await?;
            Ok(Ended { outcome, review: (next == Next::Review).then_some(folder) })
        };
        Box::pin(unless_insisted(run, interrupts, in_order)).await
    })
}

/// Waits for `work`. What it left in the background was told to stop; nothing waits for it.
pub(crate) fn on_a_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}

/// Sees `run` to its end in order, unless somebody wants it ended at once.
pub(super) async fn unless_insisted<'a>(
    run: Run<'a>,
    interrupts: Interrupts,
    in_order: impl AsyncFnOnce(Run<'a>, watch::Receiver<bool>) -> Result<Ended, Failure>,
) -> Result<Ended, Failure> {
    let Interrupts { asked, mut insisted } = interrupts;
    let (folder, front, is_kept) = (run.open.folder.clone(), run.spec.front, run.spec.kept);
    tokio::select! {
        ended = in_order(run, asked) => ended,
        // The worker and all it started end with the connection to this process.
        _ = insisted.wait_for(|insisted| *insisted) => {
            let outcome = cut_short(&folder)?;
            if is_kept {
                front.cut_short(&folder);
            }
            Ok(Ended { outcome, review: None })
        }
    }
}
