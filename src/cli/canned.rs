//! A recorded conversation that takes the provider's place, in `kcode demo` and `kcode ci --replay`.

use std::time::Duration;

use anyhow::Context as _;

use crate::model::replay::{CannedConversation, Replay};
use crate::run::Failure;

/// Serves the recording from a thread until the process ends; returns the base URL.
///
/// # Errors
/// When no loopback port can be had.
pub(super) fn serve(recording: CannedConversation, pace: Duration) -> Result<String, Failure> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime can be started")?;
    let server = runtime.block_on(Replay::start(recording, pace)).context("no loopback port can be had")?;
    let base_url = server.base_url();
    std::thread::spawn(move || {
        runtime.block_on(std::future::pending::<()>());
        drop(server);
    });
    Ok(base_url)
}
